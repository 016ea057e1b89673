import { constants } from "../../constants.ts";

export type Strength = "short" | "same" | "enough" | "strong";

/** By its length alone: what is easily guessed by meaning is not known here, and said so. */
export const strengthOf = (passphrase: string): Strength => {
  const characters = Array.from(passphrase.trim());
  if (characters.length < constants.passphraseChars) return "short";
  if (new Set(characters).size < constants.passphraseDifferent) return "same";
  return characters.length < constants.strongPassphraseChars ? "enough" : "strong";
};
