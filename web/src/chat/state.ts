// What the chat shows and does: the conversations of this browser, the one on screen, and the answers that are running.

import { batch, type Signal, signal } from "@preact/signals";
import { Problem } from "../api";
import { go, link } from "../router";
import { ask, body, settled } from "./ask";
import type { Attached } from "./files";
import * as store from "./store";
import { added, blank, changedMessage, type Conversation, type Message, type Options, upTo, without } from "./tree";

interface Run {
  message: string;
  /** The answer so far, at most once per frame of the screen. */
  text: Signal<string>;
  stop: AbortController;
}

/** The list; null until it was read. */
export const heads = signal<store.Head[] | null>(null);
/** Whether this browser keeps anything; if not, conversations last as long as the page. */
export const keeps = signal(true);
export const shown = signal<Conversation | "loading" | "missing">("loading");
/** Running answers, by conversation: they go on while another one is on screen. */
export const runs = signal<ReadonlyMap<string, Run>>(new Map());
/** The newest finished answer's words, or why it failed, for those who listen. */
export const announced = signal("");

/** The conversation to come back to from another page. */
let last: string | null = null;
export const lastShown = () => last;

/** In memory: what is on screen, what runs, and everything if the browser keeps nothing. */
const held = new Map<string, Conversation>();
/** Other tabs of this browser, which share what is kept. */
const tabs = new BroadcastChannel("pumasi-chat");
tabs.onmessage = async ({ data: id }: MessageEvent<string>) => {
  void list();
  if (runs.value.has(id)) return;
  held.delete(id);
  if (typeof shown.value !== "object" || shown.value.id !== id) return;
  const found = await store.load(id).catch(() => undefined);
  if (typeof shown.value !== "object" || shown.value.id !== id || runs.value.has(id)) return;
  if (found) held.set(id, found);
  shown.value = found ?? "missing";
};

const MODEL = "pumasi-model";
export const remembered = () => localStorage.getItem(MODEL) ?? "";

export async function list() {
  try {
    heads.value = await store.heads();
  } catch {
    keeps.value = false;
    heads.value = [...held.values()].filter((one) => one.messages.length > 0);
  }
}

let opening = 0;

/** Shows a conversation, or without an id a new one. */
export async function open(id: string | undefined, model: string) {
  const turn = ++opening;
  const now = shown.value;
  if (id === undefined) {
    last = null;
    const unused = typeof now === "object" && now.messages.length === 0 && (!model || model === now.model);
    if (!unused) shown.value = blank(crypto.randomUUID(), Date.now(), model || remembered());
    return;
  }
  last = id;
  if (typeof now === "object" && now.id === id) return;
  shown.value = held.get(id) ?? "loading";
  const found = held.get(id) ?? (await store.load(id).catch(() => undefined));
  if (turn !== opening) return;
  shown.value = found ?? "missing";
  if (!found) return;
  held.set(id, found);
  if (runs.value.has(id)) return;
  for (const message of found.messages) {
    // The page was left while this was answered; or another tab still answers it, and says so soon.
    if (message.state === "running") change(id, (one) => changedMessage(one, message.id, { state: "stopped" }), false);
    if (message.receipt && message.bill === undefined) void settle(id, message.id, message.receipt);
  }
}

/** Changes a conversation wherever it is, and keeps it. */
export function change(id: string, by: (old: Conversation) => Conversation, keep = true) {
  const now = shown.value;
  const old = typeof now === "object" && now.id === id ? now : held.get(id);
  if (!old) return;
  const changed = by(old);
  held.set(id, changed);
  if (typeof now === "object" && now.id === id) shown.value = changed;
  if (keep && changed.messages.length > 0) void keepIt(changed);
}

async function keepIt(one: Conversation) {
  const head = { id: one.id, title: one.title, changed: one.changed };
  heads.value = [head, ...(heads.value ?? []).filter(({ id }) => id !== one.id)].sort((a, b) => b.changed - a.changed);
  try {
    await store.save(one);
    tabs.postMessage(one.id);
  } catch {
    keeps.value = false;
  }
}

export async function remove(id: string) {
  runs.value.get(id)?.stop.abort();
  held.delete(id);
  heads.value = (heads.value ?? []).filter((one) => one.id !== id);
  await store.remove(id).catch(() => (keeps.value = false));
  tabs.postMessage(id);
  if (typeof shown.value === "object" && shown.value.id === id) go(link(["chat"]), true);
}

export function choose(id: string, model: string) {
  localStorage.setItem(MODEL, model);
  change(id, (one) => ({ ...one, model }));
}

export function setOptions(id: string, options: Options) {
  change(id, (one) => ({ ...one, options }));
}

/** Asks a question under `parent`; a branch if something follows there already. */
export function send(of: Conversation, parent: string | null, text: string, files: Attached[], model: string) {
  const question: Message = { id: crypto.randomUUID(), parent, role: "user", text, time: Date.now(), ...(files.length > 0 && { files }) };
  last = of.id;
  change(of.id, (one) => ({ ...added(one, question), model }));
  go(link(["chat", of.id]), true);
  void answer(of.id, question.id, model);
}

/** Answers a question once more: beside what is there, or in place of an answer that never began. */
export function again(of: Conversation, old: Message, model: string) {
  if (old.state === "failed" && old.text === "") change(of.id, (one) => without(one, old.id), false);
  void answer(of.id, old.parent!, model);
}

export function stop(id: string) {
  runs.value.get(id)?.stop.abort();
}

const set = (id: string, run: Run | null) => {
  const next = new Map(runs.value);
  if (run) next.set(id, run);
  else next.delete(id);
  runs.value = next;
};

async function answer(id: string, question: string, model: string) {
  const message: Message = { id: crypto.randomUUID(), parent: question, role: "assistant", text: "", time: Date.now(), model, state: "running" };
  const run: Run = { message: message.id, text: signal(""), stop: new AbortController() };
  batch(() => {
    set(id, run);
    change(id, (one) => added(one, message));
  });
  const of = held.get(id)!;
  const put = (what: Partial<Message>) => change(id, (one) => changedMessage(one, message.id, what));
  let text = "";
  let frame = 0;
  let receipt: string | undefined;
  // What came is kept every second: nothing of it is lost if the page is left.
  const keeping = setInterval(() => text && put({ text }), 1000);
  let end: Partial<Message>;
  try {
    const { finish, bill } = await ask(body(model, of.options, upTo(of, question)), {
      receipt: (found) => put({ receipt: (receipt = found) }),
      text: (piece) => {
        text += piece;
        frame ||= requestAnimationFrame(() => {
          frame = 0;
          run.text.value = text;
        });
      },
    }, run.stop.signal);
    end = { text, state: "done", finish, ...(bill && { bill }) };
  } catch (error) {
    const fault = error instanceof Problem ? error : new Problem(0, "", String(error));
    end = run.stop.signal.aborted ? { text, state: "stopped" } : { text, state: "failed", fault: { status: fault.status, code: fault.code, message: fault.message } };
  }
  clearInterval(keeping);
  cancelAnimationFrame(frame);
  batch(() => {
    put(end);
    set(id, null);
    if (last === id) announced.value = end.fault?.message ?? (end.state === "done" ? text : "");
  });
  if (receipt && !end.bill) await settle(id, message.id, receipt);
}

/** Receipts whose bill is looked for. */
export const asking = signal<ReadonlySet<string>>(new Set());

/** Finds the bill of an answer that was not read to its end. */
async function settle(id: string, message: string, receipt: string) {
  if (asking.value.has(receipt)) return;
  asking.value = new Set([...asking.value, receipt]);
  const bill = await settled(receipt);
  asking.value = new Set([...asking.value].filter((one) => one !== receipt));
  if (bill !== undefined) change(id, (one) => changedMessage(one, message, { bill }));
}
