// One person's browser with several tabs, Chromium or Firefox: the same steps for both. Their drivers share what runs inside a page and what
// is done to an element, so a control is found in the page, by its exact name, and must be the only one.
import { Browser } from "./browser.mjs";
import { launchFirefox } from "./drivers.mjs";
import { watchPresence } from "./presence.mjs";
import { listen, watch } from "./probe.mjs";
import { check } from "./script.mjs";
import { shotAt } from "./screenshots.mjs";

/** How long a condition may take. Generous: the machine may be busy with both cores. */
const patience = 60_000;
/** Between two looks, in milliseconds. */
const often = 50;

/** Run inside the page. */
const isShown = (text) => document.body.innerText.includes(text);
const buttonOf = (name) => {
  // A modal dialog leaves nothing else within reach.
  const within = document.querySelector("dialog:modal") ?? document;
  const named = [...within.querySelectorAll("button")].filter((button) => button.checkVisibility() && !button.disabled && (button.ariaLabel ?? button.innerText.trim()) === name);
  return named.length === 1 ? named[0] : null;
};
const pictureOf = (name) => document.querySelector(`article[aria-label^="${name}, "] video`);
const hasSound = () => [...document.querySelectorAll("audio")].some((audio) => audio.srcObject?.getAudioTracks().some((track) => track.readyState === "live" && !track.muted));

export class Tabs {
  /** What stood on a page in red, or with a shield. */
  alarms = [];

  static async chromium(name, hertz) {
    const browser = await Browser.open(name, hertz);
    return new Tabs(name, browser, () => browser.context.newPage(), true);
  }

  static async firefox(name) {
    const browser = await launchFirefox();
    // It has no sound card here, so that nothing pulls the sound.
    return new Tabs(name, browser, () => browser.newPage(), false);
  }

  constructor(name, browser, newPage, sounds) {
    Object.assign(this, { name, browser, newPage, sounds });
  }

  async open() {
    const page = await this.newPage();
    this.front = new Tab(page, this);
    const before = (script) => (page.addInitScript ?? page.evaluateOnNewDocument).call(page, script);
    page.on("pageerror", (error) => console.log(JSON.stringify({ name: this.name, pageerror: `${error}` })));
    page.on("console", (message) => message.type() === "error" && console.log(JSON.stringify({ name: this.name, console: message.text() })));
    await watchPresence(page, (text) => this.alarms.push(text));
    if (this.sounds) await before(listen);
    return this.front;
  }

  shot(name) {
    return this.front.page.screenshot({ path: shotAt(name) });
  }

  async close() {
    await this.browser.close();
  }
}

class Tab {
  constructor(page, tabs) {
    Object.assign(this, { page, tabs });
  }

  /** Waits until `look`, inside the page, gives something; a page that changes meanwhile is looked at again. */
  async until(what, look, about) {
    const end = performance.now() + patience;
    for (;;) {
      const found = await this.page.evaluateHandle(look, about).catch(() => null);
      const element = found?.asElement();
      if (element || (await found?.jsonValue().catch(() => null))) return element;
      check(`${this.tabs.name}: ${what}: not within ${patience} ms`, performance.now() < end);
      await new Promise((done) => setTimeout(done, often));
    }
  }

  says(text) {
    return this.until(`"${text}"`, isShown, text);
  }

  shows(text) {
    return this.page.evaluate(isShown, text);
  }

  async press(name) {
    await (await this.until(`one button "${name}"`, buttonOf, name)).click();
  }

  async fill(selector, text) {
    await this.page.locator(selector).fill(text);
  }

  /** From the page before the meeting. */
  async join() {
    await this.until("a field for the name", (id) => document.getElementById(id), "name");
    await this.fill("#name", this.tabs.name);
    await this.press("Join");
    await this.says("Locked from inside ·");
  }

  /** The picture of `name` moves. */
  async sees(name) {
    for (;;) {
      const video = await this.until(`a picture of ${name}`, pictureOf, name);
      const seen = await video.evaluate(watch);
      if (seen) return seen;
    }
  }

  /** A tone of this frequency, where it can be heard; else, that there is sound. */
  async hears(hertz) {
    if (this.tabs.sounds) await this.until(`a tone of ${hertz} Hz`, (hertz) => globalThis.heard().some((f) => Math.abs(f - hertz) < 25), hertz);
    else await this.until("sound", hasSound);
  }

  /** Everybody on the page by name, oneself last. */
  people() {
    return this.page.evaluate(() => globalThis.presence().people.map(({ name }) => name));
  }

  /** The browser's Back. */
  back() {
    return this.page.evaluate(() => history.back());
  }
}
