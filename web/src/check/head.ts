// The head of the log: whether a replica of the network signed it, and whether it goes on from what this browser saw before.

import { request } from "../api";
import type { Said } from "../language";
import { sha256, unable, verify } from "./crypto";
import { base64, type Bytes, bytesOf, decode, hex, same, textBytes, unhex } from "./encoding";
import { type Genesis, genesis as genesisShape } from "./shapes";
import { type Steps, told, Untold, Wrong } from "./steps";
import { Tiles } from "./tiles";
import { follows, type Root } from "./trees";

const words = {
  able: ["This browser can check signatures", "이 브라우저가 서명을 확인할 수 있는지"],
  network: ["The founding document is the network's", "창설 문서가 이 네트워크의 것인지"],
  firstNetwork: ["Seen for the first time in this browser: remembered from now on.", "이 브라우저에서 처음 보았습니다. 지금부터 기억합니다."],
  sameNetwork: ["The same network and replica keys as on {day}, when this browser first saw it.", "이 브라우저가 처음 본 {day}의 네트워크, 복제본 키와 같습니다."],
  otherNetwork: [
    "This address now shows ANOTHER network. First seen here: {old}. Shown now: {now}. Unless you know why, do not trust it.",
    "이 주소가 이제 다른 네트워크를 보여 줍니다. 처음 본 것: {old}. 지금 것: {now}. 까닭을 모르면 믿지 마세요.",
  ],
  signed: ["A replica signed the head of the log", "로그의 머리에 복제본의 서명이 있는지"],
  signedWhy: ["{size} entries, signed with the key {key}…", "기록 {size}개까지. 서명 키 {key}…"],
  unsigned: ["No key of the founding document signed it.", "창설 문서에 적힌 어느 키의 서명도 아닙니다."],
  goesOn: ["The log goes on from the head remembered here", "로그가 여기서 기억한 머리에서 이어지는지"],
  firstHead: ["No head was remembered yet: this one is from now on.", "기억한 머리가 없었습니다. 지금 것을 기억합니다."],
  sameHead: ["It is the remembered head.", "기억한 머리 그대로입니다."],
  grew: ["From {old} entries to {now}; the first {old} are unchanged.", "기록 {old}개에서 {now}개로 늘었고, 앞의 {old}개는 그대로입니다."],
  shorter: [
    "SHORTER THAN BEFORE: {old} entries were signed then, {now} now. Either an old head is shown, or the log was cut. Both heads are kept as evidence and shown on the ledger page.",
    "전보다 짧아졌습니다: 그때는 기록 {old}개까지, 지금은 {now}개까지 서명했습니다. 옛 머리를 보여 주거나 로그를 잘라 낸 것입니다. 두 머리를 증거로 남겨 원장 페이지에 보여 줍니다.",
  ],
  rewritten: [
    "CONTRADICTION: the log no longer holds the {old} entries that were signed before. Both heads are kept as evidence and shown on the ledger page.",
    "모순입니다: 전에 서명한 기록 {old}개가 이 로그에 없습니다. 두 머리를 증거로 남겨 원장 페이지에 보여 줍니다.",
  ],
} satisfies Record<string, Said>;

const NETWORK = "pumasi-network";
const HEAD = "pumasi-head";
const CONTRADICTION = "pumasi-contradiction";

interface KeptNetwork {
  network: string;
  replicas: string[];
  since: number;
}
export interface Contradiction {
  /** The head that was remembered, and the one that contradicts it: signed notes. */
  before: string;
  now: string;
  at: number;
}

function kept<T>(name: string): T | null {
  try {
    return JSON.parse(localStorage.getItem(name) ?? "null") as T | null;
  } catch {
    return null;
  }
}
const keep = (name: string, value: unknown) => localStorage.setItem(name, JSON.stringify(value));

export const contradiction = () => kept<Contradiction>(CONTRADICTION);

/** Forgets what was seen here. The next check begins anew, as in a browser that was never here. */
export function forget() {
  for (const name of [NETWORK, HEAD, CONTRADICTION]) localStorage.removeItem(name);
}

/** A head that a replica of the network signed, and the log under it. */
export interface Trusted {
  network: string;
  genesis: Genesis;
  head: Root;
  log: Tiles;
}

export async function fetchBytes(path: string): Promise<Bytes> {
  return new Uint8Array(await (await request(path)).arrayBuffer());
}

const SIZE = /^(?:0|[1-9]\d{0,14})$/;

/** Size and root of a tree head, and the replica's key that signed it; null if none did. */
export async function readNote(note: string, origin: string, replicas: string[]): Promise<(Root & { key: string }) | null> {
  const [body, signatures] = note.split("\n\n", 2);
  const [first, size = "", root = ""] = (body ?? "").split("\n");
  if (first !== origin || !SIZE.test(size) || signatures === undefined) return null;
  for (const line of signatures.split("\n")) {
    const found = /^\u2014 (\S+) (\S+)$/.exec(line);
    if (!found || found[1] !== origin) continue;
    const signature = base64(found[2]!);
    if (signature.length !== 68) continue;
    for (const key of replicas) {
      const named = (await sha256(bytesOf(`${origin}\n`), Uint8Array.of(1), unhex(key))).slice(0, 4);
      if (same(named, signature.slice(0, 4)) && (await verify(key, bytesOf(`${body}\n`), signature.slice(4)))) {
        return { size: Number(size), root: base64(root), key };
      }
    }
  }
  return null;
}

async function network(steps: Steps): Promise<{ network: string; genesis: Genesis }> {
  return steps.run(words.network, async (step) => {
    const encoded = await fetchBytes("/ledger/genesis");
    const genesis = decode(genesisShape, encoded);
    const name = hex(await sha256(textBytes("pumasi/genesis/1"), encoded));
    const known = kept<KeptNetwork>(NETWORK);
    if (known && known.network !== name) throw new Wrong(told(words.otherNetwork, { old: known.network, now: name }));
    if (!known) keep(NETWORK, { network: name, replicas: genesis.replicas, since: Date.now() });
    step.why = known ? told(words.sameNetwork, { day: new Date(known.since).toISOString().slice(0, 10) }) : words.firstNetwork;
    return { network: name, genesis };
  });
}

/** The head of now, checked; remembered if it goes on from the one of before. */
export async function trusted(steps: Steps): Promise<Trusted> {
  const why = unable();
  if (why) {
    await steps.run(words.able, async () => {
      throw new Untold(why);
    });
  }
  const founded = await network(steps);
  const { head, note } = await steps.run(words.signed, async (step) => {
    const note = await (await request("/log/checkpoint")).text();
    const head = await readNote(note, founded.genesis.origin, founded.genesis.replicas);
    if (!head) throw new Wrong(words.unsigned);
    step.why = told(words.signedWhy, { size: head.size, key: head.key.slice(0, 8) });
    return { head, note };
  });
  const log = new Tiles(head.size, (path) => fetchBytes(`/log/tile/${path}`));
  await steps.run(words.goesOn, async (step) => {
    const before = kept<{ size: number; root: string; note: string }>(HEAD);
    if (!before) {
      step.why = words.firstHead;
    } else {
      const old = { size: before.size, root: unhex(before.root) };
      const against = (why: Said) => {
        keep(CONTRADICTION, { before: before.note, now: note, at: Date.now() } satisfies Contradiction);
        return new Wrong(told(why, { old: old.size, now: head.size }));
      };
      if (head.size < old.size) throw against(words.shorter);
      if (head.size === old.size ? !same(head.root, old.root) : !(await follows(old, head, log.node))) throw against(words.rewritten);
      step.why = head.size === old.size ? words.sameHead : told(words.grew, { old: old.size, now: head.size });
    }
    keep(HEAD, { size: head.size, root: hex(head.root), note });
  });
  return { ...founded, head, log };
}
