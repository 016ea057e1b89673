import { render } from "solid-js/web";
import { start } from "./app.ts";
import { MonitorX } from "lucide";
import { findLoader, isOfLoader, LoaderRefused } from "./loader.ts";
import { App } from "./view/App.tsx";
import { FullPage } from "./view/parts/FullPage.tsx";
import { sayDesktop, strings } from "./view/strings.ts";

/** The page itself, in `place`. */
export const show = async (place: HTMLElement): Promise<void> => {
  try {
    const loader = isOfLoader() ? await findLoader() : undefined;
    if (loader) sayDesktop();
    const conclave = start(loader);
    render(() => <App conclave={conclave} />, place);
  } catch (fault) {
    if (!(fault instanceof LoaderRefused)) throw fault;
    render(() => <FullPage icon={MonitorX} tone="warned" title={strings.desktop.refused} text={strings.desktop.refusedText} />, place);
  }
};
