// An artifact in the list.

import { number, say, type Said } from "../language";
import { credits, pico } from "../money";
import { Rates } from "../parts";
import { shownName } from "../parts/name";
import { link } from "../router";
import type { Sort } from "./query";
import type { Summary } from "./types";
import { className, kindName, runs, states, titleOf } from "./words";

const words = {
  price: ["Price", "값"],
  unit: ["credits per million tokens, in / out", "백만 토큰당 크레딧, 입력 / 출력"],
  royalty: ["Royalty", "로열티"],
  none: ["Not offered", "제공 없음"],
  used: ["{count} tokens used", "쓰인 토큰 {count}개"],
  earned: ["{amount} credits earned", "번 금액 {amount} 크레딧"],
} satisfies Record<string, Said>;

/** What the list is sorted by, where nothing else shows it. */
function figure(of: Summary, sort: Sort): string | undefined {
  if (sort === "use") return say(words.used, { count: number(of.used.input + of.used.output) });
  if (sort === "earned") return say(words.earned, { amount: credits(pico(of.earned_pico)) });
  return undefined;
}

export function Result({ of, sort }: { of: Summary; sort: Sort }) {
  const sorted = figure(of, sort);
  return (
    <div role="listitem" class="explore-result" data-id={of.id}>
      <div class="explore-what">
        <h2>
          <a href={link(["artifact", of.name])}>{titleOf(of)}</a>
        </h2>
        <p class="explore-name soft">
          <span class="explore-kind">{kindName(of.kind)}</span> <code>{shownName(of.name)}</code>
        </p>
        {of.description && <p class="explore-said">{of.description}</p>}
        <p class="explore-facts soft">
          {of.license && <span>{of.license}</span>}
          {of.openness && <span>{className(of.openness)}</span>}
          {of.royalty.input || of.royalty.output ? (
            <span>
              {say(words.royalty)} <Rates input={of.royalty.input} output={of.royalty.output} />
            </span>
          ) : (
            <span>{say(states.free)}</span>
          )}
          {sorted && <span>{sorted}</span>}
          {of.children > 0 && <span>{say(states.built, { count: number(of.children) })}</span>}
          {of.retired && <span class="tag bad">{say(states.retired)}</span>}
          {of.unclaimed && <span class="tag">{say(states.unclaimed)}</span>}
        </p>
      </div>
      {of.price ? (
        <p class="explore-price">
          <span class="soft">{say(words.price)}</span> <Rates input={of.price.input} output={of.price.output} />
          <span class="only-read"> {say(words.unit)}</span>
        </p>
      ) : (
        runs(of.kind) && <p class="explore-price soft">{say(words.none)}</p>
      )}
    </div>
  );
}
