// The fields of an operation and of what came of it, one by one, each as what it is.

import type { ComponentChildren } from "preact";
import { number, say, type Said } from "../language";
import { credits, pico } from "../money";
import { Credits, Id, Rates } from "../parts";
import { account, artifact, channel, Link } from "./rich";
import { kinds } from "./sentence";
import type { Asked, Effect } from "./types";

const words = {
  perMillion: ["credits per million tokens, in / out", "백만 토큰당 크레딧, 입력 / 출력"],
  tokens: ["{input} in, {output} out", "입력 {input}, 출력 {output}"],
  payee: ["Payee", "받는 이"],
  amount: ["Credits", "크레딧"],
  running: ["{who}, for running", "{who} (공급자 수수료)"],
  total: ["Total", "합계"],
} satisfies Record<string, Said>;

/** What the fields are called, in the order in which they are shown. */
const labels: Record<string, Said> = {
  to: ["To", "받는 계정"],
  amount: ["Amount", "금액"],
  deposit: ["Deposit", "예치금"],
  name: ["Name", "이름"],
  tag: ["Tag", "태그"],
  artifact_kind: ["Kind of work", "작품의 종류"],
  artifact: ["Artifact", "아티팩트"],
  parents: ["Built on", "바탕"],
  royalty: ["Royalty", "로열티"],
  address: ["Address", "주소"],
  offer: ["Offer", "제공 조건"],
  fee: ["Fee", "수수료"],
  provider: ["Provider", "공급자"],
  channel: ["Channel", "채널"],
  receipts: ["Answers so far", "지금까지의 답"],
  usage: ["Tokens so far", "지금까지의 토큰"],
  root: ["Root over the receipts", "영수증의 뿌리"],
  weight: ["Weight file", "가중치 파일"],
  artifacts: ["Artifacts", "아티팩트"],
  key: ["New key", "새 키"],
  gateway_key: ["Gateway's key", "게이트웨이의 키"],
  reference: ["Reference", "참조"],
  returned: ["Returned to the payer", "내는 이에게 돌아간 금액"],
};

const whole = (id: string) => <code>{id}</code>;
const several = (parts: ComponentChildren[]) => <ul class="ledger-several">{parts.map((part, at) => <li key={at}>{part}</li>)}</ul>;
const rates = (of: { input: number; output: number }) => (
  <>
    <Rates {...of} /> <span class="soft">{say(words.perMillion)}</span>
  </>
);

function shown(of: Asked & Effect, name: string): ComponentChildren {
  switch (name) {
    case "to": return <Link to={account(of.to!)} />;
    case "provider": return <Link to={account(of.provider!)} />;
    case "amount": return <Credits amount={pico(of.amount)} />;
    case "deposit": return <Credits amount={pico(of.deposit)} />;
    case "returned": return <Credits amount={pico(of.returned)} />;
    case "artifact": return <Link to={artifact(of.artifact!)} />;
    case "artifacts": return several(of.artifacts!.map((id) => <Link to={artifact(id)} />));
    case "parents": return of.parents!.length === 0 ? "–" : several(of.parents!.map((id) => <Link to={artifact(id)} />));
    case "artifact_kind": return say(kinds[of.artifact_kind!] ?? [of.artifact_kind!, of.artifact_kind!]);
    case "royalty": return rates(of.royalty!);
    case "fee": return rates(of.fee!);
    case "channel": return <Link to={channel(of.channel!)} />;
    case "receipts": return number(of.receipts!);
    case "usage": return several(of.usage!.map((line) => <>{say(words.tokens, { input: line.input, output: line.output })} <Id id={line.offer} /></>));
    case "name": case "tag": case "address": return of[name];
    default: return whole(String(of[name as keyof Asked]));
  }
}

/** The rows of a list of facts. */
export function Fields({ of }: { of: Asked & Effect }) {
  const names = Object.keys(labels).filter((name) => of[name as keyof Asked] !== undefined);
  return (
    <>
      {names.map((name) => (
        <>
          <dt>{say(labels[name]!)}</dt>
          <dd>{shown(of, name)}</dd>
        </>
      ))}
    </>
  );
}

/** Who got how much by a settlement or a payout. */
export function Paid({ of, provider }: { of: Effect; provider: string }) {
  const lines: [ComponentChildren, bigint][] = [];
  if (of.provider_fee !== undefined) {
    const who = account(provider);
    lines.push([<a href={who.href} title={who.title}>{say(words.running, { who: who.text })}</a>, pico(of.provider_fee)]);
  }
  for (const one of of.royalties ?? []) lines.push([<Link to={artifact(one.artifact)} />, pico(one.amount)]);
  for (const one of of.payments ?? []) lines.push([<Link to={account(one.account)} />, pico(one.amount)]);
  return (
    <table class="ledger-paid">
      <thead>
        <tr><th scope="col">{say(words.payee)}</th><th scope="col" class="right">{say(words.amount)}</th></tr>
      </thead>
      <tbody>
        {lines.map(([who, amount], at) => <tr key={at}><td>{who}</td><td class="right">{credits(amount)}</td></tr>)}
      </tbody>
      <tfoot>
        <tr><th scope="row">{say(words.total)}</th><td class="right"><strong>{credits(lines.reduce((sum, [, amount]) => sum + amount, 0n))}</strong></td></tr>
      </tfoot>
    </table>
  );
}
