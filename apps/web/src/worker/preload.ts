import cryptor from "./cryptor.ts?worker&url";
import module from "./wasm/conclave_bg.wasm?url";
import session from "./worker.ts?worker&url";

/** Has the browser fetch what the workers will ask for, which is most of what a meeting needs, while the page's own script is still on its way. */
export const preload = (): void => {
  // A file that does not come is asked for again by the worker, which tells it then.
  for (const url of [session, module, cryptor]) void fetch(url).then((answer) => answer.blob()).catch(() => undefined);
};
