// This device's own key and the people whom its user verified, each sealed by the vault. In a database of its own: one that an open tab of an older page
// has open could not get a new shelf.
import { type DBSchema, type IDBPDatabase, openDB } from "idb";
import type { Vault, VaultSealed } from "./vault.ts";
import type { PeopleChange, VerifiedPerson } from "./wasm/conclave.js";

interface Row extends VaultSealed {
  id: string;
}

interface Schema extends DBSchema {
  people: { key: string; value: Row };
}

/** Under which the device key is kept; no person's row is called so. */
const own = "device";

export class PeopleVault {
  private opened: Promise<IDBPDatabase<Schema>> | undefined;

  constructor(private readonly vault: Vault) {}

  /** Seed of the device key; made when it is asked for first. */
  async device(): Promise<Uint8Array<ArrayBuffer>> {
    const db = await this.open();
    const known = await db.get("people", own);
    if (known) return this.vault.unsealAs(nameOf(own), known);
    const seed = crypto.getRandomValues(new Uint8Array(32));
    const row = { id: own, ...(await this.vault.sealAs(nameOf(own), seed)) };
    // Two tabs may ask at once: the first key stays.
    const { store, done } = db.transaction("people", "readwrite");
    const other = await store.get(own);
    if (!other) await store.put(row);
    await done;
    return other ? this.vault.unsealAs(nameOf(own), other) : seed;
  }

  /** From now on this device is another one to everybody. */
  async forgetDevice(): Promise<void> {
    await (await this.open()).delete("people", own);
  }

  /** The newest first. What does not open any more is left out. */
  async all(): Promise<VerifiedPerson[]> {
    const people = (await this.rows()).map(({ person }) => person);
    return people.sort((a, b) => b.since - a.since);
  }

  async apply(change: PeopleChange): Promise<void> {
    const db = await this.open();
    const key = change.kind === "verified" ? change.person.key : change.key;
    const rows = (await this.rows()).filter(({ person }) => person.key === key);
    if (change.kind === "forgotten") {
      for (const { id } of rows) await db.delete("people", id);
      return;
    }
    const id = rows[0]?.id ?? crypto.randomUUID();
    await db.put("people", { id, ...(await this.vault.sealAs(nameOf(id), encode(change.person))) });
  }

  private async rows(): Promise<{ id: string; person: VerifiedPerson }[]> {
    const rows = (await (await this.open()).getAll("people")).filter(({ id }) => id !== own);
    const read = rows.map(async (row) => {
      try {
        return { id: row.id, person: decode(await this.vault.unsealAs(nameOf(row.id), row)) };
      } catch {
        return undefined;
      }
    });
    return (await Promise.all(read)).filter((row) => row !== undefined);
  }

  private open(): Promise<IDBPDatabase<Schema>> {
    this.opened ??= openDB<Schema>("conclave people", 1, { upgrade: (db) => void db.createObjectStore("people", { keyPath: "id" }) }).catch((fault: unknown) => {
      this.opened = undefined;
      throw fault;
    });
    return this.opened;
  }
}

/** No id of a meeting begins so. */
const nameOf = (id: string): string => `person ${id}`;

export const encode = (person: VerifiedPerson): Uint8Array<ArrayBuffer> => new TextEncoder().encode(JSON.stringify(person));

export const decode = (bytes: Uint8Array<ArrayBuffer>): VerifiedPerson => {
  const { key, name, since } = JSON.parse(new TextDecoder().decode(bytes)) as VerifiedPerson;
  return { key, name, since };
};
