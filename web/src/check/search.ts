// Where in the log an operation stands. The node's lists are only asked where to look: what is found is proved afterwards.

import { get } from "../api";
import { sha256 } from "./crypto";
import { hex, numberBytes, textBytes, unhex } from "./encoding";

interface Listed {
  entry: number;
  account: string;
  sequence: number;
  applied: boolean;
  operation: { kind: string; artifact?: string };
}

const PAGE = 100;

/** What a page of a list says of the place looked for: here, or among older or newer ones, or nowhere. */
type Judged = Listed | "older" | "newer" | null;

/** Halves the log until a page holds it: some twenty questions for a million entries. */
async function halve(query: string, judge: (page: Listed[]) => Judged): Promise<number | null> {
  let low = 0;
  let high = Number.MAX_SAFE_INTEGER;
  let before: number | null = null;
  while (low < high) {
    const at: string = before === null ? "" : `&before=${before}`;
    const page: Listed[] = (await get<{ operations: Listed[] }>(`/ledger/operations?${query}${at}&limit=${PAGE}`)).operations;
    const judged: Judged = page.length === 0 ? "newer" : judge(page);
    if (judged === null || (judged === "newer" && before === null)) return null;
    if (typeof judged === "object") return judged.entry;
    if (judged === "older") {
      if (page.length < PAGE) return null;
      high = page.at(-1)!.entry;
    } else {
      low = before!;
    }
    before = Math.ceil((low + high) / 2);
  }
  return null;
}

/** The entry in which something came to be, which is the first that touches it. */
export function firstEntry(query: string, fits: (one: Listed) => boolean): Promise<number | null> {
  return halve(query, (page) => page.find((one) => one.applied && fits(one)) ?? "older");
}

/** The entry of an account's operation with a sequence. */
export function entryOf(account: string, sequence: number): Promise<number | null> {
  return halve(`account=${account}`, (page) => {
    const own = page.filter((one) => one.account === account);
    const found = own.find((one) => one.sequence === sequence);
    if (found) return found;
    return own.length > 0 && own[0]!.sequence < sequence ? "newer" : "older";
  });
}

/** The account's newest operation before an entry. */
export async function lastBefore(account: string, entry: number): Promise<Listed | null> {
  let before = entry;
  for (;;) {
    const page = (await get<{ operations: Listed[] }>(`/ledger/operations?account=${account}&before=${before}&limit=${PAGE}`)).operations;
    const own = page.find((one) => one.account === account);
    if (own || page.length < PAGE) return own ?? null;
    before = page.at(-1)!.entry;
  }
}

/** The id that an account's operation with this sequence gives to what it makes. */
export async function derived(what: "offer" | "channel", account: string, sequence: number | bigint): Promise<string> {
  return hex(await sha256(textBytes(`pumasi/${what}/1`), unhex(account), numberBytes(sequence, 8)));
}

/** So many of a provider's first operations are tried when its offer is looked for. */
const TRIED = 50_000;

/** The sequence that made an offer of this id; its id is all that tells. */
export async function offerSequence(offer: string, provider: string): Promise<number | null> {
  const { sequence } = await get<{ sequence: number }>(`/ledger/accounts/${provider}`);
  const end = Math.min(sequence, TRIED);
  for (let first = 0; first < end; first += 256) {
    const tried = Array.from({ length: Math.min(256, end - first) }, (_, at) => derived("offer", provider, first + at));
    const found = (await Promise.all(tried)).indexOf(offer);
    if (found >= 0) return first + found;
  }
  return null;
}
