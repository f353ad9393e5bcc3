// `#/receipt/ID`: everything about one answer's bill, and its check in this browser. No session is needed.

import "../style/ledger.css";
import "../style/receipt.css";
import { useEffect, useState } from "preact/hooks";
import { get, Problem } from "../api";
import { checkBill, type BillLine, type Checked, type ReceiptView } from "../check/bill";
import type { Step } from "../check/steps";
import { say, type Said } from "../language";
import { useLoad } from "../load";
import { credits, perMillion, pico } from "../money";
import { Copy, Empty, Shown, Snippet, Wrong } from "../parts";
import { Name } from "../parts/name";
import { link, place } from "../router";
import { useArrival } from "../ledger/arrival";
import { Decoded } from "../ledger/decoded";
import { StepList } from "../ledger/steps";

const words = {
  title: ["Receipt", "영수증"],
  ledger: ["Ledger", "원장"],
  paid: ["paid", "지급됨"],
  refused: ["refused", "거절됨"],
  failed: ["failed", "실패"],
  running: ["running", "진행 중"],
  forgotten: ["This receipt was settled long ago, and this node no longer keeps it. Its place under the voucher's root stays in the log.", "오래전에 정산되어 이 노드가 더 갖고 있지 않은 영수증입니다. 지급 확인서의 뿌리 아래 자리는 로그에 남아 있습니다."],
  unknown: ["This node knows no such receipt. The gateway that answered keeps it.", "이 노드에 없는 영수증입니다. 영수증은 답한 게이트웨이가 갖고 있습니다."],
  bill: ["Who was paid", "누가 받았나"],
  noBill: ["Nothing was billed.", "값이 없습니다."],
  payee: ["Payee", "받는 이"],
  rate: ["Credits per million tokens, in / out", "백만 토큰당 크레딧, 입력 / 출력"],
  amount: ["Credits", "크레딧"],
  total: ["Total", "합계"],
  tokens: ["{input} tokens in, {output} out", "입력 {input}토큰, 출력 {output}토큰"],
  provider_fee: ["for running", "공급자 수수료"],
  royalty: ["royalty", "로열티"],
  gateway_fee: ["gateway's fee", "게이트웨이 수수료"],
  check: ["Checked in this browser", "이 브라우저에서 확인"],
  checking: ["Checking…", "확인하는 중…"],
  checked: ["Every step that can be checked now holds.", "지금 확인할 수 있는 단계가 모두 맞습니다."],
  unchecked: ["Not checked: a step could not be done.", "확인하지 못했습니다. 하지 못한 단계가 있습니다."],
  false: ["FALSE: something about this bill is not as it is shown.", "틀렸습니다. 이 계산서에 보이는 것과 다른 것이 있습니다."],
  again: ["Check again", "다시 확인"],
  plain: ["As a plain page", "단순한 페이지로"],
  json: ["As JSON", "JSON으로"],
  command: ["In a terminal", "터미널에서"],
} satisfies Record<string, Said>;

export default function Page() {
  useArrival();
  const id = (place.value.path[1] ?? "").replace(/^chatcmpl-/, "");
  const found = useLoad((signal) => get<ReceiptView>(`/receipts/${encodeURIComponent(id)}`, signal), [id]);
  const missing = found.problem instanceof Problem && found.problem.status === 404 ? found.problem.code : null;
  return (
    <>
      <p><a href={link(["ledger"])}>{say(words.ledger)}</a></p>
      <h1>
        {say(words.title)} {found.value && <span class={`tag ${found.value.state === "paid" ? "good" : ""}`}>{say(words[found.value.state])}</span>}
      </h1>
      <p class="row"><code>{id}</code> <Copy text={id} /></p>
      {missing !== null ? (
        <Empty>{say(missing === "receipt_forgotten" ? words.forgotten : words.unknown)}</Empty>
      ) : (
        <Shown of={found}>{(view) => <Whole key={view.id} view={view} again={found.again} />}</Shown>
      )}
    </>
  );
}

function Whole({ view, again }: { view: ReceiptView; again: () => void }) {
  return (
    <>
      {view.bill ? <Bill lines={view.bill.lines} pico={view.bill.pico} view={view} /> : <p>{say(words.noBill)}</p>}
      {view.receipt !== null && <Check view={view} again={again} />}
      <Decoded view={view} />
      <details class="ledger-more">
        <summary>{say(words.json)}</summary>
        <Snippet text={JSON.stringify({ ...view, salt: undefined }, null, 2)} label={say(words.json)} />
      </details>
      <h2>{say(words.command)}</h2>
      <Snippet text={`pumasi bill ${view.id}`} label={say(words.command)} />
      <p><a href={`/receipts/${view.id}`} target="_blank" rel="noopener">{say(words.plain)}</a></p>
    </>
  );
}

function Bill({ lines, pico: sum, view }: { lines: BillLine[]; pico: string; view: ReceiptView }) {
  return (
    <>
      <h2>{say(words.bill)}</h2>
      {view.input !== null && view.output !== null && <p class="soft">{say(words.tokens, { input: view.input, output: view.output })}</p>}
      <table class="receipt-bill">
        <thead>
          <tr>
            <th scope="col">{say(words.payee)}</th>
            <th scope="col" class="right receipt-rate">{say(words.rate)}</th>
            <th scope="col" class="right">{say(words.amount)}</th>
          </tr>
        </thead>
        <tbody>
          {lines.map((line, at) => (
            <tr key={at}>
              <td>
                <a href={line.what === "royalty" ? link(["artifact", line.id]) : link(["ledger", "account", line.id])} title={line.id}><Name of={line.payee} /></a>{" "}
                <span class="soft">{say(words[line.what] ?? words.royalty)}</span>
                <span class="receipt-rate-below soft number" title={say(words.rate)}>{perMillion(line.input_rate)} / {perMillion(line.output_rate)}</span>
              </td>
              <td class="right receipt-rate">{perMillion(line.input_rate)} / {perMillion(line.output_rate)}</td>
              <td class="right">{credits(pico(line.pico))}</td>
            </tr>
          ))}
        </tbody>
        <tfoot>
          <tr>
            <th scope="row">{say(words.total)}</th>
            <td class="receipt-rate" />
            <td class="right"><strong>{credits(pico(sum))}</strong></td>
          </tr>
        </tfoot>
      </table>
    </>
  );
}

function Check({ view, again }: { view: ReceiptView; again: () => void }) {
  const [state, set] = useState<{ done: Step[]; running: Step | null; result: Checked | null; problem: unknown }>({ done: [], running: null, result: null, problem: null });
  const [round, turn] = useState(0);
  useEffect(() => {
    let here = true;
    const shown = { pico: pico(view.bill?.pico), lines: (view.bill?.lines ?? []).map((line) => ({ id: line.id, pico: pico(line.pico) })) };
    const nothing = { done: [], running: null, result: null, problem: null };
    checkBill(view.id, shown, (done, running) => here && set({ ...nothing, done, running })).then(
      (result) => here && set({ ...nothing, done: result.steps, result }),
      (problem: unknown) => here && set({ ...nothing, problem }),
    );
    return () => {
      here = false;
    };
  }, [view.id, round]);
  const { result } = state;
  const look = result?.state === "checked" ? "check-good" : result?.state === "false" ? "check-bad" : "soft";
  return (
    <section aria-labelledby="receipt-check">
      <h2 id="receipt-check">{say(words.check)}</h2>
      <p class={`receipt-result ${look}`} role="status">{say(result ? words[result.state] : words.checking)}</p>
      {state.problem !== null && <Wrong problem={state.problem} />}
      <StepList done={state.done} running={state.running} />
      <p class="receipt-again">
        <button
          type="button"
          onClick={() => {
            if (!result && state.problem === null) return;
            again();
            turn(round + 1);
          }}
        >
          {say(words.again)}
        </button>
      </p>
    </section>
  );
}
