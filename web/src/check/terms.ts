// What the signed log says of a channel's keys and an offer's price: each operation is proved to stand under the head.

import type { Trusted } from "./head";
import { verifySigned } from "./crypto";
import { decode, same } from "./encoding";
import { derived, entryOf, firstEntry, lastBefore, offerSequence } from "./search";
import { entry as entryShape, type Operation, type Request, type Usage } from "./shapes";
import { told, Untold, Wrong } from "./steps";
import { TILE } from "./tiles";
import { follow, pathOf } from "./trees";
import type { Said } from "../language";

const words = {
  notYet: ["The signed head does not reach entry {number} yet.", "서명된 머리가 아직 기록 {number}까지 오지 않았습니다."],
  notUnder: ["Entry {number} is not under the signed head.", "기록 {number}이 서명된 머리 아래에 없습니다."],
  notApplied: ["Entry {number} is no applied operation of this kind.", "기록 {number}은 적용된 그런 작업이 아닙니다."],
  badOperation: ["The operation in entry {number} is not signed by the key that it names.", "기록 {number}의 작업에 그 작업이 말하는 키의 서명이 없습니다."],
  notFound: ["The log's lists do not show where {what} came to be; pumasi bill replays the whole log.", "{what}이 생긴 자리를 로그의 목록에서 찾지 못했습니다. pumasi bill은 로그 전체를 다시 계산합니다."],
  otherOffer: ["The offer is not of the channel's provider.", "채널의 공급자가 낸 제공 조건이 아닙니다."],
  tooWide: ["Its lineage has more than {most} works; pumasi bill replays the whole log.", "계보에 작품이 {most}개가 넘습니다. pumasi bill은 로그 전체를 다시 계산합니다."],
} satisfies Record<string, Said>;

/** Lineages up to this are walked here. */
const WORKS = 400;

/** What was proved once stays so: every later head is shown to go on from the one before. */
const kept = new Map<string, Promise<unknown>>();

function once<T>(name: string, prove: () => Promise<T>): Promise<T> {
  const found = kept.get(name) as Promise<T> | undefined;
  if (found) return found;
  const proof = prove();
  kept.set(name, proof);
  proof.catch(() => kept.delete(name));
  return proof;
}

export interface Entered {
  number: number;
  request: Request;
  at: bigint;
  /** 0 is applied. */
  result: number;
}

/** An operation of the log, proved to stand under the head and to be signed by the key it names. */
export function logged(trust: Trusted, number: number): Promise<Entered> {
  if (number >= trust.head.size) return Promise.reject(new Untold(told(words.notYet, { number })));
  return once(`${trust.network}/${number}`, async () => {
    const bytes = (await trust.log.bundle(Math.floor(number / TILE)))[number % TILE]!;
    const path = await pathOf(number, trust.head.size, trust.log.node);
    const root = await follow(bytes, number, trust.head.size, path);
    if (!root || !same(root, trust.head.root)) throw new Wrong(told(words.notUnder, { number }));
    const found = decode(entryShape, bytes);
    if (found.kind !== "operation") throw new Wrong(told(words.notApplied, { number }));
    const { signed, at, result } = found.body;
    if (signed.body.network !== trust.network || !(await verifySigned("operation", trust.network, signed.body.key, signed))) {
      throw new Wrong(told(words.badOperation, { number }));
    }
    return { number, request: signed.body, at, result };
  });
}

/** The same of one that was applied. */
export async function entered(trust: Trusted, number: number): Promise<Entered> {
  const found = await logged(trust, number);
  if (found.result !== 0) throw new Wrong(told(words.notApplied, { number }));
  return found;
}

type Body<K extends Operation["kind"]> = Extract<Operation, { kind: K }>["body"];

/** The operation of an entry, if it is of this kind. */
async function operationOf<K extends Operation["kind"]>(trust: Trusted, number: number | null, kind: K, what: string): Promise<Entered & { body: Body<K> }> {
  if (number === null) throw new Untold(told(words.notFound, { what }));
  const found = await entered(trust, number);
  if (found.request.operation.kind !== kind) throw new Wrong(told(words.notApplied, { number }));
  return { ...found, body: found.request.operation.body as Body<K> };
}

export interface Opened {
  number: number;
  payer: string;
  provider: string;
  gatewayKey: string;
}

/** Who opened a channel toward whom, and with which gateway key. */
export function opened(trust: Trusted, channel: string): Promise<Opened> {
  return once(`${trust.network}/channel/${channel}`, async () => {
    const number = await firstEntry(`channel=ch_${channel}`, (one) => one.operation.kind === "open");
    const { request, body, ...found } = await operationOf(trust, number, "open", `ch_${channel.slice(0, 8)}…`);
    // The id is made of account and sequence, which do not repeat: no other operation opened this channel.
    if ((await derived("channel", request.account, request.sequence)) !== channel) throw new Wrong(told(words.notApplied, { number: found.number }));
    return { number: found.number, payer: request.account, provider: body.provider, gatewayKey: body.gateway_key };
  });
}

/**
 * The provider's key when the channel was opened. Two operations of the provider around that moment, one right after the other
 * by their sequence, leave no room for a rotation between them; without both, `proved` is false.
 */
export function providerKey(trust: Trusted, channel: Opened): Promise<{ key: string; proved: boolean }> {
  return once(`${trust.network}/provider/${channel.number}`, async () => {
    const { provider, number } = channel;
    const before = await lastBefore(provider, number);
    const last = before && (await logged(trust, before.entry));
    if (last && last.request.account !== provider) throw new Wrong(told(words.notApplied, { number: last.number }));
    const key = last ? keyAfter(last) : provider;
    const next = last ? Number(last.request.sequence) + 1 : 0;
    const after = await entryOf(provider, next);
    if (after === null || after < number || after >= trust.head.size) return { key, proved: false };
    const { request } = await logged(trust, after);
    return { key, proved: request.account === provider && Number(request.sequence) === next && request.key === key };
  }).then((found) => {
    if (!found.proved) kept.delete(`${trust.network}/provider/${channel.number}`);
    return found;
  });
}

/** The account's key once this operation of it was done. */
function keyAfter({ request, result }: Entered): string {
  return request.operation.kind === "rotate" && result === 0 ? request.operation.body.key : request.key;
}

export interface PriceLine {
  /** As a bill's line names it: the provider's account, or `sha256:…` of a work. */
  id: string;
  what: "provider_fee" | "royalty";
  rates: Usage;
}
export interface Price {
  lines: PriceLine[];
  /** The entries that say so. */
  entries: number[];
}

/** The price of an offer: its fee, and the royalty of every distinct priced work in the lineage of its artifact. */
export function price(trust: Trusted, offer: string, provider: string): Promise<Price> {
  return once(`${trust.network}/offer/${offer}/${provider}`, async () => {
    const sequence = await offerSequence(offer, provider);
    if (sequence === null) throw new Untold(told(words.notFound, { what: `of_${offer.slice(0, 8)}…` }));
    const made = await operationOf(trust, await entryOf(provider, sequence), "offer", `of_${offer.slice(0, 8)}…`);
    if (made.request.account !== provider || (await derived("offer", provider, made.request.sequence)) !== offer) throw new Wrong(words.otherOffer);
    const works = new Map<string, { royalty: Usage; number: number }>();
    let level = [made.body.artifact];
    while (level.length > 0) {
      if (works.size + level.length > WORKS) throw new Untold(told(words.tooWide, { most: WORKS }));
      const found = await Promise.all(level.map((artifact) => published(trust, artifact)));
      for (const { body, number } of found) works.set(body.manifest, { royalty: body.royalty, number });
      level = [...new Set(found.flatMap(({ body }) => body.parents))].filter((parent) => !works.has(parent));
    }
    const priced = [...works].filter(([, work]) => work.royalty.input > 0n || work.royalty.output > 0n).sort(([a], [b]) => (a < b ? -1 : 1));
    return {
      lines: [
        { id: provider, what: "provider_fee", rates: made.body.fee },
        ...priced.map(([id, work]): PriceLine => ({ id: `sha256:${id}`, what: "royalty", rates: work.royalty })),
      ],
      entries: [made.number, ...[...works.values()].map((work) => work.number)].sort((a, b) => a - b),
    };
  });
}

async function published(trust: Trusted, artifact: string): Promise<Entered & { body: Body<"publish"> }> {
  const id = `sha256:${artifact}`;
  const number = await firstEntry(`artifact=${id}`, (one) => one.operation.kind === "publish" && one.operation.artifact === id);
  const found = await operationOf(trust, number, "publish", `${artifact.slice(0, 8)}…`);
  if (found.body.manifest !== artifact) throw new Wrong(told(words.notApplied, { number: found.number }));
  return found;
}
