// Explore: everything that is published, to search and to narrow. What is asked for stands in the address.

import { useEffect, useMemo, useRef } from "preact/hooks";
import { Filters, Kinds, Search, Sorting } from "../explore/filters";
import { mark, useFound } from "../explore/list";
import { asked, type Sort, wanted, type Wanted } from "../explore/query";
import { Result } from "../explore/result";
import type { Summary } from "../explore/types";
import { language, number, say, type Said } from "../language";
import { Empty, Wrong } from "../parts";
import { shortName } from "../parts/name";
import { go, link, place } from "../router";
import "../style/explore.css";

const words = {
  title: ["Explore", "둘러보기"],
  one: ["1 artifact", "아티팩트 1개"],
  many: ["{count} artifacts", "아티팩트 {count}개"],
  unit: ["credits per million tokens, in / out", "백만 토큰당 크레딧, 입력 / 출력"],
  loading: ["Loading…", "불러오는 중…"],
  more: ["Show more", "더 보기"],
  by: ["By {name}", "{name}의 작품"],
  on: ["Built on {name}", "{name|으로/로} 만든 작품"],
  drop: ["Remove this filter: {name}", "이 조건 지우기: {name}"],
  nothing: ["Nothing is published that fits. Try fewer words or filters.", "맞는 아티팩트가 없습니다. 찾는 말이나 조건을 줄여 보세요."],
  reset: ["Show everything", "모두 보기"],
  empty: ["Nothing is published on this ledger yet.", "이 원장에는 아직 게시된 것이 없습니다."],
  publish: ["Publish the first work", "첫 작품 게시하기"],
} satisfies Record<string, Said>;

/** A filter that another page led here with. */
function Chip({ text, drop }: { text: string; drop: () => void }) {
  return (
    <button type="button" class="explore-chip" onClick={drop} aria-label={say(words.drop, { name: text })}>
      {text} <span aria-hidden="true">×</span>
    </button>
  );
}

/** Loads the next page before its end is seen. */
function More({ more, busy }: { more: () => void; busy: boolean }) {
  const end = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const seen = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && more(), { rootMargin: "800px" });
    if (!busy) seen.observe(end.current!);
    return () => seen.disconnect();
  }, [more, busy]);
  return (
    <div class="explore-more" ref={end}>
      <button type="button" aria-disabled={busy} onClick={() => more()}>
        {say(busy ? words.loading : words.more)}
      </button>
    </div>
  );
}

/** One page of the list. It is drawn once, and laid out where it is seen, however many there are: thousands of works stay smooth. */
function Some({ of, sort }: { of: Summary[]; sort: Sort }) {
  return useMemo(() => (
    <div role="presentation" class="explore-page">
      {of.map((one) => <Result key={one.id} of={one} sort={sort} />)}
    </div>
  ), [of, sort, language.value]);
}

function Nothing({ of }: { of: Wanted }) {
  const narrow = Object.keys(asked({ ...of, sort: "newest" })).length > 0;
  return (
    <Empty>
      <p>{say(narrow ? words.nothing : words.empty)}</p>
      <p>
        <a href={link([narrow ? "explore" : "publish"])}>{say(narrow ? words.reset : words.publish)}</a>
      </p>
    </Empty>
  );
}

export default function Explore() {
  const of = wanted(place.value.query);
  const list = useFound(of);
  const to = (change: Partial<Wanted>) => go(link(["explore"], asked({ ...wanted(place.value.query), ...change })), true);
  const count = list.found === 1 ? say(words.one) : say(words.many, { count: number(list.found) });
  return (
    <div class="explore">
      <h1>{say(words.title)}</h1>
      <Search of={of} to={to} />
      <Kinds of={of} />
      <Filters of={of} to={to} />
      {(of.publisher || of.parent) && (
        <p class="row">
          {of.publisher && <Chip text={say(words.by, { name: of.publisher })} drop={() => to({ publisher: "" })} />}
          {of.parent && <Chip text={say(words.on, { name: shortName(of.parent) })} drop={() => to({ parent: "" })} />}
        </p>
      )}
      <div class="explore-top">
        <p aria-live="polite" class="soft">
          {list.pages && !list.old ? count : list.problem ? "" : say(words.loading)}
          {list.pages && list.found > 0 && <span class="explore-unit">{say(words.unit)}</span>}
        </p>
        <Sorting of={of} to={to} />
      </div>
      {list.problem && <Wrong problem={list.problem} again={list.again} />}
      {list.pages && !list.problem && list.found === 0 && <Nothing of={of} />}
      {list.pages && list.found > 0 && (
        <div role="list" aria-busy={list.busy} class={list.old ? "explore-list explore-old" : "explore-list"} onClickCapture={mark}>
          {list.pages.map((page, at) => (
            <Some key={at} of={page} sort={of.sort} />
          ))}
        </div>
      )}
      {list.next && !list.old && !list.problem && <More more={list.more} busy={list.busy} />}
    </div>
  );
}
