// The card as it stands on an artifact's page.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { say, type Said } from "../language";
import { nodes, read } from "./card";
import type { Artifact, File } from "./types";
import { blob } from "./words";

const words = {
  whole: ["Show the whole card", "카드 모두 보기"],
  none: ["Its publisher wrote no more about it.", "게시자가 더 쓴 것이 없습니다."],
  table: ["Table of the card", "카드의 표"],
} satisfies Record<string, Said>;

const NONE: File[] = [];

export function CardText({ of }: { of: Artifact }) {
  const files = of.files ?? NONE;
  const box = useRef<HTMLDivElement>(null);
  const [whole, show] = useState(false);
  const text = useMemo(() => read(of.card ?? "", of.title, of.description), [of]);
  const tokens = whole ? text.tokens : text.tokens.slice(0, text.short);
  const table = say(words.table);
  useEffect(() => {
    const file = (path: string) => {
      const found = files.find((one) => one.path === path);
      return found && blob(found.digest);
    };
    const short = box.current!.children.length;
    box.current!.replaceChildren(nodes(tokens, file, table));
    // Whoever asked for the rest reads on where it begins.
    const on = box.current!.children[short];
    if (whole && short > 0 && on instanceof HTMLElement) {
      on.tabIndex = -1;
      on.focus({ preventScroll: true });
    }
  }, [text, whole, table]);
  return (
    <>
      {text.tokens.length === 0 && <p class="soft">{say(words.none)}</p>}
      <div class="artifact-card" ref={box} />
      {tokens.length < text.tokens.length && (
        <button type="button" onClick={() => show(true)}>
          {say(words.whole)}
        </button>
      )}
    </>
  );
}
