// What every use pays, and who shares it.

import { say, type Said } from "../language";
import { Field } from "../parts/field";
import type { Faults, Form, Payee } from "./draft";

const words = {
  title: ["Royalty", "로열티"],
  about: [
    "What this work asks whenever it, or anything built on it, is used, in credits per million tokens. It can never be changed.",
    "이 작품이나 이것을 바탕으로 만든 것이 쓰일 때마다 받는 값입니다. 백만 토큰당 크레딧이고, 나중에 바꿀 수 없습니다.",
  ],
  input: ["In", "입력"],
  output: ["Out", "출력"],
  free: ["Without one it is free to build on and to use, beside what its parents ask.", "비워 두면 부모가 받는 것 말고는 값이 없습니다."],
  payees: ["Who is paid", "받는 이"],
  alone: ["You alone.", "나 혼자."],
  share: ["Share it with others", "다른 이와 나누기"],
  account: ["Account {at}", "계정 {at}"],
  weight: ["Weight {at}", "몫 {at}"],
  weightAbout: ["Each is paid by weight: 3 beside 1 is three quarters.", "몫의 비율대로 나눕니다. 3과 1이면 4분의 3과 4분의 1입니다."],
  more: ["Another", "한 명 더"],
  remove: ["Remove {name}", "{name} 빼기"],
  nameless: ["account {at}", "계정 {at}"],
} satisfies Record<string, Said>;

const PAYEES_MAX = 16;

export function Royalty({ form, change, faults, me }: { form: Form; change: (part: Partial<Form>) => void; faults: Faults; me: string }) {
  const asks = Boolean(form.input.trim() || form.output.trim());
  const set = (at: number, part: Partial<Payee>) => change({ payees: form.payees.map((one, i) => (i === at ? { ...one, ...part } : one)) });
  return (
    <fieldset class="publish-set">
      <legend>{say(words.title)}</legend>
      <p class="soft publish-small">{say(words.about)}</p>
      <div class="publish-two">
        <Field label={say(words.input)} value={form.input} onInput={(input) => change({ input })} inputMode="decimal" placeholder="0" fault={faults.input} />
        <Field label={say(words.output)} value={form.output} onInput={(output) => change({ output })} inputMode="decimal" placeholder="0" fault={faults.output} />
      </div>
      {faults.royalty && <p class="publish-fault" role="alert">{faults.royalty}</p>}
      {!asks && <p class="soft publish-small">{say(words.free)}</p>}
      {asks && (
        <>
          <p class="publish-sub">{say(words.payees)}</p>
          {form.payees.length === 0 ? (
            <div class="row">
              <span>{say(words.alone)}</span>
              <button type="button" onClick={() => change({ payees: [{ account: me, weight: "1" }, { account: "", weight: "1" }] })}>{say(words.share)}</button>
            </div>
          ) : (
            <>
              {form.payees.map((one, at) => (
                <div class="publish-payee" key={at}>
                  <Field label={say(words.account, { at: at + 1 })} value={one.account} onInput={(account) => set(at, { account })} />
                  <Field label={say(words.weight, { at: at + 1 })} value={one.weight} onInput={(weight) => set(at, { weight })} inputMode="numeric" />
                  <button type="button" class="quiet" aria-label={say(words.remove, { name: one.account || say(words.nameless, { at: at + 1 }) })} onClick={() => change({ payees: form.payees.filter((_, i) => i !== at) })}>×</button>
                </div>
              ))}
              <p class="soft publish-small">{say(words.weightAbout)}</p>
              {form.payees.length < PAYEES_MAX && <button type="button" onClick={() => change({ payees: [...form.payees, { account: "", weight: "1" }] })}>{say(words.more)}</button>}
            </>
          )}
          {faults.payees && <p class="publish-fault" role="alert">{faults.payees}</p>}
        </>
      )}
    </fieldset>
  );
}
