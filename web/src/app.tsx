// The frame of every page: its head with the places to go, language and colors, and what stands at the place.

import { effect, signal } from "@preact/signals";
import type { ComponentType } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { open, reachable } from "./api";
import { choose, language, say, type Said } from "./language";
import { Chat } from "./pages/chat";
import { Wrong } from "./parts";
import { go, place } from "./router";

const words = {
  chat: ["Chat", "대화"],
  explore: ["Explore", "둘러보기"],
  publish: ["Publish", "게시"],
  earnings: ["Earnings", "수입"],
  keys: ["Keys", "키"],
  ledger: ["Ledger", "원장"],
  places: ["Places", "이동"],
  skip: ["Skip to the content", "본문으로 건너뛰기"],
  other: ["한국어", "English"],
  light: ["Light colors", "밝은 화면"],
  dark: ["Dark colors", "어두운 화면"],
  offline: ["The node does not answer; trying again.", "노드가 답하지 않습니다. 다시 시도하는 중입니다."],
  nowhere: ["There is no such page here.", "그런 페이지가 없습니다."],
  loading: ["Loading…", "불러오는 중…"],
} satisfies Record<string, Said>;

type Page = { default: ComponentType };
/** What is loaded once somebody goes there. */
const PAGES: Record<string, () => Promise<Page>> = {
  explore: () => import("./pages/explore"),
  artifact: () => import("./pages/artifact"),
  publish: () => import("./pages/publish"),
  earnings: () => import("./pages/earnings"),
  keys: () => import("./pages/keys"),
  ledger: () => import("./pages/ledger"),
  receipt: () => import("./pages/receipt"),
};
const PLACES = ["chat", "explore", "publish", "earnings", "keys", "ledger"] as const;
/** Under which place of the head a page stands. */
const UNDER: Record<string, string> = { artifact: "explore", receipt: "ledger" };

const THEME = "pumasi-theme";
const kept = localStorage.getItem(THEME);
const dark = matchMedia("(prefers-color-scheme: dark)");
const theme = signal<"light" | "dark">(kept === "light" || kept === "dark" ? kept : dark.matches ? "dark" : "light");
dark.addEventListener("change", () => {
  if (!localStorage.getItem(THEME)) theme.value = dark.matches ? "dark" : "light";
});
effect(() => {
  document.documentElement.dataset["theme"] = theme.value;
});
effect(() => {
  document.documentElement.lang = language.value;
});

function toggle() {
  theme.value = theme.value === "dark" ? "light" : "dark";
  localStorage.setItem(THEME, theme.value);
}

function Loaded({ name }: { name: string }) {
  const [found, set] = useState<{ name: string; page?: ComponentType; problem?: unknown }>({ name: "" });
  useEffect(() => {
    let here = true;
    PAGES[name]!().then(
      (page) => here && set({ name, page: page.default }),
      (problem: unknown) => here && set({ name, problem }),
    );
    return () => {
      here = false;
    };
  }, [name]);
  if (found.name !== name) return <p class="loading">{say(words.loading)}</p>;
  return found.page ? <found.page /> : <Wrong problem={found.problem} again={() => location.reload()} />;
}

/** `#/open/WORD`: opens the session, and forgets the word. */
function Opening({ once }: { once: string }) {
  const [problem, set] = useState<unknown>();
  useEffect(() => {
    open(once).then(() => go("#/", true), set);
  }, [once]);
  return problem ? <Wrong problem={problem} /> : <p class="loading">{say(words.loading)}</p>;
}

function Here() {
  const [first = "chat", second = ""] = place.value.path;
  if (first === "chat") return <Chat />;
  if (first === "open") return <Opening once={second} />;
  if (first in PAGES) return <div class="page"><Loaded name={first} /></div>;
  return <div class="page"><div class="empty"><h1>{say(words.nowhere)}</h1><a href="#/">{say(words.chat)}</a></div></div>;
}

export function App() {
  const [first = "chat"] = place.value.path;
  const under = UNDER[first] ?? first;
  const arrived = useRef(false);
  useEffect(() => {
    // Another place begins at its top, also for whoever listens; Explore remembers where in its list one stood.
    if (arrived.current && first !== "chat") {
      if ((history.state as { stood?: string } | null)?.stood === undefined) scrollTo(0, 0);
      document.getElementById("main")?.focus({ preventScroll: true });
    }
    arrived.current = true;
  }, [first]);
  useEffect(() => {
    const named = PLACES.find((one) => one === under);
    document.title = named ? `${say(words[named])} · Pumasi` : "Pumasi";
  });
  return (
    <>
      <a class="skip" href="#main" onClick={(event) => { event.preventDefault(); document.getElementById("main")?.focus(); }}>
        {say(words.skip)}
      </a>
      <header class="head">
        <a class="brand" href="#/">
          <img src="./icon.svg" alt="" width="24" height="24" />
          <span>{language.value === "ko" ? "품앗이" : "Pumasi"}</span>
        </a>
        <nav aria-label={say(words.places)}>
          {PLACES.map((one) => (
            <a key={one} href={one === "chat" ? "#/" : `#/${one}`} aria-current={under === one ? "page" : undefined}>
              {say(words[one])}
            </a>
          ))}
        </nav>
        <div class="settings">
          <button type="button" class="quiet" lang={language.value === "ko" ? "en" : "ko"} onClick={() => choose(language.value === "ko" ? "en" : "ko")}>
            {say(words.other)}
          </button>
          <button type="button" class="quiet icon" onClick={toggle} aria-label={say(theme.value === "dark" ? words.light : words.dark)} title={say(theme.value === "dark" ? words.light : words.dark)}>
            <span aria-hidden="true">{theme.value === "dark" ? "☀" : "☾"}</span>
          </button>
        </div>
      </header>
      {!reachable.value && <p class="offline" role="status">{say(words.offline)}</p>}
      <main id="main" tabIndex={-1}>
        <Here />
      </main>
    </>
  );
}
