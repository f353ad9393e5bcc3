// What a work is built on: as its files say, or chosen from what is published.

import { useEffect, useState } from "preact/hooks";
import { get } from "../api";
import { say, type Said } from "../language";
import { useLoad } from "../load";
import { Field } from "../parts/field";
import { Wrong } from "../parts";

const words = {
  title: ["Built on", "바탕"],
  about: ["Every answer of this work pays what these ask, and theirs.", "이 작품이 답할 때마다 여기 적힌 것과 그 바탕의 로열티도 함께 치러집니다."],
  none: ["On nothing that is published.", "게시된 것 가운데 바탕으로 한 것이 없음."],
  fromFiles: ["as the files say", "파일에 적힌 대로"],
  remove: ["Remove {name}", "{name} 빼기"],
  search: ["Add what it is built on", "바탕 더하기"],
  hint: ["Words of a name, title or description.", "이름, 제목, 설명에 있는 말로 찾습니다."],
  found: ["{count} found", "{count}개 찾음"],
  nothing: ["Nothing found.", "찾은 것이 없습니다."],
  add: ["Add {name}", "{name} 더하기"],
  reset: ["As the files say", "파일에 적힌 대로"],
} satisfies Record<string, Said>;

interface Found {
  id: string;
  name: string;
  kind: string;
  title: string | null;
  retired: boolean;
}

interface Props {
  /** None: as the files say. */
  value: string[] | null;
  /** What the node made of it. */
  read: string[];
  change: (parents: string[] | null) => void;
  fault: string | undefined;
}

export function Parents({ value, read, change, fault }: Props) {
  const [query, ask] = useState("");
  const [asked, settle] = useState("");
  useEffect(() => {
    const timer = setTimeout(() => settle(query.trim()), 250);
    return () => clearTimeout(timer);
  }, [query]);
  const found = useLoad(
    async (signal) => (asked ? (await get<{ artifacts: Found[] }>(`/artifacts?limit=8&q=${encodeURIComponent(asked.slice(0, 200))}`, signal)).artifacts : []),
    [asked],
  );
  const parents = value ?? read;
  const results = (found.value ?? []).filter((one) => !parents.includes(one.name) && !one.retired);
  return (
    <fieldset class="publish-set">
      <legend>{say(words.title)}</legend>
      <p class="soft publish-small">{say(words.about)}</p>
      {parents.length === 0 ? <p>{say(words.none)}</p> : (
        <ul class="publish-parents">
          {parents.map((name) => (
            <li key={name}>
              <span>{name}</span>
              <button type="button" class="quiet" aria-label={say(words.remove, { name })} onClick={() => change(parents.filter((one) => one !== name))}>×</button>
            </li>
          ))}
        </ul>
      )}
      {value === null
        ? parents.length > 0 && <p class="soft publish-small">{say(words.fromFiles)}</p>
        : <button type="button" class="quiet publish-reset" onClick={() => change(null)}>{say(words.reset)}</button>}
      <Field label={say(words.search)} hint={say(words.hint)} fault={fault} value={query} onInput={ask} maxLength={200} />
      {found.problem && <Wrong problem={found.problem} again={found.again} />}
      <p class="soft publish-small" role="status">{asked && !found.busy ? (results.length > 0 ? say(words.found, { count: results.length }) : say(words.nothing)) : ""}</p>
      {asked && results.length > 0 && (
        <ul class="publish-found">
          {results.map((one) => (
            <li key={one.id}>
              <button type="button" aria-label={say(words.add, { name: one.name })} onClick={() => { change([...parents, one.name]); ask(""); settle(""); }}>
                <span>{one.name}</span>
                {one.title && <span class="soft publish-small">{one.title}</span>}
              </button>
            </li>
          ))}
        </ul>
      )}
    </fieldset>
  );
}
