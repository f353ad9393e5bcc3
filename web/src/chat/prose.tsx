// An answer as it is read: Markdown, its code with a button to copy it and, once it is whole, with colors.

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { language, say, type Said } from "../language";
import { type Block, blocks, clean } from "./markdown";

const words = {
  copy: ["Copy", "복사"],
  copied: ["Copied", "복사했습니다"],
  code: ["Code", "코드"],
  table: ["Table", "표"],
} satisfies Record<string, Said>;

/** The blocks of a text that may still grow. A long text is read again only after a while of rest, so that the page stays smooth. */
export function Prose({ text, growing }: { text: string; growing: boolean }) {
  const [found, set] = useState<Block[]>(() => blocks(text, []));
  const wanted = useRef(text);
  const timer = useRef(0);
  const took = useRef(0);
  const read = () => {
    timer.current = 0;
    const began = performance.now();
    set((old) => blocks(wanted.current, old));
    took.current = performance.now() - began;
  };
  useLayoutEffect(() => {
    if (wanted.current === text && growing) return;
    wanted.current = text;
    if (!growing) {
      clearTimeout(timer.current);
      read();
    } else if (!timer.current) {
      timer.current = took.current < 4 ? (read(), 0) : window.setTimeout(read, took.current * 4);
    }
  }, [text, growing]);
  useEffect(() => () => clearTimeout(timer.current), []);
  return (
    <div class="chat-prose">
      {found.map((one, at) => (
        <Piece key={at} html={one.html} whole={!growing || at < found.length - 1} />
      ))}
    </div>
  );
}

function Piece({ html, whole }: { html: string; whole: boolean }) {
  const host = useRef<HTMLDivElement>(null);
  const spoken = language.value;
  useLayoutEffect(() => {
    host.current!.innerHTML = html;
    for (const pre of host.current!.querySelectorAll("pre")) dressCode(pre, whole);
    for (const table of host.current!.querySelectorAll("table")) dressTable(table);
  }, [html, whole, spoken]);
  return <div ref={host} />;
}

/** Wide tables are scrolled, by keyboard too. */
function dressTable(table: HTMLTableElement) {
  const frame = document.createElement("div");
  frame.className = "scroll";
  frame.tabIndex = 0;
  frame.setAttribute("role", "region");
  frame.setAttribute("aria-label", say(words.table));
  table.replaceWith(frame);
  frame.append(table);
}

function dressCode(pre: HTMLPreElement, whole: boolean) {
  const code = pre.querySelector("code")!;
  const named = /language-(\S+)/.exec(code.className)?.[1] ?? "";
  const frame = document.createElement("div");
  frame.className = "chat-code";
  const head = document.createElement("div");
  head.className = "chat-code-head";
  const name = document.createElement("span");
  name.textContent = named || say(words.code);
  const copy = document.createElement("button");
  copy.type = "button";
  copy.className = "quiet";
  copy.setAttribute("aria-live", "polite");
  copy.textContent = say(words.copy);
  copy.onclick = () => {
    void navigator.clipboard.writeText((code.textContent ?? "").replace(/\n$/, "")).then(() => {
      copy.textContent = say(words.copied);
      setTimeout(() => (copy.textContent = say(words.copy)), 1500);
    });
  };
  head.append(name, copy);
  pre.tabIndex = 0;
  pre.setAttribute("role", "region");
  pre.setAttribute("aria-label", named ? `${say(words.code)}, ${named}` : say(words.code));
  pre.replaceWith(frame);
  frame.append(head, pre);
  if (whole && named) void color(code, named.toLowerCase());
}

async function color(code: Element, named: string) {
  const { colored } = await import("./highlight").catch(() => ({ colored: () => null }));
  const html = colored(code.textContent ?? "", named);
  if (html !== null && code.isConnected) code.innerHTML = clean(html);
}
