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

/** Two people: the other as large as the stage allows and uncut, oneself small, in any corner, over nobody's name. */
const fillsStage = async (page) => {
  const wrong = [];
  const look = async (corner) => {
    const found = await page.evaluate((wanted) => {
      const [stage, other, own] = [".grid", ".grid > .tile:not(.mirror)", ".grid > .tile.mirror"].map((one) => document.querySelector(one));
      const [area, large, small] = [stage, other, own].map((one) => one.getBoundingClientRect());
      const upright = area.height > area.width * 1.25;
      const said = [];
      if (large.height < area.height - 1 || (large.width < area.width - 1 && (upright || Math.abs(large.width / large.height - 16 / 9) > 0.01))) said.push(`the other has ${large.width} x ${large.height} of ${area.width} x ${area.height}`);
      const video = other.querySelector("video");
      if (!upright && video && getComputedStyle(video).objectFit !== "contain") said.push("the other's picture is cut");
      if (small.width * small.height > large.width * large.height * 0.18) said.push("the own tile is not small");
      const at = `${small.y + small.height / 2 < area.y + area.height / 2 ? "top" : "bottom"}-${small.x + small.width / 2 < area.x + area.width / 2 ? "left" : "right"}`;
      if (at !== wanted) said.push(`the own tile is ${at}, not ${wanted}`);
      for (const part of other.querySelectorAll(".tag, .badge")) {
        const rect = part.getBoundingClientRect();
        if (rect.right > small.left && rect.left < small.right && rect.bottom > small.top && rect.top < small.bottom) said.push(`the own tile lies on "${part.textContent}"`);
      }
      return said;
    }, corner);
    wrong.push(...found);
  };
  await look("bottom-right");
  // A sheet covers the stage.
  if ((page.viewportSize()?.width ?? 0) <= 720 && (await page.locator(".panel").isVisible())) return wrong;
  const mover = page.getByRole("button", { name: /^Your picture/u });
  await mover.focus();
  await page.keyboard.press("ArrowUp");
  await look("top-right");
  await page.keyboard.press("Enter");
  await look("bottom-right");
  await page.keyboard.press("ArrowLeft");
  await look("bottom-left");
  const [from, to] = [await mover.boundingBox(), await page.locator(".grid").boundingBox()];
  await page.mouse.move(from.x + 20, from.y + 20);
  await page.mouse.down();
  await page.mouse.move(to.x + 60, to.y + 60, { steps: 3 });
  await page.mouse.up();
  await look("top-left");
  await page.evaluate(() => localStorage.clear());
  return wrong;
};

/** Three and four people see each other in 16:9, not in squares, where the stage has the room. */
const staysWide = async (page, view) => {
  const { width, height } = await page.locator(".tile").first().boundingBox();
  return view.viewport.width < 1000 || Math.abs(width / height - 16 / 9) < 0.02 ? [] : [`tiles are ${width} x ${height}`];
};

/** A shared screen is enlarged by wheel, double click, keys and buttons, moved about, and shown on the full screen; its label leaves it alone. */
const enlarges = async (page) => {
  const wrong = [];
  const screen = page.locator(".shown");
  const percent = () => page.locator(".lens .count").textContent();
  const expect = async (wanted, what) => {
    if ((await percent()) !== wanted) wrong.push(`${what}: ${await percent()}, not ${wanted}`);
  };
  const left = () => page.locator(".shown video").evaluate((video) => video.getBoundingClientRect().left);
  const opacity = (wanted) => page.waitForFunction((value) => getComputedStyle(document.querySelector(".shown .tag")).opacity === value, wanted, { timeout: 6000 }).catch(() => wrong.push(`the label does not come to an opacity of ${wanted}`));
  await opacity("0");
  await screen.hover();
  await opacity("1");
  await page.keyboard.press("+");
  await expect("125 %", "the key +");
  await page.keyboard.press("-");
  await expect("100 %", "the key -");
  await page.keyboard.press("+");
  const reduce = page.getByRole("button", { name: "Reduce" });
  await reduce.press("Enter");
  await reduce.press("Enter");
  await expect("100 %", "the button Reduce");
  if (!(await reduce.evaluate((button) => button === document.activeElement && !button.disabled))) wrong.push("the keyboard loses its place at 100 %");
  const box = await screen.boundingBox();
  const middle = [box.x + box.width / 2, box.y + box.height / 2];
  await page.mouse.dblclick(...middle);
  await expect("250 %", "a double click");
  const before = await left();
  await page.mouse.move(...middle);
  await page.mouse.down();
  await page.mouse.move(middle[0] + 40, middle[1], { steps: 2 });
  await page.mouse.up();
  if (Math.abs((await left()) - before - 40) > 1) wrong.push("a drag does not move it");
  await screen.focus();
  await page.keyboard.press("ArrowRight");
  if (!((await left()) < before + 39)) wrong.push("an arrow does not move it");
  await page.keyboard.press("0");
  await expect("100 %", "the key 0");
  await page.mouse.wheel(0, -400);
  await page.waitForFunction(() => document.querySelector(".lens .count").textContent !== "100 %", null, { timeout: 3000 }).catch(() => wrong.push("a wheel does not enlarge it"));
  await page.getByRole("button", { name: /show the whole screen/u }).click();
  await expect("100 %", "the button");
  await page.locator(".shown").getByRole("button", { name: "Full screen" }).click();
  await page.waitForFunction(() => document.fullscreenElement?.matches(".stage"), null, { timeout: 3000 }).catch(() => wrong.push("it is not shown on the full screen"));
  await page.getByRole("button", { name: "Leave full screen" }).click();
  await page.waitForFunction(() => document.fullscreenElement === null);
  return wrong;
};

/** A window where a panel lies over the stage and is no sheet yet. */
const narrow = { width: 800, height: 600 };

/** Who presents sees what leaves, at a place over nobody, and can stop it there. */
const presents = async (page) => {
  const wrong = await page.evaluate(() => {
    const bar = document.querySelector(".presenting").getBoundingClientRect();
    const over = [...document.querySelectorAll(".tile, .shown")].some((tile) => tile.getBoundingClientRect().top < bar.bottom);
    const video = document.querySelector(".presenting video");
    return [...(over ? ["what one presents lies over others"] : []), ...(video?.videoWidth > 0 ? [] : ["what leaves is not shown"])];
  });
  const stop = page.locator(".presenting").getByRole("button", { name: "Stop sharing" });
  const size = page.viewportSize();
  await page.setViewportSize(narrow);
  await page.keyboard.press("c");
  await stop.click({ trial: true, timeout: 3000 }).catch(() => wrong.push("the chat lies over the way to stop"));
  await page.keyboard.press("Escape");
  await page.setViewportSize(size);
  await stop.click();
  if (await page.locator(".presenting").isVisible()) wrong.push("it does not stop");
  return wrong;
};

/** What a press brought up can be seen without a search for it. */
const inSight = (selector) => (page) =>
  page.evaluate((wanted) => {
    const found = [...document.querySelectorAll(wanted)].at(-1);
    const { left, top, right, bottom } = found.getBoundingClientRect();
    return top >= 0 && bottom <= innerHeight && found.contains(document.elementFromPoint((left + right) / 2, bottom - 2)) ? [] : [`${wanted} is out of sight`];
  }, selector);

/** The field for a link is as wide with a sentence below it as without. */
const keepsWidth = async (page) => {
  const width = () => page.locator(".field").evaluate((field) => field.getBoundingClientRect().width);
  const wrong = await width();
  await page.getByLabel("Paste a meeting link").fill("");
  return (await page.locator("#paste-wrong").count()) === 0 && (await width()) === wrong ? [] : [`the field is ${wrong} wide with a sentence below it, ${await width()} without`];
};

export const expectations = {
  "home-wrong-link": inSight("#paste-wrong"),
  "home-several-links": inSight("#paste-wrong"),
  "home-cut-link": inSight("#paste-wrong"),
  "link-without-key-wrong": keepsWidth,
  "prejoin-devices": inSight(".devices select"),
  "menu-more": inSight(".menu button"),
  shortcuts: inSight("#dialog-title"),
  share: enlarges,
  "share-own": presents,
  "share-both": presents,
  two: fillsStage,
  "two-chat": fillsStage,
  "two-portrait": fillsStage,
  "two-away": fillsStage,
  three: staysWide,
  four: staysWide,
  muted: staysRed,
  "prejoin-off": staysRed,
  "waiting-picture": async (page) => {
    const initials = await page.locator(".tile .avatar").allTextContents();
    const wrong = initials.join(" ") === "JL" ? [] : [`initials are shown for ${initials.join(", ")}, and only those of JL have no picture yet`];
    // A frame that was read is not drawn yet.
    await page.locator("video[data-identity=j1]").dispatchEvent("loadeddata");
    return (await page.getByText("JL", { exact: true }).isVisible()) ? wrong : [...wrong, "the initials of JL go before there is a picture"];
  },
  "meeting-people": async (page) => ((await page.locator(".panel").getByText("Editorial, Tuesday").isVisible()) ? [] : ["the title is not on the People sheet"]),
  "names-came": async (page) => {
    const cut = await page.locator(".person .clip").evaluateAll((names) => names.filter((name) => name.scrollWidth > name.clientWidth).map((name) => name.textContent));
    return cut.map((name) => `"${name}" is cut in the list`);
  },
};
