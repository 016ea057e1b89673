/** Unix milliseconds that never run backwards, whatever happens to the system's clock meanwhile. */
export const now = (): number => performance.timeOrigin + performance.now();

/** Calls `act` once the moment of the last {@link WakeUp.at} has come. */
export class WakeUp {
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly act: () => void) {}

  /** Unix milliseconds; `undefined` is never. */
  at(moment: number | undefined): void {
    clearTimeout(this.timer);
    // A timer takes no more than 31 bits; what is woken too soon says anew when it is to be.
    if (moment !== undefined) this.timer = setTimeout(this.act, Math.min(Math.max(0, moment - now()), 2 ** 31 - 1));
  }
}
