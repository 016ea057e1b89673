import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants } from "node:zlib";
import type { Plugin } from "vite";
import solid from "vite-plugin-solid";
import { defineConfig } from "vitest/config";
import { painted } from "./painted.ts";

/** Solid's compiled templates go through view/dom.ts, which hands them to the page's Trusted Types policy. */
export const solidPlugin = () => solid({ solid: { moduleName: "conclave:dom" } });

export const alias = {
  "conclave:dom": fileURLToPath(new URL("src/view/dom.ts", import.meta.url)),
};

/** Beside each asset that gets smaller by it, its brotli form, made once with all effort: a server would have to hurry at each request. */
const compressed = (): Plugin => ({
  name: "compressed",
  apply: "build",
  writeBundle: ({ dir = "" }, bundle) => {
    for (const name of Object.keys(bundle)) {
      const bytes = readFileSync(join(dir, name));
      const small = brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 24 } });
      if (small.length < bytes.length * 0.9) writeFileSync(join(dir, `${name}.br`), small);
    }
  },
});

export default defineConfig({
  base: "/",
  plugins: [solidPlugin(), painted(), compressed()],
  resolve: { alias },
  build: {
    target: "es2023",
    // Nothing inline: the policy of the page allows files of its own origin only.
    assetsInlineLimit: 0,
    // painted() names what is to be loaded early.
    modulePreload: false,
    sourcemap: false,
    // One script is what the page needs; livekit-client is most of it.
    chunkSizeWarningLimit: 800,
    reportCompressedSize: false,
  },
  worker: { format: "es" },
  test: { include: ["src/**/*.test.ts"], environment: "node" },
});
