// Solid's runtime, with one change: compiled templates pass through the page's Trusted Types policy.
// vite.config.ts makes the compiler import from here (`conclave:dom`).
import { template as fromMarkup } from "solid-js/web";
import { ownMarkup } from "../trusted-types.ts";

export * from "solid-js/web";

export const template: typeof fromMarkup = (markup, ...rest) => fromMarkup(ownMarkup(markup), ...rest);
