// The front page: ask a model, read its answer, and see who is paid for it.

import { useEffect, useState } from "preact/hooks";
import { session } from "../api";
import { Answer } from "../chat/answer";
import { Composer } from "../chat/composer";
import { useFollow } from "../chat/follow";
import { toComposer } from "../chat/keys";
import { Menu } from "../chat/menu";
import { Modal } from "../chat/modal";
import { first, models, named } from "../chat/models";
import { OptionsButton } from "../chat/options";
import { Picker } from "../chat/picker";
import { Question } from "../chat/question";
import { Side } from "../chat/side";
import { announced, choose, heads, lastShown, list, open, runs, send, setOptions, shown } from "../chat/state";
import { type Conversation, thread } from "../chat/tree";
import { Welcome } from "../chat/welcome";
import { say, type Said } from "../language";
import { useLoad } from "../load";
import { NeedsSession, Wrong } from "../parts";
import { go, link, place } from "../router";
import "../style/chat.css";

const words = {
  list: ["Conversations", "대화 목록"],
  log: ["Conversation", "대화"],
  end: ["To the end", "맨 아래로"],
  loading: ["Loading…", "불러오는 중…"],
  missing: ["This conversation is not in this browser.", "이 브라우저에 없는 대화입니다."],
  fresh: ["Begin a new one", "새로 시작하기"],
  answered: ["Answer: {text}", "답: {text}"],
  none: ["Nobody offers a model here yet.", "아직 여기서 제공하는 모델이 없습니다."],
} satisfies Record<string, Said>;

/** Longer answers are announced by their beginning. */
const ANNOUNCED_MAX = 1000;

export function Chat() {
  const { path, query } = place.value;
  const id = path[1];
  const model = query.get("model") ?? "";
  useEffect(() => void list(), []);
  useEffect(() => {
    const back = lastShown();
    // Back from another page: to where one was. `#/chat` is always a new conversation.
    if (path.length === 0 && back && !model) go(link(["chat", back]), true);
    else void open(id, model);
  }, [id, model, path.length]);
  const wide = useMedia("(min-width: 56rem)");
  const [drawer, set] = useState(false);
  const now = shown.value;
  return (
    <div class="chat">
      {wide && (
        <aside class="chat-side" aria-label={say(words.list)}>
          <Side />
        </aside>
      )}
      {!wide && drawer && (
        <Modal title={say(words.list)} kind="chat-drawer" close={() => set(false)}>
          <Side leave={() => set(false)} />
        </Modal>
      )}
      <div class="chat-main">
        {typeof now === "object" ? (
          <Talk of={now} drawer={wide ? undefined : () => set(true)} />
        ) : now === "loading" ? (
          <p class="loading">{say(words.loading)}</p>
        ) : (
          <div class="empty">
            <h1 class="only-read">{say(words.log)}</h1>
            <p>{say(words.missing)}</p>
            <a href={link(["chat"])}>{say(words.fresh)}</a>
          </div>
        )}
      </div>
      <p class="only-read" aria-live="polite">
        {announced.value && say(words.answered, { text: announced.value.slice(0, ANNOUNCED_MAX) })}
      </p>
    </div>
  );
}

function Talk({ of, drawer }: { of: Conversation; drawer: (() => void) | undefined }) {
  const all = useLoad(models, []);
  const run = runs.value.get(of.id);
  const { outer, inner, away, toEnd, look } = useFollow(of.id, run?.message);
  const messages = thread(of);
  const wanted = of.model;
  const chosen = all.value && ((wanted && named(all.value, wanted)) || (wanted === "" || messages.length === 0 ? first(all.value) : undefined));
  const open = session.value !== "closed";
  const model = open ? chosen?.id : undefined;
  const one = { of, model, busy: run !== undefined };
  return (
    <>
      <div class="chat-bar">
        {drawer && (
          <button type="button" class="quiet icon" aria-haspopup="dialog" aria-label={say(words.list)} onClick={drawer}>
            <span aria-hidden="true">☰</span>
          </button>
        )}
        <Picker all={all} chosen={chosen} wanted={wanted} choose={(to) => choose(of.id, to)} />
        <div class="chat-bar-end">{messages.length > 0 && <Menu of={of} />}</div>
      </div>
      <div class="chat-scroll" ref={outer} onScroll={look} tabIndex={0} role="region" aria-label={say(words.log)}>
        <div class="chat-inner" ref={inner}>
          {messages.length === 0 ? (
            <Welcome
              first={!open || heads.value?.length === 0}
              ask={session.value === "open" && model ? (question) => { send(of, null, question, [], model); toComposer(); } : undefined}
            />
          ) : (
            <h1 class="only-read">{of.title}</h1>
          )}
          {messages.map((message) =>
            // By place, not by message: whoever goes through the branches stays on the same button.
            message.role === "user" ? <Question key={`under ${message.parent}`} message={message} {...one} /> : <Answer key={`under ${message.parent}`} message={message} {...one} />,
          )}
        </div>
      </div>
      <div class="chat-foot">
        {away && (
          <button type="button" class="chat-end" onClick={toEnd}>
            {say(words.end)}
          </button>
        )}
        {all.problem && <Wrong problem={all.problem} again={all.again} />}
        {all.value?.length === 0 && <p class="chat-note">{say(words.none)}</p>}
        {open ? (
          <Composer of={of} model={model}>
            <OptionsButton options={of.options} set={(to) => setOptions(of.id, to)} />
          </Composer>
        ) : (
          <NeedsSession />
        )}
      </div>
    </>
  );
}

function useMedia(query: string): boolean {
  const [fits, set] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const media = matchMedia(query);
    const changed = () => set(media.matches);
    media.addEventListener("change", changed);
    return () => media.removeEventListener("change", changed);
  }, [query]);
  return fits;
}
