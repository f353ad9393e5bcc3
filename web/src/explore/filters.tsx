// What narrows the list: words, kind, and what else is asked of an artifact.

import { useEffect, useRef, useState } from "preact/hooks";
import { number, say, type Said } from "../language";
import { parse, perMillion } from "../money";
import { link } from "../router";
import { asked, narrowed, normal, QUERY_MAX, SORTS, type Sort, type Wanted } from "./query";
import { CLASSES, KINDS } from "./types";
import { classes, manyKinds } from "./words";

const words = {
  search: ["Search", "찾기"],
  example: ["Name, title or description", "이름, 제목, 설명"],
  kinds: ["Kind", "종류"],
  all: ["All", "모두"],
  filters: ["Filters", "조건"],
  set: ["Filters ({count} set)", "조건({count}개 적용)"],
  openness: ["Openness", "개방 등급"],
  any: ["Any", "상관없음"],
  better: ["{name} or better", "{name} 이상"],
  license: ["License", "라이선스"],
  price: ["Price at most", "값 상한"],
  unit: ["Credits per million tokens; only what is offered", "백만 토큰당 크레딧. 제공되는 것만 나옵니다"],
  noPrice: ["Write an amount such as 0.5", "0.5처럼 금액을 적어 주세요"],
  sort: ["Sort by", "정렬"],
  newest: ["Newest", "최신순"],
  name: ["Name", "이름순"],
  cheapest: ["Price, lowest first", "값이 싼 순"],
  use: ["Most used", "많이 쓰인 순"],
  earned: ["Most earned", "많이 번 순"],
  children: ["Most built on", "위에 쌓인 작품이 많은 순"],
} satisfies Record<string, Said>;

const sorts = {
  newest: words.newest,
  name: words.name,
  price: words.cheapest,
  use: words.use,
  earned: words.earned,
  children: words.children,
} satisfies Record<Sort, Said>;

/** Licenses that are common among open models and data; any other can be typed. */
const LICENSES = ["Apache-2.0", "MIT", "BSD-3-Clause", "GPL-3.0-only", "CC0-1.0", "CC-BY-4.0", "CC-BY-SA-4.0", "CDLA-Permissive-2.0", "ODC-By-1.0"];
const TYPING = 250;

interface Props {
  of: Wanted;
  /** Asks for something else. */
  to: (change: Partial<Wanted>) => void;
}

/** Text that is asked for once its typist rests; what the address says replaces it only if it means something else. */
function useTyped(value: string, to: (text: string) => void, read: (text: string) => string = normal) {
  const [text, set] = useState(value);
  const timer = useRef(0);
  const send = useRef(to);
  send.current = to;
  useEffect(() => {
    set((old) => (read(old) === read(value) ? old : value));
  }, [value]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const type = (typed: string) => {
    set(typed);
    clearTimeout(timer.current);
    timer.current = window.setTimeout(() => send.current(typed), TYPING);
  };
  return [text, type] as const;
}

/** A price as it is typed, in pico-credits per token; null for what is none. */
function rate(text: string): string | null {
  if (text.trim() === "") return "";
  const amount = parse(text);
  return amount === null || amount / 1_000_000n >= 10n ** 18n ? null : (amount / 1_000_000n).toString();
}

export function Search({ of, to }: Props) {
  const [text, type] = useTyped(of.q, (typed) => to({ q: normal(typed) }));
  return (
    <div role="search" class="explore-search">
      <label for="explore-q" class="only-read">
        {say(words.search)}
      </label>
      <input id="explore-q" type="search" value={text} maxLength={QUERY_MAX} placeholder={say(words.example)} autocomplete="off" spellcheck={false} onInput={(event) => type(event.currentTarget.value)} />
    </div>
  );
}

export function Kinds({ of }: Pick<Props, "of">) {
  return (
    <nav class="explore-kinds" aria-label={say(words.kinds)}>
      {(["", ...KINDS] as const).map((kind) => (
        <a key={kind} href={link(["explore"], asked({ ...of, kind }))} aria-current={of.kind === kind ? "true" : undefined}>
          {say(kind === "" ? words.all : manyKinds[kind])}
        </a>
      ))}
    </nav>
  );
}

export function Sorting({ of, to }: Props) {
  return (
    <div class="explore-sort">
      <label for="explore-sort">{say(words.sort)}</label>
      <select id="explore-sort" value={of.sort} onChange={(event) => to({ sort: event.currentTarget.value as Sort })}>
        {SORTS.map((sort) => (
          <option key={sort} value={sort}>
            {say(sorts[sort])}
          </option>
        ))}
      </select>
    </div>
  );
}

export function Filters({ of, to }: Props) {
  const [license, typeLicense] = useTyped(of.license, (typed) => to({ license: normal(typed) }));
  const shown = of.price_max && perMillion(BigInt(of.price_max));
  const meant = (text: string) => rate(text) ?? text;
  const [price, typePrice] = useTyped(shown, (typed) => rate(typed) !== null && to({ price_max: rate(typed)! }), meant);
  const wrong = rate(price) === null;
  const count = narrowed(of);
  return (
    <details class="explore-filters" open={count > 0 || undefined}>
      <summary>{count ? say(words.set, { count: number(count) }) : say(words.filters)}</summary>
      <div class="explore-fields">
        <div class="field">
          <label for="explore-openness">{say(words.openness)}</label>
          <select id="explore-openness" value={of.openness} onChange={(event) => to({ openness: event.currentTarget.value as Wanted["openness"] })}>
            <option value="">{say(words.any)}</option>
            {CLASSES.map((one) => (
              <option key={one} value={one}>
                {one === "I" ? say(classes[one]) : say(words.better, { name: say(classes[one]) })}
              </option>
            ))}
          </select>
        </div>
        <div class="field">
          <label for="explore-license">{say(words.license)}</label>
          <input id="explore-license" type="text" list="explore-licenses" value={license} maxLength={QUERY_MAX} placeholder="Apache-2.0" autocomplete="off" spellcheck={false} onInput={(event) => typeLicense(event.currentTarget.value)} />
          <datalist id="explore-licenses">
            {LICENSES.map((one) => (
              <option key={one} value={one} />
            ))}
          </datalist>
        </div>
        <div class="field">
          <label for="explore-price">{say(words.price)}</label>
          <input id="explore-price" type="text" inputMode="decimal" value={price} placeholder="0.5" autocomplete="off" aria-invalid={wrong} aria-describedby="explore-unit" onInput={(event) => typePrice(event.currentTarget.value)} />
          <p id="explore-unit" class={wrong ? "fault" : "hint"}>
            {say(wrong ? words.noPrice : words.unit)}
          </p>
        </div>
      </div>
    </details>
  );
}
