// What is said about a work before it is published: what the files do not say, and what cannot be changed later.

import { useState } from "preact/hooks";
import { say, type Said } from "../language";
import { Field } from "../parts/field";
import { card, KINDS, type Faults, type Form, type Preview } from "./draft";
import { Parents } from "./parents";
import { Royalty } from "./royalty";

const words = {
  name: ["Name", "이름"],
  nameHint: ["Small letters, digits, dots and dashes. With :TAG it is another version.", "소문자, 숫자, 점, 줄표로 적습니다. 뒤에 :태그를 붙이면 다른 버전입니다."],
  kind: ["Kind", "종류"],
  asFiles: ["As the files say", "파일에 적힌 대로"],
  asFilesIs: ["As the files say: {kind}", "파일에 적힌 대로: {kind}"],
  license: ["License", "라이선스"],
  licenseHint: ["An SPDX expression, such as Apache-2.0. Empty: as the files say.", "SPDX 표기로 적습니다. 예: Apache-2.0. 비워 두면 파일에 적힌 대로입니다."],
  run: ["Offer it on this machine once it is published", "게시한 뒤 이 컴퓨터에서 바로 제공하기"],
  fee: ["Your fee for running it, in credits per million tokens.", "모델을 실행하고 받는 수수료입니다. 백만 토큰당 크레딧으로 적습니다."],
  input: ["Fee in", "입력 수수료"],
  output: ["Fee out", "출력 수수료"],
  model: ["model", "모델"],
  adapter: ["adapter", "어댑터"],
  dataset: ["dataset", "데이터셋"],
  recipe: ["recipe", "레시피"],
  evaluation: ["evaluation", "평가"],
  card: ["A card", "소개 글"],
  cardAbout: [
    "There is no README.md among the files, so nobody would know what this is. Write a few words here, and one is added.",
    "파일에 README.md가 없어서 무엇인지 아무도 알 수 없습니다. 몇 마디 적으면 하나 만들어 넣습니다.",
  ],
  title: ["Title", "제목"],
  about: ["What it is, and what it is for", "무엇이고 어디에 쓰는지"],
  add: ["Add the card", "소개 글 넣기"],
} satisfies Record<string, Said>;

/** Wishes for running it: whether, and the fee as it was typed. */
export interface Run {
  wanted: boolean;
  input: string;
  output: string;
}

interface Props {
  form: Form;
  change: (part: Partial<Form>) => void;
  faults: Faults;
  preview: Preview | undefined;
  me: string;
  run: Run;
  setRun: (run: Run) => void;
  /** Of the fee for running it, in and out. */
  runFaults: [string | undefined, string | undefined];
}

export function Fields({ form, change, faults, preview, me, run, setRun, runFaults }: Props) {
  const runs = preview?.kind === "model" || preview?.kind === "adapter";
  return (
    <>
      <Field label={say(words.name)} hint={say(words.nameHint)} fault={faults.name} value={form.name} onInput={(name) => change({ name })} maxLength={130} />
      <div class="publish-two">
        <div class="field">
          <label for="publish-kind">{say(words.kind)}</label>
          <select id="publish-kind" value={form.kind} onChange={(event) => change({ kind: event.currentTarget.value as Form["kind"] })}>
            <option value="">{form.kind === "" && preview ? say(words.asFilesIs, { kind: say(words[preview.kind]) }) : say(words.asFiles)}</option>
            {KINDS.map((kind) => <option key={kind} value={kind}>{say(words[kind])}</option>)}
          </select>
          {faults.kind && <p class="fault" role="alert">{faults.kind}</p>}
        </div>
        <Field label={say(words.license)} hint={say(words.licenseHint)} fault={faults.license} value={form.license} onInput={(license) => change({ license })} maxLength={200} />
      </div>
      <Parents value={form.parents} read={preview?.parents ?? []} change={(parents) => change({ parents })} fault={faults.parents} />
      <Royalty form={form} change={change} faults={faults} me={me} />
      {runs && (
        <fieldset class="publish-set">
          <label class="publish-check">
            <input type="checkbox" checked={run.wanted} onChange={(event) => setRun({ ...run, wanted: event.currentTarget.checked })} />
            {say(words.run)}
          </label>
          {run.wanted && (
            <>
              <p class="soft publish-small">{say(words.fee)}</p>
              <div class="publish-two">
                <Field label={say(words.input)} value={run.input} onInput={(input) => setRun({ ...run, input })} inputMode="decimal" placeholder="0" fault={runFaults[0]} />
                <Field label={say(words.output)} value={run.output} onInput={(output) => setRun({ ...run, output })} inputMode="decimal" placeholder="0" fault={runFaults[1]} />
              </div>
            </>
          )}
        </fieldset>
      )}
    </>
  );
}

/** Writes the card of files that have none. */
export function Card({ add }: { add: (text: string) => void }) {
  const [title, entitle] = useState("");
  const [about, describe] = useState("");
  return (
    <fieldset class="publish-set">
      <legend>{say(words.card)}</legend>
      <p class="soft publish-small">{say(words.cardAbout)}</p>
      <Field label={say(words.title)} value={title} onInput={entitle} maxLength={200} />
      <div class="field">
        <label for="publish-about">{say(words.about)}</label>
        <textarea id="publish-about" rows={4} value={about} onInput={(event) => describe(event.currentTarget.value)} />
      </div>
      <button type="button" disabled={!title.trim()} onClick={() => add(card(title, about, ""))}>{say(words.add)}</button>
    </fieldset>
  );
}
