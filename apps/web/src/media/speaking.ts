/** Above this level for {@link onAfter} samples: speaks. */
const loud = 0.1;
const onAfter = 2;
/** Below this level for {@link offAfter} milliseconds: has stopped. A pause between words is shorter. */
const quiet = 0.05;
const offAfter = 700;

/** Who speaks is shown, so it must not flicker: it takes a while to begin, and longer to end. */
export class Speaking {
  private on = false;
  private loudSamples = 0;
  private lastHeard = 0;

  /** `level` from 0 to 1, `now` in milliseconds; returns whether it is speech. */
  sample(level: number, now: number): boolean {
    this.loudSamples = level >= loud ? this.loudSamples + 1 : 0;
    if (level >= quiet) this.lastHeard = now;
    if (this.loudSamples >= onAfter) this.on = true;
    else if (now - this.lastHeard >= offAfter) this.on = false;
    return this.on;
  }
}
