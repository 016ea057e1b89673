// Every state that a person can meet, by name.
import type { Capture, MediaState, RemoteTrack, Snapshot } from "../src/api.ts";
import { clock } from "../src/view/format.ts";
import { morning, type State } from "./fake.ts";
import { nothingYet, person, portrait, screen } from "./pictures.ts";

type Member = Snapshot["members"][number];
type Phase = Snapshot["phase"];
type EndReason = Extract<Phase, { kind: "ended" }>["reason"];

const minute = 60_000;

const member = (identity: string, name: string, more: Partial<Member> = {}): Member => ({
  identity,
  name,
  me: false,
  host: false,
  mic: true,
  camera: true,
  screen: false,
  denied: [],
  awaySince: undefined,
  refusal: undefined,
  doubt: undefined,
  comparison: { kind: "none" },
  recognition: { kind: "guest" },
  software: runs({}),
  personCode: undefined,
  looks: name.toLowerCase().replace("\u0430", "a"),
  ...more,
});

type Software = NonNullable<Member["software"]>;
const runs = (more: Partial<Software>): Software => ({ program: { kind: "page", site: "meet.example.org" }, version: "1.4.0", build: "3fa1".repeat(16), agreement: "same", logged: { kind: "unknown" }, ...more });
const logged: Software["logged"] = { kind: "named", version: "1.4.0" };

const amara = member("a1", "Amara Okafor", { host: true });
const jonas = member("j1", "Jonas Lindqvist", { mic: false });
const mei = member("m4", "Mei-Lin Zhao");
const tomas = member("t1", "Tomás Rivera", { mic: false, camera: false });
const hanna = member("h2", "Hanna Weiss");
const noor = member("me", "Noor", { me: true });
const six = [amara, noor, jonas, mei, tomas, hanna];

const hues: Record<string, number> = { a1: 28, j1: 250, m4: 330, h2: 80, me: 195 };
const faces = (members: readonly Member[]): RemoteTrack[] =>
  members.filter((one) => one.camera).map((one, index) => ({ identity: one.identity, source: "camera" as const, stream: person(hues[one.identity] ?? (index * 47) % 360, 300 + ((index * 29) % 50)) }));

const line = (id: number, who: Member, text: string, minutes: number, more: Partial<Snapshot["chat"][number]> = {}) => ({
  id,
  from: who.identity,
  name: who.name,
  text,
  at: morning + minutes * minute,
  mine: who.me,
  ...more,
});

const chat = [
  line(1, amara, "Morning. The draft is in the shared folder, section 3 is the one to look at.", 0),
  line(2, hanna, "Reading it now. The second source still has to confirm.", 3),
  line(3, hanna, "Two paragraphs to go.", 4),
  line(4, mei, "She confirmed an hour ago, I have it in writing: https://notes.example/a-very-long-address-without-any-place-to-break-0123456789", 9),
  line(5, noor, "Then we can run it.", 10),
];

const talk = Array.from({ length: 40 }, (_, i) => line(i + 1, i % 3 === 0 ? amara : hanna, `Line ${i + 1} of a long talk.`, i));

const snapshot = (phase: Phase, members: Member[] = [], more: Partial<Snapshot> = {}): Snapshot => ({
  phase,
  title: "Editorial, Tuesday",
  security: { state: members.length > 0 ? "secure" : "none", people: members.length, verified: members.filter(({ me, recognition }) => !me && recognition.kind === "verified").length },
  members,
  lost: [],
  chat: [],
  unsent: [],
  safetyCode: members.length > 0 ? ["40719", "88203", "15562", "09347", "61180", "27754"] : undefined,
  comparable: phase.kind === "inside",
  epoch: 3,
  notices: [],
  host: false,
  appoints: false,
  door: "open",
  waiting: [],
  declined: "",
  hidesSpeech: true,
  floor: { hostsOnly: [], muteAbove: undefined, limit: 200, most: 200 },
  mutes: 0,
  device: false,
  minutes: undefined,
  endsAt: undefined,
  ...more,
});

const media = (more: Partial<MediaState> = {}): MediaState => ({
  devices: {
    microphone: [{ id: "m1", label: "Built-in microphone" }, { id: "m2", label: "USB headset" }],
    camera: [{ id: "c1", label: "Built-in camera" }, { id: "c2", label: "Document camera" }],
    speaker: [{ id: "s1", label: "Headphones" }, { id: "s2", label: "Built-in speakers" }],
  },
  selected: { microphone: "m1", camera: "c1", speaker: "s1" },
  microphone: "on",
  camera: "on",
  screen: "off",
  tracks: [],
  speaking: ["a1", "r1", "p4"],
  connection: "connected",
  unsealed: false,
  ...more,
});

const knocking = (identity: string, name: string, seconds: number): Snapshot["waiting"][number] => ({ identity, name, looks: name.toLowerCase().replace("\u0430", "a"), since: Date.now() - seconds * 1000 });
const kim = knocking("k1", "Kim Adeyemi", 8);
const three = [knocking("k2", "\u0410mara Okafor", 190), kim, knocking("k3", "נועם בן־אברהם הלוי מירושלים", 4)];
const noDevices: MediaState["devices"] = { microphone: [], camera: [], speaker: [] };
const prejoin = (more: Partial<MediaState> = {}, inside = 5, level = 0.5): State => ({ level, snapshot: snapshot({ kind: "prejoin", inside, limit: 50 }), media: media({ connection: "idle", ...more }) });
const refused = (microphone: Capture, camera: Capture, devices = noDevices): State => prejoin({ microphone, camera, devices }, 5, 0);
const inside = (members: Member[] = six, more: Partial<Snapshot> = {}, capture: Partial<MediaState> = {}): State => ({
  snapshot: snapshot({ kind: "inside" }, members, { chat, ...more }),
  media: media({ tracks: faces(members), ...capture }),
});
const atTheDoor = (more: { locked?: boolean; hosts?: boolean } = {}): State => ({
  snapshot: snapshot({ kind: "atTheDoor", since: Date.now() - 130_000, locked: false, hosts: true, ...more }),
  media: media({ tracks: faces([noor]), connection: "idle" }),
  then: [],
});
/** The user may not do this. */
const silenced = (what: Snapshot["floor"]["hostsOnly"]): State =>
  inside(six.map((one) => (one.host ? one : { ...one, denied: [...what], mic: one.mic && !what.includes("speak") })), { floor: { hostsOnly: [...what], muteAbove: undefined, limit: 200, most: 200 } });
const deciding = (more: Partial<Snapshot> = {}): State => inside(six, { host: true, appoints: true, door: "ask", ...more });
const ended = (reason: EndReason): State => ({ snapshot: snapshot({ kind: "ended", reason }), media: media({ connection: "idle" }) });
const track = (identity: string, title: string, hue: number): RemoteTrack => ({ identity, source: "screen", stream: screen(title, hue) });

/** As others look when one's own line is cut: silent, and sealed with keys that did not come. */
const cutOff = six.map((one) => (one.me ? one : { ...one, awaySince: Date.now() - 12_000, refusal: { source: "camera" as const, reason: "noKey" as const } }));
/** As long as names may be: without a place to break, of few and of many letters a sign, and from right to left. */
const longNames = ["W".repeat(64), "Dr. Anna-Katharina von und zu Hohenstein-Wittgenstein, the third", "👩🏽‍🚀".repeat(9), "عبد الرحمن بن محمد بن عبد الله الأنصاري القرطبي المعروف بالحكيم", "נועם בן־אברהם הלוי מירושלים (host)"];
const long = [...longNames.map((name, index) => member(`l${index}`, name, { host: index === 0, camera: index === 1, screen: index === 0, mic: index % 2 === 0 })), noor];
const longTitle = "Minutes of the extraordinary general meeting of the association of the owners of the allotments by the canal, 2nd part";
const wholeTitle = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaftsversammlungsvorbereitungsausschusssitzung".slice(0, 120);

/** Names, a title and lines from right to left, beside others from left to right. */
const mixed = [member("r1", "نور الدين حداد", { host: true }), member("r2", "תמר לוי", { mic: false, camera: false }), mei, noor];
const mixedTitle = "جلسة التحرير، الثلاثاء";
const mixedChat = [
  line(1, mixed[0] ?? amara, "صباح الخير. المسودة في المجلد المشترك، القسم 3 هو الأهم.", 0),
  line(2, mixed[1] ?? amara, "קראתי: https://news.example/2026 וגם את section 3.", 3),
  line(3, mei, "Is تمر the same as תמר?", 4),
  line(4, noor, "כן.", 5),
];

const crowd = (count: number) => [...Array.from({ length: count - 1 }, (_, i) => member(`p${i}`, `Person ${i + 1}`, { camera: i % 3 !== 0, mic: i % 4 === 0 })), noor];

const kept = [
  { id: "1", title: "Editorial, Tuesday", link: `https://meet.example.org/m#${"a".repeat(43)}`, createdAt: morning, hosted: true },
  { id: "2", title: "Source interview", link: `https://meet.example.org/m#${"b".repeat(43)}`, createdAt: morning - 86_400_000 * 2, hosted: true },
  { id: "3", title: "", link: `https://meet.example.org/m#${"c".repeat(43)}`, createdAt: morning - 86_400_000 * 9, hosted: false },
];
const waiting = { id: "1", until: morning + 1380 * minute, state: { kind: "waiting" as const }, tried: 0 };
const used = { id: "1", until: morning + 1200 * minute, state: { kind: "used" as const, at: morning - 20 * minute }, tried: 2 };
const hostLink = `/m#${"a".repeat(43)}.${"b".repeat(22)}`;

const shared: Partial<MediaState> = { tracks: [...faces(six), track("a1", "Section 3: what the minutes show", 190)] };
const sharing = six.map((one) => (one.identity === "a1" ? { ...one, screen: true } : one));
const changed = (identity: string, more: Partial<Member>) => six.map((one) => (one.identity === identity ? { ...one, ...more } : one));

const verifiedAs = (name: string): Member["recognition"] => ({ kind: "verified", key: "k", name, since: morning });
const changedFrom = (name: string, hasDevice: boolean): Member["recognition"] => ({ kind: "changed", name, since: morning - 86_400_000 * 12, hasDevice, answered: false });

/** The identities of the gallery are shorter than those of a meeting. */
const long22 = (identity: string) => identity.padEnd(22, "-");
const scannedBy = [amara, noor, jonas].map((one) => ({ ...one, identity: long22(one.identity) }));
/** What the screen of this member lets others scan; with another first digit, if so wanted. */
const personCode = (identity: string, first = "6") => `conclave/1 person code ${long22(identity)} ${first}94632791734427498670469313170`;
const byCamera = (then: string[] = [], more: Partial<Snapshot> = {}): State => ({ ...inside(scannedBy, more), then: ["key>s", "end>.panel .scroll", "Compare with Amara Okafor by camera", ...then] });
const verifyByCamera = (then: string[] = []): State => ({
  ...inside(scannedBy.map((one, index) => (index === 0 ? { ...one, recognition: { kind: "unverified" } } : one)), { device: true }),
  then: ["key>s", "end>.panel .scroll", "Verify Amara Okafor for later meetings", "Verify Amara Okafor by camera", ...then],
});
const scanning = (scan: State["scan"] = { kind: "looking", stream: person(28, 320) }, scanned?: string): State => ({ ...verifyByCamera(["Scan theirs"]), scan, ...(scanned === undefined ? {} : { scanned }) });

const locked = (step: Extract<Phase, { kind: "needsPassphrase" }>["step"], wrong = 0): State => ({ snapshot: snapshot({ kind: "needsPassphrase", wrong, step }, [], { title: "" }), media: media({ connection: "idle" }) });

const hosting = (state: State): State => (state.snapshot ? { ...state, snapshot: { ...state.snapshot, host: true } } : state);

/** The step that asks whether to remove who was chosen. */
const removing = `press>.deeds button:has-text("Remove")`;

/** Functions, so that only the pictures of the state at hand are drawn. */
export const states: Record<string, () => State> = {
  home: () => ({ kept, shows: ["if the page this server gave you is the published one"], hides: ["Not this server"] }),
  "home-empty": () => ({}),
  "home-wrong-link": () => ({ kept, then: ["text>Paste a meeting link>hello there", "Join"] }),
  "home-several-links": () => ({ kept, then: ["text>Paste a meeting link>https://meet.example.org/m#abcdefghijk or https://meet.example.org/m#lmnopqrstuv", "Join"] }),
  "home-cut-link": () => ({ kept, then: ["text>Paste a meeting link>https://meet.example.org/m#abcdefghijk", "Join"] }),
  "link-without-key": () => ({ path: "/m", shows: ["The key of this link is missing", "Back to start"] }),
  "link-without-key-wrong": () => ({ path: "/m", then: ["text>Paste a meeting link>hello there", "Join"], shows: ["This is not a meeting link. It looks like https://…/m#"] }),
  "unknown-address": () => ({ path: "/meeting", shows: ["There is nothing at this address", "Back to start"] }),
  "home-unreachable": () => ({ kept, failing: true, then: ["Start a meeting"] }),
  "home-passphrase": () => ({ kept, then: [`press>label:has-text("A passphrase beside the link")`, "text>Passphrase that the others will need>violet harbour"], shows: ["which stops that"] }),
  "home-passphrase-strong": () => ({ kept, then: [`press>label:has-text("A passphrase beside the link")`, "text>Passphrase that the others will need>violet harbour seventeen"], shows: ["Long enough even if"] }),
  "home-passphrase-short": () => ({ kept, then: [`press>label:has-text("A passphrase beside the link")`, "text>Passphrase that the others will need>violet", "Start a meeting"], shows: ["Take 12 letters or more", ".chosen .wrongly"] }),
  "home-host-link": () => ({ kept, then: ["Be host of Editorial, Tuesday on another device"], shows: ["works once"], hides: [".host-links", "Take back unused links"] }),
  "home-host-link-made": () => ({ kept, hostLinks: [waiting], then: ["Be host of Editorial, Tuesday on another device", "Make a host link"], shows: [".code-picture"] }),
  "home-host-link-used": () => ({ kept, hostLinks: [used, { ...waiting, id: "3" }], then: ["Be host of Editorial, Tuesday on another device", "Make a host link"], shows: ["Your host link was just used.", "Tried twice since then"], hides: [".code-picture"] }),
  "home-host-link-back": () => ({ kept, hostLinks: [waiting, { ...used, id: "2" }], then: ["Be host of Editorial, Tuesday on another device", "Make a host link", "Take back unused links"], shows: ["No host link of this meeting works any more."] }),
  "home-host-link-unreachable": () => ({ kept, failing: true, then: ["Be host of Editorial, Tuesday on another device", "Make a host link"], shows: ["We could not reach the server."] }),
  "host-link": () => ({ path: hostLink, shows: ["Be host on this device", "works once"] }),
  "host-link-used": () => ({ path: hostLink, hostKey: "used", then: ["Become host"], shows: ["It was used before", "Join as a guest"], hides: ["Become host"] }),
  "host-link-unreachable": () => ({ path: hostLink, hostKey: "unreachable", then: ["Become host"], shows: ["We could not reach", "Become host"] }),
  "host-link-gone": () => ({ path: hostLink, then: ["Become host"], shows: ["was taken back, or is older than a day", "Join as a guest"] }),
  "home-save": () => ({ kept, then: ["Save to a file", "text>Passphrase of the file>violet harbour", "text>The same once more>violet harbour", "Save"], shows: ["This passphrase is too short."] }),
  "home-saving": () => ({ kept, then: ["Save to a file", "text>Passphrase of the file>violet harbour seventeen", "text>The same once more>violet harbour seventeen", "Save"], shows: ["One moment…"] }),
  "home-load": () => ({ kept, then: ["file>Load from a file", "text>Passphrase of the file>not this one", "Load"], shows: ["It does not open."] }),
  "home-closed": () => ({ kept, refusing: "closed", then: ["Start a meeting"], shows: ["lets only some people start meetings"] }),
  "home-full": () => ({ kept, refusing: "full", then: ["Start a meeting"], shows: ["keeps as many meetings as it may"] }),
  failed: () => ({ ...prejoin({}), failing: true, shows: ["This page failed", "Reload"] }),
  "home-forget": () => ({ kept, then: ["Forget Editorial, Tuesday"] }),
  "home-long-titles": () => ({ kept: [longTitle, wholeTitle, "جلسة عامة غير عادية لجمعية ملاك الحدائق الواقعة على ضفاف القناة"].map((title, index) => ({ id: `${index}`, title, link: `https://meet.example.org/m#${"a".repeat(43)}`, createdAt: morning - index, hosted: true })) }),
  prejoin: () => ({ ...prejoin({ tracks: faces([noor]) }), shows: ["meet.example.org cannot, if the page it gave you is the published one."] }),
  "prejoin-host": () => hosting({ ...prejoin({ tracks: faces([noor]) }, 0, 0), hides: ["Save"] }),
  "prejoin-title": () => hosting({ ...prejoin({ tracks: faces([noor]) }, 0, 0), then: ["Change the title"], shows: [".title-edit"] }),
  "prejoin-title-full": () => hosting({ ...prejoin({ tracks: faces([noor]) }, 0, 0), then: ["Change the title", `text>Title>${"m".repeat(120)}`], shows: ["A title has at most 120 letters."] }),
  "prejoin-title-lost": () => hosting({ ...prejoin({ tracks: faces([noor]) }, 0, 0), then: ["Change the title", "text>Title>Editorial, Wednesday", "Save", "later"], later: { title: "Editorial, Tuesday" }, shows: ["The server did not keep the new title."] }),
  "prejoin-nobody": () => prejoin({ tracks: faces([noor]) }, 0, 0),
  "prejoin-off": () => prejoin({ microphone: "off", camera: "off" }),
  "prejoin-asking": () => prejoin({ microphone: "starting", camera: "starting", devices: noDevices }),
  "prejoin-denied": () => refused("denied", "denied"),
  "prejoin-camera-denied": () => refused("on", "denied", { ...noDevices, microphone: [{ id: "m1", label: "Built-in microphone" }] }),
  "prejoin-missing": () => refused("missing", "missing"),
  "prejoin-unresponsive": () => refused("on", "unresponsive"),
  "prejoin-busy": () => refused("on", "busy"),
  "prejoin-no-name": () => ({ ...prejoin({ tracks: faces([noor]) }), then: ["text>Your name, as the others see it> ", "Join"] }),
  elsewhere: () => ({ ...prejoin({ microphone: "off", camera: "off" }), elsewhere: true, shows: ["You are already inside in another tab"], hides: [".prejoin"] }),
  "elsewhere-moved": () => ({ ...prejoin({ tracks: faces([noor]) }), elsewhere: true, then: ["Move here"], shows: [".prejoin"] }),
  "prejoin-long-title": () => ({ ...prejoin({ tracks: faces([noor]) }), snapshot: snapshot({ kind: "prejoin", inside: 5, limit: 50 }, [], { title: longTitle }) }),
  "prejoin-whole-title": () => ({ ...prejoin({ tracks: faces([noor]) }), snapshot: snapshot({ kind: "prejoin", inside: 5, limit: 50 }, [], { title: wholeTitle }) }),
  "prejoin-devices": () => ({ ...prejoin({ tracks: faces([noor]) }), then: ["open>.choose"] }),
  "looking-up": () => ({ snapshot: snapshot({ kind: "lookingUp" }, [], { title: "" }), media: media({ tracks: faces([noor]), connection: "idle" }) }),
  "looking-up-early": () => ({ snapshot: snapshot({ kind: "lookingUp" }, [], { title: "" }), media: media({ tracks: faces([noor]), connection: "idle" }), then: ["Join"], shows: ["You go in as soon as the meeting is found."] }),
  "looking-up-joined": () => ({
    snapshot: snapshot({ kind: "lookingUp" }, [], { title: "" }),
    media: media({ tracks: faces([noor]), connection: "idle" }),
    later: { phase: { kind: "prejoin", inside: 2, limit: 50 }, title: "Editorial, Tuesday" },
    then: ["Join", "later"],
    shows: ["Going in"],
    hides: [".prejoin"],
  }),
  joining: () => ({ snapshot: snapshot({ kind: "joining", step: "catchingUp" }), media: media() }),
  door: () => ({ ...atTheDoor(), shows: ["Waiting to be let in", "You have waited for 2 min.", "Leave the door"] }),
  "door-no-host": () => ({ ...atTheDoor({ hosts: false }), shows: ["Waiting for a host", "none is inside now"] }),
  "door-locked": () => ({ ...atTheDoor({ locked: true }), shows: ["The meeting is locked"], hides: ["is told that"] }),
  "door-long-title": () => ({ ...atTheDoor(), snapshot: snapshot({ kind: "atTheDoor", since: Date.now() - 4000, locked: false, hosts: true }, [], { title: wholeTitle }) }),
  "door-off": () => ({ ...atTheDoor(), media: media({ microphone: "denied", camera: "denied", devices: noDevices, connection: "idle" }) }),
  "door-sent-back": () => ({ ...inside(), later: { phase: { kind: "atTheDoor", since: Date.now() - 2000, locked: false, hosts: true }, members: [], chat: [], security: { state: "none", people: 0, verified: 0 } }, laterMedia: { tracks: faces([noor]), connection: "idle" }, then: ["later"], shows: ["You are back at the door", "sealed from you"], hides: [".meeting"] }),
  "door-admitted": () => ({ ...atTheDoor(), later: { phase: { kind: "inside" }, members: six, security: { state: "secure", people: 6, verified: 0 } }, then: ["later"], shows: [".meeting"], hides: [".door"] }),
  declined: () => ({ ...ended("declined"), snapshot: snapshot({ kind: "ended", reason: "declined" }, [], { declined: "We start at ten, and not before. Please come again then." }), shows: ["A host did not let you in", "What the host says", "We start at ten"] }),
  "declined-silent": () => ({ ...ended("declined"), shows: ["A host did not let you in"], hides: ["What the host says"] }),
  "knock-one": () => ({ ...deciding(), later: { waiting: [kim] }, then: ["later"], shows: ["Kim Adeyemi asks to come in.", ".toast .primary"] }),
  "knock-three": () => ({ ...deciding(), later: { waiting: three }, then: ["later"], shows: ["and two others ask to come in.", ".toast .primary"] }),
  "knock-gone": () => ({ ...deciding({ waiting: [kim] }), later: { waiting: [] }, then: ["later"], hides: [".toast", ".unread"] }),
  "people-knock": () => ({ ...deciding({ waiting: [kim] }), then: ["key>p"], shows: ["At the door · 1", "Admit", "Who can come in"], hides: ["Admit all", ".toast"] }),
  "people-knocks": () => ({ ...deciding({ waiting: three }), then: ["key>p"], shows: ["At the door · 3", "Admit all", "Same name as somebody inside", "waits for 3 min"] }),
  "people-admitted": () => ({ ...deciding({ waiting: three }), then: ["key>p", "Admit Kim Adeyemi"], shows: ["At the door · 2"], hides: ["Kim Adeyemi"] }),
  "people-locked": () => ({ ...deciding({ door: "locked" }), then: ["key>p"], shows: [".chip.quiet"] }),
  "people-guest": () => ({ ...inside(six, { door: "ask" }), then: ["key>p"], shows: ["Whoever comes asks a host first."], hides: ["Who can come in", "At the door"] }),
  "people-guest-locked": () => ({ ...inside(six, { door: "locked" }), then: ["key>p"], shows: [".admission p"] }),
  "meeting-locked": () => ({ ...inside(six, { door: "locked" }), shows: [".top .chip.quiet"] }),
  "knock-decline": () => ({ ...deciding({ waiting: [kim] }), then: ["key>p", "Decline Kim Adeyemi", "text>A word to them, if you like>We start at ten."], shows: ["Do not let Kim Adeyemi in?"] }),
  decide: () => ({ ...deciding(), then: ["key>p", "Decide about Jonas Lindqvist"], shows: ["Send back to the door", "Remove…", "Make host…"] }),
  "decide-guest-host": () => ({ ...deciding({ appoints: false }), then: ["key>p", "Decide about Jonas Lindqvist"], hides: ["Make host…"] }),
  "decide-appoint": () => ({ ...deciding(), then: ["key>p", "Decide about Jonas Lindqvist", "press>.deeds button:last-child"], shows: ["Make Jonas Lindqvist a host?"] }),
  "remove-locked": () => ({ ...deciding({ door: "locked" }), then: ["key>p", "Decide about Jonas Lindqvist", removing], shows: ["the door stays locked"], hides: ["Leave the door open"] }),
  "people-floor": () => ({ ...deciding({ floor: { hostsOnly: ["speak"], muteAbove: undefined, limit: 200, most: 200 }, members: six.map((one) => (one.host ? one : { ...one, denied: ["speak" as const] })) }), then: ["key>p", "open>.floor", "top>.panel"], shows: ["Everybody may speak", "may not speak", "Mute everybody else", "Microphones of newcomers"] }),
  "people-limit": () => ({ ...deciding({ floor: { hostsOnly: [], muteAbove: 7, limit: 12, most: 200 } }), then: ["key>p", "open>.floor", "top>.panel"], shows: ["How many at once", "Microphones of newcomers"] }),
  "people-floor-guest": () => ({ ...silenced(["speak", "share"]), then: ["key>p"], shows: ["Only hosts, and whom they let"], hides: ["Mute everybody else"] }),
  "meeting-silenced": () => ({ ...silenced(["speak", "share"]), shows: [".meeting"] }),
  "chat-silenced": () => ({ ...silenced(["chat"]), then: ["key>c"] }),
  "toast-muted": () => ({ ...inside(), news: [{ id: 1, at: morning, what: { kind: "muted", by: "Amara Okafor" } }], shows: ["muted you"] }),
  "toast-floor": () => ({ ...inside(), news: [{ id: 1, at: morning, what: { kind: "floor", what: "speak", everybody: false } }], shows: ["Only hosts, and whom they let"] }),
  "toast-door": () => ({ ...inside(), news: [{ id: 1, at: morning, what: { kind: "door", door: "locked" } }], later: { door: "locked" }, then: ["later"], shows: ["A host locked the door"] }),
  "toast-sent-back": () => ({ ...inside(), news: [{ id: 1, at: morning, what: { kind: "sentBack", name: "Kim Adeyemi" } }], shows: ["A host sent Kim Adeyemi back to the door."] }),
  "toast-appointed": () => ({ ...inside(), news: [{ id: 1, at: morning, what: { kind: "appointed", name: "Noor", me: true } }], shows: ["You are a host now"] }),
  meeting: () => ({
    ...inside(six, { notices: [{ id: 1, at: morning + 2 * minute, what: { kind: "joined", name: "Jonas Lindqvist" } }, { id: 2, at: morning + 6 * minute, what: { kind: "left", name: "Kim" } }] }),
    then: ["key>c"],
    shows: ["What you write now goes to these six people. Who comes later does not see it.", "Earlier lines are not shown to you.", "Jonas Lindqvist came in: does not see what is above.", "Kim left: could read up to here."],
    hides: ["gone when the meeting ends", "can read this"],
  }),
  "chat-new-lines": () => ({
    ...inside(six, { chat: talk }),
    later: { chat: [...talk, line(41, jonas, "One more thing.", 50), line(42, jonas, "Page nine has the wrong date.", 51)] },
    then: ["key>c", "top>.scroll", "later"],
    shows: ["2 new lines", ".unread"],
  }),
  "chat-seen": () => ({ ...inside(six, { chat: talk }), later: { chat: [...talk, line(41, jonas, "One more thing.", 50)] }, then: ["key>c", "later"], hides: [".newer", ".unread"] }),
  "chat-links": () => ({
    ...inside(six, {
      chat: [
        line(1, amara, "The story (https://news.example/2026/story_(final)), and the sources: https://notes.example/minutes.", 0),
        line(2, hanna, "https://b\u0430nk.example/login and https://bank.example@evil.example/", 3),
        line(3, mei, `Afterwards in https://meet.example.org/m#${"a".repeat(42)}A`, 9),
        line(4, jonas, "\u05d4\u05e1\u05d9\u05e4\u05d5\u05e8 https://news.example/2026 \u05db\u05d0\u05df", 10),
      ],
    }),
    then: ["key>c"],
    shows: ["https://news.example/2026/story_(final)", "https://xn--bnk-6cd.example/login", "https://meet.example.org/m#…", ".line a"],
    hides: ["aaaaaaaa"],
  }),
  "chat-long": () => ({
    ...inside(six, { chat: [line(1, amara, `${"The second paragraph was changed, and so was the third. ".repeat(40)}The end.`, 0), line(2, jonas, "Too long for me.", 3)] }),
    then: ["key>c"],
    shows: ["Show all of it", "Too long for me."],
    hides: ["The end."],
  }),
  "chat-long-whole": () => ({
    ...inside(six, { chat: [line(1, amara, `${"The second paragraph was changed, and so was the third. ".repeat(40)}The end.`, 0)] }),
    then: ["key>c", "Show all of it", "top>.scroll"],
    shows: ["Show less", "The end."],
  }),
  "chat-readers": () => ({
    ...inside(),
    later: { members: [...six.filter(({ identity }) => identity !== "h2"), member("k1", "Kim Adeyemi")], chat: [...chat, line(6, amara, "Kim, welcome.", 20)] },
    then: ["key>c", "later", "press>[data-line='5'] p"],
    shows: ["Could be read by Amara Okafor, you, Jonas Lindqvist, Mei-Lin Zhao, Tomás Rivera and Hanna Weiss.", ".names"],
  }),
  "people-software": () => ({
    ...inside(
      [
        amara,
        noor,
        { ...jonas, software: runs({ build: "b07d".repeat(16), agreement: "differs" }) },
        { ...mei, software: runs({ program: { kind: "native" }, build: "11aa".repeat(16), agreement: "alone" }) },
        { ...tomas, software: runs({ program: { kind: "page", site: "another-and-a-much-longer-name-of-a-server.example.net:8443" }, version: "1.3.9" }) },
        { ...hanna, software: undefined },
      ],
    ),
    then: ["key>p"],
    shows: ["says they run the page of meet.example.org, 1.4.0", "another build than others here: b07db07d", "says they run the native program 1.4.0", "does not say what they run", "Not everybody says they run the same build."],
  }),
  "people-software-logged": () => ({
    ...inside([{ ...amara, software: runs({ logged }) }, { ...noor, software: runs({ logged }) }, { ...jonas, software: runs({ program: { kind: "page", site: "" }, agreement: "same", logged: { kind: "notNamed" } }) }, { ...mei, software: runs({ program: { kind: "native" }, agreement: "alone", logged }) }]),
    then: ["key>p"],
    shows: ["release 1.4.0 in the log", "in no log of releases"],
    hides: ["Not everybody says they run the same build."],
  }),
  "software-told": () => ({ ...inside(), news: [{ id: 1, at: morning, what: { kind: "otherSoftware", name: "Jonas Lindqvist", me: false, unlogged: false } }], shows: ["says they run another build of the page or program than others here"] }),
  "meeting-people": () => ({ ...inside(six, { host: true }), then: ["key>p"] }),
  names: () => ({
    ...inside([...six, member("x1", "\u0410mara Okafor", { camera: false }), member("x2", `Maximiliana ${"Hohenfels-".repeat(4)}Weidenfeld`, { camera: false })], { host: true }),
    then: ["key>p"],
    shows: ["second \u0410mara Okafor", "Maximiliana Hohenfels-Ho…els-Weidenfeld", ".tile[data-identity='a1'] .host"],
    hides: [".tile[data-identity='x1'] .host"],
  }),
  "names-came": () => ({
    ...inside([amara, noor], { host: true, chat: [] }),
    later: { members: [amara, noor, member("x1", "\u0410mara Okafor", { camera: false })], notices: [{ id: 1, at: morning, what: { kind: "joined", name: "\u0410mara Okafor" } }], chat: [line(1, member("x1", "\u0410mara Okafor"), "Good morning.", 1)] },
    then: ["key>p", "later", `Decide about second \u0410mara Okafor, came ${clock(morning)}`, removing],
    shows: [`Remove second \u0410mara Okafor, came ${clock(morning)}?`],
  }),
  "names-compared": () => ({
    ...inside([amara, noor, member("x1", "\u0410mara Okafor", { camera: false, comparison: { kind: "both", at: morning } })], { host: true }),
    then: ["key>p"],
    shows: ["second Amara Okafor", ".tile[data-identity='x1'] .compared", ".person .compared"],
    hides: ["second \u0410mara Okafor", ".tile[data-identity='a1'] .compared"],
  }),
  "meeting-remove": () => ({ ...inside(six, { host: true }), then: ["key>p", "Decide about Jonas Lindqvist", removing], shows: ["newcomers ask from now on", "Leave the door open"] }),
  safety: () => ({ ...inside(), then: ["key>s"], shows: ["Everyone should see this code."] }),
  "safety-changed": () => ({
    ...inside(),
    later: { safetyCode: ["02217", "41180", "93336", "75024", "18863", "50091"], epoch: 4, notices: [{ id: 1, at: morning, what: { kind: "joined", name: "Late Comer" } }] },
    then: ["key>s", "later"],
    shows: ["Changed: Late Comer came in. Start again.", "40719", "02217", ".code.old"],
  }),
  compare: () => ({
    ...inside([amara, noor, jonas]),
    then: ["key>s", "end>.panel .scroll"],
    shows: [".compare"],
    hides: ["Compared at", "You compared with", "The safety code differs", ".tile .compared"],
  }),
  "compare-said": () => ({
    ...inside([amara, noor, jonas]),
    then: ["key>s", "Same code as Amara Okafor"],
    shows: [`You compared with Amara Okafor at ${clock(morning)}. Their answer is not here yet.`, ".compare [aria-pressed='true']"],
    hides: ["Compared at", ".tile .compared"],
  }),
  "compare-done": () => ({
    ...inside([{ ...amara, comparison: { kind: "both", at: morning } }, noor, { ...jonas, comparison: { kind: "theirs", at: morning } }, { ...mei, comparison: { kind: "mine", at: morning } }]),
    then: ["key>s", "end>.panel .scroll"],
    shows: [`Compared at ${clock(morning)}`, `Jonas Lindqvist found the same code at ${clock(morning)}. And you?`, `You compared with Mei-Lin Zhao at ${clock(morning)}.`, ".tile[data-identity='a1'] .compared"],
    hides: [".tile[data-identity='j1'] .compared", ".tile[data-identity='m4'] .compared", "The safety code differs"],
  }),
  "compare-differs": () => ({
    ...inside([{ ...amara, comparison: { kind: "differs", at: morning, byMe: true } }, noor, { ...jonas, comparison: { kind: "differs", at: morning, byMe: false } }, mei], { security: { state: "codeDiffers", people: 4, verified: 0 } }),
    news: [{ id: 1, at: morning, what: { kind: "codeDiffers", name: "Jonas Lindqvist", byMe: false } }],
    then: ["key>s"],
    shows: [".chip.alarmed", "You, Amara Okafor and Jonas Lindqvist did not find the same code", "You found a different code at", `Jonas Lindqvist found a different code at ${clock(morning)}.`, ".toast.alarmed"],
    hides: [".tile .compared", "Locked from inside"],
  }),
  "prejoin-known": () => ({ ...prejoin(), then: [`press>label:has-text("Let people know me again")`], shows: ["The server cannot.", ".known-switch"] }),
  "prejoin-known-unkept": () => ({ ...prejoin(), unkept: true, then: [`press>label:has-text("Let people know me again")`], shows: ["This browser keeps no key."] }),
  verify: () => ({
    ...inside([{ ...amara, recognition: { kind: "unverified" } }, noor, jonas], { device: true }),
    then: ["key>s", "end>.panel .scroll", "Verify Amara Okafor for later meetings"],
    shows: ["69463", "Only you and Amara Okafor have this code", "It matches", "It does not"],
    hides: [".compared.verified"],
  }),
  "camera-show": () => ({ ...byCamera(), shows: [".code-picture", "40719", "Scan theirs"], hides: [".finder", ".told"] }),
  "camera-show-person": () => ({ ...verifyByCamera(), shows: [".code-picture", "69463", "and so verifies the other"] }),
  "camera-asking": () => ({ ...scanning({ kind: "starting" }), shows: ["Allow the camera"], hides: [".finder"] }),
  "camera-looking": () => ({ ...scanning(), shows: [".finder", "Hold the camera to the QR code", "69463", "Show mine"], hides: [".code-picture"] }),
  "camera-denied": () => ({ ...scanning({ kind: "denied" }), shows: ["Your camera is blocked.", ".code-picture", "Scan again"] }),
  "camera-missing": () => ({ ...scanning({ kind: "missing" }), shows: ["We found no camera."] }),
  "camera-busy": () => ({ ...scanning({ kind: "busy" }), shows: ["Your camera is in use."] }),
  "camera-failed": () => ({ ...scanning({ kind: "failed" }), shows: ["A part of this page did not load."] }),
  "camera-foreign": () => ({ ...scanning(undefined, "https://example.org/<b>menu</b>"), shows: ["no code to compare", ".finder"], hides: ["menu"] }),
  "camera-version": () => ({ ...scanning(undefined, personCode("a1").replace("/1", "/2")), shows: ["has another version"] }),
  "camera-other-code": () => ({ ...scanning(undefined, personCode("a1").replace("person", "safety")), shows: ["the safety code of a meeting"] }),
  "camera-own": () => ({ ...scanning(undefined, personCode("me")), shows: ["This is your own screen.", ".finder"] }),
  "camera-somebody": () => ({ ...scanning(undefined, personCode("j1")), shows: ["This is the screen of Jonas Lindqvist"], hides: [".compared.verified"] }),
  "camera-same": () => ({ ...scanning(undefined, personCode("a1")), shows: ["The code is the same.", ".told svg", ".code-picture", ".tile[data-identity^='a1'] .compared.verified"], hides: [".finder"] }),
  "camera-differs": () => ({ ...scanning(undefined, personCode("zz", "0")), shows: ["The code differs, and theirs is of another meeting", ".told.alarm"], hides: [".finder", ".compared.verified"] }),
  "camera-settling": () => ({ ...byCamera(["Scan theirs"]), scan: { kind: "looking", stream: person(28, 320) }, scanned: personCode("a1").replace("person", "safety"), shows: ["It differs so far."], hides: ["The safety code differs"] }),
  "camera-new-code": () => {
    const state = byCamera(["Scan theirs"], { comparable: false });
    return { ...state, scan: { kind: "looking", stream: person(28, 320) }, scanned: personCode("a1").replace("person", "safety"), shows: ["This code is new."], hides: ["It differs so far."] };
  },
  "verify-first": () => ({
    ...inside([{ ...amara, recognition: { kind: "unverified" } }, noor]),
    then: ["key>s", `press>label:has-text("Let people know me again")`, "end>.panel .scroll"],
    shows: ["People can know this device again.", "Verify for later meetings"],
  }),
  "verify-done": () => ({
    ...inside([{ ...amara, recognition: verifiedAs("Amara Okafor") }, noor, { ...jonas, recognition: verifiedAs("Jonas L.") }, { ...mei, recognition: { kind: "unverified" }, comparison: { kind: "both", at: morning } }], { device: true, security: { state: "secure", people: 4, verified: 3 } }),
    then: ["key>s", "end>.panel .scroll"],
    shows: [".top .chip.ok", "Verified on 24 November 2026", "verified as Jonas L.", "Keep the mark for later meetings", ".tile[data-identity='a1'] .compared.verified"],
    hides: [".compared.changed"],
  }),
  "verify-some": () => ({ ...inside([{ ...amara, recognition: verifiedAs("Amara Okafor") }, ...six.slice(1)], { device: true }), then: ["key>p"], shows: [".top .chip.ok", ".person .compared.verified"] }),
  "verify-differs": () => ({
    ...inside([{ ...amara, recognition: { kind: "differs", at: morning } }, noor], { device: true, security: { state: "codeDiffers", people: 2, verified: 0 } }),
    then: ["key>s", "end>.panel .scroll"],
    shows: ["You found another code at", "You and Amara Okafor did not find the same code"],
  }),
  "verify-unkept": () => ({ ...inside([{ ...amara, recognition: verifiedAs("Amara Okafor") }, noor], { device: true }), unkept: true, then: ["key>s"], shows: ["This browser did not keep what you verified"] }),
  "key-changed": () => ({
    ...inside([amara, noor, { ...jonas, recognition: changedFrom("Jonas Lindqvist", true) }], { device: true, security: { state: "keyChanged", people: 3, verified: 0 } }),
    news: [{ id: 1, at: morning, what: { kind: "keyChanged", name: "Jonas Lindqvist", verified: "Jonas Lindqvist", hasDevice: true } }],
    then: ["wait>400"],
    shows: ["Jonas Lindqvist has a new key", "Stay, without the mark", "Compare now", "Someone’s key changed"],
  }),
  "key-changed-guest": () => ({
    ...inside([amara, noor, { ...jonas, recognition: changedFrom("Jonas Lindqvist", false) }], { device: true, security: { state: "keyChanged", people: 3, verified: 0 } }),
    then: ["wait>400"],
    shows: ["Jonas Lindqvist is not known again", "shows no key that lasts"],
  }),
  "key-changed-compare": () => ({
    ...inside([amara, noor, { ...jonas, recognition: changedFrom("Jonas Lindqvist", true) }], { device: true, security: { state: "keyChanged", people: 3, verified: 0 } }),
    then: ["wait>400", "Compare now"],
    shows: ["Somebody is not known again.", "Compare again", ".tile[data-identity='j1'] .compared.changed"],
    hides: ["Jonas Lindqvist has a new key"],
  }),
  "key-changed-answered": () => ({
    ...inside([amara, noor, { ...jonas, recognition: changedFrom("Jonas Lindqvist", true) }], { device: true, security: { state: "keyChanged", people: 3, verified: 0 } }),
    then: ["wait>400", "Stay, without the mark", "key>p"],
    shows: ["Locked from inside", ".person .compared.changed.answered"],
    hides: ["Someone’s key changed"],
  }),
  "home-verified": () => ({ kept, verified: [{ key: "k1", name: "Amara Okafor", since: morning }, { key: "k2", name: "Jonas Lindqvist", since: morning - 86_400_000 * 40 }], shows: ["People you verified", "since 24 November 2026"] }),
  "home-verified-forget": () => ({ kept, verified: [{ key: "k1", name: "Amara Okafor", since: morning }], then: ["Forget Amara Okafor"], shows: ["Forget Amara Okafor?", "until you verify them again"] }),
  "compare-new-code": () => ({ ...inside([amara, noor], { comparable: false }), then: ["key>s"], shows: ["This code is new.", ".compare [aria-disabled='true']"] }),
  "safety-history": () => ({
    ...inside(),
    later: {
      members: [...six, member("k1", "Kim Adeyemi")],
      notices: [
        { id: 1, at: morning + 2 * minute, what: { kind: "left", name: "Rosa" } },
        { id: 2, at: morning + 3 * minute, what: { kind: "mediaRefused", name: "Jonas Lindqvist", source: "camera", reason: "wrongSender" } },
        { id: 3, at: morning + 7 * minute, what: { kind: "joined", name: "Kim Adeyemi" } },
      ],
    },
    then: ["key>s", "later", "end>.panel .scroll"],
    shows: ["Who can hear this", "since before you came", `since ${clock(morning + 7 * minute)}`, "Rosa left.", "We cannot open Jonas Lindqvist’s video: it was not sealed by them.", "You came in."],
  }),
  "long-names": () => ({ ...inside(long, { host: true, title: longTitle, chat: [] }), then: ["key>p"] }),
  "long-names-safety": () => ({ ...inside(long, { title: wholeTitle, chat: [] }), then: ["key>s"] }),
  "long-names-chat": () => ({ ...inside(long, { chat: long.map((one, index) => line(index + 1, one, "Good morning.", index)) }), then: ["key>c"] }),
  "long-names-remove": () => ({ ...inside(long, { host: true, chat: [] }), then: ["key>p", `Decide about ${"W".repeat(24)}…${"W".repeat(14)}`, removing] }),
  "long-names-shared": () => inside(long, { chat: [], title: longTitle }, { tracks: [...faces(long), track("l0", "Section 3: what the minutes show", 190)] }),
  "mixed-directions": () => ({ ...inside(mixed, { title: mixedTitle, chat: mixedChat }), news: [{ id: 1, at: morning, what: { kind: "joined", name: "תמר לוי" } }], then: ["key>c"] }),
  "mixed-directions-people": () => ({ ...inside(mixed, { title: mixedTitle, chat: mixedChat, host: true }), then: ["key>p"] }),
  "mixed-directions-safety": () => ({ ...inside(mixed.map((one) => (one.identity === "r1" ? { ...one, comparison: { kind: "theirs", at: morning } } : one)), { title: mixedTitle, chat: [] }), then: ["key>s", "end>.panel .scroll"] }),
  "mixed-directions-prejoin": () => hosting({ ...prejoin({ tracks: faces([noor]) }), snapshot: snapshot({ kind: "prejoin", inside: 4, limit: 50 }, [], { title: mixedTitle }), then: ["text>Your name, as the others see it>יעל"] }),
  "waiting-picture": () => inside([amara, jonas, noor], { chat: [] }, { tracks: [...faces([amara, noor]), { identity: "j1", source: "camera", stream: nothingYet() }] }),
  alone: () => ({ ...inside([noor], { chat: [] }), later: { members: [noor, jonas], notices: [{ id: 1, at: morning, what: { kind: "joined", name: "Jonas Lindqvist" } }] } }),
  two: () => inside([jonas, noor], { chat: [] }),
  "two-chat": () => ({ ...inside([jonas, noor], { chat: [] }), then: ["key>c"] }),
  "two-portrait": () => inside([jonas, noor], { chat: [] }, { tracks: [...faces([noor]), { identity: "j1", source: "camera", stream: portrait(250) }] }),
  "two-away": () => inside([{ ...jonas, awaySince: Date.now() - 12_000 }, noor], { chat: [] }),
  three: () => inside([amara, mei, noor], { chat: [] }),
  four: () => inside([amara, mei, jonas, noor], { chat: [] }),
  muted: () => inside(six, {}, { microphone: "off", camera: "off" }),
  crowd: () => inside(crowd(24), { chat: [] }),
  "crowd-paged": () => inside(crowd(50), { chat: [] }),
  share: () => inside(sharing, {}, shared),
  "share-chat": () => ({ ...inside(sharing, {}, shared), then: ["key>c"] }),
  "share-several": () => inside(sharing, {}, { tracks: [...(shared.tracks ?? []), track("h2", "Figures for the second page", 80)] }),
  "share-enlarged": () => ({ ...inside(sharing, {}, shared), then: ["key>+", "key>+", "key>+"] }),
  "share-own": () => inside(six, {}, { screen: "on", tracks: [...faces(six), track("me", "Section 3: what the minutes show", 190)] }),
  "share-both": () => inside(sharing, {}, { screen: "on", tracks: [...(shared.tracks ?? []), track("me", "Figures for the second page", 80)] }),
  "menu-microphone": () => ({ ...inside(), then: ["Choose microphone and speaker"] }),
  "menu-more": () => ({ ...inside(), then: ["More"] }),
  invite: () => ({ ...inside(), then: ["key>i"] }),
  "invite-code": () => ({ ...inside(), then: ["key>i", "QR code"], shows: [".code-picture", "Copy invitation"] }),
  shortcuts: () => ({ ...inside(), then: ["key>?"] }),
  reconnecting: () => ({
    snapshot: snapshot({ kind: "reconnecting", since: Date.now() - 8000 }, cutOff, { chat, security: { state: "attacked", people: 6, verified: 0 } }),
    media: media({ tracks: faces(six), connection: "reconnecting" }),
    then: ["key>c"],
    shows: ["The connection broke", "No connection", "The connection is away. What you write goes to those who are inside once it is back."],
    hides: [".badge", ".refused", ".chip.warned", "Chat still works", "something was refused"],
  }),
  "back-in-order": () => ({
    ...inside([amara, jonas, mei, noor], { chat: [] }),
    later: { members: [noor, { ...mei, identity: "m5" }, { ...amara, identity: "a2" }, { ...jonas, identity: "j2" }] },
    then: ["later"],
    shows: [".tile[data-identity='a2']:first-child", ".tile[data-identity='j2']:nth-child(2)", ".tile[data-identity='m5']:nth-child(3)"],
  }),
  "connection-silent": () => ({
    ...inside(cutOff, { security: { state: "attacked", people: 6, verified: 0 } }),
    shows: ["Nothing has come from anybody for", "No connection"],
    hides: [".badge", ".refused", ".chip.warned"],
  }),
  "away-attacked": () => ({
    ...inside(cutOff.map((one) => (one.identity === "j1" ? { ...one, refusal: { source: "camera" as const, reason: "wrongSender" as const } } : one)), { security: { state: "attacked", people: 6, verified: 0 } }),
    shows: ["it was not sealed by them", "something was refused"],
  }),
  away: () => ({ ...inside(changed("m4", { awaySince: Date.now() - 12_000 })), shows: ["Not heard for"], hides: [".banner"] }),
  "media-reconnecting": () => inside(six, {}, { connection: "reconnecting" }),
  "media-connecting": () => ({ ...inside(six, {}, { connection: "connecting" }), then: ["wait>3100"], shows: ["Connecting sound and picture…", "Nobody hears you yet"], hides: ["coming back"] }),
  "media-blocked": () => ({ ...inside(six, {}, { connection: "connecting", tracks: [] }), then: ["wait>10100"], shows: ["You reach meet.example.org, but sound and picture do not get through to it."], hides: ["Connecting sound"] }),
  "media-failed": () => ({ ...inside(six, {}, { connection: "failed", tracks: [] }), then: ["wait>3100"], shows: ["Try another network", "Nobody hears you yet"] }),
  unsealed: () => inside(six, {}, { unsealed: true, tracks: [] }),
  refused: () => inside(changed("j1", { refusal: { source: "camera", reason: "wrongSender" } }), { security: { state: "attacked", people: 6, verified: 0 } }),
  "refused-safety": () => ({ ...inside(changed("j1", { refusal: { source: "microphone", reason: "replayed" } }), { security: { state: "attacked", people: 6, verified: 0 } }), then: ["key>s"] }),
  "refused-screen": () => inside(sharing.map((one) => (one.identity === "a1" ? { ...one, refusal: { source: "screen" as const, reason: "authenticationFailed" as const } } : one)), {}, shared),
  unproved: () => ({
    ...inside(
      six.map((one) => (one.identity === "j1" ? { ...one, doubt: { source: "camera" as const, forged: false } } : one.identity === "a1" ? { ...one, doubt: { source: "microphone" as const, forged: true } } : one)),
      { security: { state: "unproved", people: 6, verified: 0 } },
    ),
    then: ["key>s"],
    shows: [
      "Nothing proves now that this video is Jonas Lindqvist’s: their signatures do not come.",
      "Some of this sound is not Amara Okafor’s: somebody else inside made it.",
      ".chip.warned",
      "Everyone signs their own sound and picture.",
      ".tile[data-identity='j1'] video",
    ],
    hides: ["Locked from inside", "something was refused"],
  }),
  "unproved-screen": () => ({
    ...inside(sharing.map((one) => (one.identity === "a1" ? { ...one, doubt: { source: "screen" as const, forged: false } } : one)), { security: { state: "unproved", people: 6, verified: 0 } }, shared),
    shows: ["Nothing proves now that this screen is Amara Okafor’s"],
  }),
  split: () => ({ ...inside(six, { security: { state: "split", people: 6, verified: 0 } }), then: ["key>s"] }),
  parted: () => ({ ...inside(six, { security: { state: "parted", people: 6, verified: 0 } }), then: ["key>s"], shows: ["Several people were lost at once."], hides: ["Locked from inside"] }),
  unsure: () => ({ ...inside(six, { security: { state: "unsure", people: 6, verified: 0 } }), then: ["key>s"], shows: ["Nothing that you say or show is sent."], hides: ["Locked from inside"] }),
  lost: () => ({
    ...inside(six.filter(({ identity }) => identity !== "m4"), { lost: [{ identity: mei.identity, name: mei.name, host: false, since: Date.now() - 12_000 }] }),
    then: ["key>p"],
    shows: ["Not heard for", "People · 5"],
  }),
  "toast-forked": () => ({ ...inside(), news: [{ id: 1, at: morning, what: { kind: "logForked" } }], shows: ["different versions of this meeting"] }),
  "toast-undelivered": () => ({ ...inside(), news: [{ id: 1, at: morning, what: { kind: "undelivered" } }], shows: ["did not pass it on"] }),
  "toast-host-elsewhere": () => ({ ...inside(), news: [{ id: 1, at: morning, what: { kind: "hostElsewhere", name: "Noor, phone" } }], shows: ["came in with this meeting"] }),
  "toast-not-removed": () => ({ ...inside(), news: [{ id: 1, at: morning, what: { kind: "notRemoved", name: "Hanna Weiss" } }], shows: ["is still inside"] }),
  "toast-joined": () => ({ ...inside(), news: [{ id: 1, at: morning, what: { kind: "joined", name: "Hanna Weiss" } }] }),
  "toast-gathered": () => ({ ...inside(crowd(24), { chat: [] }), news: ["Ana", "Bo", "Cy"].map((name, index) => ({ id: index + 1, at: morning, what: { kind: "joined" as const, name } })) }),
  "toast-three": () => ({
    ...inside(),
    news: ["Ana", "Bo", "Cy"].map((name, index) => ({ id: index + 1, at: morning + index * 900, what: { kind: "joined" as const, name } })),
    shows: ["Ana and two others came in."],
    hides: [".toast.alarmed"],
  }),
  "toast-unresponsive": () => ({ ...inside(), laterMedia: { microphone: "unresponsive" }, then: ["later"], shows: ["Your microphone does not answer. Plug it in again", ".toast.loud"], hides: [".toast.alarmed"] }),
  "toast-microphone": () => ({ ...inside(), laterMedia: { microphone: "denied" }, then: ["later"], shows: ["Your microphone is blocked. Open the sign", ".toast.loud"], hides: [".toast.alarmed"] }),
  ghost: () => ({ ...inside(), shows: [".toast.alarmed"], news: [{ id: 1, at: morning, what: { kind: "ghost" } }] }),
  "commit-refused": () => ({ ...inside(), news: [{ id: 1, at: morning, what: { kind: "commitRefused", rule: "noPsk" } }] }),
  left: () => ended("left"),
  "left-receipt": () => ({ ...inside(), later: { phase: { kind: "ended", reason: "left" } }, then: ["later"], shows: ["You left", "You were inside for less than a minute, at most six people at once.", "kept nothing that it can read, if the page", "Save chat", "whoever opens it can read it", "Meet again"] }),
  "left-empty": () => ({ ...inside([noor], { chat: [] }), later: { phase: { kind: "ended", reason: "left" }, members: [] }, then: ["later"], shows: ["Nobody else was inside.", "alone."], hides: ["The meeting goes on"] }),
  "home-left": () => ({ ...inside(), kept, later: { phase: { kind: "ended", reason: "left" } }, then: ["later", "Back to start"], shows: [".back", "Go back"] }),
  "removed-receipt": () => ({ ...inside(six, { chat: [] }), later: { phase: { kind: "ended", reason: "removed" } }, then: ["later"], shows: ["A host removed you", "You were inside for"], hides: ["Save chat"] }),
  removed: () => ended("removed"),
  "link-cut": () => ended("linkCut"),
  "time-over": () => ({ ...inside(six, { minutes: 60 }), later: { phase: { kind: "ended", reason: "timeOver" } }, then: ["later"], shows: ["The time of this meeting is over", "The link stays good", "Meet again", "Save chat"] }),
  "ends-soon": () => ({
    ...inside(six, { minutes: 60, endsAt: morning + 60 * minute }),
    news: [{ id: 1, at: morning + 55 * minute, what: { kind: "ends", minutes: 5, at: morning + 60 * minute } }],
    shows: ["This meeting ends in 5 minutes, at", ".toast.loud", ".chip.still"],
    hides: [".toast.alarmed"],
  }),
  "not-found": () => ended("notFound"),
  "link-wrong": () => ended("linkWrong"),
  passphrase: () => ({ ...locked({ kind: "wanted" }), shows: ["Forgotten?"], hides: [".wrongly"] }),
  "passphrase-asked": () => ({ ...locked({ kind: "asked" }), shows: ["Opening…"] }),
  "passphrase-wrong": () => ({ ...locked({ kind: "wanted" }, 1), shows: ["That did not open it."] }),
  "passphrase-too-many": () => ({ ...locked({ kind: "tooManyTries", until: morning + 11 * minute }, 10), shows: ["You can try again at", "Nobody who is inside is disturbed."] }),
  "passphrase-unreachable": () => ({ ...locked({ kind: "unreachable" }), shows: ["we do not know whether it is right"] }),
  "passphrase-other-key": () => ({ ...locked({ kind: "otherServerKey" }), shows: ["Yours may be right."] }),
  "host-mismatch": () => ended("hostMismatch"),
  full: () => ended("full"),
  version: () => ended("version"),
  replaced: () => ended("replaced"),
  "ended-refused": () => ended("refused"),
  unreachable: () => ended("unreachable"),
  "log-broken": () => ended("logBroken"),
  unsupported: () => ({ unsupported: "RTCRtpScriptTransform" }),
};
