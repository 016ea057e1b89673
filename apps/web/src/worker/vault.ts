// Meetings kept on this device, and the key by which the others know who loads the page anew. All is sealed with an AES-GCM key that the
// browser stores and never hands out, or that the desktop program holds.
import { type DBSchema, type IDBPDatabase, openDB } from "idb";
import type { Kept } from "./wasm/conclave.js";

/** What is sealed: whoever has it can enter, and host. */
export type { Kept };

/** What only this browser can open. */
export interface VaultSealed {
  nonce: Uint8Array<ArrayBuffer>;
  sealed: ArrayBuffer;
}

interface Row extends VaultSealed {
  id: string;
}

interface Schema extends DBSchema {
  keys: { key: string; value: CryptoKey };
  meetings: { key: string; value: Row };
}

interface Opened {
  db: IDBPDatabase<Schema>;
  key: CryptoKey;
}

const keyName = "vault";

export class Vault {
  private opened: Promise<Opened> | undefined;

  /** `key`: what seals, if something else than the browser holds that. Then the browser stores no key. */
  constructor(private readonly key?: CryptoKey) {}

  async keep(meeting: Kept): Promise<string> {
    const id = crypto.randomUUID();
    await this.put(id, meeting);
    return id;
  }

  /** The host's own list has the title that the others see. */
  async setTitle(meeting: Kept & { id: string }, title: string): Promise<void> {
    if (meeting.title === title) return;
    meeting.title = title;
    await this.put(meeting.id, meeting);
  }

  /** What is kept of the link with this fragment. */
  async find(fragment: string): Promise<(Kept & { id: string }) | undefined> {
    return (await this.all()).find((meeting) => meeting.link.endsWith(`#${fragment}`));
  }

  /** Adds those whose links are not here yet; gives how many. */
  async add(meetings: Kept[]): Promise<number> {
    const links = new Set((await this.all()).map(({ link }) => link));
    const fresh = meetings.filter(({ link }) => !links.has(link));
    for (const meeting of fresh) await this.keep(meeting);
    return fresh.length;
  }

  /** Newest first. What does not open any more is left out. */
  async all(): Promise<(Kept & { id: string })[]> {
    const { db, key } = await this.open();
    const rows = await db.getAll("meetings");
    const opened = await Promise.all(rows.map((row) => reveal(key, row)));
    return opened.filter((meeting) => meeting !== undefined).sort((a, b) => b.createdAt - a.createdAt);
  }

  async forget(id: string): Promise<void> {
    const { db } = await this.open();
    await db.delete("meetings", id);
  }

  /** Seals a key of the meeting with this fragment. */
  async sealKey(fragment: string, key: Uint8Array<ArrayBuffer>): Promise<VaultSealed> {
    return seal((await this.open()).key, keyOf(fragment), key);
  }

  /** The key again; undefined when it is of another meeting or another browser. */
  async openKey(fragment: string, sealed: VaultSealed): Promise<Uint8Array<ArrayBuffer> | undefined> {
    try {
      return new Uint8Array(await unseal((await this.open()).key, keyOf(fragment), sealed));
    } catch {
      return undefined;
    }
  }

  /** Seals something else that is kept, under a name that nothing else has. */
  async sealAs(name: string, plain: Uint8Array<ArrayBuffer>): Promise<VaultSealed> {
    return seal((await this.open()).key, name, plain);
  }

  /** Rejects what was not sealed under this name, or in another browser. */
  async unsealAs(name: string, sealed: VaultSealed): Promise<Uint8Array<ArrayBuffer>> {
    return new Uint8Array(await unseal((await this.open()).key, name, sealed));
  }

  private async put(id: string, { title, link, createdAt, host }: Kept): Promise<void> {
    const { db, key } = await this.open();
    await db.put("meetings", { id, ...(await seal(key, id, encode({ title, link, createdAt, host }))) });
  }

  private open(): Promise<Opened> {
    this.opened ??= open(this.key).catch((fault: unknown) => {
      // Asked again next time: a browser may allow storage later.
      this.opened = undefined;
      throw fault;
    });
    return this.opened;
  }
}

const open = async (key?: CryptoKey): Promise<Opened> => {
  const db = await openDB<Schema>("conclave", 1, {
    upgrade: (database) => {
      database.createObjectStore("keys");
      database.createObjectStore("meetings", { keyPath: "id" });
    },
  });
  if (key) return { db, key };
  const fresh = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
  // One transaction reads and writes, so that two pages opened at once end up with one key.
  const { store, done } = db.transaction("keys", "readwrite");
  const stored = await store.get(keyName);
  if (!stored) await store.put(fresh, keyName);
  await done;
  return { db, key: stored ?? fresh };
};

/** No id of a meeting begins so. */
const keyOf = (fragment: string): string => `key of ${fragment}`;

const seal = async (key: CryptoKey, name: string, plain: Uint8Array<ArrayBuffer>): Promise<VaultSealed> => {
  const nonce = crypto.getRandomValues(new Uint8Array(12));
  return { nonce, sealed: await crypto.subtle.encrypt(aead(name, nonce), key, plain) };
};

/** Rejects what was sealed under another key or name. */
const unseal = (key: CryptoKey, name: string, { nonce, sealed }: VaultSealed): Promise<ArrayBuffer> => crypto.subtle.decrypt(aead(name, nonce), key, sealed);

const reveal = async (key: CryptoKey, row: Row): Promise<(Kept & { id: string }) | undefined> => {
  try {
    return { id: row.id, ...decode(await unseal(key, row.id, row)) };
  } catch {
    return undefined;
  }
};

const aead = (id: string, iv: Uint8Array<ArrayBuffer>): AesGcmParams => ({ name: "AES-GCM", iv, additionalData: new TextEncoder().encode(id) });

export const encode = (meeting: Kept): Uint8Array<ArrayBuffer> => new TextEncoder().encode(JSON.stringify({ ...meeting, host: [...meeting.host] }));

export const decode = (bytes: ArrayBuffer | Uint8Array<ArrayBuffer>): Kept => {
  const read = JSON.parse(new TextDecoder().decode(bytes)) as Omit<Kept, "host"> & { host: number[] };
  return { ...read, host: Uint8Array.from(read.host) };
};
