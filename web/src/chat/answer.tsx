// One answer: its text, what it cost and to whom, and what can be done with it.

import { say, type Said } from "../language";
import { Copy } from "../parts";
import { link } from "../router";
import { Cost } from "./bill";
import { toComposer } from "./keys";
import { shortName } from "./models";
import { Prose } from "./prose";
import { again, asking, change, runs } from "./state";
import { Switch } from "./switch";
import type { Conversation, Message } from "./tree";

const words = {
  answer: ["Answer by {model}", "{model}의 답"],
  waiting: ["Waiting for the first word…", "첫마디를 기다리는 중…"],
  running: ["Answering…", "답하는 중…"],
  nothing: ["The model ended without a word.", "모델이 아무 말 없이 끝냈습니다."],
  stopped: ["You stopped it here.", "여기서 멈췄습니다."],
  stoppedFirst: ["You stopped it before the first word.", "첫마디가 나오기 전에 멈췄습니다."],
  cut: ["The limit of output tokens ended it here.", "출력 토큰 한도에 닿아 여기서 끝났습니다."],
  again: ["Answer again", "다시 답하기"],
  retry: ["Try again", "다시 시도"],
  keys: ["Keys and budgets", "키와 예산 보기"],
  counting: ["Looking up what it cost…", "비용을 알아보는 중…"],
  uncounted: ["What it cost is not known here: ", "비용을 여기서는 알 수 없습니다: "],
  receipt: ["receipt", "영수증"],
} satisfies Record<string, Said>;

interface Of {
  of: Conversation;
  message: Message;
  /** The model that is chosen now: it answers again. */
  model: string | undefined;
  busy: boolean;
}

export function Answer({ of, message, model, busy }: Of) {
  const run = runs.value.get(of.id);
  const growing = run?.message === message.id;
  // Read here, so that a piece of text draws this answer and nothing else.
  const text = growing ? run.text.value || message.text : message.text;
  return (
    <article class="chat-answer" aria-busy={growing}>
      <h2 class="chat-by">{say(words.answer, { model: shortName(message.model ?? "") })}</h2>
      {text !== "" && <Prose text={text} growing={growing} />}
      {growing ? (
        <p class="chat-state chat-running">
          <span class="chat-pulse" aria-hidden="true" />
          {say(text ? words.running : words.waiting)}
        </p>
      ) : (
        <Ended of={of} message={message} model={model} busy={busy} />
      )}
    </article>
  );
}

function Ended({ of, message, model, busy }: Of) {
  const retry = model !== undefined && !busy ? () => (again(of, message, model), toComposer()) : undefined;
  const { state, text, fault } = message;
  return (
    <>
      {state === "stopped" && <p class="chat-state">{say(text ? words.stopped : words.stoppedFirst)}</p>}
      {state === "done" && message.finish === "length" && <p class="chat-state">{say(words.cut)}</p>}
      {state === "done" && text === "" && <p class="chat-state">{say(words.nothing)}</p>}
      {state === "failed" && fault && (
        <div class="wrong chat-wrong">
          <p>{fault.message}</p>
          <div class="row">
            {fault.status === 402 && <a href={link(["keys"])}>{say(words.keys)}</a>}
            {retry && <button type="button" onClick={retry}>{say(words.retry)}</button>}
          </div>
        </div>
      )}
      {message.bill !== undefined ? <Cost bill={message.bill} /> : message.receipt && <Uncounted receipt={message.receipt} />}
      <div class="chat-acts">
        <Switch of={of} message={message} choose={(by) => change(of.id, by)} />
        {text !== "" && <Copy text={text} />}
        {retry && state !== "failed" && (
          <button type="button" class="quiet" onClick={retry}>
            {say(words.again)}
          </button>
        )}
      </div>
    </>
  );
}

function Uncounted({ receipt }: { receipt: string }) {
  if (asking.value.has(receipt)) return <p class="chat-cost" role="status">{say(words.counting)}</p>;
  return (
    <p class="chat-cost">
      {say(words.uncounted)}
      <a href={link(["receipt", receipt])}>{say(words.receipt)}</a>
    </p>
  );
}
