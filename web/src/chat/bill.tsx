// What an answer cost, in one quiet line; the bill behind it with a line for everybody, and what this browser finds when it checks it.

import { useEffect, useId, useState } from "preact/hooks";
import type { Checked } from "../check/bill";
import { say, type Said } from "../language";
import { credits, pico } from "../money";
import { Name } from "../parts/name";
import { link } from "../router";
import { digitsOf, padded, people, percent, sum } from "./shares";
import type { Bill } from "./tree";

const words = {
  line: ["{cost} credits, to {people} people", "{cost} 크레딧, {people}명에게"],
  one: ["{cost} credits, to one person", "{cost} 크레딧, 한 명에게"],
  bill: ["bill", "계산서"],
  title: ["Who was paid for this answer", "이 답으로 값을 받은 사람들"],
  payee: ["Payee", "받는 이"],
  share: ["Share", "몫"],
  credits: ["Credits", "크레딧"],
  total: ["Sum", "합계"],
  provider_fee: ["Provider's fee", "공급자 수수료"],
  royalty: ["Royalty", "로열티"],
  gateway_fee: ["Gateway's fee", "게이트웨이 수수료"],
  checking: ["Checking order, receipt and voucher…", "주문, 영수증, 지급 확인서를 확인하는 중…"],
  checked: ["Checked in this browser: order, receipt and voucher add up.", "이 브라우저에서 확인했습니다. 주문, 영수증, 지급 확인서가 모두 맞습니다."],
  so_far: ["Checked in this browser, as far as it can be yet.", "지금 할 수 있는 데까지 이 브라우저에서 확인했습니다."],
  false: ["This bill is false: {why}", "이 계산서는 틀렸습니다. {why}"],
  sums: ["its lines do not add up to the cost.", "줄을 더한 값이 비용과 다릅니다."],
  computed: ["computed here, it comes to {cost} credits.", "여기서 계산하면 {cost} 크레딧입니다."],
  unchecked: ["Not checked: {why}", "확인하지 못함: {why}"],
  unknown: ["it could not be told why.", "까닭을 알 수 없습니다."],
  again: ["Check again", "다시 확인"],
  receipt: ["Receipt and every step of the check", "영수증과 확인 과정 보기"],
  left: ["Nothing was billed.", "값을 매기지 않았어요."],
} satisfies Record<string, Said>;

/** What was found already; a look at the bill once more costs nothing. */
const found = new Map<string, Checked>();

export function Cost({ bill }: { bill: Bill | null }) {
  const [open, set] = useState(false);
  const id = useId();
  if (!bill) return <p class="chat-cost">{say(words.left)}</p>;
  const count = people(bill);
  return (
    <>
      <p class="chat-cost">
        <button type="button" class="quiet number" aria-expanded={open} aria-controls={id} onClick={() => set(!open)}>
          {say(count === 1 ? words.one : words.line, { cost: credits(pico(bill.pico)), people: count })}
          {" · "}
          <span class="chat-cost-bill">{say(words.bill)}</span>
        </button>
      </p>
      <div id={id} hidden={!open}>
        {open && <Lines key={bill.receipt} bill={bill} />}
      </div>
    </>
  );
}

function Lines({ bill }: { bill: Bill }) {
  const total = pico(bill.pico);
  const digits = Math.max(...[total, ...bill.lines.map((line) => pico(line.pico))].map((one) => digitsOf(credits(one))));
  return (
    <section class="chat-bill card" aria-label={say(words.title)}>
      <table>
        <caption>{say(words.title)}</caption>
        <thead>
          <tr>
            <th scope="col">{say(words.payee)}</th>
            <th scope="col" class="right">{say(words.share)}</th>
            <th scope="col" class="right">{say(words.credits)}</th>
          </tr>
        </thead>
        <tbody>
          {bill.lines.map((line) => (
            <tr key={`${line.what} ${line.id}`}>
              <th scope="row">
                {line.what === "royalty" ? <a href={link(["artifact", line.payee])}><Name of={line.payee} /></a> : <Name of={line.payee} />}
                <span class="chat-bill-what">{say(words[line.what])}</span>
              </th>
              <td class="right">{percent(pico(line.pico), total)}</td>
              <td class="right">{padded(credits(pico(line.pico)), digits)}</td>
            </tr>
          ))}
        </tbody>
        <tfoot>
          <tr>
            <th scope="row">{say(words.total)}</th>
            <td class="right">{percent(total, total)}</td>
            <td class="right">{padded(credits(total), digits)}</td>
          </tr>
        </tfoot>
      </table>
      <Mark bill={bill} />
      <p class="chat-bill-more">
        <a href={link(["receipt", bill.receipt])}>{say(words.receipt)}</a>
      </p>
    </section>
  );
}

const told = (why: Said | string | null | undefined) => (why === null || why === undefined ? say(words.unknown) : typeof why === "string" ? why : say(why));

function Mark({ bill }: { bill: Bill }) {
  const [result, set] = useState(found.get(bill.receipt));
  const [round, turn] = useState(0);
  const [step, at] = useState<Said | null>(null);
  useEffect(() => {
    if (found.has(bill.receipt) && round === 0) return;
    let here = true;
    set(undefined);
    const lines = bill.lines.map((line) => ({ id: line.id, pico: pico(line.pico) }));
    import("../check/bill")
      .then(({ checkBill }) => checkBill(bill.receipt, { pico: pico(bill.pico), lines }, (_, running) => here && running && at(running.name)))
      .catch((error: unknown): Checked => ({ state: "unchecked", pico: null, steps: [{ name: words.checking, state: "unknown", why: String(error) }] }))
      .then((done) => {
        found.set(bill.receipt, done);
        if (here) set(done);
      });
    return () => {
      here = false;
    };
  }, [bill.receipt, round]);
  const { kind, text } = verdict(bill, result);
  const later = kind === "checked" ? pending(result).map((one) => one.why) : [];
  return (
    <div class={`chat-mark ${kind}`} role={kind === "false" ? "alert" : "status"}>
      <p>
        {kind === "checked" && <span aria-hidden="true">✓ </span>}
        {text}
        {later.map((why, at) => <span key={at} class="chat-mark-step">{told(why)}</span>)}
        {kind === "checking" && step && <span class="chat-mark-step">{say(step)}</span>}
      </p>
      {kind !== "checking" && (kind !== "checked" || later.length > 0) && (
        <button type="button" class="quiet" onClick={() => turn(round + 1)}>
          {say(words.again)}
        </button>
      )}
    </div>
  );
}

/** What can be told only later, such as the settlement. */
const pending = (result: Checked | undefined) => (result?.steps ?? []).filter((one) => one.state === "later");

/** The page's own sums are looked at too: a check of something else than what is shown would be worth nothing. */
function verdict(bill: Bill, result: Checked | undefined): { kind: "checking" | "checked" | "unchecked" | "false"; text: string } {
  if (sum(bill) !== pico(bill.pico)) return { kind: "false", text: say(words.false, { why: say(words.sums) }) };
  if (!result) return { kind: "checking", text: say(words.checking) };
  const why = (state: string) => told(result.steps.find((one) => one.state === state)?.why);
  if (result.state === "false") return { kind: "false", text: say(words.false, { why: why("bad") }) };
  if (result.state === "unchecked") return { kind: "unchecked", text: say(words.unchecked, { why: why("unknown") }) };
  if (result.pico !== pico(bill.pico)) {
    return { kind: "false", text: say(words.false, { why: result.pico === null ? say(words.unknown) : say(words.computed, { cost: credits(result.pico) }) }) };
  }
  return { kind: "checked", text: say(pending(result).length > 0 ? words.so_far : words.checked) };
}
