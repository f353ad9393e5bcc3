// A receipt's signed parts, field by field, read from their bytes here.

import type { ComponentChildren } from "preact";
import type { ReceiptView } from "../check/bill";
import { base64, decode } from "../check/encoding";
import { signedOrder, signedReceipt, signedVoucher } from "../check/shapes";
import { moment, number, say, type Said } from "../language";
import { Wrong } from "../parts";
import { link } from "../router";
import { channel, Link } from "./rich";

const words = {
  order: ["The order, signed by the gateway", "주문 (게이트웨이가 서명)"],
  receipt: ["The receipt, signed by the provider", "영수증 (공급자가 서명)"],
  voucher: ["The voucher, signed by the gateway", "지급 확인서 (게이트웨이가 서명)"],
  settlement: ["Settlement", "정산"],
  notYet: ["Not yet.", "아직 없습니다."],
  none: ["There is none.", "없습니다."],
  channel: ["Channel", "채널"],
  offer: ["Offer", "제공 조건"],
  request: ["Salted digest of the request", "요청의 솔트 친 다이제스트"],
  answer: ["Salted digest of the answer", "답의 솔트 친 다이제스트"],
  limit: ["At most", "한도"],
  tokens: ["{input} tokens in, {output} out", "입력 {input}토큰, 출력 {output}토큰"],
  expires: ["Good until", "기한"],
  number: ["Number in its channel", "채널에서의 번호"],
  usage: ["Counted", "센 토큰"],
  finish: ["Ended because", "끝난 까닭"],
  time: ["Time", "시각"],
  head: ["Head that the provider saw", "공급자가 본 머리"],
  size: ["{size} entries, root {root}", "기록 {size}개, 뿌리 {root}"],
  covers: ["Stands for answers up to", "여기까지의 답"],
  place: ["Place of this receipt", "이 영수증의 자리"],
  root: ["Root", "뿌리"],
  entry: ["Entry {entry} of the log", "로그의 기록 {entry}"],
} satisfies Record<string, Said>;

const FINISH: Said[] = [
  ["the answer was complete", "답이 끝나서"],
  ["the limit was reached", "한도에 닿아서"],
  ["the client went away", "클라이언트가 떠나서"],
  ["a tool was called", "도구를 불러서"],
];

type Fact = [Said, ComponentChildren];

function Facts({ of }: { of: Fact[] }) {
  return (
    <dl class="facts receipt-facts">
      {of.map(([name, value]) => (
        <>
          <dt>{say(name)}</dt>
          <dd>{value}</dd>
        </>
      ))}
    </dl>
  );
}

function Part({ title, read }: { title: Said; read: () => ComponentChildren }) {
  let shown: ComponentChildren;
  try {
    shown = read();
  } catch (error) {
    shown = <Wrong problem={error} />;
  }
  return (
    <>
      <h2>{say(title)}</h2>
      {shown}
    </>
  );
}

const code = (id: string) => <code>{id}</code>;
const tokens = (usage: { input: bigint; output: bigint }) => say(words.tokens, { input: number(usage.input), output: number(usage.output) });

export function Decoded({ view }: { view: ReceiptView }) {
  return (
    <>
      <Part title={words.settlement} read={() => {
        if (!view.settlement) return <p>{say(words.notYet)}</p>;
        const { entry, time } = view.settlement;
        return <p><a href={link(["ledger", "operation", String(entry)])}>{say(words.entry, { entry: number(entry) })}</a> <span class="soft">{moment(time)}</span></p>;
      }} />
      <Part title={words.order} read={() => {
        const { body } = decode(signedOrder, base64(view.order));
        return <Facts of={[
          [words.channel, <Link to={channel(`ch_${body.channel}`)} />],
          [words.offer, code(`of_${body.offer}`)],
          [words.limit, tokens(body.limit)],
          [words.expires, moment(Number(body.expires))],
          [words.request, code(body.request)],
        ]} />;
      }} />
      <Part title={words.receipt} read={() => {
        if (view.receipt === null) return <p>{say(words.none)}</p>;
        const { body } = decode(signedReceipt, base64(view.receipt));
        return <Facts of={[
          [words.number, number(body.number)],
          [words.usage, tokens(body.usage)],
          [words.finish, say(FINISH[body.finish]!)],
          [words.time, moment(Number(body.time))],
          [words.answer, code(body.answer)],
          [words.head, say(words.size, { size: number(body.head.size), root: `${body.head.root.slice(0, 8)}…${body.head.root.slice(-6)}` })],
        ]} />;
      }} />
      <Part title={words.voucher} read={() => {
        if (!view.voucher) return <p>{say(words.notYet)}</p>;
        const { body } = decode(signedVoucher, base64(view.voucher.voucher));
        return <Facts of={[
          [words.covers, number(body.number)],
          [words.place, number(view.voucher.index + 1)],
          [words.root, code(body.root)],
        ]} />;
      }} />
    </>
  );
}
