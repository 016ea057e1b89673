// What must hold in every state and at every size; returns what does not.

/** Runs in the page. */
const measure = () => {
  const wrong = [];
  const expect = (fine, what) => {
    if (!fine) wrong.push(what);
  };
  const all = (selector) => [...document.querySelectorAll(selector)].filter((element) => element.checkVisibility({ visibilityProperty: true }));
  const nameOf = (element) => element.getAttribute("aria-label") ?? element.textContent.trim();

  // The readers of a line are asked for by a press on the line, too.
  for (const control of all("button:not(.shade, .readers), a.button, input, select, textarea")) {
    const rect = control.getBoundingClientRect();
    const box = control.closest(".panel, .card, .menu, dialog")?.getBoundingClientRect() ?? { left: 0, right: innerWidth };
    expect(rect.left >= box.left - 0.5 && rect.right <= box.right + 0.5, `"${nameOf(control)}" is pushed out: ${Math.round(rect.left)} to ${Math.round(rect.right)}`);
    if (!control.matches("button, a")) continue;
    // What a finger may hit can be larger than what is drawn.
    const around = getComputedStyle(control, "::before");
    const [width, height] = ["width", "height"].map((side) => Math.max(rect[side], parseFloat(around[side]) || 0));
    expect(width >= 43.5 && height >= 43.5, `"${nameOf(control)}" is a target of ${Math.round(width)} x ${Math.round(height)}`);
  }

  for (const over of all(".menu, dialog, .toast, .banner, .alone")) {
    const { left, top, right, bottom } = over.getBoundingClientRect();
    expect(left >= 0 && top >= 0 && right <= innerWidth && bottom <= innerHeight, `"${nameOf(over).slice(0, 40)}" is partly out of the window`);
  }

  // They take their place before they show.
  for (const tip of document.querySelectorAll(".tip")) {
    const { left, right } = tip.getBoundingClientRect();
    expect(left >= 0 && right <= innerWidth, `the tip "${tip.textContent}" is out of the window: ${Math.round(left)} to ${Math.round(right)}`);
  }

  for (const tile of all(".tile")) {
    const [avatar, tag] = [".avatar", ".tag"].map((part) => tile.querySelector(part)?.getBoundingClientRect());
    if (avatar && tag) expect(avatar.bottom <= tag.top + 0.5 && avatar.top >= tile.getBoundingClientRect().top - 0.5, `the initials of "${nameOf(tile)}" do not stand above the name`);
  }

  const tiles = all(".grid:not(.pair) > .tile, .strip > .tile").map((tile) => ({ name: nameOf(tile), rect: tile.getBoundingClientRect() }));
  tiles.forEach(({ name, rect }, index) => {
    const next = tiles.slice(index + 1).find((other) => other.rect.top < rect.bottom - 0.5 && other.rect.bottom > rect.top + 0.5 && other.rect.left < rect.right - 0.5 && other.rect.right > rect.left + 0.5);
    expect(!next, `"${next?.name}" lies on "${name}"`);
  });
  const heads = all(".top button").map((button) => button.getBoundingClientRect()).sort((a, b) => a.left - b.left);
  heads.forEach((rect, index) => expect(index === 0 || rect.left >= (heads[index - 1]?.right ?? 0), "what stands in the top row runs into each other"));
  for (const key of all("kbd")) expect(key.getBoundingClientRect().height < 32, `the key "${key.textContent}" breaks`);
  for (const text of all(".tag, .badge, kbd")) expect(text.scrollHeight <= text.clientHeight + 2 && text.scrollWidth <= text.clientWidth + 2, `"${nameOf(text)}" is larger than its box`);

  for (const list of all(".panel .scroll")) expect(list.clientHeight >= 100 || list.scrollHeight <= list.clientHeight, `of the list "${nameOf(list).slice(0, 20)}" only ${list.clientHeight} px are seen`);

  /** Inside the window, and nothing lies on its middle. */
  const inReach = (control, what) => {
    const rect = control?.getBoundingClientRect() ?? new DOMRect(-1, -1);
    const seen = rect.left >= 0 && rect.top >= 0 && rect.right <= innerWidth && rect.bottom <= innerHeight;
    expect(seen && control.contains(document.elementFromPoint(rect.x + rect.width / 2, rect.y + rect.height / 2)), `${what} is out of reach`);
  };
  if (all(".meeting").length > 0 && all("dialog").length === 0) {
    inReach(document.querySelector(".toolbar .tool"), "the microphone");
    inReach(document.querySelector(".toolbar .leave"), "Leave");
  }
  const form = document.querySelector(".prejoin form");
  if (form) {
    const before = scrollY;
    scrollTo(0, 0);
    inReach(form.querySelector(".field input"), "the name");
    inReach(form.querySelector("[type=submit]"), "Join");
    scrollTo(0, before);
  }

  // Cut names and titles lose their end, never their beginning.
  for (const text of all(".clip, h1, .line b")) {
    if (/^[\u0590-\u08ff]/u.test(text.textContent)) expect(getComputedStyle(text).direction === "rtl", `"${text.textContent}" does not run from right to left`);
  }

  // They stand where the others stand, whichever way they run.
  for (const text of all("[dir=auto]:is(.clip, h1)")) {
    const range = document.createRange();
    range.selectNodeContents(text);
    const [words, box] = [range, text].map((one) => one.getBoundingClientRect());
    const from = getComputedStyle(text.parentElement).direction === "rtl" ? box.right - words.right : words.left - box.left;
    expect(from - parseFloat(getComputedStyle(text).paddingLeft) < 1.5, `"${text.textContent}" stands ${Math.round(from)} px from the side of the others`);
  }

  // What points to an end of the line points to the other one from right to left.
  const turned = getComputedStyle(document.documentElement).direction === "rtl" ? "-1 1" : "none";
  for (const arrow of all(".pager svg, .write .icon svg, .back svg")) expect(getComputedStyle(arrow).scale === turned, "an arrow points the wrong way");

  const lines = (element) => element.getBoundingClientRect().height / parseFloat(getComputedStyle(element).lineHeight);
  for (const clock of all(".about-now .count")) expect(lines(clock) < 1.5, "the clock breaks");
  for (const title of all(".about h1")) expect(lines(title) < 3.5, "the title takes more than three lines");
  return wrong;
};

export const layout = (page) => page.evaluate(measure);

/** Where things stand. Not the two tiles of a pair, which stand where one puts them, nor what is over them; nor news, whose words change with time. */
export const standing = (page) =>
  page.evaluate(() =>
    [...document.querySelectorAll("button, .button, input, textarea, select, summary, .tile, .tag, .badge, .avatar, .panel, .tip, .chip, kbd, time, svg.lucide")]
      .filter((element) => element.closest(".pair[data-corner], .code, .toast, .banner") === null && element.getClientRects().length > 0)
      .map((element) => {
        const { left, right } = element.getBoundingClientRect();
        return { what: `${element.localName}.${element.getAttribute("class") ?? ""} "${element.getAttribute("aria-label") ?? element.textContent.slice(0, 40)}"`, left, right };
      }),
  );

/** A page from right to left is the mirror of one from left to right; returns what stands elsewhere. */
export const unmirrored = ({ ltr, rtl }, width) =>
  ltr.length === rtl.length
    ? ltr.flatMap((from, index) => {
        const to = rtl[index];
        const off = Math.max(Math.abs(width - from.right - to.left), Math.abs(width - from.left - to.right));
        return off < 2 ? [] : [`${to.what} stands at ${Math.round(to.left)} to ${Math.round(to.right)}, and from left to right at ${Math.round(from.left)} to ${Math.round(from.right)}`];
      })
    : [`${ltr.length} things from left to right, ${rtl.length} from right to left`];
