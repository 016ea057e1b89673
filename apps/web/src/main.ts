// The first script: small, so that what is done to the painted page before the page's own script is there is not lost.
import "./style/index.css";
import { keepEarly, sayNotLoaded, unpaint } from "./view/early.ts";
import { preload } from "./worker/preload.ts";

const place = document.getElementById("app");
if (place) {
  keepEarly();
  preload();
  // Once anything else is drawn, in the same moment.
  new MutationObserver(unpaint).observe(place, { childList: true });
  import("./page.tsx").then(({ show }) => show(place), sayNotLoaded);
}
