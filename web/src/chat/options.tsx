// What can be set for one conversation, behind one button.

import { useRef, useState } from "preact/hooks";
import { say, type Said } from "../language";
import { Modal } from "./modal";
import { faults } from "./settings";
import { NO_OPTIONS, type Options } from "./tree";

const words = {
  button: ["Settings", "설정"],
  set: ["Settings, changed", "설정, 바뀜"],
  title: ["Settings of this conversation", "이 대화의 설정"],
  system: ["System prompt", "시스템 프롬프트"],
  systemHint: ["Stands before every question. Not every model heeds it.", "모든 질문 앞에 놓입니다. 따르지 않는 모델도 있습니다."],
  temperature: ["Temperature", "온도"],
  temperatureHint: ["0 to 2: higher is livelier, 0 always takes the likeliest word.", "0에서 2까지. 높을수록 자유롭고, 0이면 늘 가장 그럴듯한 말을 고릅니다."],
  seed: ["Seed", "시드"],
  seedHint: ["The same seed and question give the same answer, as far as the engine promises it.", "시드와 질문이 같으면 답도 같습니다. 엔진이 보장하는 한에서입니다."],
  limit: ["Most output tokens", "최대 출력 토큰"],
  limitHint: ["Also the most that an answer can cost. Empty: what the offer says.", "답 하나에 들 수 있는 최대 비용도 정해집니다. 비워 두면 제공 조건을 따릅니다."],
  save: ["Save", "저장"],
  clear: ["Clear all", "모두 비우기"],
} satisfies Record<string, Said>;

export function OptionsButton({ options, set }: { options: Options; set: (to: Options) => void }) {
  const [open, show] = useState(false);
  const changed = Object.values(options).some((one) => one !== "");
  return (
    <>
      <button type="button" class="quiet" aria-haspopup="dialog" aria-label={say(changed ? words.set : words.button)} onClick={() => show(true)}>
        {say(words.button)}
        {changed && <span class="chat-dot" aria-hidden="true" />}
      </button>
      {open && (
        <Modal title={say(words.title)} close={() => show(false)}>
          <Form
            options={options}
            set={(to) => {
              set(to);
              show(false);
            }}
          />
        </Modal>
      )}
    </>
  );
}

const FIELDS = ["temperature", "seed", "limit"] as const;

function Form({ options, set }: { options: Options; set: (to: Options) => void }) {
  const [draft, write] = useState(options);
  const [tried, attempt] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  const wrong = tried ? faults(draft) : {};
  const save = () => {
    const trimmed: Options = { system: draft.system, temperature: draft.temperature.trim(), seed: draft.seed.trim(), limit: draft.limit.trim() };
    const found = FIELDS.find((field) => faults(trimmed)[field]);
    if (!found) return set(trimmed);
    attempt(true);
    form.current?.querySelector<HTMLInputElement>(`#chat-set-${found}`)?.focus();
  };
  return (
    <form
      ref={form}
      onSubmit={(event) => {
        event.preventDefault();
        save();
      }}
    >
      <div class="field">
        <label for="chat-set-system">{say(words.system)}</label>
        <textarea id="chat-set-system" rows={4} aria-describedby="chat-set-system-hint" value={draft.system} onInput={(event) => write({ ...draft, system: event.currentTarget.value })} />
        <p class="hint" id="chat-set-system-hint">{say(words.systemHint)}</p>
      </div>
      {FIELDS.map((field) => (
        <div class="field" key={field}>
          <label for={`chat-set-${field}`}>{say(words[field])}</label>
          <input
            id={`chat-set-${field}`}
            inputMode={field === "temperature" ? "decimal" : "numeric"}
            autocomplete="off"
            aria-describedby={`chat-set-${field}-hint`}
            aria-invalid={wrong[field] ? true : undefined}
            value={draft[field]}
            onInput={(event) => write({ ...draft, [field]: event.currentTarget.value })}
          />
          <div id={`chat-set-${field}-hint`} aria-live="polite">
            {wrong[field] && <p class="fault">{say(wrong[field])}</p>}
            <p class="hint">{say(words[`${field}Hint`])}</p>
          </div>
        </div>
      ))}
      <div class="row">
        <button type="submit" class="main">{say(words.save)}</button>
        <button type="button" onClick={() => write(NO_OPTIONS)}>{say(words.clear)}</button>
      </div>
    </form>
  );
}
