// One person in one tab: the tabs of this browser agree, by a lock, which of them is inside a meeting. Only pages of this origin see the
// lock and the channel, and their name is a hash, which opens nothing.
import type { Seat, SeatState } from "./api.ts";
import { Observable } from "./observable.ts";

const move = "move";

export const seatName = async (fragment: string): Promise<string> => {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(fragment)));
  return `conclave ${[...hash.subarray(0, 16)].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
};

export class TabSeat extends Observable<SeatState> implements Seat {
  private name = "";
  private channel: BroadcastChannel | undefined;
  private release: (() => void) | undefined;
  private readonly closed = new AbortController();

  constructor(
    fragment: string,
    private readonly locks: LockManager | undefined = globalThis.navigator.locks,
  ) {
    super("asking");
    void this.start(fragment);
  }

  async take(): Promise<boolean> {
    if (!this.locks || this.get() === "here") return true;
    const taken = await this.hold();
    if (!this.closed.signal.aborted) this.set(taken ? "here" : "elsewhere");
    if (!taken) this.wait();
    return taken;
  }

  moveHere(): void {
    this.channel?.postMessage(move);
  }

  close(): void {
    this.closed.abort();
    this.channel?.close();
    this.release?.();
  }

  private async start(fragment: string): Promise<void> {
    this.name = await seatName(fragment);
    if (this.closed.signal.aborted) return;
    if (!this.locks) return this.set("free");
    this.channel = new BroadcastChannel(this.name);
    this.channel.onmessage = ({ data }) => {
      if (data !== move || this.get() !== "here") return;
      this.set("moved");
      this.release?.();
    };
    const held = await this.locks.request(this.name, { ifAvailable: true }, (lock) => lock === null);
    if (this.closed.signal.aborted) return;
    this.set(held ? "elsewhere" : "free");
    if (held) this.wait();
  }

  /** Holds the lock until it is released; false when another tab has it. */
  private hold(): Promise<boolean> {
    return new Promise((answer) => {
      void this.locks?.request(this.name, { ifAvailable: true }, (lock) => {
        answer(lock !== null);
        if (lock === null || this.closed.signal.aborted) return;
        return new Promise<void>((release) => (this.release = release));
      });
    });
  }

  /** The other tab may let go, or be closed. */
  private wait(): void {
    const { signal } = this.closed;
    this.locks?.request(this.name, { signal }, () => this.set("free")).catch(() => undefined);
  }
}
