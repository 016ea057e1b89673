// Where pictures of pages are kept.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("../../../out/screens/", import.meta.url));
mkdirSync(folder, { recursive: true });

/** Where the picture of this name goes. */
export const shotAt = (name) => join(folder, `${name}.png`);
