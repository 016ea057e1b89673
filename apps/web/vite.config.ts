import { fileURLToPath } from "node:url";
import solid from "vite-plugin-solid";
import { defineConfig } from "vitest/config";

/** Solid's compiled templates go through view/dom.ts, which hands them to the page's Trusted Types policy. */
export const solidPlugin = () => solid({ solid: { moduleName: "conclave:dom" } });

export const alias = {
  "conclave:dom": fileURLToPath(new URL("src/view/dom.ts", import.meta.url)),
};

export default defineConfig({
  base: "/",
  plugins: [solidPlugin()],
  resolve: { alias },
  build: {
    target: "es2023",
    // Nothing inline: the policy of the page allows files of its own origin only.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    sourcemap: false,
    // One script is what the page needs; livekit-client is most of it.
    chunkSizeWarningLimit: 800,
    reportCompressedSize: false,
  },
  worker: { format: "es" },
  test: { include: ["src/**/*.test.ts"], environment: "node" },
});
