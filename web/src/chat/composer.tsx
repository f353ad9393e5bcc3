// Where questions are written: text, files, and the button that sends or stops.

import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { say, type Said } from "../language";
import { attach, type Attached, Unfit } from "./files";
import { fit, sends, toComposer } from "./keys";
import { shortName } from "./models";
import { runs, send, stop } from "./state";
import { type Conversation, thread } from "./tree";

const words = {
  label: ["Your question", "질문"],
  hint: ["Ask {model}", "{model}에게 물어보기"],
  send: ["Send", "보내기"],
  stop: ["Stop", "멈추기"],
  files: ["Add text files", "글 파일 붙이기"],
  attached: ["Files that go along", "함께 보낼 파일"],
  remove: ["Remove {name}", "{name} 빼기"],
  drop: ["Drop text files here", "글 파일을 여기에 놓으세요"],
} satisfies Record<string, Said>;

interface Draft {
  text: string;
  files: Attached[];
}
/** What was written and not sent, by conversation: looking at another one loses nothing. */
const drafts = new Map<string, Draft>();
const EMPTY: Draft = { text: "", files: [] };

/** Without a `model` it can be written and not sent. `children` are more buttons. */
export function Composer({ of, model, children }: { of: Conversation; model: string | undefined; children: ComponentChildren }) {
  const [draft, set] = useState<Draft>(drafts.get(of.id) ?? EMPTY);
  const [unfit, refuse] = useState<Unfit[]>([]);
  const area = useRef<HTMLTextAreaElement>(null);
  const chooser = useRef<HTMLInputElement>(null);
  const busy = runs.value.has(of.id);
  const write = (next: Draft) => {
    drafts.set(of.id, next);
    set(next);
  };
  useEffect(() => {
    set(drafts.get(of.id) ?? EMPTY);
    refuse([]);
    toComposer();
  }, [of.id]);
  useLayoutEffect(() => fit(area.current!), [draft.text]);

  const add = async (files: Iterable<File>) => {
    const read = await Promise.all([...files].map(attach));
    const fits = read.filter((one): one is Attached => !(one instanceof Unfit));
    refuse(read.filter((one) => one instanceof Unfit));
    const now = drafts.get(of.id) ?? EMPTY;
    write({ text: now.text, files: [...now.files.filter((old) => !fits.some((one) => one.name === old.name)), ...fits] });
    toComposer();
  };
  const dropping = useDrop(add);
  const ready = model !== undefined && !busy && (draft.text.trim() !== "" || draft.files.length > 0);
  const go = () => {
    if (!ready) return;
    send(of, thread(of).at(-1)?.id ?? null, draft.text.trim(), draft.files, model);
    refuse([]);
    write(EMPTY);
    toComposer();
  };
  return (
    <form
      class="chat-composer"
      onSubmit={(event) => {
        event.preventDefault();
        go();
      }}
    >
      {unfit.length > 0 && (
        <div class="chat-unfit" role="alert">
          {unfit.map((one, at) => <p key={at}>{say(one.why, { name: one.name })}</p>)}
        </div>
      )}
      <div class="chat-box">
        {draft.files.length > 0 && (
          <ul class="chat-chips" aria-label={say(words.attached)}>
            {draft.files.map((file) => (
              <li key={file.name} class="chat-chip" title={file.name}>
                <span>{file.name}</span>
                <button
                  type="button"
                  class="quiet"
                  aria-label={say(words.remove, { name: file.name })}
                  onClick={() => {
                    write({ ...draft, files: draft.files.filter((one) => one !== file) });
                    toComposer();
                  }}
                >
                  <span aria-hidden="true">×</span>
                </button>
              </li>
            ))}
          </ul>
        )}
        <textarea
          id="chat-ask"
          ref={area}
          rows={1}
          aria-label={say(words.label)}
          placeholder={model === undefined ? say(words.label) : say(words.hint, { model: shortName(model) })}
          value={draft.text}
          onInput={(event) => write({ ...draft, text: event.currentTarget.value })}
          onKeyDown={(event) => {
            if (!sends(event)) return;
            event.preventDefault();
            go();
          }}
          onPaste={(event) => {
            const files = event.clipboardData?.files;
            if (!files || files.length === 0) return;
            event.preventDefault();
            void add(files);
          }}
        />
        <div class="chat-box-acts">
          <div class="chat-box-left">
            <button type="button" class="quiet" onClick={() => chooser.current!.click()}>
              {say(words.files)}
            </button>
            {children}
          </div>
          <input
            ref={chooser}
            type="file"
            multiple
            hidden
            onChange={(event) => {
              void add(event.currentTarget.files ?? []);
              event.currentTarget.value = "";
            }}
          />
          {/* Two buttons, not one with two words: a late click to stop must not send. */}
          {busy ? (
            <button
              key="stop"
              type="button"
              onClick={() => {
                stop(of.id);
                toComposer();
              }}
            >
              {say(words.stop)}
            </button>
          ) : (
            <button key="send" type="submit" class="main" disabled={!ready}>
              {say(words.send)}
            </button>
          )}
        </div>
      </div>
      {dropping && <div class="chat-drop" aria-hidden="true">{say(words.drop)}</div>}
    </form>
  );
}

/** Files dropped anywhere on the page go to the question. */
function useDrop(add: (files: Iterable<File>) => void): boolean {
  const [over, set] = useState(false);
  const latest = useRef(add);
  latest.current = add;
  useEffect(() => {
    const files = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
    const drag = (event: DragEvent) => {
      if (!files(event)) return;
      event.preventDefault();
      set(true);
    };
    const leave = (event: DragEvent) => event.relatedTarget === null && set(false);
    const drop = (event: DragEvent) => {
      if (!files(event)) return;
      event.preventDefault();
      set(false);
      latest.current(event.dataTransfer!.files);
    };
    addEventListener("dragover", drag);
    addEventListener("dragleave", leave);
    addEventListener("drop", drop);
    return () => {
      removeEventListener("dragover", drag);
      removeEventListener("dragleave", leave);
      removeEventListener("drop", drop);
    };
  }, []);
  return over;
}
