// "Check this log here and now": what of the public log this browser can compute itself.

import type { Said } from "../language";
import { Problem } from "../api";
import { checkedReceipts, checkReceipt } from "./bill";
import { verifySigned } from "./crypto";
import { type Bytes, decode, same } from "./encoding";
import { type Trusted, trusted } from "./head";
import { entry } from "./shapes";
import { Ended, type Step, Steps, told, Wrong } from "./steps";
import { TILE } from "./tiles";
import { leafHash, type Node, perfect, rootOf } from "./trees";

const words = {
  newest: ["The newest {count} entries stand in the log", "최근 기록 {count}개가 로그에 있는지"],
  all: ["All {count} entries stand in the log", "기록 {count}개 모두가 로그에 있는지"],
  progress: ["{done} of {of}", "{of}개 중 {done}개"],
  held: [
    "Hashed here, entries {first} to {last} lead to the signed root; {operations} operations among them are each signed by the key they name. Whether each was rightly applied is what pumasi audit replays.",
    "기록 {first}번부터 {last}번까지 여기서 해시하니 서명된 뿌리가 나옵니다. 그 안의 작업 {operations}개에 저마다 적힌 키의 서명이 있습니다. 규칙대로 적용했는지는 pumasi audit가 다시 계산합니다.",
  ],
  notRoot: ["The entries do not lead to the signed root.", "기록들에서 서명된 뿌리가 나오지 않습니다."],
  unsigned: ["The operation in entry {number} is not signed by the key that it names, or not for this network.", "기록 {number}의 작업에 그 작업이 말하는 키로 한, 이 네트워크의 서명이 없습니다."],
  receipts: ["The receipts checked in this browser are settled in this log", "이 브라우저에서 확인한 영수증이 이 로그에서 정산되었는지"],
  receiptsWhy: ["{settled} of {of} are settled; {waiting} wait for their settlement or proof; {gone} are no longer kept by this node.", "{of}개 중 {settled}개가 정산되었고, {waiting}개는 정산이나 증명을 기다리며, {gone}개는 이 노드가 더 갖고 있지 않습니다."],
  receiptsNone: ["None was checked in this browser yet.", "아직 이 브라우저에서 확인한 영수증이 없습니다."],
  receiptBad: ["Receipt {id}: {why}", "영수증 {id}: {why}"],
} satisfies Record<string, Said>;

/** So many of the receipts of this browser are looked at. */
const RECEIPTS = 20;

export interface CheckedLog {
  state: "checked" | "unchecked" | "false";
  steps: Step[];
  size: number | null;
}

/** Checks the head, the newest entries (or `all`), and this browser's receipts. */
export async function checkLog(all: boolean, stop: AbortSignal, changed?: (done: Step[], running: Step | null) => void): Promise<CheckedLog> {
  const steps = new Steps(changed);
  let size: number | null = null;
  try {
    const trust = await trusted(steps);
    size = trust.head.size;
    await entries(trust, all, stop, steps);
    await receipts(trust, stop, steps);
  } catch (error) {
    if (!(error instanceof Ended)) throw error;
  }
  return { state: steps.state, steps: steps.list, size };
}

async function entries(trust: Trusted, all: boolean, stop: AbortSignal, steps: Steps) {
  const { size } = trust.head;
  // Whole bundles: what comes before them is one node of the tree for each bundle, or for many.
  const bundle = all ? 0 : Math.floor(Math.max(0, size - TILE) / TILE);
  const first = bundle * TILE;
  const complete = first === 0;
  await steps.run(told(complete ? words.all : words.newest, { count: size - first }), async (step, tell) => {
    const own = new Map<number, Bytes>();
    let tail: Bytes[] = [];
    let operations = 0;
    for (let at = bundle; at * TILE < size; at += 1) {
      stop.throwIfAborted();
      const found = await trust.log.bundle(at);
      const leaves = await Promise.all(found.map(leafHash));
      if (leaves.length === TILE) own.set(at, await perfect(leaves));
      else tail = leaves;
      operations += await signatures(trust, at * TILE, found);
      step.why = told(words.progress, { done: Math.min((at + 1) * TILE, size) - first, of: size - first });
      tell();
    }
    const root = await rootOf(0, size, computed(trust, first, own, tail));
    if (!same(root, trust.head.root)) throw new Wrong(words.notRoot);
    step.why = told(words.held, { first, last: size - 1, operations });
  });
}

/** Nodes over the entries that were hashed here come from these alone; others from the log's tiles. */
function computed(trust: Trusted, first: number, own: Map<number, Bytes>, tail: Bytes[]): Node {
  const node: Node = async (height, index) => {
    const start = index * 2 ** height;
    const end = start + 2 ** height;
    if (end <= first) return trust.log.node(height, index);
    if (height > 8) return perfect([await node(height - 1, 2 * index), await node(height - 1, 2 * index + 1)]);
    if (height === 8) return own.get(index)!;
    return perfect(tail.slice(start % TILE, (start % TILE) + 2 ** height));
  };
  return node;
}

/** Whether each operation among these entries is signed; how many there are. */
async function signatures(trust: Trusted, first: number, found: Bytes[]): Promise<number> {
  const counted = await Promise.all(
    found.map(async (bytes, at) => {
      const one = decode(entry, bytes);
      if (one.kind !== "operation") return 0;
      const { signed } = one.body;
      const good = signed.body.network === trust.network && (await verifySigned("operation", trust.network, signed.body.key, signed));
      if (!good) throw new Wrong(told(words.unsigned, { number: first + at }));
      return 1;
    }),
  );
  return counted.reduce<number>((sum, one) => sum + one, 0);
}

async function receipts(trust: Trusted, stop: AbortSignal, steps: Steps) {
  await steps.run(words.receipts, async (step, tell) => {
    const ids = checkedReceipts().slice(0, RECEIPTS);
    let [settled, waiting, gone] = [0, 0, 0];
    for (const [at, id] of ids.entries()) {
      stop.throwIfAborted();
      step.why = told(words.progress, { done: at, of: ids.length });
      tell();
      const inner = new Steps();
      try {
        await checkReceipt(trust, id, null, inner);
        if (inner.list.at(-1)!.state === "ok") settled += 1;
        else waiting += 1;
      } catch (error) {
        if (!(error instanceof Ended)) throw error;
        const last = inner.list.at(-1)!;
        if (last.state === "bad") {
          const [en, ko] = typeof last.why === "string" || last.why === null ? [last.why ?? "", last.why ?? ""] : last.why;
          const named = { id: `${id.slice(0, 8)}…` };
          throw new Wrong([told(words.receiptBad, { ...named, why: en })[0], told(words.receiptBad, { ...named, why: ko })[1]]);
        }
        if (inner.problem instanceof Problem && inner.problem.status === 404) gone += 1;
        else waiting += 1;
      }
    }
    step.why = ids.length === 0 ? words.receiptsNone : told(words.receiptsWhy, { settled, of: ids.length, waiting, gone });
    if (ids.length === 0 || waiting + gone > 0) step.state = "later";
  });
}
