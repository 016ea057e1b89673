import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { expect, test } from "vitest";

const here = import.meta.dirname;
const view = join(here, "../view");
const files = (folder: string, ending: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(ending))
    .map((name) => join(folder, name))
    .sort();
const styles = [...files(here, ".css").filter((file) => !file.endsWith("index.css")), ...files(view, ".css")];

test("index.css names every style once", () => {
  const named = [...readFileSync(join(here, "index.css"), "utf8").matchAll(/@import "(.+)";/g)].map(([, path = ""]) => join(here, path));
  expect(named.toSorted()).toEqual(styles.toSorted());
});

test("styles in view/ stand beside the component of their name", () => {
  expect(files(view, ".css").filter((file) => !existsSync(file.replace(/\.css$/u, ".tsx")))).toEqual([]);
});

test("every class that has a rule is given by a component", () => {
  const components = files(view, ".tsx").map((file) => readFileSync(file, "utf8")).join("\n");
  const unused = styles.flatMap((file) =>
    [...new Set(readFileSync(file, "utf8").matchAll(/\.([a-z][a-z-]*)(?=[^{}]*\{)/gu))]
      .filter(([, name = ""]) => !new RegExp(`["\`\\s{]${name}["\`\\s:,}]`, "u").test(components))
      .map(([, name]) => `${relative(here, file)}: ${name}`),
  );
  expect([...new Set(unused)]).toEqual([]);
});
