/** Unix milliseconds that never run backwards, whatever happens to the system's clock meanwhile. */
export const now = (): number => performance.timeOrigin + performance.now();
