import { expect, test, vi } from "vitest";
import type { OwnTrack } from "./capture.ts";
import { LiveKitRoom } from "./livekit-room.ts";

const published = vi.hoisted(() => {
  vi.stubGlobal("RTCPeerConnection", EventTarget);
  return { done: [] as (() => void)[], gone: [] as unknown[] };
});

/** A media server that takes its time to take a track. */
vi.mock("livekit-client", async (original) => ({
  ...(await original<object>()),
  Room: class {
    remoteParticipants = new Map();
    localParticipant = {
      getTrackPublication: () => undefined,
      publishTrack: () => new Promise<void>((done) => published.done.push(done)),
      unpublishTrack: async (track: unknown) => void published.gone.push(track),
    };
    on() {
      return this;
    }
    connect = async () => undefined;
  },
}));

test("a share that was stopped while it was being published is taken back, and is no reason to stop everything", async () => {
  const screen = { source: "screen_share_audio", sender: undefined } as unknown as OwnTrack;
  const own = [screen];
  const unsealed = vi.fn();
  const room = new LiveKitRoom({ changed: () => undefined, peers: () => undefined, unsealed, tokenWanted: () => undefined, own: () => own });
  const connected = room.connect({ identity: "me", jwt: "token", url: "https://meet.test" });
  await vi.waitFor(() => expect(published.done.length).toBe(1));
  own.pop();
  published.done[0]?.();
  await connected;
  expect(unsealed).not.toHaveBeenCalled();
  expect(published.gone).toEqual([screen]);
});
