/** Up to how many people a host can choose. */
const steps: readonly number[] = [2, 5, 10, 20, 50, 100, 200, 500, 1000];

/** What a host can choose from, up to `most`; what holds now is among them, whoever ordered it. */
export const numbers = (most: number, ...others: readonly number[]): number[] =>
  [...new Set([...steps.filter((step) => step <= most), ...others])].sort((one, another) => one - another);
