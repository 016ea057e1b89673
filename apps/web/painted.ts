// What the HTML itself shows, before any script is there: the start page's words, a meeting's form, and what helps at an unknown address.
import { readFileSync } from "node:fs";
import type { Plugin } from "vite";
import { constants } from "./src/constants.ts";
import { strings } from "./src/view/strings.ts";

const logo = readFileSync(new URL("public/icon.svg", import.meta.url), "utf8");
const escaped = (text: string): string => text.replace(/[&<>"]/gu, (letter) => `&#${letter.charCodeAt(0)};`);
const { home, prejoin, meeting, notFound } = strings;
const product = `${logo}<span>${escaped(strings.product)}</span>`;
// Until somebody needs it.
const failed = `<p class="wrongly" data-when="failed" role="alert" hidden>${escaped(strings.notLoaded)}</p>`;

/** Join is off until somebody listens: before, the browser itself would send the form, and what was pressed would be lost. */
const pages: Record<string, string> = {
  "index.html": `
<div id="painted" class="home">
  <header class="logo">${product}</header>
  <main class="hero"><div><h1>${escaped(home.title)}</h1><p class="lead muted">${escaped(home.lead)}</p>${failed}</div></main>
</div>`,
  "meeting.html": `
<div id="painted" class="prejoin">
  <header><a class="logo button" href="/">${product}</a></header>
  <main class="prejoin-main">
    <section><div class="preview"></div></section>
    <section class="about">
      <p class="muted small">${escaped(prejoin.about)}</p>
      <h1>${escaped(meeting.untitled)}</h1>
      <p class="muted" role="status">&#8203;<span data-when="joined" hidden>${escaped(prejoin.early)}</span></p>
      <form class="join">
        <div>
          <label class="label" for="painted-name">${escaped(prejoin.name)}</label>
          <div class="field"><input id="painted-name" maxlength="${constants.nameChars}" autocomplete="nickname" dir="auto"></div>
        </div>
        <button type="submit" class="primary large wide" disabled>${escaped(prejoin.join)}</button>
      </form>
      ${failed}
    </section>
  </main>
</div>`,
  "404.html": `
<div id="painted">
  <main class="center"><div>
    <h1>${escaped(notFound.title)}</h1>
    <p class="muted">${escaped(notFound.text)}</p>
    <div class="actions"><a class="button primary" href="/">${escaped(notFound.home)}</a></div>
    ${failed}
  </div></main>
</div>`,
};

/** Where they go, in index.html. */
const place = "<!-- painted -->";

/** One HTML file for each kind of address; they differ in what is painted alone. */
export const painted = (): Plugin => ({
  name: "painted",
  enforce: "post",
  transformIndexHtml: {
    order: "post",
    handler: (html, { server, originalUrl, chunk, bundle }) => {
      if (server) return html.replace(place, pages[originalUrl === constants.meetingPage ? "meeting.html" : "index.html"] ?? "");
      // The page's script is not asked for only when the first one runs.
      const wanted = (chunk?.dynamicImports ?? []).flatMap((name) => [name, ...imports(bundle?.[name])]).filter((name) => name !== chunk?.fileName);
      return { html, tags: [...new Set(wanted)].map((name) => ({ tag: "link", attrs: { rel: "modulepreload", crossorigin: true, href: `/${name}` }, injectTo: "head" as const })) };
    },
  },
  generateBundle: {
    order: "post",
    handler(_, bundle) {
      const html = bundle["index.html"];
      if (html?.type !== "asset") throw new Error("the build has no index.html");
      const whole = `${html.source}`;
      for (const [fileName, page] of Object.entries(pages)) {
        const source = whole.replace(place, () => page);
        if (fileName === html.fileName) html.source = source;
        else this.emitFile({ type: "asset", fileName, source });
      }
    },
  },
});

const imports = (output: { type: string; imports?: string[] } | undefined): string[] => (output?.type === "chunk" ? (output.imports ?? []) : []);
