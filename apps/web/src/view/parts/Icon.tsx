import { untrack } from "solid-js";
import { createElement, type IconNode } from "lucide";

export type { IconNode };

/** A Lucide icon, built node by node: no markup is parsed. Decoration only; the control around it carries the name. */
export const Icon = (props: { of: IconNode; class?: string }) =>
  // Not tracked: an icon is a constant, and who changes it uses a keyed <Show>.
  untrack(() => createElement(props.of, { "aria-hidden": "true", ...(props.class ? { class: props.class } : {}) }));

/** The keyhole. */
export const Logo = () => (
  <svg viewBox="0 0 28 28" fill="none" stroke="currentColor" aria-hidden="true">
    <circle cx="14" cy="14" r="11.5" stroke-width="2.4" />
    <circle cx="14" cy="11.4" r="2.9" fill="currentColor" stroke="none" />
    <path d="M14 13v7" stroke-width="3.2" stroke-linecap="round" />
  </svg>
);
