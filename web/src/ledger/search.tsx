// The ledger's one box.

import { useState } from "preact/hooks";
import { say, type Said } from "../language";
import { go } from "../router";
import { find } from "./find";

const words = {
  label: ["Find on the ledger", "원장에서 찾기"],
  hint: ["An account, artifact, receipt, channel, or the number of an operation", "계정, 아티팩트, 영수증, 채널, 작업 번호"],
  go: ["Find", "찾기"],
  looking: ["Looking…", "찾는 중…"],
} satisfies Record<string, Said>;

export function Search() {
  const [text, set] = useState("");
  const [fault, tell] = useState<string | null>(null);
  const [busy, work] = useState(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    if (text.trim() === "" || busy) return;
    work(true);
    tell(null);
    try {
      go(await find(text));
    } catch (error) {
      tell(error instanceof Error ? error.message : String(error));
    }
    work(false);
  };
  return (
    <form class="field ledger-search" role="search" onSubmit={(event) => void submit(event)}>
      <label for="ledger-find">{say(words.label)}</label>
      <div class="row">
        <input
          id="ledger-find" class="grow" type="search" autocomplete="off" autocapitalize="off" spellcheck={false} value={text}
          aria-describedby="ledger-find-hint ledger-find-fault" aria-invalid={fault !== null}
          onInput={(event) => {
            set(event.currentTarget.value);
            tell(null);
          }}
        />
        <button type="submit">{say(busy ? words.looking : words.go)}</button>
      </div>
      <p class="hint" id="ledger-find-hint">{say(words.hint)}</p>
      <p class="fault" id="ledger-find-fault" role="alert">{fault}</p>
    </form>
  );
}
