// What a person does with the page, tab by tab, over a line of its own; and what is remembered of it, from which follows what all must see.
import { Line, takeDetour } from "./line.mjs";
import { watchPresence } from "./presence.mjs";
import { shotAt } from "./screenshots.mjs";

/** How long a condition may take. Generous: the machine may be busy with both cores. */
export const patience = 45_000;

/** Chromium writes these when a line is cut; they are no fault of the page. */
const ofTheLine = /^(Failed to load resource: net::|WebSocket connection to .* failed)/;

/** Runs inside the page, before it: a microphone whose tone is not taken for noise, and a screen that costs little. It must stand on its own. */
export const plainDevices = () => {
  // Not on pages without an origin, such as about:blank.
  if (!navigator.mediaDevices) return;
  const getUserMedia = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  const raw = { noiseSuppression: false, echoCancellation: false, autoGainControl: false };
  navigator.mediaDevices.getUserMedia = ({ audio, video }) => getUserMedia({ audio: audio && { ...(audio === true ? {} : audio), ...raw }, video });
  navigator.mediaDevices.getDisplayMedia = async () => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 320, height: 180 });
    const context = canvas.getContext("2d");
    const stream = canvas.captureStream(2);
    let shade = 0;
    const timer = setInterval(() => {
      if (stream.getVideoTracks()[0].readyState === "ended") return clearInterval(timer);
      context.fillStyle = `hsl(${(shade += 30)} 50% 50%)`;
      context.fillRect(0, 0, 320, 180);
    }, 500);
    return stream;
  };
};

export class Person {
  inside = false;
  /** The page shows that the person left. */
  hasLeft = false;
  microphone = true;
  camera = true;
  sharing = false;
  /** How the line is cut, if it is. */
  cut = null;
  /** The line was cut since the person came in, and ever. */
  wasCut = false;
  everCut = false;
  /** Another one after each gap in what can be read. */
  visit = 0;
  /** Errors that the page wrote or threw. */
  faults = [];
  /** What stood on the page in red, or with a shield. */
  alarms = [];
  /** Seconds since whatever its script counts from. */
  at = () => 0;

  static async come(browser, name, link, media) {
    const person = new Person();
    person.name = name;
    person.line = await Line.open(link, media);
    person.link = person.line.link(link);
    person.context = await browser.newContext({ viewport: { width: 900, height: 560 }, reducedMotion: "reduce" });
    person.context.setDefaultTimeout(patience);
    await person.context.addInitScript(takeDetour, person.line.detour);
    await person.context.addInitScript(plainDevices);
    await watchPresence(person.context, (text) => person.alarms.push({ text, at: person.at(), cut: person.cut }));
    await person.openTab();
    return person;
  }

  async openTab() {
    this.page = await this.context.newPage();
    this.page.on("pageerror", (error) => this.faults.push(`${error}`));
    this.page.on("console", (message) => {
      if (message.type() === "error" && !(this.everCut && ofTheLine.test(message.text()))) this.faults.push(message.text());
    });
    return this.page;
  }

  button(name) {
    return this.page.getByRole("button", { name });
  }

  async join() {
    await this.page.goto("about:blank");
    await this.page.goto(this.link);
    await this.enter();
  }

  /** From the page before the meeting. */
  async enter() {
    await this.page.getByLabel("Your name, as the others see it").fill(this.name);
    await this.page.getByRole("button", { name: "Join", exact: true }).click();
    await this.page.locator(".meeting").waitFor();
    [this.inside, this.hasLeft, this.wasCut] = [true, false, this.cut !== null];
    [this.microphone, this.camera, this.sharing] = [true, true, false];
  }

  async left() {
    await this.page.getByRole("heading", { name: "You left" }).waitFor();
    [this.inside, this.hasLeft] = [false, true];
    this.visit += 1;
  }

  async leave() {
    await this.button("Leave").click();
    await this.left();
  }

  async joinAgain() {
    await this.button("Meet again").click();
    await this.enter();
  }

  /** Back closes what is open, then asks. */
  async back(yes) {
    const question = this.page.getByRole("dialog", { name: "Leave the meeting?" });
    const panel = this.page.locator(".panel");
    if (await panel.isVisible()) {
      await this.page.evaluate(() => history.back());
      await panel.waitFor({ state: "detached" });
    }
    await this.page.evaluate(() => history.back());
    await question.waitFor();
    await question.getByRole("button", { name: yes ? "Leave" : "Cancel" }).click();
    if (yes) await this.left();
    else await question.waitFor({ state: "detached" });
  }

  /** Nobody in the group while `how` goes on, and then somebody new: what is written meanwhile cannot be read. */
  async beAway(how) {
    this.visit += 1;
    await how();
    this.visit += 1;
  }

  /** Goes straight back in, as it was but for a shared screen. */
  async reload() {
    await this.beAway(async () => {
      await this.page.reload();
      await this.page.locator(".meeting").waitFor();
    });
    [this.wasCut, this.sharing] = [this.cut !== null, false];
  }

  /** The link once more, in another tab: the first one stays, or lets go. */
  async secondTab(move) {
    const first = this.page;
    const second = await this.openTab();
    await second.goto(this.link);
    await second.getByRole("heading", { name: "You are already inside in another tab" }).waitFor();
    if (!move) {
      await second.close();
      this.page = first;
      return;
    }
    await this.beAway(async () => {
      await this.button("Move here").click();
      await first.getByRole("heading", { name: "You are here from another place" }).waitFor();
      await this.enter();
    });
    await first.close();
  }

  /** "Mute" stands in "Unmute" as well. */
  exactly(name) {
    return this.page.getByRole("button", { name, exact: true });
  }

  async toggleMicrophone() {
    await this.exactly(this.microphone ? "Mute" : "Unmute").click();
    this.microphone = !this.microphone;
    await this.exactly(this.microphone ? "Mute" : "Unmute").waitFor();
  }

  async toggleCamera() {
    await this.exactly(this.camera ? "Turn camera off" : "Turn camera on").click();
    this.camera = !this.camera;
    await this.exactly(this.camera ? "Turn camera off" : "Turn camera on").waitFor();
  }

  async toggleShare() {
    await this.button(this.sharing ? "Stop sharing" : "Share screen").first().click();
    this.sharing = !this.sharing;
    await this.button(this.sharing ? "Stop sharing" : "Share screen").first().waitFor();
  }

  async openChat() {
    const field = this.page.getByLabel("Message everyone");
    if (!(await field.isVisible())) await this.button(/^Chat/).click();
    await field.waitFor();
  }

  async write(text) {
    await this.openChat();
    await this.page.getByLabel("Message everyone").fill(text);
    await this.page.keyboard.press("Enter");
    await this.page.locator(".lines").getByText(text, { exact: true }).waitFor();
  }

  async closePanel() {
    const close = this.page.locator(".panel header").getByRole("button", { name: "Close" });
    if (await close.isVisible()) await close.click();
  }

  async cutLine(how) {
    [this.cut, this.wasCut, this.everCut] = [how, true, true];
    this.visit += 1;
    await this.line.cut(how);
  }

  async mendLine() {
    this.cut = null;
    await this.line.cut({});
  }

  presence() {
    return this.page.evaluate(() => globalThis.presence());
  }

  async bringInSight(identity) {
    await this.page.evaluate((identity) => globalThis.bringInSight(identity), identity);
  }

  shot(name) {
    return this.page.screenshot({ path: shotAt(name) });
  }

  async close() {
    await this.context.close();
    await this.line.close();
  }
}
