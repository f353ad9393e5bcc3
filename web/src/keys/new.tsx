// Makes a key: a name, a budget, and when it expires.

import { useRef, useState } from "preact/hooks";
import { Problem, send } from "../api";
import { say, type Said } from "../language";
import { parse } from "../money";
import { Wrong } from "../parts";
import { Field } from "../parts/field";
import type { Key } from "./shapes";

const words = {
  title: ["Make a key", "키 만들기"],
  name: ["Name", "이름"],
  nameHint: ["To recognize it by, such as laptop.", "알아볼 이름입니다. 예: 노트북"],
  budget: ["Budget, in credits", "예산(크레딧)"],
  budgetHint: ["It can spend no more than this. It can be topped up later.", "이만큼까지만 씁니다. 나중에 더 채울 수 있습니다."],
  budgetFault: ["Write an amount of credits above 0, such as 10 or 0.5.", "0보다 큰 크레딧을 적어 주세요. 예: 10 또는 0.5"],
  expires: ["Expires", "만료"],
  never: ["Never", "없음"],
  days: ["In {days} days", "{days}일 뒤"],
  day: ["In a day", "하루 뒤"],
  make: ["Make the key", "키 만들기"],
  making: ["Making…", "만드는 중…"],
} satisfies Record<string, Said>;

const DAYS = [1, 7, 30, 90, 365];

export function NewKey({ made }: { made: (key: Key) => void }) {
  const [name, setName] = useState("");
  const [budget, setBudget] = useState("10");
  const [days, setDays] = useState(0);
  const [fault, blame] = useState<string | null>(null);
  const [problem, fail] = useState<unknown>();
  const [busy, work] = useState(false);
  const sending = useRef(false);

  const make = async (event: Event) => {
    event.preventDefault();
    if (sending.current) return;
    fail(undefined);
    const amount = parse(budget);
    if (amount === null || amount === 0n) return blame(say(words.budgetFault));
    blame(null);
    sending.current = true;
    work(true);
    try {
      const asked = { budget: budget.trim().replaceAll(",", ""), name: name.trim(), ...(days > 0 && { expires_in_s: days * 86_400 }) };
      made(await send<Key>("POST", "/keys", asked));
      setName("");
    } catch (error) {
      if (error instanceof Problem && error.field === "budget") blame(error.message);
      else fail(error);
    } finally {
      sending.current = false;
      work(false);
    }
  };

  return (
    <form class="card" onSubmit={(event) => void make(event)} aria-labelledby="keys-new">
      <h2 id="keys-new" class="keys-first">{say(words.title)}</h2>
      <div class="keys-form">
        <Field label={say(words.name)} hint={say(words.nameHint)} value={name} onInput={setName} maxLength={100} />
        <Field label={say(words.budget)} hint={say(words.budgetHint)} fault={fault} value={budget} onInput={setBudget} inputMode="decimal" />
        <div class="field">
          <label for="keys-expires">{say(words.expires)}</label>
          <select id="keys-expires" value={days} onChange={(event) => setDays(Number(event.currentTarget.value))}>
            <option value={0}>{say(words.never)}</option>
            {DAYS.map((one) => <option key={one} value={one}>{one === 1 ? say(words.day) : say(words.days, { days: one })}</option>)}
          </select>
        </div>
      </div>
      {problem !== undefined && <Wrong problem={problem} />}
      <button class="main" disabled={busy}>{say(busy ? words.making : words.make)}</button>
    </form>
  );
}
