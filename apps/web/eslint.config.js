import solid from "eslint-plugin-solid/configs/typescript";
import tseslint from "typescript-eslint";

const livekit = { name: "livekit-client", message: "Only src/media speaks to the media server." };
const wasm = {
  group: ["**/worker/wasm/*"],
  allowTypeImports: true,
  message: "Only src/worker runs the WebAssembly module; types are fine.",
};
const working = {
  group: ["**/media/*", "**/worker/*", "**/app.*"],
  message: "The view is a function of what contract.ts describes.",
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
  { files: ["src/worker/**"], rules: restrict([livekit], []) },
  { files: ["src/media/**"], rules: restrict([], [wasm]) },
  { files: ["src/view/**"], ...solid, rules: {
      ...solid.rules,
      // It takes every callback property for one that reads at once; ours are event handlers.
      "solid/reactivity": "off",
      ...restrict([livekit], [wasm, working]),
    },
  },
  { files: ["gallery/*.mjs"], rules: { "no-console": "off" } },
);
