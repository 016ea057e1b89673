// What a person does in one tab, and in two: leaves and joins again, joins another meeting, opens the link once more, goes back. A native member
// is in each meeting. Prints one JSON line a step.
import { Member } from "../../kit/browser/member.mjs";
import { check, run } from "../../kit/browser/script.mjs";
import { Tabs } from "../../kit/browser/tab.mjs";

const { BROWSER, LINK, OTHER_LINK, CLIENT } = process.env;
const name = "Amara Okafor";

await run(async ({ say, keep }) => {
  const enter = async (link, who, tone) => {
    const member = keep(new Member(CLIENT, link, who, ["--tone", `${tone}`]));
    await member.wait("is inside", (e) => e.event === "phase" && e.phase.kind === "inside");
    return Object.assign(member, { tone });
  };
  const [nadia, tomas] = await Promise.all([enter(LINK, "Nadia", 440), enter(OTHER_LINK, "Tomas", 550)]);
  const tabs = keep(await (BROWSER === "firefox" ? Tabs.firefox(name) : Tabs.chromium(name, 660)));
  /** Both ways, sound and picture, from now on; and nobody else is there. */
  const meets = async (tab, member) => {
    const from = member.events.length;
    await tab.says("Locked from inside · 2 people");
    const sounds = (e) => e.event === "media" && e.name === name && e.source === "microphone" && e.decoded > 20 && e.frequency > 0;
    await Promise.all([tab.sees(member.name), tab.hears(member.tone), member.sees(name, "camera", from), member.wait(`hears ${name}`, sounds, { from })]);
    const people = await tab.people();
    check(`the people in the meeting of ${member.name}: ${people}`, people.join() === `${member.name},You`);
  };
  /** How many `member` has counted, at most. */
  const most = (member, from) => Math.max(...member.events.slice(from).filter((e) => e.event === "members").map((e) => e.members.length));
  const write = async (tab, member, text) => {
    await tab.press("Chat");
    await tab.fill('[aria-label="Message everyone"]', text);
    await tab.press("Send");
    await member.wait(`reads "${text}"`, (e) => e.event === "chat" && e.line.text === text);
    await tab.says(text);
  };

  const tab = await tabs.open();
  await tab.page.goto(LINK);
  await tab.join();
  await tab.page.reload();
  await meets(tab, nadia);
  say("a tab that is loaded anew at once goes straight back in");
  await tab.page.evaluate(() => history.back());
  await tab.says("Leave the meeting?");
  await tab.press("Cancel");
  await tab.page.reload();
  await meets(tab, nadia);
  say("and so it does after the question of Back");
  await write(tab, nadia, "Said in the first meeting.");
  for (const time of ["first", "second"]) {
    await tab.press("Leave");
    await tab.says("You left");
    await tab.press("Meet again");
    await tab.join();
    await meets(tab, nadia);
    say(`who left and joins again in the same tab is seen and heard: ${time} time`);
  }

  await tab.press("Leave");
  await tab.press("Back to start");
  await tab.fill('[aria-label="Paste a meeting link"]', OTHER_LINK);
  await tab.press("Join");
  await tab.join();
  await meets(tab, tomas);
  await tab.press("Chat");
  check("the chat of the first meeting is in the other one", !(await tab.shows("Said in the first meeting.")));
  say("another meeting in the same tab begins with nothing of the first");

  await tab.back();
  await tab.until("a closed panel", () => document.querySelector(".panel") === null);
  check("Back asks while it closes a panel", !(await tab.shows("Leave the meeting?")));
  await tab.press("More");
  await tab.back();
  await tab.until("a closed menu", () => document.querySelector(".menu") === null);
  check("Back asks while it closes a menu", !(await tab.shows("Leave the meeting?")));
  await tab.back();
  await tab.says("Leave the meeting?");
  await tab.back();
  await tab.until("a closed dialog", () => document.querySelector("dialog") === null);
  await meets(tab, tomas);
  say("Back closes a panel, a menu and a dialog, asks, and leaves nothing by itself");

  const from = tomas.events.length;
  const second = await tabs.open();
  await second.page.goto(OTHER_LINK);
  await second.says("You are already inside in another tab");
  await second.press("Stay there");
  await second.says("Meetings locked from inside.");
  await second.page.close();
  await meets(tab, tomas);
  say("a second tab asks, and nothing happens to the first one");

  const third = await tabs.open();
  await third.page.goto(OTHER_LINK);
  await third.says("You are already inside in another tab");
  await third.press("Move here");
  await tab.says("You are here from another place");
  await third.join();
  await meets(third, tomas);
  check(`${tomas.name} saw ${most(tomas, from)} people`, most(tomas, from) === 2);
  say("the third tab takes the place of the first one, and the others never see two of one person");

  await third.back();
  await third.says("Leave the meeting?");
  await third.press("Leave");
  await third.says("You left");
  await tomas.wait("is alone", (e) => e.event === "members" && e.members.length === 1, { from });
  await third.press("Back to start");
  await third.says("You were just in a meeting.");
  await tabs.shot(`just-in-${BROWSER}`);
  await third.press("Go back");
  await third.join();
  await meets(third, tomas);
  check(`the page was alarmed: ${JSON.stringify(tabs.alarms)}`, tabs.alarms.length === 0);
  say("Back leaves once one has said so, and the start page has a way back in");
});
