// A conversation as a tree: to ask a question differently, or to be answered again, begins a branch beside what is there.
// Everything here is pure; what is kept and shown changes by a new value.

import type { Attached } from "./files";

/** As `usage.bill` and a receipt's `bill` have it; amounts stay text. */
export interface Bill {
  receipt: string;
  lines: { payee: string; id: string; what: "provider_fee" | "royalty" | "gateway_fee"; input_rate: number; output_rate: number; pico: string }[];
  pico: string;
}

export interface Message {
  id: string;
  parent: string | null;
  role: "user" | "assistant";
  text: string;
  time: number;
  files?: Attached[];
  /** Of an answer, from here on. */
  model?: string;
  state?: "running" | "done" | "stopped" | "failed";
  /** Why the model ended: `length` says that a limit cut it. */
  finish?: string | null;
  fault?: { status: number; code: string; message: string };
  receipt?: string;
  /** null: it is known that nothing is billed. Absent: not known yet. */
  bill?: Bill | null;
}

/** What a person set, as it was typed; empty leaves it to the model and its offer. */
export interface Options {
  system: string;
  temperature: string;
  seed: string;
  limit: string;
}
export const NO_OPTIONS: Options = { system: "", temperature: "", seed: "", limit: "" };

export interface Conversation {
  id: string;
  title: string;
  /** Empty until one was chosen or asked. */
  model: string;
  options: Options;
  created: number;
  changed: number;
  messages: Message[];
  /** Which child goes on from a message ("" is the beginning); without a word the newest does. */
  chosen: Record<string, string>;
}

const TITLE_MAX = 60;

export function blank(id: string, now: number, model: string): Conversation {
  return { id, title: "", model, options: NO_OPTIONS, created: now, changed: now, messages: [], chosen: {} };
}

/** The messages that follow `parent` directly, oldest first: each begins a branch. */
export function branches(of: Conversation, parent: string | null): Message[] {
  return of.messages.filter((one) => one.parent === parent);
}

/** What is shown: from the first message along the chosen branches. */
export function thread(of: Conversation): Message[] {
  const children = new Map<string, Message[]>();
  for (const one of of.messages) {
    const under = one.parent ?? "";
    children.set(under, [...(children.get(under) ?? []), one]);
  }
  const found: Message[] = [];
  for (let under = ""; ; ) {
    const here = children.get(under) ?? [];
    const next = here.find((one) => one.id === of.chosen[under]) ?? here.at(-1);
    if (!next) return found;
    found.push(next);
    under = next.id;
  }
}

/** The messages up to `id` and including it, whichever branches are chosen. */
export function upTo(of: Conversation, id: string | null): Message[] {
  const byId = new Map(of.messages.map((one) => [one.id, one]));
  const found: Message[] = [];
  for (let at = id === null ? undefined : byId.get(id); at; at = at.parent === null ? undefined : byId.get(at.parent)) found.unshift(at);
  return found;
}

/** With a message more, which is shown from now on. */
export function added(to: Conversation, message: Message): Conversation {
  const first = to.messages.length === 0;
  return {
    ...to,
    title: first && !to.title ? titleOf(message) : to.title,
    changed: message.time,
    messages: [...to.messages, message],
    chosen: { ...to.chosen, [message.parent ?? ""]: message.id },
  };
}

export function changedMessage(of: Conversation, id: string, change: Partial<Message>): Conversation {
  return { ...of, messages: of.messages.map((one) => (one.id === id ? { ...one, ...change } : one)) };
}

/** Without a message that nothing follows. */
export function without(of: Conversation, id: string): Conversation {
  return { ...of, messages: of.messages.filter((one) => one.id !== id) };
}

export function choosing(of: Conversation, message: Message): Conversation {
  return { ...of, chosen: { ...of.chosen, [message.parent ?? ""]: message.id } };
}

export function titleOf(question: Message): string {
  const line = (question.text.trim() || (question.files ?? []).map((file) => file.name).join(", ")).replace(/\s+/g, " ");
  const letters = [...line];
  return letters.length > TITLE_MAX ? `${letters.slice(0, TITLE_MAX - 1).join("").trimEnd()}…` : line;
}
