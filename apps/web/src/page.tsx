import { render } from "solid-js/web";
import { start } from "./app.ts";
import { App } from "./view/App.tsx";

/** The page itself, in `place`. */
export const show = (place: HTMLElement): void => {
  const conclave = start();
  render(() => <App conclave={conclave} />, place);
};
