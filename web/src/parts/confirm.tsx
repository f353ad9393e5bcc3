// Asks before something that cannot be taken back. It stays open until that is done, and says what went wrong.

import type { ComponentChildren } from "preact";
import { useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import { say, type Said } from "../language";
import { Wrong } from ".";
import "../style/confirm.css";

const words = {
  cancel: ["Cancel", "취소"],
  busy: ["Working…", "하는 중…"],
} satisfies Record<string, Said>;

interface Props {
  title: string;
  /** What the button says that does it. */
  action: string;
  danger?: boolean;
  children: ComponentChildren;
  /** Does it; the dialog closes once it is done. */
  act: () => Promise<unknown>;
  close: () => void;
}

export function Confirm({ title, action, danger = false, children, act, close }: Props) {
  const id = useId();
  const dialog = useRef<HTMLDialogElement>(null);
  const [problem, fail] = useState<unknown>();
  const [busy, work] = useState(false);
  // A second click can come before the button is seen to be disabled.
  const acting = useRef(false);
  // As in the chat's dialogs: the focus is back before another key can be pressed.
  useLayoutEffect(() => {
    const shown = dialog.current;
    const before = document.activeElement;
    shown?.showModal();
    // Whoever presses Enter without reading has done nothing.
    shown?.querySelector<HTMLElement>("[data-cancel]")?.focus();
    return () => {
      shown?.close();
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  const confirmed = async () => {
    if (acting.current) return;
    acting.current = true;
    work(true);
    fail(undefined);
    try {
      await act();
      close();
    } catch (error) {
      fail(error);
    } finally {
      acting.current = false;
      work(false);
    }
  };
  const cancel = (event: Event) => {
    event.preventDefault();
    if (!busy) close();
  };
  return (
    <dialog ref={dialog} class="confirm" aria-labelledby={id} onCancel={cancel}>
      <h2 id={id}>{title}</h2>
      {children}
      {problem !== undefined && <Wrong problem={problem} />}
      <div class="row confirm-actions">
        <button type="button" class={danger ? "danger" : "main"} disabled={busy} onClick={() => void confirmed()}>
          <span aria-live="polite">{busy ? say(words.busy) : action}</span>
        </button>
        <button type="button" data-cancel disabled={busy} onClick={close}>
          {say(words.cancel)}
        </button>
      </div>
    </dialog>
  );
}
