// The ledger at a glance: what it is, its totals, the check, and what was done last.

import { get } from "../api";
import { moment, number, say, type Said } from "../language";
import { useLoad } from "../load";
import { credits, pico } from "../money";
import { Copy, Id, Shown, Wrong } from "../parts";
import { link, place } from "../router";
import { LogCheck } from "./check";
import { OperationList } from "./list";
import { account, artifact, Link } from "./rich";
import { Search } from "./search";
import type { Totals } from "./types";

const words = {
  title: ["Ledger", "원장"],
  what: [
    "Everything that was published, offered and paid stands here in one signed log that anybody can replay.",
    "게시하고 제공하고 값을 치른 모든 일이 서명된 로그 하나에 적혀 있고, 누구나 처음부터 다시 계산해 볼 수 있습니다.",
  ],
  stopped: ["This ledger takes no more operations: {why}", "이 원장은 더 이상 작업을 받지 않습니다: {why}"],
  totals: ["Totals", "합계"],
  operations: ["Operations", "작업"],
  artifacts: ["Artifacts", "아티팩트"],
  supply: ["Credits", "크레딧"],
  deposits: ["Held as deposits", "예치금"],
  pots: ["Royalties to pay out", "분배할 로열티"],
  network: ["About this network", "이 네트워크"],
  id: ["Network", "네트워크"],
  origin: ["Name of the log", "로그 이름"],
  founded: ["Founded", "창설"],
  issuer: ["Issuer", "발행자"],
  replicas: ["Replica keys", "복제본 키"],
  head: ["Head, on this node's word", "머리 (이 노드의 말)"],
  size: ["{size} entries", "기록 {size}개"],
  newest: ["Newest operations", "최근 작업"],
  older: ["Operations before entry {entry}", "기록 {entry} 이전의 작업"],
  ofChannel: ["Operations of a channel", "채널의 작업"],
  ofAccount: ["Operations of an account", "계정의 작업"],
  ofArtifact: ["Operations of an artifact", "아티팩트의 작업"],
  all: ["All operations", "모든 작업"],
  plain: ["As a plain page", "단순한 페이지로"],
} satisfies Record<string, Said>;

const FILTERS = ["account", "artifact", "channel"] as const;

export function Overview() {
  const { query } = place.value;
  const filter = FILTERS.find((name) => query.get(name));
  return (
    <>
      <h1>{say(words.title)}</h1>
      {filter ? <Filtered by={filter} id={query.get(filter)!} /> : <Whole before={query.get("before")} />}
    </>
  );
}

function Whole({ before }: { before: string | null }) {
  const totals = useLoad((signal) => get<Totals>("/ledger", signal), []);
  return (
    <>
      <p class="ledger-lead">{say(words.what)}</p>
      <Search />
      {!before && (
        <>
          <Shown of={totals}>{(found) => <Numbers of={found} />}</Shown>
          <LogCheck />
        </>
      )}
      <h2>{before ? say(words.older, { entry: before }) : say(words.newest)}</h2>
      <OperationList of={{}} />
      {totals.value && <Network of={totals.value} />}
    </>
  );
}

function Filtered({ by, id }: { by: (typeof FILTERS)[number]; id: string }) {
  const title = { account: words.ofAccount, artifact: words.ofArtifact, channel: words.ofChannel }[by];
  return (
    <>
      <Search />
      <h2>{say(title)}</h2>
      <p class="row">
        {by === "channel" ? <code>{id}</code> : <Link to={by === "account" ? account(id) : artifact(id)} />}
        <Copy text={id} />
        <a href={link(["ledger"])}>{say(words.all)}</a>
      </p>
      <OperationList of={{ [by]: id }} />
    </>
  );
}

function Numbers({ of }: { of: Totals }) {
  const shown: [Said, string][] = [
    [words.operations, number(of.operations)],
    [words.artifacts, number(of.artifacts)],
    [words.supply, credits(pico(of.supply))],
    [words.deposits, credits(pico(of.deposits))],
    [words.pots, credits(pico(of.pots))],
  ];
  return (
    <>
      {of.writing_stopped !== null && <Wrong problem={new Error(say(words.stopped, { why: of.writing_stopped }))} />}
      <dl class="ledger-totals" aria-label={say(words.totals)}>
        {shown.map(([name, value]) => (
          <div key={name[0]}>
            <dt>{say(name)}</dt>
            <dd class="number">{value}</dd>
          </div>
        ))}
      </dl>
    </>
  );
}

function Network({ of }: { of: Totals }) {
  return (
    <details class="ledger-more">
      <summary>{say(words.network)}</summary>
      <dl class="facts">
        <dt>{say(words.id)}</dt>
        <dd><code>{of.network}</code></dd>
        <dt>{say(words.origin)}</dt>
        <dd>{of.origin}</dd>
        <dt>{say(words.founded)}</dt>
        <dd>{moment(of.founded)}</dd>
        <dt>{say(words.issuer)}</dt>
        <dd><Link to={account(of.issuer)} /></dd>
        <dt>{say(words.replicas)}</dt>
        <dd>{of.replicas.map((key) => <div key={key}><code>{key}</code></div>)}</dd>
        <dt>{say(words.head)}</dt>
        <dd>{say(words.size, { size: of.head.size })}, <Id id={of.head.root} /></dd>
      </dl>
      <p class="ledger-plain"><a href="/ledger" target="_blank" rel="noopener">{say(words.plain)}</a></p>
    </details>
  );
}
