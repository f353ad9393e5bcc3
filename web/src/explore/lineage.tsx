// What an artifact is built on: a graph for the eye, and the same as a list.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { number, say, type Said } from "../language";
import { Rates } from "../parts";
import { shortName, shownName } from "../parts/name";
import { link } from "../router";
import { BOX, draw, graph, type Drawn } from "./graph";
import type { Artifact, Branch, RatePair } from "./types";
import { kindName, states } from "./words";

const words = {
  nothing: ["It names nothing that it was built on.", "바탕이 된 작품을 밝히지 않았습니다."],
  graph: ["Lineage as a graph, what came first at the left", "계보 그림. 먼저 나온 것이 왼쪽입니다"],
  drawing: ["Drawing…", "그리는 중…"],
  list: ["As a list", "목록으로 보기"],
  here: ["this", "이 작품"],
  again: ["listed above with what it is built on", "바탕 작품과 함께 위에 있습니다"],
  unit: ["Royalties are credits per million tokens, in / out.", "로열티는 백만 토큰당 크레딧, 입력 / 출력입니다."],
  more: ["{count} more works are not shown.", "이 밖에 {count}개가 더 있습니다."],
  deep: ["The lineage is too large for a picture; here it is as a list.", "계보가 커서 그림 대신 목록으로 보여 드립니다."],
} satisfies Record<string, Said>;

/** More would be no picture any more. */
const DRAWN_MAX = 220;

function Royalty({ of }: { of: RatePair }) {
  return of.input || of.output ? <Rates input={of.input} output={of.output} /> : <>{say(states.free)}</>;
}

function Branches({ of }: { of: Branch[] }) {
  return (
    <ul>
      {of.map((branch) => (
        <li key={branch.id}>
          <a href={link(["artifact", branch.name])}>{shownName(branch.name)}</a>{" "}
          <span class="soft">
            {kindName(branch.kind)} · <Royalty of={branch.royalty} />
            {branch.retired && <> · {say(states.retired)}</>}
            {branch.again && <> · {say(words.again)}</>}
          </span>
          {branch.parents && branch.parents.length > 0 && <Branches of={branch.parents} />}
        </li>
      ))}
    </ul>
  );
}

function Picture({ of, here }: { of: Drawn; here: string }) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // What the page is about is in sight, at the right.
    const own = of.boxes.find((node) => node.id === here);
    box.current!.scrollLeft = box.current!.scrollWidth;
    box.current!.scrollTop = (own?.y ?? 0) - box.current!.clientHeight / 2 + BOX.height / 2;
  }, [of]);
  return (
    <div class="artifact-graph" ref={box} role="region" aria-label={say(words.graph)} tabIndex={0}>
      <div class="artifact-canvas" style={{ width: `${of.width}px`, height: `${of.height}px` }}>
        <svg width={of.width} height={of.height} aria-hidden="true">
          {of.lines.map((line, at) => (
            <path key={at} d={line} />
          ))}
        </svg>
        {of.boxes.map((node) => {
          const [publisher, name = publisher] = shownName(node.name).split("/");
          const at = { left: `${node.x}px`, top: `${node.y}px`, width: `${BOX.width}px`, height: `${BOX.height}px` };
          return (
            <a key={node.id} class="artifact-node" href={link(["artifact", node.name])} style={at} title={shortName(node.name)} aria-current={node.id === here ? "true" : undefined}>
              <strong>{name}</strong>
              <span class="soft">{[node.id === here ? say(words.here) : publisher !== name && publisher, kindName(node.kind), node.retired && say(states.retired)].filter(Boolean).join(" · ")}</span>
              <span class="soft">
                <Royalty of={node.royalty} />
              </span>
            </a>
          );
        })}
      </div>
    </div>
  );
}

export function Lineage({ of }: { of: Artifact }) {
  const { parents, left_out } = of.lineage;
  const found = useMemo(() => graph(of, parents), [of]);
  const [drawn, set] = useState<Drawn>();
  const few = found.nodes.length <= DRAWN_MAX;
  useEffect(() => {
    let here = true;
    if (few && parents.length > 0) void draw(found).then((one) => here && set(one));
    return () => {
      here = false;
    };
  }, [found]);
  if (parents.length === 0) return <p class="soft">{say(words.nothing)}</p>;
  return (
    <>
      {!few ? <p class="soft">{say(words.deep)}</p> : drawn ? <Picture of={drawn} here={of.id} /> : <p class="loading">{say(words.drawing)}</p>}
      <p class="soft artifact-small">
        {say(words.unit)} {left_out > 0 && say(words.more, { count: number(left_out) })}
      </p>
      <details class="artifact-list" open={!few || undefined}>
        <summary>{say(words.list)}</summary>
        <Branches of={parents} />
      </details>
    </>
  );
}
