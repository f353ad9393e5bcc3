// The page's one way to the node: the public API, with the session in place of a key. docs/api.md has the routes.

import { signal } from "@preact/signals";
import { language, say, type Said } from "./language";

/** An answer that is not what was asked for. `message` is for people. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly field: string | null = null,
  ) {
    super(message);
  }
}

const words = {
  gone: ["The node does not answer. Is it still on? Start it with pumasi up; the page goes on by itself.", "노드가 답하지 않습니다. 꺼져 있다면 pumasi up으로 켜 주세요. 켜지면 이어서 됩니다."],
  broken: ["The node answered something that is not understood ({status}).", "노드가 알 수 없는 답을 했습니다({status})."],
} satisfies Record<string, Said>;

/** Half of the session; the other half is a cookie that no script can read, and this half is not sent to another port. */
const KEPT = "pumasi-session";

/** Whether the person who looks may act: `unknown` until the node said so. */
export const session = signal<"unknown" | "open" | "closed">("unknown");
/** Whether the node answered the last time. */
export const reachable = signal(true);

export async function request(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  const half = localStorage.getItem(KEPT);
  if (half) headers.set("x-pumasi-session", half);
  // What the node says is wrong, it says in the language of the page, whatever that of the browser.
  headers.set("accept-language", language.value);
  let answer: Response;
  try {
    answer = await fetch(path, { ...init, headers });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    reachable.value = false;
    throw new Problem(0, "unreachable", say(words.gone));
  }
  reachable.value = true;
  if (answer.ok) return answer;
  const body: { error?: { message?: string; code?: string; param?: string | null } } = await answer.json().catch(() => ({}));
  if (answer.status === 401 && half) void look();
  throw new Problem(answer.status, body.error?.code ?? "", body.error?.message ?? say(words.broken, { status: answer.status }), body.error?.param ?? null);
}

export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await request(path, signal ? { signal } : {})).json() as Promise<T>;
}

/** Sends JSON and reads JSON; an empty answer is undefined. */
export async function send<T>(method: "POST" | "PUT" | "DELETE", path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const init: RequestInit = { method, ...(signal && { signal }) };
  if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers = { "content-type": "application/json" };
  }
  const text = await (await request(path, init)).text();
  return (text ? JSON.parse(text) : undefined) as T;
}

/** How often a session was opened or closed here: an answer of before says nothing about after. */
let turns = 0;

/** Asks the node whether this browser has a session. */
export async function look() {
  const turn = turns;
  try {
    const found = await get<{ open: boolean }>("/session");
    if (turn === turns) session.value = found.open ? "open" : "closed";
  } catch {
    // The node is away: what was known stays.
  }
}

/** Opens a session by the once-only word of a link that `pumasi up` or `pumasi open` printed. */
export async function open(once: string) {
  const found = await send<{ token: string }>("POST", "/session", { link: once });
  localStorage.setItem(KEPT, found.token);
  turns += 1;
  session.value = "open";
}

export async function close() {
  await send("DELETE", "/session");
  localStorage.removeItem(KEPT);
  turns += 1;
  session.value = "closed";
}

/** The path of an artifact in the API, its id or name as one part. */
export const artifactPath = (id: string) => `/artifacts/${encodeURIComponent(id)}`;
