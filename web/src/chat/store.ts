// Where conversations are kept: this browser's IndexedDB and nowhere else. Their heads lie apart, so that a list of thousands is short.

import { type DBSchema, type IDBPDatabase, openDB } from "idb";
import type { Conversation } from "./tree";

export interface Head {
  id: string;
  title: string;
  changed: number;
}
interface Kept extends DBSchema {
  conversations: { key: string; value: Conversation };
  heads: { key: string; value: Head };
}

let opened: Promise<IDBPDatabase<Kept>> | undefined;
const database = () =>
  (opened ??= openDB<Kept>("pumasi-chat", 1, {
    upgrade(db) {
      db.createObjectStore("conversations", { keyPath: "id" });
      db.createObjectStore("heads", { keyPath: "id" });
    },
  }));

/** Newest first. */
export async function heads(): Promise<Head[]> {
  return (await (await database()).getAll("heads")).sort((a, b) => b.changed - a.changed);
}

export async function load(id: string): Promise<Conversation | undefined> {
  return (await database()).get("conversations", id);
}

export async function all(): Promise<Conversation[]> {
  return (await database()).getAll("conversations");
}

export async function save(conversation: Conversation) {
  const { id, title, changed } = conversation;
  const change = (await database()).transaction(["conversations", "heads"], "readwrite");
  await Promise.all([change.objectStore("conversations").put(conversation), change.objectStore("heads").put({ id, title, changed }), change.done]);
}

export async function remove(id: string) {
  const change = (await database()).transaction(["conversations", "heads"], "readwrite");
  await Promise.all([change.objectStore("conversations").delete(id), change.objectStore("heads").delete(id), change.done]);
}

/** The same letters however they were typed: macOS takes Hangul apart. */
export const plain = (text: string) => text.normalize("NFC").toLowerCase();

/** The conversations that have all of these words in their title or text. One at a time, so that thousands need no room. */
export async function search(query: string, stop: AbortSignal): Promise<Set<string>> {
  const wanted = plain(query).split(/\s+/).filter(Boolean);
  const found = new Set<string>();
  let at = await (await database()).transaction("conversations").store.openCursor();
  while (at && !stop.aborted) {
    const { title, messages } = at.value;
    const text = plain([title, ...messages.map((one) => one.text)].join("\n"));
    if (wanted.every((word) => text.includes(word))) found.add(at.key);
    at = await at.continue();
  }
  return found;
}
