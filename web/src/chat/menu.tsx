// What can be done with the whole conversation: rename, keep as Markdown, delete.

import { useRef, useState } from "preact/hooks";
import { say, type Said } from "../language";
import { credits, pico } from "../money";
import { asMarkdown, download, fileName } from "./export";
import { Modal } from "./modal";
import { change, remove } from "./state";
import type { Conversation } from "./tree";

const words = {
  more: ["More", "더 보기"],
  menu: ["This conversation", "이 대화"],
  rename: ["Rename", "이름 바꾸기"],
  name: ["Name", "이름"],
  nameless: ["A name, please.", "이름을 적어 주세요."],
  save: ["Save", "저장"],
  markdown: ["Save as Markdown", "마크다운으로 저장"],
  remove: ["Delete", "지우기"],
  sure: ["“{title}” is only in this browser. Once deleted, it is gone.", "“{title}” 대화는 이 브라우저에만 있습니다. 지우면 되돌릴 수 없습니다."],
  removeTitle: ["Delete this conversation?", "이 대화를 지울까요?"],
  cancel: ["Cancel", "취소"],
  you: ["You", "나"],
  cost: ["{cost} credits, receipt {receipt}", "{cost} 크레딧, 영수증 {receipt}"],
} satisfies Record<string, Said>;

export function Menu({ of }: { of: Conversation }) {
  const [asked, ask] = useState<"rename" | "remove" | null>(null);
  const button = useRef<HTMLButtonElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const [open, set] = useState(false);
  const close = () => ask(null);
  const does = (work: () => void) => () => {
    list.current!.hidePopover();
    work();
  };
  const save = () => {
    const cost = (bill: { pico: string; receipt: string }) => say(words.cost, { cost: credits(pico(bill.pico)), receipt: bill.receipt });
    download(`${fileName(of.title)}.md`, "text/markdown", asMarkdown(of, { you: say(words.you), cost }));
  };
  return (
    <>
      <button ref={button} type="button" class="quiet" popovertarget="chat-menu" aria-expanded={open} onClick={() => place(list.current!, button.current!)}>
        {say(words.more)}
      </button>
      <div ref={list} id="chat-menu" popover="auto" class="chat-menu" role="group" aria-label={say(words.menu)} onToggle={(event) => set((event as unknown as ToggleEvent).newState === "open")}>
        <button type="button" onClick={does(() => ask("rename"))}>{say(words.rename)}</button>
        <button type="button" onClick={does(save)}>{say(words.markdown)}</button>
        <button type="button" class="danger" onClick={does(() => ask("remove"))}>{say(words.remove)}</button>
      </div>
      {asked === "rename" && <Rename of={of} close={close} />}
      {asked === "remove" && (
        <Modal title={say(words.removeTitle)} close={close}>
          <p>{say(words.sure, { title: of.title })}</p>
          <div class="row">
            <button type="button" onClick={close}>{say(words.cancel)}</button>
            <button
              type="button"
              class="danger"
              onClick={() => {
                close();
                void remove(of.id);
              }}
            >
              {say(words.remove)}
            </button>
          </div>
        </Modal>
      )}
    </>
  );
}

/** Under its button, at its right edge. */
function place(list: HTMLElement, button: HTMLElement) {
  const { bottom, right } = button.getBoundingClientRect();
  list.style.top = `${bottom + 4}px`;
  list.style.right = `${document.documentElement.clientWidth - right}px`;
}

function Rename({ of, close }: { of: Conversation; close: () => void }) {
  const [name, set] = useState(of.title);
  const [tried, attempt] = useState(false);
  const wrong = tried && name.trim() === "";
  return (
    <Modal title={say(words.rename)} close={close}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          attempt(true);
          if (name.trim() === "") return;
          change(of.id, (one) => ({ ...one, title: name.trim() }));
          close();
        }}
      >
        <div class="field">
          <label for="chat-name">{say(words.name)}</label>
          <input id="chat-name" autofocus maxLength={120} value={name} aria-invalid={wrong || undefined} aria-describedby="chat-name-fault" onInput={(event) => set(event.currentTarget.value)} />
          <p class="fault" id="chat-name-fault" aria-live="polite">{wrong && say(words.nameless)}</p>
        </div>
        <button type="submit" class="main">{say(words.save)}</button>
      </form>
    </Modal>
  );
}
