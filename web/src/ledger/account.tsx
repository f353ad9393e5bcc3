// One account: what it has, its keys, what it earned by day, and what it did.

import { get } from "../api";
import { day, number, say, type Said } from "../language";
import { useLoad } from "../load";
import { credits, pico } from "../money";
import { Copy, Credits, Empty, Shown } from "../parts";
import { link } from "../router";
import { OperationList } from "./list";
import { short } from "./names";
import { artifact, Link } from "./rich";
import type { Account, Earnings } from "./types";

const words = {
  ledger: ["Ledger", "원장"],
  id: ["Account", "계정"],
  balance: ["Balance", "잔액"],
  key: ["Signing key", "서명 키"],
  first: ["its first one", "처음 키 그대로"],
  rotated: ["rotated", "교체됨"],
  address: ["Address", "주소"],
  tls: ["Pin of the address", "주소의 핀"],
  made: ["Operations made", "낸 작업"],
  earned: ["Earned in the last {days} days", "최근 {days}일 수입"],
  noneEarned: ["Nothing was settled for this account in these days.", "이 기간에 이 계정 앞으로 정산된 것이 없습니다."],
  day: ["Day (UTC)", "날짜(UTC)"],
  fees: ["For running", "수수료"],
  royalties: ["Royalties", "로열티"],
  total: ["Total", "합계"],
  work: ["Work", "작품"],
  tokens: ["Tokens", "토큰"],
  byWork: ["Royalties by work", "작품별 로열티"],
  operations: ["Its operations", "이 계정의 작업"],
  plain: ["As a plain page", "단순한 페이지로"],
} satisfies Record<string, Said>;

const DAYS = 30;
const DAY_MS = 86_400_000;

export function AccountPage({ id }: { id: string }) {
  const path = `/ledger/accounts/${encodeURIComponent(id)}`;
  const found = useLoad((signal) => get<Account>(path, signal), [id]);
  const earned = useLoad((signal) => get<Earnings>(`${path}/earnings?days=${DAYS}`, signal), [id]);
  return (
    <>
      <p><a href={link(["ledger"])}>{say(words.ledger)}</a></p>
      <h1>{found.value?.name ?? short(id)}</h1>
      <Shown of={found}>
        {(account) => (
          <>
            <Facts of={account} />
            <h2>{say(words.earned, { days: DAYS })}</h2>
            <Shown of={earned}>{(earnings) => <ByDay of={earnings} />}</Shown>
            <h2>{say(words.operations)}</h2>
            <OperationList of={{ account: account.id }} />
            <p class="ledger-plain"><a href={path} target="_blank" rel="noopener">{say(words.plain)}</a></p>
          </>
        )}
      </Shown>
    </>
  );
}

function Facts({ of }: { of: Account }) {
  return (
    <>
      <p class="ledger-balance"><span class="soft">{say(words.balance)}</span> <Credits amount={pico(of.balance)} /></p>
      <dl class="facts">
        <dt>{say(words.id)}</dt>
        <dd><code>{of.id}</code> <Copy text={of.id} /></dd>
        <dt>{say(words.key)}</dt>
        <dd>
          {of.key === of.id ? <span class="soft">{say(words.first)}</span> : <><code>{of.key}</code> <span class="tag">{say(words.rotated)}</span></>}
        </dd>
        {of.address !== null && (
          <>
            <dt>{say(words.address)}</dt>
            <dd>{of.address}</dd>
          </>
        )}
        {of.tls_key !== null && (
          <>
            <dt>{say(words.tls)}</dt>
            <dd><code>{of.tls_key}</code></dd>
          </>
        )}
        <dt>{say(words.made)}</dt>
        <dd>{number(of.sequence)}</dd>
      </dl>
    </>
  );
}

function ByDay({ of }: { of: Earnings }) {
  const days = new Map<number, { fees: bigint; royalties: bigint }>();
  const works = new Map<string, { earned: bigint; tokens: bigint }>();
  const at = (number: number) => {
    const known = days.get(number) ?? { fees: 0n, royalties: 0n };
    days.set(number, known);
    return known;
  };
  for (const fee of of.fees) at(fee.day).fees += pico(fee.earned);
  for (const royalty of of.royalties) {
    at(royalty.day).royalties += pico(royalty.earned);
    const known = works.get(royalty.artifact) ?? { earned: 0n, tokens: 0n };
    works.set(royalty.artifact, { earned: known.earned + pico(royalty.earned), tokens: known.tokens + BigInt(royalty.input) + BigInt(royalty.output) });
  }
  if (days.size === 0) return <Empty>{say(words.noneEarned)}</Empty>;
  return (
    <>
      <div class="scroll" tabIndex={0} role="region" aria-label={say(words.earned, { days: DAYS })}>
        <table class="ledger-earned">
          <thead>
            <tr>
              <th scope="col">{say(words.day)}</th>
              <th scope="col" class="right">{say(words.fees)}</th>
              <th scope="col" class="right">{say(words.royalties)}</th>
              <th scope="col" class="right">{say(words.total)}</th>
            </tr>
          </thead>
          <tbody>
            {[...days].sort(([a], [b]) => b - a).map(([one, { fees, royalties }]) => (
              <tr key={one}>
                <td class="number">{day(one * DAY_MS)}</td>
                <td class="right">{credits(fees)}</td>
                <td class="right">{credits(royalties)}</td>
                <td class="right">{credits(fees + royalties)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {works.size > 0 && (
        <>
          <h3>{say(words.byWork)}</h3>
          <table class="ledger-paid">
            <thead>
              <tr>
                <th scope="col">{say(words.work)}</th>
                <th scope="col" class="right">{say(words.tokens)}</th>
                <th scope="col" class="right">{say(words.royalties)}</th>
              </tr>
            </thead>
            <tbody>
              {[...works].sort(([, a], [, b]) => (a.earned < b.earned ? 1 : -1)).map(([id, work]) => (
                <tr key={id}>
                  <td><Link to={artifact(id)} /></td>
                  <td class="right">{number(work.tokens)}</td>
                  <td class="right">{credits(work.earned)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </>
      )}
    </>
  );
}
