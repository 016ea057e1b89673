type Kept = "name" | "single-keys" | "arrival-sound" | "own-corner" | "known";

/** A preference of this device. Browsers may refuse storage; then it is simply not remembered. */
export const recall = (key: Kept): string | null => {
  try {
    return localStorage.getItem(`conclave.${key}`);
  } catch {
    return null;
  }
};

/** See {@link recall}. */
export const remember = (key: Kept, value: string): void => {
  try {
    localStorage.setItem(`conclave.${key}`, value);
  } catch {
    // Not remembered, as the browser wishes.
  }
};
