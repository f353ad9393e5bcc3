// One operation: in plain words, field by field, and whether it stands in the signed log.

import { useEffect, useState } from "preact/hooks";
import { get, Problem } from "../api";
import { checkOperation } from "../check/operation";
import type { Step } from "../check/steps";
import { moment, number, say, type Said } from "../language";
import { useLoad } from "../load";
import { pico } from "../money";
import { Credits, Empty, Shown, Snippet } from "../parts";
import { link } from "../router";
import { Fields, Paid } from "./fields";
import { refusalSentence } from "./refusals";
import { account, Link, Rich } from "./rich";
import { sentence, titles } from "./sentence";
import { StepList } from "./steps";
import type { Operation } from "./types";

const words = {
  title: ["Entry {entry}", "기록 {entry}"],
  applied: ["applied", "적용됨"],
  refused: ["refused", "거부됨"],
  what: ["What was asked", "낸 작업"],
  kind: ["Operation", "작업"],
  account: ["Account", "계정"],
  sequence: ["Its operation number", "계정의 순번"],
  time: ["Time", "시각"],
  fee: ["Fee to the ledger", "원장 수수료"],
  paid: ["Who was paid", "누가 받았나"],
  proof: ["In the signed log", "서명된 로그에 있는지"],
  json: ["As JSON", "JSON으로"],
  plain: ["As a plain page", "단순한 페이지로"],
  around: ["Operations up to this one", "이 작업까지의 목록"],
  notOne: [
    "Entry {entry} is not an operation: the log also holds the founding document and, after each group of operations, the state's root.",
    "기록 {entry}은 작업이 아닙니다. 로그에는 창설 문서와, 작업 묶음마다 그 뒤의 상태의 뿌리도 적힙니다.",
  ],
  ledger: ["Ledger", "원장"],
} satisfies Record<string, Said>;

export function OperationPage({ entry }: { entry: string }) {
  const found = useLoad((signal) => get<Operation>(`/ledger/operations/${encodeURIComponent(entry)}`, signal), [entry]);
  const rootEntry = found.problem instanceof Problem && found.problem.status === 404 && /^\d+$/.test(entry);
  return (
    <>
      <p><a href={link(["ledger"])}>{say(words.ledger)}</a></p>
      <h1>{say(words.title, { entry: /^\d{1,15}$/.test(entry) ? number(Number(entry)) : entry })}</h1>
      {rootEntry && found.problem?.message.includes("is not an operation") ? (
        <Empty>{say(words.notOne, { entry })}</Empty>
      ) : (
        <Shown of={found}>{(one) => <Whole one={one} />}</Shown>
      )}
    </>
  );
}

function Whole({ one }: { one: Operation }) {
  const { said, values } = sentence(one, say);
  const title = titles[one.operation.kind];
  const effect = one.outcome?.effect ?? null;
  const paid = effect && (effect.provider_fee !== undefined || effect.payments);
  const made = { ...(effect?.offer && { offer: effect.offer }), ...(effect?.channel && { channel: effect.channel }), ...(effect?.returned && { returned: effect.returned }) };
  return (
    <>
      <p class="ledger-lead"><Rich said={said} values={values} /></p>
      {one.refusal && <p class="check-bad">{refusalSentence(one.refusal)}</p>}
      <h2>{say(words.what)}</h2>
      <dl class="facts">
        <dt>{say(words.kind)}</dt>
        <dd>
          {title ? say(title) : one.operation.kind} <span class={`tag ${one.applied ? "good" : "bad"}`}>{say(one.applied ? words.applied : words.refused)}</span>
        </dd>
        <dt>{say(words.account)}</dt>
        <dd><Link to={account(one.account)} /></dd>
        <Fields of={{ ...made, ...one.operation }} />
        <dt>{say(words.sequence)}</dt>
        <dd>{number(one.sequence)}</dd>
        <dt>{say(words.time)}</dt>
        <dd><time dateTime={new Date(one.time).toISOString()}>{moment(one.time)}</time></dd>
        {one.outcome && (
          <>
            <dt>{say(words.fee)}</dt>
            <dd><Credits amount={pico(one.outcome.fee)} /></dd>
          </>
        )}
      </dl>
      {paid && (
        <>
          <h2>{say(words.paid)}</h2>
          <Paid of={effect} provider={one.account} />
        </>
      )}
      <h2>{say(words.proof)}</h2>
      <Proof one={one} />
      <details class="ledger-more">
        <summary>{say(words.json)}</summary>
        <Snippet text={JSON.stringify(one, null, 2)} label={say(words.json)} />
      </details>
      <p class="row">
        <a href={`/ledger/operations/${one.entry}`} target="_blank" rel="noopener">{say(words.plain)}</a>
        <a href={link(["ledger"], { before: String(one.entry + 1) })}>{say(words.around)}</a>
      </p>
    </>
  );
}

function Proof({ one }: { one: Operation }) {
  const [state, set] = useState<{ done: Step[]; running: Step | null }>({ done: [], running: null });
  useEffect(() => {
    let here = true;
    void checkOperation(one, (done, running) => here && set({ done, running }));
    return () => {
      here = false;
    };
  }, [one.entry]);
  return <StepList {...state} />;
}
