// One key of the list: what it may spend and did, topping it up, and revoking it.

import { useRef, useState } from "preact/hooks";
import { Problem, send } from "../api";
import { moment, say, type Said } from "../language";
import { credits, parse } from "../money";
import { Wrong } from "../parts";
import { Confirm } from "../parts/confirm";
import { Field } from "../parts/field";
import { isOfPage, type Key } from "./shapes";

const words = {
  active: ["active", "사용 중"],
  expired: ["expired", "만료됨"],
  revoked: ["revoked", "폐기됨"],
  page: ["this page's own", "이 페이지의 키"],
  pageHint: ["What you do in this page is paid from this key.", "이 페이지에서 하는 일은 이 키로 값을 냅니다."],
  empty: ["Nothing is left of it. Top it up to go on.", "남은 것이 없습니다. 더 채우면 이어서 쓸 수 있습니다."],
  spent: ["{spent} of {budget} credits spent", "{budget} 크레딧 가운데 {spent} 씀"],
  left: ["{left} left", "남은 것 {left}"],
  reserved: ["{reserved} set aside for answers that run", "지금 쓰는 답을 위해 {reserved} 따로 둠"],
  files: ["{files} of it for files", "그중 파일에 {files}"],
  made: ["Made {time}", "만든 때 {time}"],
  expires: ["Expires {time}", "만료 {time}"],
  wasExpired: ["Expired {time}", "{time} 만료"],
  never: ["Never expires", "만료 없음"],
  top: ["Top up", "채우기"],
  topOf: ["Top up {name}", "{name} 채우기"],
  revoke: ["Revoke", "폐기"],
  revokeOf: ["Revoke {name}", "{name} 폐기"],
  amount: ["Credits to add", "더할 크레딧"],
  amountFault: ["Write an amount of credits above 0, such as 10 or 0.5.", "0보다 큰 크레딧을 적어 주세요. 예: 10 또는 0.5"],
  add: ["Add", "더하기"],
  cancel: ["Cancel", "취소"],
  revokeTitle: ["Revoke “{name}” for good?", "‘{name}’ 키를 폐기할까요?"],
  revokeText: [
    "Programs that use it are refused from now on, and that cannot be taken back. Answers that run are finished and paid. What it has not spent stays yours.",
    "이 키를 쓰는 프로그램은 이제부터 거절되고, 되돌릴 수 없습니다. 이미 시작한 답은 끝까지 나오고 값이 치러집니다. 쓰지 않은 예산은 그대로 내 것입니다.",
  ],
  revokePage: ["This page spends from this key: chats here will no longer work.", "이 페이지가 쓰는 키입니다. 여기서 하는 대화가 더는 되지 않습니다."],
  revokeFor: ["Revoke for good", "폐기하기"],
} satisfies Record<string, Said>;

/** How much of its budget is gone, of a thousand; only to draw it. */
const drawn = (spent: bigint, budget: bigint) => (budget === 0n ? 1000 : Number(((spent > budget ? budget : spent) * 1000n) / budget));

export function OneKey({ of: key, changed }: { of: Key; changed: () => void }) {
  const [open, show] = useState<"top" | "revoke" | null>(null);
  const [budget, spent, reserved, files] = [key.budget, key.spent, key.reserved, key.files].map((text) => parse(text) ?? 0n) as [bigint, bigint, bigint, bigint];
  const left = budget > spent + reserved ? budget - spent - reserved : 0n;
  const name = key.name || key.id;
  const active = key.state === "active";
  return (
    <li class="card keys-one">
      <div class="row">
        <h3>{name}</h3>
        {key.name && <code class="soft">{key.id}</code>}
        <span class={`tag${active ? " good" : " bad"}`}>{say(words[key.state])}</span>
        {isOfPage(key) && <span class="tag">{say(words.page)}</span>}
      </div>
      <div class="keys-bar" aria-hidden="true"><div style={{ width: `${drawn(spent, budget) / 10}%` }} /></div>
      <p class="number keys-sums">
        <span>{say(words.spent, { spent: credits(spent), budget: credits(budget) })}</span>
        <span>{say(words.left, { left: credits(left) })}</span>
      </p>
      <p class="soft keys-more">
        {files > 0n && <span>{say(words.files, { files: credits(files) })}</span>}
        {reserved > 0n && <span>{say(words.reserved, { reserved: credits(reserved) })}</span>}
        <span>{say(words.made, { time: moment(key.created) })}</span>
        <span>{key.expires === null ? say(words.never) : say(key.state === "expired" ? words.wasExpired : words.expires, { time: moment(key.expires) })}</span>
        {isOfPage(key) && <span>{say(words.pageHint)}</span>}
      </p>
      {active && left === 0n && <p class="keys-empty">{say(words.empty)}</p>}
      {active && (
        <div class="row">
          <button type="button" aria-expanded={open === "top"} onClick={() => show(open === "top" ? null : "top")} aria-label={say(words.topOf, { name })}>{say(words.top)}</button>
          <button type="button" class="quiet danger" onClick={() => show("revoke")} aria-label={say(words.revokeOf, { name })}>{say(words.revoke)}</button>
        </div>
      )}
      {open === "top" && active && <TopUp of={key} close={() => show(null)} done={() => { show(null); changed(); }} />}
      {open === "revoke" && (
        <Confirm
          title={say(words.revokeTitle, { name })}
          action={say(words.revokeFor)}
          danger
          act={async () => {
            await send("DELETE", `/keys/${encodeURIComponent(key.id)}`);
            changed();
          }}
          close={() => show(null)}
        >
          <p>{say(words.revokeText)}</p>
          {isOfPage(key) && <p><strong>{say(words.revokePage)}</strong></p>}
        </Confirm>
      )}
    </li>
  );
}

function TopUp({ of: key, close, done }: { of: Key; close: () => void; done: () => void }) {
  const [amount, set] = useState("10");
  const [fault, blame] = useState<string | null>(null);
  const [problem, fail] = useState<unknown>();
  const [busy, work] = useState(false);
  // Asked for twice it would raise the budget twice.
  const sending = useRef(false);
  const top = async (event: Event) => {
    event.preventDefault();
    if (sending.current) return;
    fail(undefined);
    const value = parse(amount);
    if (value === null || value === 0n) return blame(say(words.amountFault));
    blame(null);
    sending.current = true;
    work(true);
    try {
      await send("POST", `/keys/${encodeURIComponent(key.id)}/topup`, { amount: amount.trim().replaceAll(",", "") });
      done();
    } catch (error) {
      if (error instanceof Problem && error.field === "amount") blame(error.message);
      else fail(error);
      work(false);
      sending.current = false;
    }
  };
  return (
    <form class="keys-top" onSubmit={(event) => void top(event)}>
      <Field label={say(words.amount)} fault={fault} value={amount} onInput={set} inputMode="decimal" focus />
      {problem !== undefined && <Wrong problem={problem} />}
      <div class="row">
        <button class="main" disabled={busy}>{say(words.add)}</button>
        <button type="button" onClick={close}>{say(words.cancel)}</button>
      </div>
    </form>
  );
}
