import { createHash } from "node:crypto";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
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

/**
 * Names the page's files: bundle.txt has the SHA-256 of each, and the HTML that of bundle.txt, so that a page can say what it is. The HTML itself is
 * named as it is without that line.
 */
const named = (): Plugin => ({
  name: "named",
  apply: "build",
  writeBundle: ({ dir = "" }) => {
    const sum = (bytes: Uint8Array | string): string => createHash("sha256").update(bytes).digest("hex");
    const files = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    const names = files.map((entry) => relative(dir, join(entry.parentPath, entry.name))).sort();
    const list = names.map((name) => `${sum(readFileSync(join(dir, name)))}  ${name}\n`).join("");
    writeFileSync(join(dir, "bundle.txt"), list);
    for (const name of names.filter((one) => one.endsWith(".html"))) {
      const html = readFileSync(join(dir, name), "utf8");
      writeFileSync(join(dir, name), html.replace("</head>", `  <meta name="bundle" content="${sum(list)}" />\n  </head>`));
    }
  },
});

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
  plugins: [solidPlugin(), painted(), named(), compressed()],
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
