// Every structure of docs/ledger.md that the page reads, once.

import { below, choice, id, list, option, orderId, signature, signed, struct, text, u128, u16, u32, u64 } from "./encoding";

const rates = struct({ input: u64, output: u64 });
const usage = rates;
const lines = list(struct({ offer: id, usage }));

export const genesis = struct({
  origin: text,
  founded: u64,
  issuer: id,
  replicas: list(id),
  beneficiary: id,
  fees: struct({ operation: u128, byte: u128, pot: u128 }),
  deposits: struct({ name: u128, artifact: u128, offer: u128, channel: u128 }),
  royalty_max: u64,
  dispute_window_ms: u64,
  limits: struct({
    parents: u32, weights: u32, priced_works: u32, lineage_walk: u32, voucher_offers: u32, settlement_pots: u32, payout_pots: u32,
  }),
});

export const order = struct({ channel: id, id: orderId, offer: id, request: id, limit: usage, expires: u64 });
export const signedOrder = signed(order);
export const receipt = struct({
  order: signedOrder,
  number: u64,
  answer: id,
  usage,
  finish: below(4),
  time: u64,
  head: struct({ size: u64, root: id }),
});
export const signedReceipt = signed(receipt);
export const voucher = struct({ channel: id, number: u64, usage: lines, root: id });
export const signedVoucher = signed(voucher);

const publish = struct({
  manifest: id,
  kind: below(5),
  parents: list(id),
  royalty: rates,
  payees: list(struct({ account: id, weight: u32 })),
  weights: list(id),
  name: text,
  tag: text,
});
const offer = struct({
  artifact: id,
  fee: rates,
  engine: text,
  quantization: text,
  context: u32,
  default_output: u32,
  bound: struct({ per_byte: u16, per_message: u16, constant: u16 }),
});
const money = struct({ to: id, amount: u128, reference: id });
const channel = struct({ channel: id });

export const operation = choice({
  issue: money,
  redeem: struct({ amount: u128, reference: id }),
  lift: struct({ weight: id }),
  transfer: money,
  name: struct({ name: text }),
  rotate: struct({ key: id, proof: signature }),
  publish,
  tag: struct({ name: text, tag: text, artifact: id }),
  retire: struct({ artifact: id }),
  register: struct({ address: text, tls_key: option(id) }),
  offer,
  withdraw: struct({ offer: id }),
  open: struct({ provider: id, gateway_key: id, deposit: u128 }),
  top_up: struct({ channel: id, amount: u128 }),
  settle: struct({ voucher: signedVoucher }),
  close: channel,
  release: channel,
  finish: channel,
  payout: struct({ artifacts: list(id) }),
});
export const request = struct({ network: id, account: id, key: id, sequence: u64, not_after: u64, operation });
export const entry = choice({
  genesis,
  operation: struct({ at: u64, signed: signed(request), result: u16 }),
  root: struct({ root: id }),
});

export type Genesis = ReturnType<typeof genesis>;
export type Order = ReturnType<typeof order>;
export type Receipt = ReturnType<typeof receipt>;
export type Voucher = ReturnType<typeof voucher>;
export type Request = ReturnType<typeof request>;
export type Operation = ReturnType<typeof operation>;
export type Usage = ReturnType<typeof usage>;
