// The conversations of this browser: search them, open one, begin one, keep them all.

import { useEffect, useState } from "preact/hooks";
import { say, type Said } from "../language";
import { link } from "../router";
import { asJson, download } from "./export";
import { heads, keeps, runs, shown } from "./state";
import { all, plain, search } from "./store";

const words = {
  list: ["Conversations", "대화 목록"],
  fresh: ["New conversation", "새 대화"],
  search: ["Search conversations", "대화 찾기"],
  none: ["No conversation has these words.", "그런 대화가 없습니다."],
  found: ["{count} found", "{count}개 찾음"],
  more: ["Show more", "더 보기"],
  running: ["answering", "답하는 중"],
  kept: ["Kept in this browser only.", "이 브라우저에만 보관됩니다."],
  unkept: ["This browser keeps nothing here: conversations end with this page.", "이 브라우저에는 보관할 수 없어서, 페이지를 닫으면 대화가 사라집니다."],
  save: ["Save all as JSON", "모두 JSON으로 저장"],
} satisfies Record<string, Said>;

const STEP = 100;

export function Side({ leave }: { leave?: () => void }) {
  const [query, set] = useState("");
  const [count, more] = useState(STEP);
  const inText = useSearch(query);
  const known = heads.value ?? [];
  const wanted = plain(query).split(/\s+/).filter(Boolean);
  const found = wanted.length === 0 ? known : known.filter((one) => inText?.has(one.id) || wanted.every((word) => plain(one.title).includes(word)));
  const now = shown.value;
  return (
    <div class="chat-side-in">
      <a class="chat-new" href={link(["chat"])} onClick={leave}>
        {say(words.fresh)}
      </a>
      {known.length > 0 && (
        <input
          type="search"
          class="chat-find"
          aria-label={say(words.search)}
          placeholder={say(words.search)}
          value={query}
          onInput={(event) => {
            set(event.currentTarget.value);
            more(STEP);
          }}
        />
      )}
      <p class="only-read" role="status">{query && say(words.found, { count: found.length })}</p>
      <nav class="chat-list" aria-label={say(words.list)}>
        <ul>
          {found.slice(0, count).map((one) => (
            <li key={one.id}>
              <a href={link(["chat", one.id])} title={one.title} aria-current={typeof now === "object" && now.id === one.id ? "page" : undefined} onClick={leave}>
                {one.title}
                {runs.value.has(one.id) && <span class="chat-pulse" role="img" aria-label={say(words.running)} />}
              </a>
            </li>
          ))}
        </ul>
        {found.length > count && (
          <button type="button" class="quiet" onClick={() => more(count + STEP)}>
            {say(words.more)}
          </button>
        )}
        {query && found.length === 0 && <p class="chat-note">{say(words.none)}</p>}
      </nav>
      {(known.length > 0 || !keeps.value) && (
        <div class="chat-side-foot">
          <p>{say(keeps.value ? words.kept : words.unkept)}</p>
          {keeps.value && (
            <button type="button" class="quiet" onClick={() => void saveAll()}>
              {say(words.save)}
            </button>
          )}
        </div>
      )}
    </div>
  );
}

async function saveAll() {
  const now = new Date();
  download(`pumasi-${now.toISOString().slice(0, 10)}.json`, "application/json", asJson(await all(), now));
}

/** The conversations with these words in their text: looked for once the typing rests. */
function useSearch(query: string): Set<string> | null {
  const [found, set] = useState<Set<string> | null>(null);
  useEffect(() => {
    set(null);
    if (query.trim() === "") return;
    const stop = new AbortController();
    const timer = setTimeout(() => search(query, stop.signal).then((ids) => stop.signal.aborted || set(ids), () => {}), 200);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [query]);
  return found;
}
