import "./style/index.css";
import { render } from "solid-js/web";
import { start } from "./app.ts";
import { App } from "./view/App.tsx";

const place = document.getElementById("app");
if (place) {
  const conclave = start();
  render(() => <App conclave={conclave} />, place);
}
