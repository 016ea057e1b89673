import "../src/style/index.css";
import { render } from "solid-js/web";
import { App } from "../src/view/App.tsx";
import { fake } from "./fake.ts";
import { states } from "./states.ts";

const asked = new URLSearchParams(location.search);
const name = asked.get("state") ?? "";
document.documentElement.dir = asked.get("dir") ?? "ltr";
const make = states[name];
const place = document.getElementById("app");
if (place && make) {
  localStorage.setItem("conclave.name", "Noor");
  const state = make();
  if (state.path) history.replaceState(null, "", state.path);
  if (state.snapshot) history.replaceState(null, "", `${location.search}#${"a".repeat(43)}`);
  render(() => <App conclave={fake(state)} />, place);
  for (const what of ["then", "shows", "hides"] as const) document.body.dataset[what] = JSON.stringify(state[what] ?? []);
} else if (place) {
  // The list of states, for people.
  place.append(
    ...Object.keys(states).map((one) => {
      const link = document.createElement("a");
      link.href = `?state=${one}`;
      link.className = "button";
      link.textContent = one;
      return link;
    }),
  );
}
document.body.dataset["states"] = Object.keys(states).join(" ");
