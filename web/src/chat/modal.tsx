// A dialog over the page. The browser keeps the focus in it, closes it on Escape, and gives the focus back.

import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { say, type Said } from "../language";

const words = { close: ["Close", "닫기"] } satisfies Record<string, Said>;

export function Modal({ title, close, kind = "", children }: { title: string; close: () => void; kind?: string; children: ComponentChildren }) {
  const host = useRef<HTMLDialogElement>(null);
  // In one step with what is drawn: a key that is pressed next must not meet the focus on its way back.
  useLayoutEffect(() => {
    const dialog = host.current!;
    const before = document.activeElement;
    dialog.showModal();
    return () => {
      dialog.close();
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={host}
      class={`chat-modal ${kind}`}
      aria-label={title}
      onCancel={(event) => {
        event.preventDefault();
        close();
      }}
      onClick={(event) => event.target === host.current && close()}
    >
      <div class="chat-modal-in">
        <div class="chat-modal-head">
          <h2>{title}</h2>
          <button type="button" class="quiet" onClick={close}>
            {say(words.close)}
          </button>
        </div>
        {children}
      </div>
    </dialog>
  );
}
