// Which model is asked: its price and how open it is stand beside its name.

import { useState } from "preact/hooks";
import { number, say, type Said } from "../language";
import type { Loaded } from "../load";
import { perMillion } from "../money";
import { Shown } from "../parts";
import { Name } from "../parts/name";
import { type Choice, priceOf, shortName } from "./models";
import { Modal } from "./modal";
import { plain } from "./store";

const words = {
  button: ["Model:", "모델:"],
  none: ["Choose a model", "모델 고르기"],
  title: ["Which model to ask", "어느 모델에게 물을까요"],
  search: ["Search models", "모델 찾기"],
  per: ["Credits per million tokens, in / out. Everybody's share is in it.", "백만 토큰당 크레딧, 입력 / 출력. 모두의 몫이 들어 있습니다."],
  price: ["{input} in / {output} out", "입력 {input} / 출력 {output}"],
  short: ["{input} / {output} per million tokens", "백만 토큰당 {input} / {output}"],
  class: ["Class {class}", "개방 등급 {class}"],
  context: ["{count} tokens of context", "문맥 {count}토큰"],
  gone: ["not offered now", "지금은 제공되지 않음"],
  empty: ["Nobody offers a model here yet. Offer one with pumasi offer.", "아직 여기서 제공하는 모델이 없습니다. pumasi offer로 제공할 수 있습니다."],
  nothing: ["No model has these words.", "그런 모델이 없습니다."],
  more: ["{count} more; search to see them.", "{count}개 더 있습니다. 찾아보세요."],
  loading: ["Loading models…", "모델을 불러오는 중…"],
} satisfies Record<string, Said>;

const price = (one: Choice) => {
  const { input, output } = priceOf(one);
  return { input: perMillion(input), output: perMillion(output) };
};

interface Of {
  all: Loaded<Choice[]>;
  /** What is asked now; `wanted` is its name if it is not offered. */
  chosen: Choice | undefined;
  wanted: string;
  choose: (model: string) => void;
}

export function Picker({ all, chosen, wanted, choose }: Of) {
  const [open, set] = useState(false);
  const name = chosen ? shortName(chosen.id) : wanted ? shortName(wanted) : "";
  return (
    <>
      <button type="button" class="quiet chat-model" aria-haspopup="dialog" title={chosen?.id} onClick={() => set(true)}>
        {name && <span class="only-read">{say(words.button)} </span>}
        <span class="chat-model-name">{name || say(all.value || all.problem ? words.none : words.loading)}</span>
        {chosen && <span class="chat-model-price number">{say(words.short, price(chosen))}</span>}
        {chosen?.openness && <span class="tag">{say(words.class, { class: chosen.openness })}</span>}
        {!chosen && wanted && all.value && <span class="chat-model-price">{say(words.gone)}</span>}
      </button>
      {open && (
        <Modal title={say(words.title)} close={() => set(false)}>
          <Shown of={all}>
            {(found) => (
              <Choices
                all={found}
                chosen={chosen?.id}
                choose={(model) => {
                  choose(model);
                  set(false);
                }}
              />
            )}
          </Shown>
        </Modal>
      )}
    </>
  );
}

const SHOWN = 100;

function Choices({ all, chosen, choose }: { all: Choice[]; chosen: string | undefined; choose: (model: string) => void }) {
  const [query, set] = useState("");
  if (all.length === 0) return <p class="empty">{say(words.empty)}</p>;
  const wanted = plain(query).split(/\s+/).filter(Boolean);
  const found = all.filter((one) => wanted.every((word) => plain(`${one.id} ${one.title ?? ""}`).includes(word)));
  return (
    <>
      {all.length > 8 && (
        <input type="search" class="chat-find" aria-label={say(words.search)} placeholder={say(words.search)} value={query} onInput={(event) => set(event.currentTarget.value)} />
      )}
      <p class="chat-note">{say(words.per)}</p>
      <ul class="chat-models">
        {found.slice(0, SHOWN).map((one) => (
          <li key={one.id}>
            <button type="button" aria-pressed={one.id === chosen} onClick={() => choose(one.id)}>
              <span class="chat-models-name">{one.title ?? shortName(one.id)}</span>
              <span class="chat-models-price number">{say(words.price, price(one))}</span>
              <span class="chat-models-id"><Name of={one.id} /></span>
              <span class="chat-models-facts">
                {say(words.context, { count: number(one.context_length) })}
                {one.openness && <span class="tag">{say(words.class, { class: one.openness })}</span>}
              </span>
            </button>
          </li>
        ))}
      </ul>
      {found.length === 0 && <p class="empty">{say(words.nothing)}</p>}
      {found.length > SHOWN && <p class="chat-note">{say(words.more, { count: found.length - SHOWN })}</p>}
    </>
  );
}
