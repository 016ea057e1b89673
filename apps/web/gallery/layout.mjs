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

  for (const tile of all(".tile")) {
    const [avatar, tag] = [".avatar", ".tag"].map((part) => tile.querySelector(part)?.getBoundingClientRect());
    if (avatar && tag) expect(avatar.bottom <= tag.top + 0.5 && avatar.top >= tile.getBoundingClientRect().top - 0.5, `the initials of "${nameOf(tile)}" do not stand above the name`);
  }

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
    scrollTo(0, 0);
    inReach(form.querySelector(".field input"), "the name");
    inReach(form.querySelector("[type=submit]"), "Join");
  }

  // Cut names and titles lose their end, never their beginning.
  for (const text of all(".clip, h1, .line b")) {
    if (/^[\u0590-\u08ff]/u.test(text.textContent)) expect(getComputedStyle(text).direction === "rtl", `"${text.textContent}" does not run from right to left`);
  }

  const lines = (element) => element.getBoundingClientRect().height / parseFloat(getComputedStyle(element).lineHeight);
  for (const clock of all(".about-now .count")) expect(lines(clock) < 1.5, "the clock breaks");
  for (const title of all(".about h1")) expect(lines(title) < 3.5, "the title takes more than three lines");
  return wrong;
};

export const layout = (page) => page.evaluate(measure);
