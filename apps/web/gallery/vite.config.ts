import { defineConfig } from "vite";
import { alias, solidPlugin } from "../vite.config.ts";

/** The gallery is a page of its own, so that nothing of it can get into the bundle that people load. */
export default defineConfig({
  root: import.meta.dirname,
  base: "./",
  publicDir: "../public",
  plugins: [solidPlugin()],
  resolve: { alias },
  build: { target: "es2023", assetsInlineLimit: 0, modulePreload: { polyfill: false }, reportCompressedSize: false, emptyOutDir: true },
});
