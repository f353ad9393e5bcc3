// Puts a file into the node's store in pieces, and goes on where an earlier try ended. docs/publishing.md has the protocol.

import { Problem, reachable } from "../api";
import { say, type Said } from "../language";

const words = {
  gone: ["The node does not answer. What was sent so far is kept; go on once it is back.", "노드가 답하지 않습니다. 보낸 데까지는 남아 있으니 노드가 켜지면 이어서 하세요."],
  stuck: ["The node takes no more of this file.", "노드가 이 파일을 더 받지 않습니다."],
} satisfies Record<string, Said>;

/** Pieces grow and shrink so that each takes about a second: progress is seen, and little is lost by a cut. */
const FIRST = 1 << 20;
const LEAST = 256 << 10;
const MOST = 64 << 20;
/** How often in a row nothing may come of a piece. */
const TRIES = 3;

/** Like `request`, but an answer that is no success is looked at here: its headers say how far a blob came. */
async function ask(path: string, init: RequestInit): Promise<Response> {
  const headers = new Headers(init.headers);
  const half = localStorage.getItem("pumasi-session");
  if (half) headers.set("x-pumasi-session", half);
  try {
    const answer = await fetch(path, { ...init, headers });
    reachable.value = true;
    return answer;
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    reachable.value = false;
    throw new Problem(0, "unreachable", say(words.gone));
  }
}

const came = (answer: Response) => {
  const text = answer.headers.get("upload-offset");
  return text !== null && /^\d+$/.test(text) ? Number(text) : null;
};

export async function upload(digest: string, file: Blob, progress: (sent: number) => void, signal: AbortSignal): Promise<void> {
  const path = `/blobs/${digest}`;
  const seen = await ask(path, { method: "HEAD", signal });
  if (seen.ok) return progress(file.size);
  let at = came(seen) ?? 0;
  let piece = FIRST;
  let idle = 0;
  while (idle < TRIES) {
    progress(at);
    const end = Math.min(at + piece, file.size);
    const began = performance.now();
    // Of nothing there is no range.
    const range = file.size > 0 ? { "content-range": `bytes ${at}-${end - 1}/${file.size}` } : {};
    const answer = await ask(path, { method: "PUT", body: file.slice(at, end), headers: { "content-type": "application/octet-stream", ...range }, signal });
    if (answer.status === 200 || answer.status === 201) return progress(file.size);
    const next = came(answer);
    if (next === null || !(answer.status === 202 || answer.status === 409 || answer.status === 400)) throw await problem(answer);
    idle = next > at ? 0 : idle + 1;
    at = next;
    const took = performance.now() - began;
    piece = took < 500 ? Math.min(piece * 2, MOST) : took > 2000 ? Math.max(piece / 2, LEAST) : piece;
  }
  throw new Problem(0, "upload_incomplete", say(words.stuck));
}

async function problem(answer: Response): Promise<Problem> {
  const body: { error?: { message?: string; code?: string } } = await answer.json().catch(() => ({}));
  return new Problem(answer.status, body.error?.code ?? "", body.error?.message ?? `${answer.status} ${answer.statusText}`);
}
