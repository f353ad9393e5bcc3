// How to use an artifact from outside of this page.

import { useRef, useState } from "preact/hooks";
import { say, type Said } from "../language";
import { Snippet } from "../parts";
import { shortName } from "../parts/name";
import { link } from "../router";
import { KEY, quoted, snippet, WAYS, type Way } from "./call";
import type { Artifact } from "./types";
import { runs } from "./words";

const words = {
  ways: ["Ways to call it", "부르는 방법"],
  question: ["What can you do?", "무엇을 할 수 있어요?"],
  key: ["Put a key of yours in place of {key}.", "{key} 자리에 내 키를 넣으세요."],
  keys: ["Make a key", "키 만들기"],
  fetch: ["Fetch its files to this machine", "파일을 이 컴퓨터로 받기"],
  build: ["Publish something that is built on it", "이것으로 만든 작품 게시하기"],
} satisfies Record<string, Said>;

function Tabs({ model }: { model: string }) {
  const [way, choose] = useState<Way>("curl");
  const tabs = useRef<HTMLDivElement>(null);
  const move = (event: KeyboardEvent) => {
    const steps: Record<string, number> = { ArrowRight: 1, ArrowLeft: -1, Home: -WAYS.indexOf(way), End: WAYS.length - 1 - WAYS.indexOf(way) };
    const step = steps[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const to = (WAYS.indexOf(way) + step + WAYS.length) % WAYS.length;
    choose(WAYS[to]!);
    (tabs.current!.children[to] as HTMLElement).focus();
  };
  return (
    <>
      <div class="artifact-tabs" role="tablist" aria-label={say(words.ways)} ref={tabs} onKeyDown={move}>
        {WAYS.map((one) => (
          <button key={one} type="button" role="tab" id={`artifact-tab-${one}`} aria-controls="artifact-way" aria-selected={one === way} tabIndex={one === way ? 0 : -1} onClick={() => choose(one)}>
            {one}
          </button>
        ))}
      </div>
      <div role="tabpanel" id="artifact-way" aria-labelledby={`artifact-tab-${way}`}>
        <Snippet text={snippet(way, location.origin, model, say(words.question))} label={way} />
        {way !== "CLI" && (
          <p class="soft artifact-small">
            {say(words.key, { key: KEY })} <a href={link(["keys"])}>{say(words.keys)}</a>
          </p>
        )}
      </div>
    </>
  );
}

export function Call({ of }: { of: Artifact }) {
  const name = quoted(shortName(of.name));
  const build = `pumasi publish FOLDER --parent ${name}`;
  return (
    <>
      {runs(of.kind) && of.offers.length > 0 && <Tabs model={shortName(of.name)} />}
      <h3>{say(words.fetch)}</h3>
      <Snippet text={`pumasi pull ${name}`} label={say(words.fetch)} />
      {!of.retired && (
        <>
          <h3>{say(words.build)}</h3>
          <Snippet text={build} label={say(words.build)} />
        </>
      )}
    </>
  );
}
