// The desktop program, when it is what serves this page: it names the meeting server, and holds the key by which all that is kept is sealed. It knows this
// tab by a session, for which it takes a token once; the token stands in the address that it had the browser open.

/** What the page that the desktop program serves says in a meeting, where others name the host from which they came: no host is written so. */
export const desktopSite = "[desktop]";

const mark = "#loader.";
const kept = "conclave.loader";
const asks = "/loader/open";

/** What the program says of where the page is, or that it does not take this tab for its own. */
interface Told {
  session: string;
  /** Origin of the meeting server. */
  server: string;
  /** Seals what is kept, hexadecimal. */
  key: string;
  /** Behind the # of a link with which the program was started. */
  fragment: string | null;
}

export interface Loader {
  server: string;
  key: CryptoKey;
  /** Makes the server of this link the one to which the page may connect, and goes there. Stays here when the program is gone. */
  visit(link: string): Promise<void>;
}

/** The program ended, or somebody else used the token. */
export class LoaderRefused extends Error {}

/** Whether the program opened this tab: any other has neither token nor session. */
export const isOfLoader = (): boolean => location.hash.startsWith(mark) || sessionStorage.getItem(kept) !== null;

export const findLoader = async (): Promise<Loader> => {
  const { hash } = location;
  const token = hash.startsWith(mark) ? hash.slice(mark.length) : (sessionStorage.getItem(kept) ?? "");
  // It works once, and is not to stand in the history.
  if (hash.startsWith(mark)) history.replaceState(null, "", "/");
  const answer = await ask(asks, token);
  if (!answer.ok) {
    sessionStorage.removeItem(kept);
    throw new LoaderRefused();
  }
  const told = (await answer.json()) as Told;
  sessionStorage.setItem(kept, told.session);
  if (told.fragment !== null) history.replaceState(null, "", `/m#${told.fragment}`);
  const bytes = Uint8Array.from(told.key.match(/../gu) ?? [], (digits) => Number.parseInt(digits, 16));
  const key = await crypto.subtle.importKey("raw", bytes, "AES-GCM", false, ["encrypt", "decrypt"]);
  return { server: told.server, key, visit: (link) => visit(told.session, link) };
};

const visit = async (session: string, link: string): Promise<void> => {
  const answer = await ask("/loader/server", session, link);
  if (!answer.ok) throw new LoaderRefused();
  history.replaceState(null, "", `/m${new URL(link).hash}`);
  // Another document, since this one may connect to the former server alone.
  location.reload();
};

const ask = (path: string, token: string, body = ""): Promise<Response> =>
  fetch(path, { method: "POST", headers: { "conclave-loader": token }, body, credentials: "omit", cache: "no-store", redirect: "error" });
