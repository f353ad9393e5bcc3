// The API keys of this node: make one, see what they spent, top them up, revoke them.

import { useState } from "preact/hooks";
import { close, get, session } from "../api";
import { Made } from "../keys/made";
import { NewKey } from "../keys/new";
import { OneKey } from "../keys/one";
import { isOfPage, type Key, type Received } from "../keys/shapes";
import { moment, say, type Said } from "../language";
import { useLoad } from "../load";
import { credits, parse } from "../money";
import { Empty, Id, NeedsSession, Shown } from "../parts";
import { Confirm } from "../parts/confirm";
import { link } from "../router";
import "../style/keys.css";

const words = {
  title: ["Keys", "키"],
  about: [
    "An API key lets a program spend through this node, up to its budget. Any OpenAI client works with one.",
    "API 키가 있으면 프로그램이 예산 안에서 이 노드로 모델을 쓸 수 있습니다. OpenAI 클라이언트라면 무엇이든 됩니다.",
  ],
  yours: ["Your keys", "내 키"],
  none: ["There is no key in use.", "사용 중인 키가 없습니다."],
  over: ["Revoked and expired ({count})", "폐기했거나 만료된 키({count})"],
  more: ["Show more", "더 보기"],
  came: ["Transfers that came in", "들어온 크레딧"],
  cameAbout: [
    "Whoever sends credits to your account for key:ID raises the budget of that key.",
    "누군가 내 계정에 key:ID를 위해 크레딧을 보내면 그 키의 예산이 그만큼 늘어납니다.",
  ],
  cameNone: ["None came yet.", "아직 없습니다."],
  time: ["When", "때"],
  from: ["From", "보낸 이"],
  amount: ["Credits", "크레딧"],
  key: ["Key", "키"],
  browser: ["This browser", "이 브라우저"],
  browserAbout: [
    "It acts with your wallet and keys until 30 days after it was opened by a link.",
    "링크로 연 뒤 30일 동안 내 지갑과 키로 일합니다.",
  ],
  out: ["Sign out", "로그아웃"],
  outTitle: ["Sign out of this browser?", "이 브라우저에서 로그아웃할까요?"],
  outText: [
    "It can spend nothing any more, until it follows another link of pumasi open. Other browsers stay signed in. Conversations stay in this browser.",
    "pumasi open의 새 링크를 열기 전에는 아무것도 쓸 수 없습니다. 다른 브라우저는 그대로이고, 대화는 이 브라우저에 남습니다.",
  ],
  entry: ["Log entry", "로그 기록"],
  kept: ["not raised; kept in your account", "예산은 그대로이고 내 계정에 있음"],
  forNone: ["for no key; kept in your account", "키를 위한 것이 아니며 내 계정에 있음"],
} satisfies Record<string, Said>;

const STEP = 50;

export default function Page() {
  const shut = session.value === "closed";
  return (
    <>
      <h1>{say(words.title)}</h1>
      <p class="soft keys-about">{say(words.about)}</p>
      {shut ? <NeedsSession /> : <Keys />}
    </>
  );
}

function Keys() {
  const keys = useLoad(async (signal) => (await get<{ data: Key[] }>("/keys", signal)).data, []);
  const came = useLoad(async (signal) => (await get<{ data: Received[] }>("/keys/transfers", signal)).data, []);
  const [made, set] = useState<Key>();
  return (
    <>
      {made
        ? <Made key={made.id} made={made} close={() => { set(undefined); document.getElementById("keys-list")?.focus(); }} />
        : <NewKey made={(key) => { set(key); keys.again(); }} />}
      <h2 id="keys-list" tabIndex={-1}>{say(words.yours)}</h2>
      <Shown of={keys}>{(all) => <List all={all} changed={keys.again} />}</Shown>
      <h2>{say(words.came)}</h2>
      <p class="soft">{say(words.cameAbout)}</p>
      <Shown of={came}>{(all) => <Came all={all} />}</Shown>
      <SignOut />
    </>
  );
}

function SignOut() {
  const [sure, ask] = useState(false);
  return (
    <>
      <h2>{say(words.browser)}</h2>
      <p class="soft">{say(words.browserAbout)}</p>
      <button type="button" onClick={() => ask(true)}>{say(words.out)}</button>
      {sure && (
        <Confirm title={say(words.outTitle)} action={say(words.out)} act={close} close={() => ask(false)}>
          <p>{say(words.outText)}</p>
        </Confirm>
      )}
    </>
  );
}

function List({ all, changed }: { all: Key[]; changed: () => void }) {
  const newest = [...all].sort((a, b) => Number(isOfPage(b)) - Number(isOfPage(a)) || b.created - a.created);
  const over = newest.filter((key) => key.state !== "active");
  const active = newest.filter((key) => key.state === "active");
  return (
    <>
      {active.length === 0 ? <Empty><p>{say(words.none)}</p></Empty> : <Some keys={active} changed={changed} />}
      {over.length > 0 && (
        <details class="keys-over">
          <summary>{say(words.over, { count: over.length })}</summary>
          <Some keys={over} changed={changed} />
        </details>
      )}
    </>
  );
}

/** So many at a time that thousands do not make the page slow. */
function Some({ keys, changed }: { keys: Key[]; changed: () => void }) {
  const [most, show] = useState(STEP);
  return (
    <>
      <ul class="keys-all">{keys.slice(0, most).map((key) => <OneKey key={key.id} of={key} changed={changed} />)}</ul>
      {keys.length > most && <button type="button" onClick={() => show(most + STEP)}>{say(words.more)}</button>}
    </>
  );
}

function Came({ all }: { all: Received[] }) {
  if (all.length === 0) return <Empty><p>{say(words.cameNone)}</p></Empty>;
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={say(words.came)}>
      <table class="number">
        <thead>
          <tr>
            <th scope="col">{say(words.time)}</th>
            <th scope="col">{say(words.from)}</th>
            <th scope="col">{say(words.key)}</th>
            <th scope="col">{say(words.entry)}</th>
            <th scope="col" class="right">{say(words.amount)}</th>
          </tr>
        </thead>
        <tbody>
          {all.map((one) => (
            <tr key={one.entry}>
              <td>{moment(one.time)}</td>
              <td><Who name={one.from} /></td>
              <td>{one.key ?? <span class="soft">{say(words.forNone)}</span>}{one.key && !one.raised && <div class="soft">{say(words.kept)}</div>}</td>
              <td><a href={link(["ledger", "operation", String(one.entry)])}>{one.entry}</a></td>
              <td class="right">{credits(parse(one.amount) ?? 0n)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const Who = ({ name }: { name: string }) => (/^[0-9a-f]{64}$/.test(name) ? <Id id={name} /> : <>{name}</>);
