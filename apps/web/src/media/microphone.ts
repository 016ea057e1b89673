// The own microphone, as it is sent: one track that flows at one pace whether or not a device is open, so that nobody can tell when one is.
import { LocalAudioTrack, Track, TrackEvent } from "livekit-client";
import type { Flow } from "./level.ts";

export class Microphone {
  /** What is published. livekit-client holds it for a track of somebody else's: it opens no device for it, and tells nobody when it is off. */
  readonly sent: LocalAudioTrack;
  private device: LocalAudioTrack | undefined;

  constructor(
    private readonly flow: Flow,
    /** The device is gone. */
    private readonly ended: () => void,
  ) {
    this.sent = new LocalAudioTrack(flow.track, undefined, true);
    this.sent.source = Track.Source.Microphone;
    const nothing = () => Promise.resolve(this.sent);
    Object.defineProperties(this.sent, {
      // A graph that may not run yet gives nothing: then the device's own track is better than none.
      mediaStreamTrack: { get: () => (flow.runs() ? undefined : this.device?.mediaStreamTrack) ?? flow.track },
      mute: { value: nothing },
      unmute: { value: nothing },
      // The media server is told what a device can do, and what flows without one can nothing.
      getSourceTrackSettings: { value: () => ({}) },
    });
    flow.onRun(() => void this.send().catch(() => undefined));
  }

  /** Whether this is what is sent, or was or will be. */
  has(track: MediaStreamTrack): boolean {
    return track === this.flow.track || track === this.device?.mediaStreamTrack;
  }

  /** From here on this device is heard, and no other. */
  async use(device: LocalAudioTrack): Promise<void> {
    this.device?.stop();
    this.device = device;
    this.flow.feed(device.mediaStreamTrack);
    // A phone closes devices of a page in the background, and livekit-client opens them again.
    device.on(TrackEvent.Restarted, () => this.device === device && this.flow.feed(device.mediaStreamTrack));
    device.on(TrackEvent.Ended, () => this.device === device && this.ended());
    await this.send();
  }

  /** Until it is switched on again nothing listens. `flows`: silence is sent meanwhile. */
  async close(flows: boolean): Promise<void> {
    this.flow.feed(null);
    this.device?.stop();
    this.device = undefined;
    // A connection that is over takes no track, and the next one takes what is published.
    await (flows ? this.send() : this.sent.sender?.replaceTrack(null))?.catch(() => undefined);
  }

  async id(): Promise<string | undefined> {
    return this.device?.getDeviceId(false);
  }

  private async send(): Promise<void> {
    const { sender, mediaStreamTrack } = this.sent;
    if (sender && sender.transport?.state !== "closed" && sender.track !== mediaStreamTrack) await sender.replaceTrack(mediaStreamTrack);
  }
}
