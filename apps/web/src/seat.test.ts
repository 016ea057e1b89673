import { afterEach, describe, expect, it, vi } from "vitest";
import { seatName, TabSeat } from "./seat.ts";

type Granted = (lock: Lock | null) => unknown;

/** Web Locks as far as they are needed here: one holder, others wait. */
const lockManager = () => {
  let held = false;
  const waiting: (() => void)[] = [];
  const run = async (granted: Granted) => {
    held = true;
    const result = await granted({} as Lock);
    held = false;
    waiting.shift()?.();
    return result;
  };
  const request = (_: string, { ifAvailable, signal }: LockOptions, granted: Granted): Promise<unknown> => {
    if (!held) return run(granted);
    if (ifAvailable) return Promise.resolve(granted(null));
    return new Promise((done, failed) => {
      waiting.push(() => (signal?.aborted ? failed(new Error("aborted")) : done(run(granted))));
    });
  };
  return { request } as unknown as LockManager;
};

describe("TabSeat", () => {
  const seats: TabSeat[] = [];
  const open = (locks: LockManager | undefined) => {
    const seat = new TabSeat("secret", locks);
    seats.push(seat);
    return seat;
  };
  const becomes = (seat: TabSeat, state: string) => vi.waitFor(() => expect(seat.get()).toBe(state));
  afterEach(() => seats.splice(0).forEach((seat) => seat.close()));

  it("is told that another tab is inside, and gets the place once that one is asked", async () => {
    const locks = lockManager();
    const first = open(locks);
    await becomes(first, "free");
    expect(await first.take()).toBe(true);
    const second = open(locks);
    await becomes(second, "elsewhere");
    second.moveHere();
    await becomes(first, "moved");
    await becomes(second, "free");
    expect(await second.take()).toBe(true);
  });
  it("refuses the second of two that stood at the door together, until the first leaves", async () => {
    const locks = lockManager();
    const [first, second] = [open(locks), open(locks)];
    await becomes(first, "free");
    await becomes(second, "free");
    expect(await first.take()).toBe(true);
    expect(await second.take()).toBe(false);
    expect(second.get()).toBe("elsewhere");
    first.close();
    await becomes(second, "free");
  });
  it("is free where the browser has no locks", async () => {
    const seat = new TabSeat("secret", null as unknown as undefined);
    await becomes(seat, "free");
    expect(await seat.take()).toBe(true);
  });
  it("has a name that is not the link", async () => expect(await seatName("secret")).toMatch(/^conclave [0-9a-f]{32}$/u));
});
