// A field of a form: its label, what to know about it, and what is wrong with it, so that a screen reader says all of it.

import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";

interface Props {
  label: string;
  value: string;
  onInput: (text: string) => void;
  hint?: ComponentChildren;
  fault?: string | null | undefined;
  inputMode?: "text" | "decimal" | "numeric";
  maxLength?: number;
  placeholder?: string;
  /** The id of a `<datalist>`. */
  list?: string;
  disabled?: boolean;
  /** Takes the focus when it comes, as somebody asked for it. */
  focus?: boolean;
}

export function Field({ label, value, onInput, hint, fault, focus = false, ...input }: Props) {
  const id = useId();
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (focus) field.current?.focus();
  }, []);
  const about = [hint && `${id}-hint`, fault && `${id}-fault`].filter(Boolean).join(" ");
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        {...input}
        type="text"
        ref={field}
        id={id}
        autocomplete="off"
        value={value}
        onInput={(event) => onInput(event.currentTarget.value)}
        {...(fault && { "aria-invalid": "true" as const })}
        {...(about && { "aria-describedby": about })}
      />
      {hint && <p class="hint" id={`${id}-hint`}>{hint}</p>}
      {fault && <p class="fault" id={`${id}-fault`} role="alert">{fault}</p>}
    </div>
  );
}
