// Every sentence that a person reads, in one place. A second language is a second object of this type.
import type { Capture, FileRefusal, HostKeyTaken, Snapshot, Source } from "../api.ts";
import { constants } from "../constants.ts";
import { isolate } from "./format.ts";
import type { Corner } from "./meeting/grid.ts";
import type { CodeKind } from "./panel/compare-code.ts";
import type { Permission } from "./permissions.ts";

type Phase = Snapshot["phase"];
export type EndReason = Extract<Phase, { kind: "ended" }>["reason"];
export type Step = Extract<Phase, { kind: "joining" }>["step"];
type MediaRefusal = NonNullable<Snapshot["members"][number]["refusal"]>;
type Door = Snapshot["door"];
type MediaDoubt = NonNullable<Snapshot["members"][number]["doubt"]>;

const small = ["No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten", "Eleven", "Twelve"];

/** 0 to 12 in letters, more in digits; capital first. */
export const number = (n: number): string => small[n] ?? n.toLocaleString("en");
const inner = (n: number): string => number(n).toLowerCase();

const others = (first: string, more: number): string => (more === 0 ? isolate(first) : more === 1 ? `${isolate(first)} and one other` : `${isolate(first)} and ${inner(more)} others`);
/** Up to three by name. */
const joint = (names: readonly string[]): string =>
  names.length > 3 ? others(names[0] ?? "", names.length - 1) : new Intl.ListFormat("en-GB").format(names);

const several = (n: number, one: string): string => `${n} ${one}${n === 1 ? "" : "s"}`;
/** How long a meeting was, to the minute. */
export const lasted = (ms: number): string => {
  const minutes = Math.floor(Math.max(0, ms) / 60_000);
  const hours = Math.floor(minutes / 60);
  if (minutes === 0) return "less than a minute";
  return [...(hours > 0 ? [several(hours, "hour")] : []), ...(minutes % 60 > 0 ? [several(minutes % 60, "minute")] : [])].join(" and ");
};

const media: Record<Source, string> = {
  camera: "video",
  microphone: "sound",
  screen: "screen",
  screenAudio: "screen sound",
};

const because: Record<MediaRefusal["reason"], string> = {
  notSFrame: "it was not sealed",
  wrongSender: "it was not sealed by them",
  replayed: "it had been played before",
  authenticationFailed: "it was altered on the way",
  noKey: "it was sealed with a key that this device does not have",
  silenced: "hosts do not let them be heard or seen by it now",
};

interface End {
  title: string;
  text: string;
  /** What to offer first. */
  then: "again" | "reload" | "home";
  tone: "calm" | "warned" | "alarmed";
}

const ends: Record<EndReason | "failed", End> = {
  failed: { title: "This page failed", text: "A part of it did not load, or stopped, so it let go of the meeting. Check your connection, then reload.", then: "reload", tone: "warned" },
  left: { title: "You left", text: "Your keys are erased. The meeting goes on for those inside.", then: "again", tone: "calm" },
  removed: { title: "A host removed you", text: "You no longer hold the keys of this meeting. Ask a host if you think this was a mistake.", then: "home", tone: "warned" },
  declined: { title: "A host did not let you in", text: "You are outside, and nobody inside saw or heard you. Ask whoever invited you if you think this was a mistake.", then: "home", tone: "calm" },
  linkCut: { title: "This link is not whole", text: "Some of it is missing or was changed on its way to you. Ask for the link again, and copy all of it.", then: "home", tone: "warned" },
  notFound: { title: "There is no such meeting", text: "It has expired or was never here. Ask whoever invited you for a new link, or start a meeting yourself.", then: "home", tone: "warned" },
  timeOver: { title: "The time of this meeting is over", text: "Sessions of this meeting have a length that the server sets, and this one has lasted that long. It ended for everybody, and your keys are erased. The link stays good: whoever meets again by it begins a new session.", then: "again", tone: "calm" },
  linkWrong: { title: "This link does not open the meeting", text: "What the server keeps was sealed with another link. Ask for the link again.", then: "home", tone: "warned" },
  hostMismatch: { title: "The host is not who the link names", text: "The server offered a meeting signed by somebody else, so we did not go in. Ask the host through another channel.", then: "home", tone: "alarmed" },
  full: { title: "The meeting is full", text: "As many people as it allows are inside. Try again when somebody has left.", then: "again", tone: "calm" },
  version: { title: "This page is out of date", text: "The server speaks a newer version. Reload the page to get it, then join again.", then: "reload", tone: "warned" },
  replaced: { title: "You are here from another place", text: "The same seat in the meeting was taken up elsewhere, so this page let go of it.", then: "again", tone: "calm" },
  refused: { title: "The server refused to go on", text: "It did not accept what this page sent. Join again; if it happens once more, tell whoever runs the server.", then: "again", tone: "warned" },
  unreachable: { title: "The server cannot be reached", text: "Check your connection, then try again.", then: "again", tone: "warned" },
  logBroken: { title: "We left to protect you", text: "The server withheld, re-ordered or rewound messages of this meeting. Tell the others through another channel.", then: "home", tone: "alarmed" },
};

const deeds: Record<Permission, string> = { speak: "speak", chat: "write in the chat", share: "share a screen" };

/** Whoever gives somebody the page could give another one: each promise about the server says so. */
let isOfDesktop = false;
const ifPublished = (page: string): string => `if the ${isOfDesktop ? "desktop program" : page} is the published one`;
/** From now on the desktop program gave the page, and no server. */
export const sayDesktop = (): void => void (isOfDesktop = true);

const linkForm = `It looks like https://…${constants.meetingPage}# followed by ${constants.linkChars} letters and digits.`;
const toStart = "Back to start";

/** What the link is good for. */
const bearer: Record<Door, string> = {
  open: "Whoever has this link can come in.",
  ask: "Whoever has this link can ask a host to come in.",
  locked: "The door is locked: nobody comes in by this link until a host opens it.",
};

export const strings = {
  product: "Conclave",
  notLoaded: "This page could not be loaded whole. Check your connection, then reload.",
  notFound: { title: "There is nothing at this address", text: `If it was meant to be a meeting, its link was changed on the way. ${linkForm} Paste it here, or ask for it again.`, home: toStart },
  keyCut: { title: "The key of this link is missing", text: "A mail program or a scanner cut off what stood behind #. Ask for the link again, or copy it whole from the message and paste it here.", home: toStart },
  count: (n: number) => (n === 1 ? "1 person" : `${n.toLocaleString("en")} people`),
  you: "You",
  close: "Close",
  news: "News",
  cancel: "Cancel",
  copied: "Link copied.",
  notCopied: "The browser did not let us copy. The link is marked: copy it by hand.",
  home: {
    title: "Meetings locked from inside.",
    lobby: "People ask to come in",
    passphrase: {
      ask: "A passphrase beside the link",
      label: "Passphrase that the others will need",
      hint: "Tell it by another way than the link.",
      meter: "How long it is",
      short: `Take ${constants.passphraseChars} letters or more, such as three or four words that nobody would guess together.`,
      same: "This is the same over and over. Take words that nobody would guess together.",
      enough: "Long enough: whoever guesses has to ask the server, which stops that. A longer one also withstands the server.",
      strong: "Long enough even if whoever runs the server has the link and guesses, unless somebody would think of these words.",
    },
    get lead() {
      return `Video, voice and chat that only those inside can open, ${ifPublished("page this server gave you")}.`;
    },
    start: "Start a meeting",
    starting: "Starting…",
    or: "or join one",
    paste: "Paste a meeting link",
    join: "Join",
    refusedLink: {
      missing: `This is not a meeting link. ${linkForm}`,
      cut: "This link is not whole. Copy all of it, to the last letter.",
      several: "These are several meeting links. Paste the one that you want.",
    },
    left: (title: string) => `You were just in ${title === "" ? "a meeting" : isolate(title)}.`,
    goBack: "Go back",
    failed: (why: string, host: string) => {
      switch (why) {
        case "closed":
          return `${host} lets only some people start meetings. Ask whoever runs it for a link, or start one on another server.`;
        case "tooMany":
          return `As many meetings were started from here as ${host} lets one start for now. Use one of them, or try again later.`;
        case "full":
          return `${host} keeps as many meetings as it may. Ask whoever runs it, or start one on another server.`;
        default:
          return `We could not reach ${host}. Check your connection, then try again.`;
      }
    },
    mine: "My meetings",
    device: "kept on this device",
    none: "Meetings that you start are kept here, on this device only.",
    untitled: "Untitled meeting",
    hosted: "You are the host",
    guest: "You were a guest",
    copy: (title: string) => `Copy the link of ${isolate(title)}`,
    open: "Open",
    openNamed: (title: string) => `Open ${isolate(title)}`,
    hostLink: {
      open: (title: string) => `Be host of ${isolate(title)} on another device`,
      title: (title: string) => `Be host of ${isolate(title)} on another device`,
      text: "A host link makes the device that opens it first a host, for as long as the meeting is kept. It works once, within a day, and you can take it back until it is used. Keep it from anybody who should not be host.",
      make: "Make a host link",
      takeBack: "Take back unused links",
      takenBack: "No host link of this meeting works any more.",
      code: "The host link as a QR code",
      usedNow: "Your host link was just used. If that was not your device, start another meeting: a host key that was used cannot be taken back.",
      made: "Host links of the last day",
      waiting: (until: string) => `Not used yet. It works until ${until}.`,
      used: (at: string) => `Used on ${at}. Whoever opened it is a host.`,
      back: "Taken back. It works no more.",
      tried: (times: number) => `Tried ${times === 1 ? "once" : times === 2 ? "twice" : `${inner(times)} times`} since then: somebody has this link who should not.`,
      refused: "The server does not take it. The meeting is no longer kept there, or there were too many host links today.",
      unreachable: "We could not reach the server. Check your connection, then try again.",
    },
    forget: (title: string) => `Forget ${isolate(title)}`,
    forgetTitle: (title: string) => `Forget ${isolate(title)}?`,
    forgetText: "Its link and host key are erased from this device. Others who have the link can still meet, but nobody can be the host from here.",
    forgetDo: "Forget",
    forgetFailed: "We could not erase it. Try again.",
    files: {
      save: "Save to a file",
      load: "Load from a file",
      name: (at: Date) => `Conclave meetings ${at.toISOString().slice(0, 10)}.conclave`,
      saveTitle: "Save your meetings to a file",
      saveText: "The file holds their links and host keys, sealed with a passphrase. With both you are the host on another device, and so is anyone else who has both. Nobody can open it without the passphrase, and we cannot either.",
      saveDo: "Save",
      saved: "Saved. Keep the file and its passphrase apart.",
      loadTitle: "Load meetings from a file",
      loadText: "They are kept on this device, and you are their host here too. Those that are here already stay as they are.",
      loadDo: "Load",
      loaded: (count: number) => (count === 0 ? "All of them were here already." : count === 1 ? "1 meeting is kept here now." : `${count} meetings are kept here now.`),
      passphrase: "Passphrase of the file",
      repeat: "The same once more",
      hint: `${constants.filePassphraseChars} letters or more: several words that nobody would guess together.`,
      unlike: "The two are not the same.",
      busy: "One moment…",
      refused: {
        short: `This passphrase is too short. Take ${constants.filePassphraseChars} letters or more.`,
        tooMany: "These are too many meetings for one file. Forget some that are over.",
        notOurs: "This is not a file of meetings that this page can read.",
        closed: "It does not open. Check the passphrase; or the file was changed.",
        elsewhere: "Its meetings are of another server. Load it on that server’s page.",
        failed: "This browser did not let us. Try again.",
      } satisfies Record<FileRefusal, string>,
    },
    from: ({ host, desktop }: { host: string; desktop: boolean }, release: string) =>
      `${desktop ? `This page came with the desktop program; no code comes from ${host}` : `This page came from ${host}`}${release === "" ? "" : `, release ${release}`}.`,
  },
  prejoin: {
    about: "You are about to join",
    title: "Title",
    giveTitle: "Give it a title",
    changeTitle: "Change the title",
    saveTitle: "Save",
    titleFull: `A title has at most ${constants.titleChars} letters.`,
    titleLost: "The server did not keep the new title. Check your connection, then try again.",
    lasts: (minutes: number) => `The server ends it ${minutes === 1 ? "a minute" : `${minutes.toLocaleString("en")} minutes`} after the first one came in.`,
    looking: "Looking for the meeting…",
    early: "You go in as soon as the meeting is found.",
    inside: (n: number) => (n === 0 ? "Nobody is inside yet." : n === 1 ? "One person is inside." : `${number(n)} people are inside.`),
    name: "Your name, as the others see it",
    nameMissing: "Type a name, so that the others know who came in.",
    join: "Join",
    promise: (host: string) => `Only those inside can hear, see or read it. ${host} cannot, ${ifPublished("page it gave you")}.`,
    heard: "We hear you.",
    silent: "Say something to check your microphone.",
    muted: "Your microphone is off.",
    cameraOff: "Your camera is off.",
    preview: "Your picture, as only you see it",
    asking: "Your browser asks whether this page may use your camera and microphone.",
    microphone: "Microphone",
    camera: "Camera",
    speaker: "Speaker",
    standard: "Standard device",
    blocked: {
      both: "Camera and microphone are blocked",
      camera: "Your camera is blocked",
      microphone: "Your microphone is blocked",
    },
    allow: "Open the sign left of the address, switch it to Allow, and reload. You can also join without.",
    picture: "The address bar of a browser: the sign left of the address opens a list with switches for camera and microphone.",
    capture: (what: "camera" | "microphone", state: Capture): string | null => {
      switch (state) {
        case "missing":
          return `We found no ${what}. Plug one in, or join without.`;
        case "busy":
          return `Another program is using your ${what}. Close it there, then switch it on here.`;
        case "unresponsive":
          return `Your ${what} does not answer. Plug it in again or choose another one, then switch it on here. You can also join without.`;
        case "unsupported":
          return `This browser cannot use a ${what} here. You can join without.`;
        case "denied":
          return `Your ${what} is blocked by the browser.`;
        case "silenced":
        case "off":
        case "starting":
        case "on":
          return null;
      }
    },
  },
  joining: {
    title: "Going in",
    steps: { connecting: "Proving that you have the link", catchingUp: "Reading who is inside", committing: "Taking your place" } satisfies Record<Step, string>,
    cancel: "Stay outside",
  },
  door: {
    title: {
      asks: "Waiting to be let in",
      alone: "Waiting for a host",
      locked: "The meeting is locked",
      back: "You are back at the door",
    },
    asks: (name: string) => `A host inside is told that ${isolate(name)} asks to come in. You go in by yourself once they admit you.`,
    alone: (name: string) => `Only a host can let you in, and none is inside now. One who comes is told that ${isolate(name)} asks to come in.`,
    locked: "Nobody can come in or ask now. If a host opens the door, this page goes on by itself.",
    back: "You are outside, and what is said inside is sealed from you.",
    unseen: "As long as you are here, nobody inside sees or hears you.",
    since: (time: string) => `You have waited for ${time}.`,
    sound: "Play a soft sound when you are let in",
    leave: "Leave the door",
    word: "What the host says",
    chip: "Door locked",
    chipOpen: "The door is locked: nobody can come in. Show who is inside",
    list: "At the door",
    claims: "Their names are what they typed.",
    waits: (time: string) => `waits for ${time}`,
    admit: "Admit",
    admitNamed: (name: string) => `Admit ${isolate(name)}`,
    admitAll: "Admit all",
    decline: (name: string) => `Decline ${isolate(name)}`,
    declineTitle: (name: string) => `Do not let ${isolate(name)} in?`,
    declineText: "They are told that a host did not let them in.",
    declineDo: "Decline",
    wordFor: "A word to them, if you like",
    twin: { inside: "Same name as somebody inside", outside: "Same name as somebody else here" },
    asksIn: (name: string, more: number) => `${others(name, more)} ${more === 0 ? "asks" : "ask"} to come in.`,
    askedIn: (name: string) => `${isolate(name)} asks to come in`,
    show: "Show",
    how: "Who can come in",
    limit: "How many at once",
    people: (most: number) => `Up to ${most} people`,
    choices: { open: "Anybody with the link", ask: "They ask first", locked: "Nobody" } satisfies Record<Door, string>,
    states: {
      open: "Anybody with the link can come in.",
      ask: "Whoever comes asks a host first.",
      locked: "The door is locked: nobody can come in.",
    } satisfies Record<Door, string>,
  },
  security: {
    secure: (people: string, others: number, verified: number) => `Locked from inside · ${verified === 0 ? people : verified >= others ? "all verified" : `${others - verified} not verified`}`,
    keyChanged: "Someone’s key changed",
    attacked: "Locked · something was refused",
    unproved: "Locked · something is not proved",
    unsure: "Silent · nobody is heard for sure",
    unsureShort: "Silent",
    parted: "Locked · several people lost",
    partedShort: "Several lost",
    split: "Split: not everyone sees the same people",
    splitShort: "Split: not all see the same",
    codeDiffers: "The safety code differs",
    away: "No connection",
    open: "Show what keeps this meeting safe",
  },
  meeting: {
    stage: "People",
    strip: "More people and screens",
    together: "Meeting controls",
    untitled: "Meeting",
    endsAt: (at: string) => `Ends at ${at}`,
    screenOf: (name: string) => `${isolate(name)} is sharing a screen`,
    yourScreen: "You are sharing your screen",
    showScreen: (name: string) => `Show the screen of ${isolate(name)}`,
    tile: (name: string, mic: boolean, camera: boolean) => `${isolate(name)}, microphone ${mic ? "on" : "off"}, camera ${camera ? "on" : "off"}`,
    micOff: "microphone off",
    corner: { "top-left": "top left", "top-right": "top right", "bottom-right": "bottom right", "bottom-left": "bottom left" },
    move: (corner: Corner): string => `Your picture, ${strings.meeting.corner[corner]}: move it to another corner`,
    page: (page: number, pages: number) => `${page} of ${pages}`,
    earlier: "Earlier people",
    later: "More people",
    alone: "You are alone inside",
    aloneText: (door: Door) => `Send this link to those you want to meet. ${bearer[door]}`,
    arrivalSound: "Play a soft sound when somebody comes in",
    away: (seconds: string) => `Not heard for ${seconds}`,
    connectionAway: {
      broke: (seconds: string) => `The connection broke ${seconds} ago. Trying again; you keep your place.`,
      silent: (seconds: string) => `Nothing has come from anybody for ${seconds}. It may be your connection.`,
    },
    mediaReconnecting: "Sound and picture are coming back. Chat still works.",
    mediaConnecting: "Connecting sound and picture…",
    mediaFailed: (host: string) => `You reach ${host}, but sound and picture do not get through to it. Try another network, or switch a VPN off. Chat still works.`,
    capture: (what: "camera" | "microphone", state: Capture): string | null => {
      switch (state) {
        case "missing":
          return `We found no ${what}. Plug one in, then switch it on here.`;
        case "busy":
          return `Another program is using your ${what}. Close it there, then switch it on here.`;
        case "unresponsive":
          return `Your ${what} does not answer. Plug it in again or choose another one, then switch it on here.`;
        case "unsupported":
          return `This browser cannot use a ${what} here.`;
        case "denied":
          return `Your ${what} is blocked. Open the sign left of the address, switch it to Allow, then switch it on here.`;
        case "silenced":
          return "A host decides who speaks now. You can switch your microphone on once they let you.";
        case "off":
        case "starting":
        case "on":
          return null;
      }
    },
    unheard: "Nobody hears you yet",
    unsealed: "This browser could not seal your sound and picture, so they were stopped. Nothing left unsealed.",
    refused: (name: string, refusal: MediaRefusal) =>
      name === "" ? `We cannot open this: ${because[refusal.reason]}.` : `We cannot open ${isolate(name)}’s ${media[refusal.source]}: ${because[refusal.reason]}.`,
    doubted: (name: string, { source, forged }: MediaDoubt) => {
      const owner = name === "" ? "its owner’s" : `${isolate(name)}’s`;
      return forged ? `Some of this ${media[source]} is not ${owner}: somebody else inside made it.` : `Nothing proves now that this ${media[source]} is ${owner}: their signatures do not come.`;
    },
  },
  screen: {
    controls: "Size of the shared screen",
    enlarge: "Enlarge",
    reduce: "Reduce",
    whole: (percent: string) => `${percent}: show the whole screen`,
    wholeShort: "Show the whole screen",
  },
  toolbar: {
    mute: "Mute",
    unmute: "Unmute",
    silenced: "Unmute: only hosts, and whom they let, speak now",
    unshared: "Share screen: only hosts, and whom they let, share now",
    cameraOff: "Turn camera off",
    cameraOn: "Turn camera on",
    micDevices: "Choose microphone and speaker",
    cameraDevices: "Choose camera",
    share: "Share screen",
    unshare: "Stop sharing",
    more: "More",
    leave: "Leave",
    chat: "Chat",
    unread: (n: number) => `Chat, ${n} unread`,
    people: "People",
    knocking: (n: number) => `People, ${n} at the door`,
    safety: "Safety",
    full: "Full screen",
    unfull: "Leave full screen",
    shortcuts: "Keyboard shortcuts",
    devices: "Choose devices",
    invite: "Invite",
  },
  announcements: {
    micOn: "Microphone on.",
    micOff: "Microphone off.",
    cameraOn: "Camera on.",
    cameraOff: "Camera off.",
    shareOn: "You are sharing your screen.",
    shareOff: "You stopped sharing your screen.",
    inside: "You are inside.",
    reconnecting: "The connection broke. Trying again.",
    back: "The connection is back.",
    chat: (name: string, text: string) => `${isolate(name)} writes: ${text}`,
  },
  chat: {
    title: "Chat",
    promise: (n: number) => `${n === 1 ? "Only you are here." : `What you write now goes to these ${inner(n)} people.`} Who comes later does not see it.`,
    silenced: "Only hosts, and whom they let, write now. You can read on.",
    away: "The connection is away. What you write goes to those who are inside once it is back.",
    earlier: "Earlier lines are not shown to you.",
    crossed: {
      joined: (names: readonly string[]) => `${joint(names)} came in: ${names.length === 1 ? "does" : "do"} not see what is above.`,
      left: (names: readonly string[]) => `${joint(names)} left: could read up to here.`,
      lost: (names: readonly string[]) => `${joint(names)} lost the connection: could read up to here.`,
      removed: (names: readonly string[]) => `A host removed ${joint(names)}: could read up to here.`,
      sentBack: (names: readonly string[]) => `A host sent ${joint(names)} back to the door: could read up to here.`,
    },
    readers: (n: number) => `Who could read this: ${n === 1 ? "1 person" : `${n} people`}`,
    readBy: (names: readonly string[]) => `Could be read by ${new Intl.ListFormat("en-GB").format(names)}.`,
    whole: "Show all of it",
    less: "Show less",
    newer: (n: number) => (n === 1 ? "1 new line" : `${n} new lines`),
    write: "Message everyone",
    send: "Send",
    sending: "Sending",
  },
  people: {
    title: "People",
    host: "Host",
    me: "you",
    again: (nth: number, name: string, came: string | null) => `${["second", "third", "fourth", "fifth"][nth - 2] ?? `${nth}th`} ${name}${came === null ? "" : `, came ${came}`}`,
    micOn: "Microphone on",
    micOff: "Microphone off",
    cameraOff: "Camera off",
    sharing: "Shares a screen",
    decide: (name: string) => `Decide about ${isolate(name)}`,
    silenced: "may not speak",
    mute: "Mute",
    muteHint: "They can unmute themselves.",
    unheard: "Do not let speak",
    unheardHint: "Nobody plays what they say until a host lets them speak.",
    heard: "Let speak",
    heardHint: "Their microphone stays off until they switch it on.",
    unwritten: "Do not let write",
    unwrittenHint: "Nobody is shown what they write in the chat.",
    written: "Let write",
    writtenHint: "What they write is shown again.",
    unshared: "Do not let share",
    unsharedHint: "Nobody is shown their screen.",
    shared: "Let share",
    sharedHint: "They can share their screen again.",
    muteAll: "Mute everybody else",
    muteAllHint: "All but hosts. They can unmute themselves.",
    muteAllSilent: "All but hosts. They need a host to speak again.",
    sendBack: "Send back to the door",
    sendBackText: "They can ask again, and newcomers ask from now on.",
    remove: "Remove…",
    removeHint: "They are out, and their key is kept out.",
    removeTitle: (name: string) => `Remove ${isolate(name)}?`,
    removeText: (name: string, door: Door) => `${isolate(name)} is out, the key they have is kept out, and ${{ open: "anybody with the link can still come in", ask: "newcomers ask from now on", locked: "the door stays locked" }[door]}. They can open nothing that is sent from then on.`,
    leaveOpen: "Leave the door open",
    leaveOpenText: "Whoever has the link, they too, can then come in with another key.",
    removeDo: "Remove",
    appoint: "Make host…",
    appointHint: "They can decide who is inside, too.",
    appointTitle: (name: string) => `Make ${isolate(name)} a host?`,
    appointText: "They can let people in, send them back, remove them and lock the door, also after you have left. Only removing them takes it back.",
    appointDo: "Make host",
  },
  desktop: {
    gone: "The desktop program did not answer. Open it again from your menu.",
    refused: "The desktop program does not know this tab",
    refusedText: "It has ended, or somebody else opened this address first. Close this window and open Conclave again from your menu. If that happens again, another program on this computer reads along.",
  },
  software: {
    none: "does not say what they run",
    page: (site: string, version: string) => `the page ${site === "" ? "" : `of ${site}, `}${version}`,
    native: (version: string) => `the native program ${version}`,
    desktop: (version: string) => `the desktop program ${version}`,
    says: (what: string, me: boolean) => (me ? `You run ${what}` : `says they run ${what}`),
    differs: (short: string) => `another build than others here: ${short}`,
    named: (version: string) => `release ${version} in the log`,
    notNamed: "in no log of releases",
    about: "What somebody runs is told by their own page or program, to those here alone. It proves nothing: a changed one can say anything.",
    apart: "Not everybody says they run the same build. A server can give one person another page than the rest; or somebody loaded theirs before an update. Reload, and ask them to.",
    unlogged: "Somebody says they run a build that is in no log of releases.",
  },
  floor: {
    title: "Who may speak, write, share",
    now: (hostsOnly: readonly Permission[]) => (hostsOnly.length === 0 ? "Everybody" : "Limited"),
    deeds: { speak: "Everybody may speak", chat: "Everybody may write in the chat", share: "Everybody may share a screen" } satisfies Record<Permission, string>,
    hint: "Off: only hosts, and whom they let.",
    newcomers: "Microphones of newcomers",
    asTheyChoose: "As they choose",
    mutedAbove: (people: number) => (people === 0 ? "Off" : `Off when more than ${people} are inside`),
    hostsOnly: (what: readonly Permission[]) => `Only hosts, and whom they let, ${new Intl.ListFormat("en-GB").format(what.map((one) => deeds[one]))}.`,
  },
  safety: {
    title: "Safety",
    secure: "Locked from inside.",
    secureText: (n: number, host: string) => `Only ${n === 1 ? "you hold" : `the ${inner(n)} people shown hold`} the keys. ${host} passes sealed data and cannot open it, ${ifPublished("page it gave you")}.`,
    attacked: "Something was refused.",
    attackedText: "Something did not fit: sound or picture that is not its owner’s, somebody at the server who is not in this meeting, or a change against the rules. It was kept out; the rest goes on, locked.",
    unproved: "Something is not proved.",
    unprovedText:
      "Everyone signs their own sound and picture. Where a tile is marked, signatures do not come or do not fit: the line loses too much, the server keeps them back, or somebody else inside sends in that person’s place. Until the mark is gone, do not rely on what you hear or see there.",
    unsure: "Nothing that you say or show is sent.",
    unsureText: "For some seconds nothing has proved that you and the others hear each other. It may be the connection, or the server keeps something back. It goes on by itself as soon as somebody else is heard.",
    parted: "Several people were lost at once.",
    partedText: "Their connections may have broken, or the server keeps the parts of this meeting from each other: each then sees the others as lost. Nobody said that they leave. Ask them another way.",
    split: "Not everyone sees the same people.",
    splitText: "The server may have parted this meeting in two. Do not rely on who is shown until you have compared the code with the others.",
    same: "Everyone should see this code. It changes when somebody comes or goes.",
    check: "Compare this code with the others",
    compare: "Read it to the others, by voice or another way, and tell for each below whether they have the same. If one digit differs and nobody came or went, somebody is in between.",
    codeDiffers: "The safety code differs.",
    codeDiffersText: (names: readonly string[]) => `${joint(["You", ...names])} did not find the same code: somebody may be in between. Leave, start another meeting, and send its link another way. If it was a slip, read the code again; whoever answered Different can answer anew.`,
    keyChanged: "Somebody is not known again.",
    keyChangedText: (names: readonly string[]) => `${joint(names)} ${names.length === 1 ? "has" : "have"} the name of somebody you verified, without that person’s key. It may be another device of theirs, or somebody else. Nothing is held back from them: compare below, or ask them another way, before you trust who it is.`,
    before: "The code until then",
    changed: (why: string) => `Changed: ${why} Start again.`,
    somebody: "Somebody came or went.",
    none: "The code appears once you are inside.",
    here: "Who can hear this",
    since: {
      seen: (time: string) => `since ${time}`,
      before: "since before you came",
      meanwhile: (time: string) => `came while you were away, by ${time}`,
    },
    happened: "What happened",
    happenedText: "Seen from here, and kept until the meeting ends for you.",
    entered: "You came in.",
    broke: "Your connection broke.",
    returned: "Your connection came back.",
    cut: "What was before is not kept.",
  },
  compare: {
    same: "Same",
    different: "Different",
    sameAs: (name: string) => `Same code as ${isolate(name)}`,
    differentFrom: (name: string) => `Different code from ${isolate(name)}`,
    fresh: "This code is new. You can answer in a moment, when it has been read.",
    away: "The connection is away, and the code may have changed. You can answer once it is back.",
    mine: (name: string, time: string) => `You compared with ${isolate(name)} at ${time}. Their answer is not here yet.`,
    theirs: (name: string, time: string) => `${isolate(name)} found the same code at ${time}. And you?`,
    both: (time: string) => `Compared at ${time}`,
    differs: (name: string | null, time: string) => `${name === null ? "You" : isolate(name)} found a different code at ${time}.`,
    done: "compared",
  },
  verify: {
    known: "Let people know me again",
    hint: "Those who verify you then see it in later meetings, by a key that stays on this device. Everyone in each meeting that you enter can tell by it that it is the same device. The server cannot.",
    on: "People can know this device again. It holds until you leave.",
    noKey: "This browser keeps no key. In a private window it may be forbidden to.",
    title: "Know each other again",
    unkept: "This browser did not keep what you verified: it holds for as long as this page is open.",
    mark: "verified",
    knownAs: (name: string) => `verified as ${isolate(name)}`,
    notThem: (name: string) => `not known to be ${isolate(name)}, whom you verified`,
    since: (on: string) => `Verified on ${on}. You know this device again in every meeting.`,
    guest: (name: string) => `${isolate(name)} shows no key that lasts, so there is nothing to know again.`,
    first: "To verify each other for later meetings, let people know you again, above.",
    start: "Verify for later meetings",
    startNamed: (name: string) => `Verify ${isolate(name)} for later meetings`,
    again: "Compare again",
    busy: "One moment…",
    code: (name: string) => `Only you and ${isolate(name)} have this code, in every meeting. Read it to each other, best where you see each other.`,
    codeOf: (name: string) => `Code that only you and ${isolate(name)} have`,
    matches: "It matches",
    matchesNamed: (name: string) => `The code of ${isolate(name)} matches`,
    different: "It does not",
    differentNamed: (name: string) => `The code of ${isolate(name)} does not match`,
    keep: "Keep the mark for later meetings",
    keepNamed: (name: string) => `Keep the mark of ${isolate(name)} for later meetings`,
    forget: "Forget",
    forgetNamed: (name: string) => `Forget that ${isolate(name)} is verified`,
    differs: (time: string) => `You found another code at ${time}: somebody may be in between. Leave, and ask them another way.`,
    changed: {
      title: (name: string, hasDevice: boolean) => (hasDevice ? `${isolate(name)} has a new key` : `${isolate(name)} is not known again`),
      text: (name: string, on: string, hasDevice: boolean) =>
        hasDevice
          ? `You verified ${isolate(name)} on ${on}. Whoever has this name today shows another key. It may be a new device, or somebody who poses as ${isolate(name)}.`
          : `You verified ${isolate(name)} on ${on}. Whoever has this name today shows no key that lasts. It may be another device, or somebody who poses as ${isolate(name)}.`,
      stay: "Stay, without the mark",
      stayNamed: (name: string) => `Stay, without the mark for ${isolate(name)}`,
      compare: "Compare now",
    },
    list: {
      title: "People you verified",
      text: "They are known again in every meeting, by the key of their device. The list is kept on this device only.",
      since: (on: string) => `since ${on}`,
      forget: (name: string) => `Forget ${isolate(name)}`,
      forgetTitle: (name: string) => `Forget ${isolate(name)}?`,
      forgetText: "Next time they are shown without the mark, until you verify them again.",
      forgetDo: "Forget",
      device: "Erase the key of this device",
      deviceTitle: "Erase the key of this device?",
      deviceText: "It is made anew when you let people know you again. Those who verified you see a new key then, and are warned.",
      deviceDo: "Erase",
      erased: "The key is erased.",
    },
  },
  camera: {
    open: "Compare by camera",
    openNamed: (name: string) => `Compare with ${isolate(name)} by camera`,
    verifyNamed: (name: string) => `Verify ${isolate(name)} by camera`,
    title: (name: string) => `Compare with ${isolate(name)} by camera`,
    text: {
      person: "Sit or stand side by side: a picture that comes through the meeting can be changed on the way. Each scans what the other’s screen shows here, and so verifies the other.",
      safety: "Sit or stand side by side: a picture that comes through the meeting can be changed on the way. Each scans what the other’s screen shows here.",
    } satisfies Record<CodeKind, string>,
    picture: "Your code as a QR code, for the other’s camera. The same digits follow.",
    digits: "The code in digits",
    finder: "What your camera sees. It goes nowhere.",
    scan: "Scan theirs",
    again: "Scan again",
    show: "Show mine",
    states: {
      starting: "Allow the camera, if the browser asks.",
      looking: "Hold the camera to the QR code on their screen.",
      denied: "Your camera is blocked. Open the sign left of the address, switch it to Allow, then scan again. Or read the digits to each other.",
      missing: "We found no camera. Read the digits to each other.",
      busy: "Your camera is in use. Close it in the other program, or switch your camera off in the meeting, then scan again.",
      unresponsive: "Your camera does not answer. Plug it in again, then scan again. Or read the digits to each other.",
      unsupported: "This browser cannot use a camera here. Read the digits to each other.",
      failed: "A part of this page did not load. Scan again in a moment, or read the digits to each other.",
    },
    foreign: (name: string) => `This QR code is no code to compare. Ask ${isolate(name)} to open “Compare by camera” on their page.`,
    version: (name: string) => `The page of ${isolate(name)} has another version than yours. Read the digits to each other.`,
    otherCode: {
      person: "This is the safety code of a meeting. Ask them for the code under “Verify for later meetings”.",
      safety: "This is the code for later meetings. Ask them for the safety code: beside your name, under “Who can hear this”.",
    } satisfies Record<CodeKind, string>,
    own: (name: string) => `This is your own screen. Hold the camera to that of ${isolate(name)}.`,
    somebody: (other: string, name: string) => `This is the screen of ${isolate(other)}, who is not the ${isolate(name)} you chose. Close this, and compare with ${isolate(other)}. If nobody but ${isolate(name)} shows it to you, somebody else here goes by that name.`,
    settling: "It differs so far. Somebody may be coming or going: keep the camera on it.",
    same: {
      person: (name: string) => `The code is the same. You verified ${isolate(name)}. Let them scan yours too.`,
      safety: (name: string) => `The code is the same, and ${isolate(name)} is told so. Let them scan yours too.`,
    } satisfies Record<CodeKind, (name: string) => string>,
    differs: (elsewhere: boolean) =>
      `The code differs${elsewhere ? ", and theirs is of another meeting" : ""}: somebody may be in between. Leave, and ask them another way. If they showed the code that they have with somebody else, scan again.`,
  },
  leave: { title: "Leave the meeting?", text: "The others stay inside. With the link you can come back." },
  invite: {
    title: "Invite people",
    text: (door: Door) => `${bearer[door]} Send it the way you would send a key.`,
    link: "Meeting link",
    copy: "Copy link",
    share: "Share",
    copyInvitation: "Copy invitation",
    invitation: (title: string, link: string) => `${title}\n\n${link}\n\nOpen the link in a browser to come in. Keep it to yourself: whoever has it can come to the door too.\n`,
    invitationCopied: "Invitation copied.",
    invitationNotCopied: "The browser did not let us copy. Copy the link by hand.",
    code: "QR code",
    codeOf: "QR code of the meeting link, for the camera of a phone",
  },
  shortcuts: {
    title: "Keyboard shortcuts",
    list: { m: "Microphone on or off", v: "Camera on or off", x: "Share your screen, or stop", c: "Chat", p: "People", s: "Safety", i: "Invite", "+ − 0": "Enlarge a shared screen, reduce it, show all of it", "?": "This list", Esc: "Close what is open" },
    single: "Use single keys",
    singleText: "Switch off if you dictate, or press keys by chance.",
  },
  notice: {
    joined: (names: string) => `${names} came in.`,
    cameIn: (name: string) => `${name} came in`,
    left: (names: string) => `${names} left.`,
    lost: (names: string) => `${names} lost the connection.`,
    removed: (name: string) => `A host removed ${isolate(name)}.`,
    sentBack: (name: string) => `A host sent ${isolate(name)} back to the door.`,
    door: {
      open: "A host opened the door: anybody with the link can come in.",
      ask: "From now on whoever comes asks a host first.",
      locked: "A host locked the door: nobody can come in.",
    } satisfies Record<Door, string>,
    hostElsewhere: (name: string) => `${isolate(name)} came in with this meeting’s host key. If that is not a device of yours, somebody else has the key: leave, and start another meeting.`,
    appointed: (name: string, me: boolean) => (me ? "You are a host now: in People you decide who is inside." : `${isolate(name)} is a host now.`),
    floor: (what: Permission, everybody: boolean) => (everybody ? `Everybody may ${deeds[what]} now.` : `Only hosts, and whom they let, ${deeds[what]} now.`),
    permitted: (what: Permission, given: boolean) => (given ? `A host lets you ${deeds[what]}.` : `A host does not let you ${deeds[what]} any more.`),
    muted: (name: string) => `${isolate(name)}, a host, muted you. You can unmute when you want to speak.`,
    mutedOnEntry: "So many are here that you came in muted. You can unmute when you want to speak.",
    lineNotTaken: "Your line was shown to nobody: only hosts, and whom they let, write now.",
    others,
    ghost: "The server connected somebody who is not in this meeting. They are not shown and have no keys.",
    codeDiffers: (name: string, byMe: boolean) =>
      `${byMe ? `You found another safety code than ${isolate(name)}` : `${isolate(name)} found another safety code than yours`}. Somebody may be in between: leave, and start another meeting.`,
    keyChanged: (name: string, verified: string, hasDevice: boolean) =>
      `${isolate(name)} ${hasDevice ? "has another key than" : "shows no key, unlike"} ${name === verified ? "the one" : isolate(verified)} whom you verified: another device, or somebody else. Compare before you trust who it is.`,
    otherSoftware: (name: string, me: boolean, unlogged: boolean) => `${me ? "You run" : `${isolate(name)} says they run`} ${unlogged ? "a build that is in no log of releases" : "another build of the page or program than others here"}. People says more.`,
    ends: (minutes: number, at: string) =>
      minutes === 0 ? `This meeting ends in less than a minute, at ${at}.` : `This meeting ends in ${minutes === 1 ? "a minute" : `${minutes} minutes`}, at ${at}. Afterwards the link begins a new session.`,
    peopleFull: "As many verified people are kept as may be. Forget some on the start page, then verify again.",
    undelivered: "The server took something that you sent and did not pass it on. It is being sent again.",
    notRemoved: (name: string) => `${isolate(name)} is still inside: the removal did not go through yet. It is being tried again.`,
    logForked: "The server shows people here different versions of this meeting. You are entering it anew.",
    clockOff: "The server’s clock does not run as yours does: one of the two is wrong. Who is away is judged by the server’s.",
    commitRefused: "A change to who is inside broke the rules and was ignored. Nobody came in by it.",
  },
  ended: {
    ends,
    again: "Join again",
    retry: "Try again",
    reload: "Reload",
    home: toStart,
    meet: "Meet again",
    leftEmpty: "Your keys are erased. Nobody else was inside.",
    receipt: (ms: number, most: number) => `You were inside for ${lasted(ms)}, ${most === 1 ? "alone" : `at most ${inner(most)} people at once`}.`,
    keptNothing: (host: string) => `Of what was said, shown and written, ${host} kept nothing that it can read, ${ifPublished("page it gave you")}.`,
    save: "Save chat",
    saveText: "The file is not sealed: whoever opens it can read it.",
    file: {
      warning: "This file is not sealed: whoever opens it can read it.",
      keys: "Keys of meeting links are left out.",
      cut: "Earlier lines are missing.",
      unsent: "not sent",
    },
  },
  elsewhere: {
    title: "You are already inside in another tab",
    text: "Go to that tab, or move here: then the other tab lets go of your place.",
    move: "Move here",
    stay: "Stay there",
  },
  becomeHost: {
    title: "Be host on this device",
    text: (host: string) => `This is a host link. It makes this device a host of the meeting, and works once. The host key is kept in this browser. ${host} cannot read it, ${ifPublished("page it gave you")}.`,
    useless: "This host link does not work",
    use: "Become host",
    busy: "One moment…",
    guest: "Join as a guest",
    failed: {
      used: () => "It was used before. If that was not you, somebody else is host by it: tell whoever gave it to you, now. You can still join as a guest.",
      gone: () => "It was taken back, or is older than a day. Ask the host for another one. You can still join as a guest.",
      wrong: (host: string) => `${host} did not bring the host key that belongs to this link. Tell the host. You can still join as a guest.`,
      unreachable: (host: string) => `We could not reach ${host}. Check your connection, then try again.`,
      failed: () => "This browser cannot keep the key. In a private window it may be forbidden to.",
    } satisfies Record<Exclude<HostKeyTaken["kind"], "taken">, (host: string) => string>,
  },
  passphrase: {
    title: "This meeting has a passphrase",
    text: "Ask whoever invited you. It is needed on top of the link.",
    again: "That did not open it. Check for capital letters, then try again.",
    tooMany: (until: string) => `Too many wrong passphrases were tried, by you or by others. You can try again at ${until}; whether this one is right is not known yet. Nobody who is inside is disturbed.`,
    unreachable: (host: string) => `We could not ask ${host}, so we do not know whether it is right. Check your connection, then try again.`,
    otherKey: (host: string) => `${host} does not answer as it did when this meeting was made, so no passphrase opens it. Yours may be right. Tell whoever runs the server, and the host.`,
    forgotten: "Forgotten? Only somebody who knows it can tell you: no server has it, and nobody can change it. A host who has lost it starts another meeting.",
    label: "Passphrase",
    open: "Open",
    opening: "Opening…",
  },
  unsupported: {
    title: "This browser is too old for Conclave",
    text: "It cannot seal sound and picture inside the page, and we send nothing unsealed. The current Firefox, Chrome, Edge and Safari can.",
    insecure: "This page needs https",
    insecureText: "Browsers give camera, microphone and keys only to pages that came over https or from this very machine. Change the address, or tell whoever runs the server.",
    detail: (what: string) => `Missing: ${what}`,
  },
} as const;
