// The check of one bill, as `pumasi bill` makes it: nothing that the node says of it counts before it was computed here.

import { get } from "../api";
import type { Said } from "../language";
import { pico } from "../money";
import { sha256, verifySigned } from "./crypto";
import { base64, decode, same, type Signed, unhex } from "./encoding";
import { type Trusted, trusted } from "./head";
import { type Order, type Receipt, signedOrder, signedReceipt, signedVoucher, type Voucher } from "./shapes";
import { Ended, type Step, Steps, told, Untold, Wrong } from "./steps";
import { entered, type Opened, opened, price, providerKey } from "./terms";
import { follow, rootOf } from "./trees";

export interface Checked {
  state: "checked" | "unchecked" | "false";
  /** The sum as computed here; null if it came to none. */
  pico: bigint | null;
  steps: Step[];
}
export interface ShownBill {
  pico: bigint;
  lines: { id: string; pico: bigint }[];
}

/** What `GET /receipts/{id}` gives. */
export interface ReceiptView {
  id: string;
  state: "running" | "paid" | "refused" | "failed";
  network: string;
  offer: string;
  order: string;
  receipt: string | null;
  input: number | null;
  output: number | null;
  bill: { lines: BillLine[]; pico: string } | null;
  voucher: { voucher: string; index: number; path: string[] } | null;
  settlement: { entry: number; time: number } | null;
}
export interface BillLine {
  payee: string;
  id: string;
  what: "provider_fee" | "royalty" | "gateway_fee";
  input_rate: number;
  output_rate: number;
  pico: string;
}

const words = {
  receipt: ["The receipt is the one asked for", "물어본 영수증이 맞는지"],
  none: ["There is no receipt: the order is {state}, and nothing was billed.", "영수증이 없습니다. 주문 상태는 {state}이고 값을 매기지 않았습니다."],
  noneBilled: ["There is no receipt, and a bill was shown all the same.", "영수증이 없는데 계산서를 보여 주었습니다."],
  other: ["What the node gave is of another order.", "노드가 다른 주문의 것을 주었습니다."],
  otherNetwork: ["It is of another network.", "다른 네트워크의 것입니다."],
  channel: ["The channel's gateway key is the one in the signed log", "채널의 게이트웨이 키가 서명된 로그에 있는 것인지"],
  channelWhy: ["Entry {number} opened the channel and names it.", "채널을 연 기록 {number}에 적혀 있습니다."],
  provider: ["The provider's key is the one in the signed log", "공급자의 키가 서명된 로그에 있는 것인지"],
  providerWhy: ["Its operations around entry {number} show it.", "기록 {number} 앞뒤의 작업에 나옵니다."],
  providerWord: ["The provider's key, on this node's word", "공급자의 키 (이 노드의 말)"],
  providerWordWhy: [
    "That the provider did not change its key before the channel was opened cannot be told from the log yet; it can after its next operation.",
    "채널을 열기 전에 공급자가 키를 바꾸지 않았다는 것을 로그에서 아직 알 수 없습니다. 공급자의 다음 작업 뒤에 알 수 있습니다.",
  ],
  order: ["The order is signed by the gateway", "주문에 게이트웨이의 서명이 있는지"],
  orderBad: ["It is not signed with the channel's gateway key.", "채널의 게이트웨이 키로 한 서명이 아닙니다."],
  signed: ["The receipt is signed by the provider", "영수증에 공급자의 서명이 있는지"],
  signedBad: ["It is not signed with the channel's provider key.", "채널의 공급자 키로 한 서명이 아닙니다."],
  signedWhy: ["Number {number} of its channel: {input} tokens in, {output} out, within the order's limits.", "채널의 {number}번째: 입력 {input}토큰, 출력 {output}토큰으로 주문 한도 안입니다."],
  otherTokens: ["It counts other tokens than are shown.", "보여 준 것과 토큰 수가 다릅니다."],
  overLimit: ["It counts more tokens than were ordered.", "주문한 것보다 토큰이 많습니다."],
  seen: ["The provider saw the same log", "공급자가 본 로그도 같은 로그인지"],
  seenBad: ["The head in the receipt is none of this log.", "영수증에 적힌 머리가 이 로그의 것이 아닙니다."],
  seenLater: ["The signed head does not reach it yet.", "서명된 머리가 아직 거기까지 오지 않았습니다."],
  price: ["The price is the one in the signed log", "값이 서명된 로그에 있는 것인지"],
  priceWhy: ["The offer and the works it stands on: entries {entries}.", "제공 조건과 그 바탕이 된 작품: 기록 {entries}"],
  bill: ["The bill is these prices times these tokens, line by line and in sum", "계산서가 줄마다, 합계까지 값 × 토큰과 같은지"],
  billWhy: ["{count} lines, {pico} pico-credits, computed here.", "{count}줄, {pico} 피코크레딧. 여기서 계산했습니다."],
  billFee: ["{count} lines, {pico} pico-credits, computed here. The gateway's own fee is between it and you and stands on no ledger: it was only added.", "{count}줄, {pico} 피코크레딧. 여기서 계산했습니다. 게이트웨이 수수료는 원장에 없는 둘 사이의 값이라 더하기만 했습니다."],
  billNode: ["The node's bill differs from the computed one: {line}.", "노드의 계산서가 계산한 것과 다릅니다: {line}"],
  billSum: ["The lines sum to {sum} pico-credits, and the bill says {shown}.", "줄을 더하면 {sum} 피코크레딧인데 계산서는 {shown}입니다."],
  billShown: ["What was shown with the answer is another bill than the receipt's.", "답과 함께 보인 계산서가 영수증의 것과 다릅니다."],
  refused: ["The gateway refused this receipt: nothing is billed", "게이트웨이가 거절한 영수증이라 값이 없는지"],
  refusedBilled: ["It was refused, and billed all the same.", "거절했는데도 값을 매겼습니다."],
  voucher: ["The receipt lies under a voucher that the gateway signed", "게이트웨이가 서명한 지급 확인서 아래에 영수증이 있는지"],
  voucherLater: ["No voucher covers it yet; one is signed a moment after the answer.", "아직 지급 확인서가 없습니다. 답이 끝나고 곧 서명합니다."],
  voucherBad: ["The voucher is not signed with the channel's gateway key.", "지급 확인서에 채널의 게이트웨이 키로 한 서명이 없습니다."],
  voucherRoot: ["The receipt is not under the voucher's root.", "영수증이 지급 확인서의 뿌리 아래에 없습니다."],
  voucherWhy: ["Leaf {leaf} of {of}.", "잎 {of}개 중 {leaf}번째"],
  settled: ["The voucher is settled in the signed log", "지급 확인서가 서명된 로그에서 정산되었는지"],
  settledLater: ["Not settled yet; providers settle every minute or so.", "아직 정산되지 않았습니다. 공급자는 1분쯤마다 정산합니다."],
  settledWhy: ["Entry {number}: everybody on the bill is paid.", "기록 {number}: 계산서의 모두가 값을 받았습니다."],
  settledBad: ["Entry {number} settles something else.", "기록 {number}은 다른 것을 정산합니다."],
  settledAhead: ["Entry {number}; the signed head does not reach it yet.", "기록 {number}. 서명된 머리가 아직 거기까지 오지 않았습니다."],
  settledNewer: ["Entry {number} settled another voucher of this channel; check again to see the receipt's place in it.", "기록 {number}에서 이 채널의 다른 지급 확인서를 정산했습니다. 그 안의 자리를 보려면 다시 확인하세요."],
} satisfies Record<string, Said>;

/** Receipts that were checked in this browser, newest first: the check of the log looks at them again. */
const RECEIPTS = "pumasi-receipts";
const RECEIPTS_MAX = 50;

export function checkedReceipts(): string[] {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(RECEIPTS) ?? "[]");
    return Array.isArray(found) ? found.filter((one) => typeof one === "string") : [];
  } catch {
    return [];
  }
}

function remember(id: string) {
  localStorage.setItem(RECEIPTS, JSON.stringify([id, ...checkedReceipts().filter((one) => one !== id)].slice(0, RECEIPTS_MAX)));
}

export async function checkBill(id: string, shown: ShownBill, changed?: (done: Step[], running: Step | null) => void): Promise<Checked> {
  const steps = new Steps(changed);
  let sum: bigint | null = null;
  try {
    const trust = await trusted(steps);
    sum = await checkReceipt(trust, id, shown, steps);
    remember(id.replace(/^chatcmpl-/, ""));
  } catch (error) {
    if (!(error instanceof Ended)) throw error;
  }
  return { state: steps.state, pico: sum, steps: steps.list };
}

/** Everything about one receipt under a head that is trusted already; the sum of its bill. */
export async function checkReceipt(trust: Trusted, id: string, shown: ShownBill | null, steps: Steps): Promise<bigint> {
  const { view, receipt } = await steps.run(words.receipt, () => read(trust, id, shown));
  const order = receipt.body.order;
  const channel = await steps.run(words.channel, async (step) => {
    const found = await opened(trust, order.body.channel);
    step.why = told(words.channelWhy, { number: found.number });
    return found;
  });
  const key = await steps.run(words.provider, async (step) => {
    const found = await providerKey(trust, channel);
    step.name = found.proved ? words.provider : words.providerWord;
    step.why = found.proved ? told(words.providerWhy, { number: channel.number }) : words.providerWordWhy;
    if (!found.proved) step.state = "later";
    return found.key;
  });
  await steps.run(words.order, async () => {
    if (!(await verifySigned("order", trust.network, channel.gatewayKey, order))) throw new Wrong(words.orderBad);
  });
  await steps.run(words.signed, async (step) => {
    if (!(await verifySigned("receipt", trust.network, key, receipt))) throw new Wrong(words.signedBad);
    const { usage, number } = receipt.body;
    const { limit } = order.body;
    if (view.input === null || view.output === null || BigInt(view.input) !== usage.input || BigInt(view.output) !== usage.output) throw new Wrong(words.otherTokens);
    if (usage.input > limit.input || usage.output > limit.output) throw new Wrong(words.overLimit);
    step.why = told(words.signedWhy, { number, ...usage });
  });
  await steps.run(words.seen, (step) => seen(trust, receipt.body, step));
  if (view.state === "refused") {
    return steps.run(words.refused, async () => {
      if (view.bill || (shown && shown.pico !== 0n)) throw new Wrong(words.refusedBilled);
      return 0n;
    });
  }
  const sum = await bill(trust, view, receipt.body, channel, shown, steps);
  const voucher = await steps.run(words.voucher, (step) => covered(trust, view, receipt, channel, step));
  await steps.run(words.settled, (step) => settled(trust, view, receipt.body, voucher, step));
  return sum;
}

async function read(trust: Trusted, id: string, shown: ShownBill | null): Promise<{ view: ReceiptView; receipt: Signed<Receipt> }> {
  const view = await get<ReceiptView>(`/receipts/${encodeURIComponent(id)}`);
  if (view.receipt === null) {
    if (view.bill || (shown && shown.pico !== 0n)) throw new Wrong(words.noneBilled);
    throw new Untold(told(words.none, { state: view.state }));
  }
  if (view.network !== `sha256:${trust.network}`) throw new Wrong(words.otherNetwork);
  const receipt = decode(signedReceipt, base64(view.receipt));
  const order: Signed<Order> = decode(signedOrder, base64(view.order));
  const asked = id.replace(/^chatcmpl-/, "");
  const fits = same(order.whole, receipt.body.order.whole) && view.id === asked && order.body.id === asked && view.offer === `of_${order.body.offer}`;
  if (!fits) throw new Wrong(words.other);
  return { view, receipt };
}

async function seen(trust: Trusted, receipt: Receipt, step: Step) {
  const size = Number(receipt.head.size);
  if (size > trust.head.size) {
    step.state = "later";
    step.why = words.seenLater;
  } else if (!same(await rootOf(0, size, trust.log.node), unhex(receipt.head.root))) {
    throw new Wrong(words.seenBad);
  }
}

async function bill(trust: Trusted, view: ReceiptView, receipt: Receipt, channel: Opened, shown: ShownBill | null, steps: Steps): Promise<bigint> {
  const known = await steps.run(words.price, async (step) => {
    const found = await price(trust, receipt.order.body.offer, channel.provider);
    step.why = told(words.priceWhy, { entries: found.entries.join(", ") });
    return found;
  });
  return steps.run(words.bill, async (step) => {
    const { usage } = receipt;
    const computed = known.lines.map(({ id, what, rates }) => ({
      id, what, input: rates.input, output: rates.output, pico: rates.input * usage.input + rates.output * usage.output,
    }));
    const lines = view.bill?.lines ?? [];
    const fees = lines.filter((line) => line.what === "gateway_fee");
    const rest = lines.filter((line) => line.what !== "gateway_fee");
    for (let at = 0; at < Math.max(computed.length, rest.length); at += 1) {
      const [ours, theirs] = [computed[at], rest[at]];
      const equal = ours && theirs && ours.id === theirs.id && ours.what === theirs.what && rate(ours.input, theirs.input_rate)
        && rate(ours.output, theirs.output_rate) && ours.pico === pico(theirs.pico);
      if (!equal) throw new Wrong(told(words.billNode, { line: theirs?.payee ?? ours?.id ?? "" }));
    }
    const sum = [...computed, ...fees].reduce((all, line) => all + BigInt(line.pico), 0n);
    if (!view.bill || sum !== pico(view.bill.pico)) throw new Wrong(told(words.billSum, { sum, shown: view.bill?.pico ?? "–" }));
    if (shown && (shown.pico !== sum || ordered(shown.lines) !== ordered(lines.map((line) => ({ id: line.id, pico: pico(line.pico) }))))) throw new Wrong(words.billShown);
    step.why = told(fees.length > 0 ? words.billFee : words.billWhy, { count: lines.length, pico: sum });
    return sum;
  });
}

/** JSON's numbers lose digits of a huge rate; the amount, which is text, still tells. */
const rate = (ours: bigint, theirs: number) => !Number.isSafeInteger(theirs) || ours === BigInt(theirs);
const ordered = (lines: ShownBill["lines"]) => lines.map((line) => `${line.id} ${line.pico}`).sort().join("\n");

/** The receipt's digest is a leaf under the voucher's root, at its number's place. */
async function covered(trust: Trusted, view: ReceiptView, receipt: Signed<Receipt>, channel: Opened, step: Step): Promise<Signed<Voucher> | null> {
  if (!view.voucher) {
    step.state = "later";
    step.why = words.voucherLater;
    return null;
  }
  const { index, path } = view.voucher;
  const voucher = decode(signedVoucher, base64(view.voucher.voucher));
  const good = voucher.body.channel === receipt.body.order.body.channel && (await verifySigned("voucher", trust.network, channel.gatewayKey, voucher));
  if (!good) throw new Wrong(words.voucherBad);
  const root = await follow(await sha256(receipt.whole), index, Number(voucher.body.number), path.map(unhex));
  if (BigInt(index) + 1n !== receipt.body.number || !root || !same(root, unhex(voucher.body.root))) throw new Wrong(words.voucherRoot);
  step.why = told(words.voucherWhy, { leaf: index + 1, of: voucher.body.number });
  return voucher;
}

/** That very voucher is in an applied settlement of the signed log. */
async function settled(trust: Trusted, view: ReceiptView, receipt: Receipt, voucher: Signed<Voucher> | null, step: Step) {
  if (!view.settlement || !voucher) {
    step.state = "later";
    step.why = words.settledLater;
    return;
  }
  const number = view.settlement.entry;
  if (number >= trust.head.size) {
    step.state = "later";
    step.why = told(words.settledAhead, { number });
    return;
  }
  const { operation } = (await entered(trust, number)).request;
  if (operation.kind !== "settle") throw new Wrong(told(words.settledBad, { number }));
  const { body, whole } = operation.body.voucher;
  if (body.channel !== receipt.order.body.channel || body.number < receipt.number) throw new Wrong(told(words.settledBad, { number }));
  // A newer voucher than the shown one may have been settled in the meantime: the receipt's place in that one is not shown yet.
  const settles = same(whole, voucher.whole);
  if (!settles) step.state = "later";
  step.why = told(settles ? words.settledWhy : words.settledNewer, { number });
}
