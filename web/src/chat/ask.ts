// One question to a model: the stream of its answer, and its bill.

import { get, Problem, reachable, request } from "../api";
import { say, type Said } from "../language";
import { withFiles } from "./files";
import { events } from "./sse";
import type { Bill, Message, Options } from "./tree";

const words = {
  // The node says it within the answer, where it speaks English.
  failed: ["{why}", "공급자가 답을 끝내지 못했습니다. 서명된 영수증이 없으면 값을 치르지 않습니다."],
  broken: ["The answer broke off before its end.", "답이 끝나기 전에 끊겼습니다."],
  gone: ["The node went away while it answered.", "답하는 도중에 노드가 사라졌습니다."],
} satisfies Record<string, Said>;

interface Chunk {
  choices?: { delta?: { content?: string | null }; finish_reason?: string | null }[];
  usage?: { bill?: Bill } | null;
  error?: { message?: string; code?: string | number | null };
}

export interface Ended {
  finish: string | null;
  bill: Bill | undefined;
}

export function body(model: string, options: Options, messages: readonly Message[]) {
  const system = options.system.trim();
  const said = messages
    .filter((one) => one.role === "user" || one.text !== "")
    .map((one) => ({ role: one.role, content: one.role === "user" ? withFiles(one.text, one.files) : one.text }));
  return {
    model,
    stream: true,
    messages: system ? [{ role: "system", content: system }, ...said] : said,
    ...(options.temperature && { temperature: Number(options.temperature) }),
    ...(options.seed && { seed: Number(options.seed) }),
    ...(options.limit && { max_completion_tokens: Number(options.limit) }),
  };
}

/** Asks, and says each piece of text as it comes. Throws a Problem, or an AbortError once `stop` was told. */
export async function ask(what: ReturnType<typeof body>, on: { receipt: (id: string) => void; text: (piece: string) => void }, stop: AbortSignal): Promise<Ended> {
  const answer = await request("/v1/chat/completions", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(what),
    signal: stop,
  });
  const receipt = answer.headers.get("x-pumasi-receipt");
  if (receipt) on.receipt(receipt);
  const ended: Ended = { finish: null, bill: undefined };
  try {
    for await (const data of events(answer.body!)) {
      if (data === "[DONE]") return ended;
      const chunk = JSON.parse(data) as Chunk;
      if (chunk.error) throw new Problem(502, String(chunk.error.code ?? ""), chunk.error.message ? say(words.failed, { why: chunk.error.message }) : say(words.broken));
      const choice = chunk.choices?.[0];
      if (choice?.delta?.content) on.text(choice.delta.content);
      if (choice?.finish_reason) ended.finish = choice.finish_reason;
      if (chunk.usage?.bill) ended.bill = chunk.usage.bill;
    }
  } catch (error) {
    if (error instanceof Problem || stop.aborted) throw error;
    reachable.value = false;
    throw new Problem(0, "unreachable", say(words.gone));
  }
  throw new Problem(502, "provider_failed", say(words.broken));
}

const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));

/** The bill of an answer that was not read to its end, once the receipt is there; null if nothing is billed, undefined if it cannot be told. */
export async function settled(receipt: string): Promise<Bill | null | undefined> {
  for (let wait = 250, left = 60_000; left > 0; left -= wait, wait = Math.min(wait * 1.5, 4000)) {
    try {
      const found = await get<{ state: string; bill: Bill | null }>(`/receipts/${encodeURIComponent(receipt)}`);
      if (found.state === "paid" && found.bill) return found.bill;
      if (found.state === "failed" || found.state === "refused") return null;
    } catch (error) {
      if (!(error instanceof Problem) || (error.status !== 0 && error.status < 500)) return undefined;
    }
    await pause(wait);
  }
  return undefined;
}
