// What single states are there to show, by their name; each returns what does not hold.

/** A switched-off control under the pointer is red, and not that of the others under the pointer. */
const staysRed = async (page) => {
  const background = (locator) => locator.evaluate((element) => getComputedStyle(element).backgroundColor);
  const wrong = [];
  for (const off of await page.locator(".tool.off").all()) {
    const before = await background(off);
    await off.hover();
    const under = await background(off);
    // As the browser computes it: how green to red, and how blue to yellow.
    const [, a, b] = (/lab\([\d.]+ (-?[\d.]+) (-?[\d.]+)/u.exec(under) ?? []).map(Number);
    if (under === before || !(Math.hypot(a, b) > 10 && a > 0)) wrong.push(`"${await off.getAttribute("aria-label")}" is ${under} under the pointer, ${before} else`);
  }
  return wrong;
};

export const expectations = {
  muted: staysRed,
  "prejoin-off": staysRed,
  "waiting-picture": async (page) => {
    const initials = await page.locator(".tile .avatar").allTextContents();
    return initials.join(" ") === "JL" ? [] : [`initials are shown for ${initials.join(", ")}, and only those of JL have no picture yet`];
  },
  "meeting-people": async (page) => ((await page.locator(".panel").getByText("Editorial, Tuesday").isVisible()) ? [] : ["the title is not on the People sheet"]),
  "home-title-full": async (page) => ((await page.getByText("A title has at most 120 letters.").isVisible()) ? [] : ["it is not said that the title is full"]),
};
