import solid from "eslint-plugin-solid/configs/typescript";
import tseslint from "typescript-eslint";

const livekit = { name: "livekit-client", message: "Only src/media speaks to the media server." };
const solidJs = [
  { name: "solid-js", message: "Only src/view draws." },
  { name: "solid-js/web", message: "Only src/view draws." },
  { name: "solid-js/store", message: "Only src/view draws." },
];
const wasm = {
  group: ["**/worker/wasm/*"],
  allowTypeImports: true,
  message: "Only src/worker runs the WebAssembly module; types are fine.",
};
const worker = {
  group: ["**/worker/*"],
  allowTypeImports: true,
  message: "src/app.ts gives the media a SessionWorker; its types are fine.",
};
const media = { group: ["**/media/*"], message: "The worker knows no devices and no connection; src/app.ts brings both together." };
const view = { group: ["**/view/**", "**/style/*"], message: "Only src/main.ts, src/page.tsx and the gallery draw the view." };
const app = { group: ["**/app.*"], caseSensitive: true, message: "src/app.ts puts the parts together, so no part imports it." };
const behindApi = {
  group: ["**/media/*", "**/worker/**", "**/app.*"],
  caseSensitive: true,
  message: "The view is a function of what src/api.ts describes; types of the worker come through it too.",
};

const restrict = (paths, patterns) => ({
  "@typescript-eslint/no-restricted-imports": ["error", { paths, patterns }],
});

export default tseslint.config(
  { ignores: ["dist", "src/worker/wasm", "node_modules"] },
  ...tseslint.configs.strict,
  {
    rules: {
      "@typescript-eslint/consistent-type-imports": "error",
      "no-console": "error",
      eqeqeq: ["error", "always", { null: "ignore" }],
      ...restrict([livekit], [wasm]),
    },
  },
  { files: ["src/worker/**"], rules: restrict([livekit, ...solidJs], [media, view, app]) },
  { files: ["src/media/**"], rules: restrict([...solidJs], [wasm, worker, view, app]) },
  { files: ["src/view/**"], ...solid, rules: {
      ...solid.rules,
      // It takes every callback property for one that reads at once; ours are event handlers.
      "solid/reactivity": "off",
      ...restrict([livekit], [behindApi]),
    },
  },
  { files: ["gallery/**"], rules: restrict([livekit], [behindApi]) },
  { files: ["gallery/*.mjs"], rules: { "no-console": "off" } },
);
