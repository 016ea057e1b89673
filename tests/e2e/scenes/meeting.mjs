// The meeting of the product, from the link to the removal. Prints one JSON line a step; any failure ends it with code 1.
import { Browser } from "../../kit/browser/browser.mjs";
import { chromaOf } from "../../kit/browser/fake-video.mjs";
import { Member } from "../../kit/browser/member.mjs";
import { check, run } from "../../kit/browser/script.mjs";

const { LINK, CLIENT, HOST_KEY } = process.env;
const [amaras, jonass] = [
  [150, 84, 62],
  [58, 88, 150],
];
/** By these everybody's picture is known again; Nadia's is the native test picture. */
const chromas = { "Amara Okafor": chromaOf(amaras), "Jonas Lindqvist": chromaOf(jonass), Nadia: chromaOf([136, 51, 179]) };
const everybody = Object.keys(chromas);
/** A browser's camera in each of its three layers, and the native member's only one. */
const sizes = { browser: ["320x180", "640x360", "1280x720"], native: ["640x360"] };

await run(async ({ say, keep }) => {
  /** A moving picture is of the right size, and is the right person's. */
  const recognise = (step, name, { width, height, rgb, colour, ...more }) => {
    const chroma = rgb ? chromaOf(rgb) : colour.slice(1);
    const far = (who) => Math.hypot(chroma[0] - chromas[who][0], chroma[1] - chromas[who][1]);
    const nearest = everybody.toSorted((a, b) => far(a) - far(b))[0];
    say(step, { width, height, chroma: chroma.map(Math.round), nearest, change: more.change });
    check(`${step}: what is shown under ${name} looks like ${nearest}`, nearest === name);
    check(`${step}: ${width}x${height}`, sizes[name === "Nadia" ? "native" : "browser"].includes(`${width}x${height}`));
  };

  const nadia = keep(new Member(CLIENT, LINK, "Nadia", ["--tone", "440", "--picture-hue", "280", "--host-key-file", HOST_KEY]));
  await nadia.wait("is inside", (e) => e.event === "phase" && e.phase.kind === "inside");
  say("native member is inside");

  const amara = keep(await Browser.open("Amara Okafor", 660, { wall: amaras, colorScheme: "dark" }));
  await amara.page.goto(new URL("/", LINK).href);
  await amara.shot("home");
  await amara.page.goto(LINK);
  await amara.page.getByText("We hear you.").waitFor();
  await amara.shot("waiting");
  await amara.join(LINK);
  const jonas = keep(await Browser.open("Jonas Lindqvist", 880, { wall: jonass, colorScheme: "light" }));
  await jonas.join(LINK);
  say("both browsers are inside");

  for (const [viewer, names] of [[amara, everybody.slice(1)], [jonas, [everybody[0], "Nadia"]], [nadia, everybody.slice(0, 2)]]) {
    for (const name of names) recognise(`${viewer.name} sees ${name}`, name, await viewer.sees(name));
  }
  await Promise.all([amara.hears(440), amara.hears(880), jonas.hears(440), jonas.hears(660)]);
  await Promise.all([nadia.hears("Amara Okafor", 660), nadia.hears("Jonas Lindqvist", 880)]);
  say("every tone is heard by everybody");

  await amara.page.keyboard.press("c");
  await amara.page.getByLabel("Message everyone").fill("The draft is ready.");
  await amara.page.keyboard.press("Enter");
  await nadia.wait("reads the chat", (e) => e.event === "chat" && e.line.text === "The draft is ready.");
  nadia.say("Reading it now.");
  await jonas.page.getByRole("button", { name: "Chat, 2 unread" }).waitFor({ timeout: 20_000 });
  await amara.page.getByText("Reading it now.").first().waitFor({ timeout: 20_000 });
  await jonas.page.keyboard.press("c");
  await jonas.page.getByLabel("Message everyone").fill("The second source confirms.");
  await jonas.page.keyboard.press("Enter");
  await amara.page.getByText("The second source confirms.").first().waitFor({ timeout: 20_000 });
  say("chat arrives both ways, and what was not seen is marked");

  await amara.shot("meeting");
  await jonas.shot("meeting-light");
  await jonas.page.setViewportSize({ width: 390, height: 844 });
  await jonas.shot("phone-chat");
  await jonas.page.getByRole("button", { name: "Close" }).first().click();
  await jonas.shot("phone");
  await jonas.page.setViewportSize({ width: 844, height: 390 });
  await jonas.shot("phone-landscape");
  await jonas.page.setViewportSize({ width: 1360, height: 820 });

  await jonas.page.keyboard.press("m");
  await amara.page.locator('article[aria-label="Jonas Lindqvist, microphone off, camera on"]').waitFor({ timeout: 20_000 });
  await jonas.page.keyboard.press("m");
  await amara.page.locator('article[aria-label="Jonas Lindqvist, microphone on, camera on"]').waitFor({ timeout: 20_000 });
  say("who is mute is shown as mute");

  await amara.page.getByRole("button", { name: /^People/ }).click();
  await amara.page.getByRole("heading", { name: "People" }).waitFor();
  await amara.shot("people");
  await amara.page.getByRole("button", { name: /^Locked from inside/ }).click();
  await amara.page.getByText("Everyone should see this code.").waitFor();
  await amara.shot("safety");
  const { code } = nadia.events.filter((e) => e.event === "safety").at(-1);
  for (const group of code) await amara.page.getByText(group, { exact: true }).first().waitFor({ timeout: 5_000 });
  say("the safety code is the same in the browser and natively");
  const answered = nadia.events.length;
  await amara.page.getByRole("button", { name: /^Same code as .*Nadia/u }).click();
  await amara.page.getByText(/^You compared with .*Nadia/u).waitFor();
  await nadia.wait("hears that Amara compared", (e) => e.event === "members" && e.members.some((m) => m.name === "Amara Okafor" && m.comparison.kind === "theirs"), { from: answered });
  nadia.say("/same Amara Okafor");
  await amara.page.locator('article[aria-label*="Nadia"] .compared').waitFor({ timeout: 5_000 });
  await amara.shot("compared");
  say("Amara and Nadia have compared the code");

  await jonas.page.getByRole("button", { name: /^Share screen/ }).click();
  const { width, height, change } = await nadia.sees("Jonas Lindqvist", "screen");
  const { codec } = await nadia.plays("Jonas Lindqvist", "screen");
  say("Nadia sees the screen of Jonas", { codec, width, height, change });
  check(`the screen came as ${codec}`, codec === "vp9");
  const shared = await amara.sees("Jonas Lindqvist", "screen");
  say("Amara sees the screen of Jonas", { width: shared.width, height: shared.height, change: shared.change });
  await amara.shot("share");

  // Three come late, one after the other. How soon they see is a figure of `cargo xtask bench join`, since two browsers take all of a small machine.
  let tomas;
  for (const name of ["Ida", "Ben", "Tomas"]) {
    if (tomas) {
      const from = nadia.events.length;
      tomas.say("/leave");
      await nadia.wait("sees the one before leave", (e) => e.event === "members" && e.members.length === everybody.length, { from });
    }
    tomas = keep(new Member(CLIENT, LINK, name, ["--tone", "550"]));
    const plays = await Promise.all(everybody.map((whose) => tomas.plays(whose)));
    const inside = await tomas.wait("is inside", (e) => e.event === "phase" && e.phase.kind === "inside");
    say("a latecomer sees all", { insideMs: inside.after, seesMs: plays.map((e) => e.after) });
  }

  nadia.say("/remove Tomas");
  await tomas.wait("is told", (e) => e.event === "phase" && e.phase.kind === "ended" && e.phase.reason === "removed");
  await amara.page.getByText("A host removed Tomas.").first().waitFor({ timeout: 20_000 });
  const after = tomas.events.slice(tomas.events.findIndex((e) => e.event === "phase" && e.phase.kind === "ended"));
  check("the removed member decoded something after its removal", !after.some((e) => (e.event === "media" && e.decoded > 0) || e.event === "playing"));
  say("the removed member is out, and the others go on", await amara.sees("Nadia"));

  nadia.say("/remove Jonas Lindqvist");
  await jonas.page.getByText("A host removed you").waitFor({ timeout: 20_000 });
  await jonas.shot("removed");
  nadia.say("/leave");
  await amara.page.getByText("You are alone inside").waitFor({ timeout: 20_000 });
  await amara.shot("alone");
  await amara.page.getByRole("button", { name: /^Leave/ }).click();
  await amara.page.getByText("You left").waitFor({ timeout: 20_000 });
  await amara.shot("left");
});
