// One question, which can be asked differently: that begins a branch.

import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { say, type Said } from "../language";
import { fit, sends, toComposer } from "./keys";
import { change, send } from "./state";
import { Switch } from "./switch";
import type { Conversation, Message } from "./tree";

const words = {
  you: ["You", "나"],
  edit: ["Edit", "고치기"],
  label: ["Ask it differently", "질문 고치기"],
  cancel: ["Cancel", "취소"],
  send: ["Send", "보내기"],
  files: ["Files", "파일"],
} satisfies Record<string, Said>;

export function Question({ of, message, model, busy }: { of: Conversation; message: Message; model: string | undefined; busy: boolean }) {
  const [editing, set] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const end = () => {
    set(false);
    requestAnimationFrame(() => button.current?.focus());
  };
  return (
    <article class="chat-question">
      <h2 class="only-read">{say(words.you)}</h2>
      {editing ? (
        <Edit
          text={message.text}
          cancel={end}
          send={(text) => {
            set(false);
            send(of, message.parent, text, message.files ?? [], model!);
            toComposer();
          }}
        />
      ) : (
        <>
          {(message.files ?? []).length > 0 && (
            <ul class="chat-chips" aria-label={say(words.files)}>
              {message.files!.map((file, at) => (
                <li key={at} class="chat-chip" title={file.name}>
                  <span>{file.name}</span>
                </li>
              ))}
            </ul>
          )}
          {message.text !== "" && <p class="chat-asked">{message.text}</p>}
          <div class="chat-acts">
            <Switch of={of} message={message} choose={(by) => change(of.id, by)} />
            {model !== undefined && !busy && (
              <button ref={button} type="button" class="quiet" onClick={() => set(true)}>
                {say(words.edit)}
              </button>
            )}
          </div>
        </>
      )}
    </article>
  );
}

function Edit({ text, cancel, send }: { text: string; cancel: () => void; send: (text: string) => void }) {
  const area = useRef<HTMLTextAreaElement>(null);
  useLayoutEffect(() => {
    fit(area.current!);
    area.current!.focus();
    area.current!.setSelectionRange(text.length, text.length);
  }, []);
  const done = () => area.current!.value.trim() !== "" && send(area.current!.value.trim());
  return (
    <form
      class="chat-edit"
      onSubmit={(event) => {
        event.preventDefault();
        done();
      }}
    >
      <textarea
        ref={area}
        aria-label={say(words.label)}
        defaultValue={text}
        rows={1}
        onInput={(event) => fit(event.currentTarget)}
        onKeyDown={(event) => {
          if (event.key === "Escape" && !event.isComposing) cancel();
          if (!sends(event)) return;
          event.preventDefault();
          done();
        }}
      />
      <div class="row">
        <button type="submit" class="main">{say(words.send)}</button>
        <button type="button" onClick={cancel}>{say(words.cancel)}</button>
      </div>
    </form>
  );
}
