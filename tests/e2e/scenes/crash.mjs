// One member is killed, then eight and a browser at once, in front of a page and of somebody who comes meanwhile. Prints one JSON line a step.
import { Browser } from "../../kit/browser/browser.mjs";
import { Member } from "../../kit/browser/member.mjs";
import { watchPresence } from "../../kit/browser/presence.mjs";
import { check, run } from "../../kit/browser/script.mjs";

const { LINK, CLIENT } = process.env;
/** Milliseconds for which the media server may keep what a killed client left, and some more. */
const KEPT = 25_000;

await run(async ({ say, keep }) => {
  const enter = async (name, tone) => {
    const member = keep(new Member(CLIENT, LINK, name, ["--no-video", ...(tone ? ["--tone", tone] : ["--no-audio"])]));
    await member.wait("is inside", (e) => e.event === "phase" && e.phase.kind === "inside");
    return member;
  };
  const nadia = await enter("Nadia", "300");
  const others = [await enter("Tomas", "400"), await enter("Ines", "500"), await enter("Jonas", "600")];
  for (const name of ["Kim", "Lena", "Mirko", "Nour", "Olga"]) others.push(await enter(name));
  const amara = keep(await Browser.open("Amara", 700));
  const alarms = [];
  /** With what native members were told, which says more. */
  const stayedCalm = () => {
    const told = others.flatMap((member) => member.events.filter((e) => e.event === "notice" && !["joined", "left", "lost"].includes(e.what.kind)));
    check(`the page was alarmed: ${JSON.stringify([...alarms, ...told])}`, alarms.length === 0);
  };
  await watchPresence(amara.context, (text) => alarms.push(text));
  await amara.join(LINK);
  // All others would decode it, and two cores have no time for twelve programs that do: this is about who is lost, not about machines without time.
  await amara.page.getByRole("button", { name: "Turn camera off", exact: true }).click();
  const bela = keep(await Browser.open("Bela", 800));
  await bela.join(LINK);
  const people = (n) => amara.page.getByText(`Locked from inside · ${n} people`).waitFor({ timeout: 60_000 });
  await people(11);
  await amara.hears(300);
  stayedCalm();
  say("they meet");

  // It is told once half a minute has passed in which she could have come back, and for seconds only.
  const told = amara.page.getByText("Nadia lost the connection.").first().waitFor({ timeout: 90_000 });
  nadia.child.kill("SIGKILL");
  const [late] = await Promise.all([enter("Late", "900"), told]);
  await people(11);
  stayedCalm();
  say("who was killed lost the connection");

  bela.crash();
  for (const member of others) member.child.kill("SIGKILL");
  const killed = performance.now();
  await people(2);
  await amara.shot("after-a-crash");
  stayedCalm();
  say("nine more are gone");

  // Nothing tells a page that the media server has forgotten them: until then an alarm could come.
  await amara.page.waitForTimeout(Math.max(0, KEPT - (performance.now() - killed)));
  stayedCalm();
  const accused = late.events.filter((e) => e.event === "notice" && ["ghost", "mediaRefused", "removed"].includes(e.what.kind));
  check(`who came late was told ${JSON.stringify(accused)}`, accused.length === 0);
  await amara.hears(900);
  say("nobody was called an attacker, and the two go on");
});
