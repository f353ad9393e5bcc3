// Publishing: files come in, the node says what it makes of them, and what people will pay is seen before it is for good.

import { useEffect, useRef, useState } from "preact/hooks";
import { get, send, session } from "../api";
import type { Wallet } from "../earnings/shapes";
import { say, type Said } from "../language";
import { useLoad } from "../load";
import { NeedsSession, Wrong } from "../parts";
import { Confirm } from "../parts/confirm";
import { Choose } from "../publish/choose";
import { draft, EMPTY, hasCard, rate, type Bad, type DraftFile, type Faults, type FieldName, type Form, type Preview, type Rates } from "../publish/draft";
import type { Gathered } from "../publish/files";
import { Card, Fields, type Run } from "../publish/form";
import { Offering } from "../publish/offering";
import { Seen } from "../publish/seen";
import { Taking } from "../publish/taking";
import "../style/publish.css";

const words = {
  title: ["Publish", "게시"],
  about: [
    "What you publish is signed by you, and everyone who uses it, or anything built on it, pays what it asks.",
    "게시한 것에는 내 서명이 붙고, 그것이나 그것을 바탕으로 만든 것을 쓰는 사람은 누구나 정해진 값을 치릅니다.",
  ],
  other: ["Choose other files", "다른 파일 고르기"],
  skipped: ["Left out", "뺀 것"],
  asking: ["Looking at it…", "살펴보는 중…"],
  go: ["Publish", "게시하기"],
  mend: ["Mend what is marked above first.", "위에 표시된 것을 먼저 고쳐 주세요."],
  sure: ["Publish {name} for good?", "{name|을/를} 게시할까요?"],
  final: [
    "Its name, files, parents, royalty and payees go on the ledger, where everybody reads them. They can be retired later, but never changed or taken back.",
    "이름, 파일, 바탕, 로열티, 받는 이가 누구나 읽는 원장에 남습니다. 나중에 내릴 수는 있어도 바꾸거나 없던 일로 할 수는 없습니다.",
  ],
  name: ["Write a name, such as my-model.", "이름을 적어 주세요. 예: my-model"],
  rate: ["Write credits per million tokens, such as 0.5, with at most six digits after the point.", "백만 토큰당 크레딧을 적어 주세요. 예: 0.5. 소수점 아래는 여섯 자리까지입니다."],
  payees: ["Each weight is a whole number above 0.", "몫은 0보다 큰 정수로 적어 주세요."],
} satisfies Record<string, Said>;

/** How long the node is left alone after a key was pressed. */
const REST = 300;
const FIELDS: readonly string[] = ["name", "kind", "license", "royalty", "parents", "payees"] satisfies FieldName[];

export default function Page() {
  return (
    <>
      <h1>{say(words.title)}</h1>
      {session.value === "closed" ? <NeedsSession /> : <Publishing />}
    </>
  );
}

function Publishing() {
  const [gathered, gather] = useState<Gathered>();
  const [files, take] = useState<DraftFile[]>();
  const [form, set] = useState<Form>(EMPTY);
  const [done, finish] = useState<{ preview: Preview; fee: Rates | null }>();
  const change = (part: Partial<Form>) => set((old) => ({ ...old, ...part }));
  const again = () => {
    gather(undefined);
    take(undefined);
    set(EMPTY);
    finish(undefined);
  };
  if (done) return <Offering id={done.preview.id} name={done.preview.name} fee={done.fee} again={again} />;
  if (!gathered) {
    const chosen = (found: Gathered) => {
      gather(found);
      change({ name: found.name });
    };
    return (
      <>
        <p class="publish-about">{say(words.about)}</p>
        <Choose chosen={chosen} />
      </>
    );
  }
  if (!files) return <Taking key={gathered.files.length} of={gathered} taken={take} cancel={again} />;
  const add = (text: string) => {
    const readme = { path: "README.md", file: new File([text], "README.md", { type: "text/markdown" }) };
    gather({ ...gathered, files: [readme, ...gathered.files] });
    take(undefined);
  };
  return (
    <Writing form={form} change={change} files={files} gathered={gathered} add={add} cancel={again} done={(preview, fee) => finish({ preview, fee })} />
  );
}

interface Props {
  form: Form;
  change: (part: Partial<Form>) => void;
  files: DraftFile[];
  gathered: Gathered;
  add: (card: string) => void;
  cancel: () => void;
  done: (preview: Preview, fee: Rates | null) => void;
}

function Writing({ form, change, files, gathered, add, cancel, done }: Props) {
  const [run, setRun] = useState<Run>({ wanted: true, input: "", output: "" });
  const [sure, ask] = useState(false);
  const wallet = useLoad((signal) => get<Wallet>("/wallet", signal), []);
  const mine = wallet.value?.accounts.find((one) => one.role === "payer");
  const rested = useRested(JSON.stringify(form), REST);
  // The same text whenever the same is asked, so that nothing is asked twice.
  const made = draft(JSON.parse(rested) as Form, files);
  const asked = made.draft && JSON.stringify(made.draft);
  const look = useLoad(
    (signal) => (made.draft ? send<Preview>("POST", "/artifacts/preview", made.draft, signal) : Promise.resolve(undefined)),
    [asked],
  );
  const last = useRef<Preview | undefined>(undefined);
  if (look.value) last.current = look.value;
  const preview = last.current;
  const busy = look.busy || rested !== JSON.stringify(form);
  const problem = made.draft ? look.problem : undefined;
  const faults: Faults = { ...said(draft(form, files).bad), ...(problem?.field && FIELDS.includes(problem.field) && { [problem.field]: problem.message }) };
  const elsewhere = problem && !(problem.field && FIELDS.includes(problem.field)) ? problem : undefined;
  const runs = run.wanted && (preview?.kind === "model" || preview?.kind === "adapter");
  const [input, output] = [rate(run.input), rate(run.output)];
  const fee = runs && input !== null && output !== null ? { input, output } : null;
  const unread = (value: number | null) => (runs && value === null ? say(words.rate) : undefined);
  const ready = !busy && look.value !== undefined && Object.keys(faults).length === 0 && !elsewhere && (!runs || fee !== null);
  return (
    <div class="publish-both">
      <form
        class="publish-form"
        onSubmit={(event) => {
          event.preventDefault();
          if (ready) ask(true);
        }}
      >
        {elsewhere && <Wrong problem={elsewhere} again={look.again} />}
        {!hasCard(gathered.files) && <Card add={add} />}
        <Fields form={form} change={change} faults={faults} preview={preview} me={mine?.name ?? mine?.id ?? ""} run={run} setRun={setRun} runFaults={[unread(input), unread(output)]} />
        {gathered.skipped.length > 0 && (
          <details class="publish-skipped">
            <summary>{say(words.skipped)}</summary>
            <ul>{gathered.skipped.map((one) => <li key={one}>{one}</li>)}</ul>
          </details>
        )}
        <div class="row">
          <button class="main" disabled={!ready}>{say(words.go)}</button>
          <button type="button" class="quiet" onClick={cancel}>{say(words.other)}</button>
        </div>
        <p class="soft publish-small" role="status">{busy ? say(words.asking) : ready ? "" : say(words.mend)}</p>
      </form>
      <div>{preview && <Seen of={preview} fee={fee} busy={busy} />}</div>
      {sure && look.value && (
        <Confirm
          title={say(words.sure, { name: look.value.name })}
          action={say(words.go)}
          act={async () => done(await send<Preview>("POST", "/artifacts", made.draft), fee)}
          close={() => ask(false)}
        >
          <p>{say(words.final)}</p>
        </Confirm>
      )}
    </div>
  );
}

/** What to say of fields that cannot be read. */
function said(bad: Bad | null): Faults {
  const names = Object.keys(bad ?? {}) as (keyof Bad)[];
  return Object.fromEntries(names.map((name) => [name, say(words[name === "input" || name === "output" ? "rate" : name])]));
}

/** A value once it has not changed for a while. */
function useRested(value: string, ms: number): string {
  const [rested, rest] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => rest(value), ms);
    return () => clearTimeout(timer);
  }, [value]);
  return rested;
}
