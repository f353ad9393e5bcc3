// The head of an artifact's page: what it is, whose, in which state, and what there is to do with it.

import { useState } from "preact/hooks";
import { day, number, say, type Said } from "../language";
import { Copy, Id, Rates } from "../parts";
import { shortName } from "../parts/name";
import { link } from "../router";
import type { Artifact, Version } from "./types";
import { className, kindName, runs, states, titleOf } from "./words";

const words = {
  ask: ["Ask it", "물어보기"],
  by: ["Publisher", "게시자"],
  authors: ["Authors", "만든 이"],
  source: ["Source", "출처"],
  license: ["License", "라이선스"],
  noLicense: ["Not stated", "밝히지 않음"],
  openness: ["Openness", "개방 등급"],
  noClass: ["No class reached", "이른 등급 없음"],
  royalty: ["Royalty", "로열티"],
  price: ["Price", "값"],
  none: ["Not offered", "제공 없음"],
  unit: ["Credits per million tokens, in / out", "백만 토큰당 크레딧, 입력 / 출력"],
  published: ["Published", "게시한 날"],
  architecture: ["Architecture", "구조"],
  built: ["Works built on it", "이것으로 만든 작품"],
  id: ["Digest", "다이제스트"],
  versions: ["Versions", "버전"],
  here: ["this one", "이 버전"],
  all: ["Show all {count}", "{count}개 모두 보기"],
  newer: ["There is a newer version.", "더 새로운 버전이 있습니다."],
  see: ["See it", "보러 가기"],
  retired: ["Its publisher retired it: no new offers and no new works on it. What stands on it goes on.", "게시자가 내렸습니다. 새로 제공하거나 이것으로 새 작품을 만들 수 없고, 이미 있는 것은 이어집니다."],
  unclaimed: ["Somebody brought this work here; its authors have not come for it. It asks no royalty.", "다른 사람이 가져온 작품이고, 만든 이가 아직 찾아오지 않았습니다. 로열티는 없습니다."],
  away: ["Its files are not on this node, so only what the ledger knows is shown.", "파일이 이 노드에 없어 원장에 있는 것만 보여 드립니다."],
} satisfies Record<string, Said>;

const OCI = "org.opencontainers.image.";
const SHORT = 5;

function Versions({ of }: { of: Artifact }) {
  const [whole, show] = useState(false);
  const newest = [...of.versions].reverse();
  const shown = whole ? newest : newest.slice(0, SHORT);
  const name = (version: Version) => version.tags.map((tag) => tag.split(":").at(-1)).join(", ");
  return (
    <>
      <ul class="artifact-versions">
        {shown.map((version) => (
          <li key={version.id}>
            {version.id === of.id ? <strong aria-current="true">{name(version) || <Id id={version.id} />}</strong> : <a href={link(["artifact", version.id])}>{name(version) || <Id id={version.id} />}</a>}
            <span class="soft">
              {" "}
              {day(version.time)}
              {version.id === of.id && ` · ${say(words.here)}`}
              {version.retired && ` · ${say(states.retired)}`}
            </span>
          </li>
        ))}
      </ul>
      {shown.length < newest.length && (
        <button type="button" class="quiet" onClick={() => show(true)}>
          {say(words.all, { count: number(newest.length) })}
        </button>
      )}
    </>
  );
}

export function Top({ of }: { of: Artifact }) {
  const newer = of.versions.findLast((version) => !version.retired);
  const name = shortName(of.name);
  return (
    <header class="artifact-top">
      <p class="soft artifact-kind">{kindName(of.kind)}</p>
      <h1>{titleOf(of)}</h1>
      <p class="artifact-name">
        <code>{name}</code> <Copy text={name} />
      </p>
      {of.description && <p class="artifact-said">{of.description}</p>}
      {runs(of.kind) && of.offers.length > 0 && (
        <a class="artifact-ask" href={link(["chat"], { model: of.name })}>
          {say(words.ask)}
        </a>
      )}
      {of.retired && <p class="artifact-state">{say(words.retired)}</p>}
      {of.unclaimed && <p class="artifact-state">{say(words.unclaimed)}</p>}
      {!of.stored && <p class="artifact-state">{say(words.away)}</p>}
      {newer && newer.id !== of.id && newer.time > of.time && (
        <p class="artifact-state">
          {say(words.newer)} <a href={link(["artifact", newer.id])}>{say(words.see)}</a>
        </p>
      )}
    </header>
  );
}

/** An address that a stranger wrote: a link only where it is one of the web. */
function Source({ text }: { text: string }) {
  if (!/^https?:\/\//i.test(text)) return <>{text}</>;
  return (
    <a href={text} rel="noopener noreferrer nofollow" target="_blank">
      {text}
    </a>
  );
}

export function Facts({ of }: { of: Artifact }) {
  const source = of.annotations[`${OCI}source`];
  const authors = of.annotations[`${OCI}authors`];
  return (
    <dl class="artifact-facts">
      {runs(of.kind) && (
        <>
          <dt>{say(words.price)}</dt>
          <dd title={say(words.unit)}>{of.price ? <Rates input={of.price.input} output={of.price.output} /> : say(words.none)}</dd>
        </>
      )}
      <dt>{say(words.royalty)}</dt>
      <dd title={say(words.unit)}>{of.royalty.input || of.royalty.output ? <Rates input={of.royalty.input} output={of.royalty.output} /> : say(states.free)}</dd>
      <dt>{say(words.license)}</dt>
      <dd>{of.license ?? say(words.noLicense)}</dd>
      {runs(of.kind) && (
        <>
          <dt>{say(words.openness)}</dt>
          <dd>{of.openness ? className(of.openness) : say(words.noClass)}</dd>
        </>
      )}
      <dt>{say(words.by)}</dt>
      <dd>
        <a href={link(["explore"], { publisher: of.by.name })}>{of.by.name}</a>
      </dd>
      {authors && (
        <>
          <dt>{say(words.authors)}</dt>
          <dd>{authors}</dd>
        </>
      )}
      {source && (
        <>
          <dt>{say(words.source)}</dt>
          <dd><Source text={source} /></dd>
        </>
      )}
      {of.children > 0 && (
        <>
          <dt>{say(words.built)}</dt>
          <dd>
            <a href={link(["explore"], { parent: of.name })}>{number(of.children)}</a>
          </dd>
        </>
      )}
      {of.architecture && (
        <>
          <dt>{say(words.architecture)}</dt>
          <dd>{of.architecture}</dd>
        </>
      )}
      <dt>{say(words.published)}</dt>
      <dd>{day(of.time)}</dd>
      <dt>{say(words.id)}</dt>
      <dd>
        <Id id={of.id} /> <Copy text={of.id} />
      </dd>
      <dt>{say(words.versions)}</dt>
      <dd>
        <Versions of={of} />
      </dd>
    </dl>
  );
}
