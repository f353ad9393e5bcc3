// What was earned: by day, and by what it came from.

import { useState } from "preact/hooks";
import { get } from "../api";
import { number, say, type Said } from "../language";
import { useLoad } from "../load";
import { credits } from "../money";
import { Credits, Empty, Shown } from "../parts";
import { Name } from "../parts/name";
import { Plot } from "../parts/plot";
import { link } from "../router";
import { byDay, bySource, roleName, sum, type Earnings } from "./shapes";

const words = {
  title: ["Earned", "번 것"],
  range: ["Time", "기간"],
  days: ["{days} days", "{days}일"],
  royalties: ["Royalties", "로열티"],
  fees: ["Fees", "수수료"],
  byDay: ["Credits by day, as settlements brought them", "날마다 정산으로 들어온 크레딧"],
  bySource: ["What it came from", "어디서 벌었나"],
  what: ["From", "무엇으로"],
  tokens: ["Tokens in / out", "토큰 입력 / 출력"],
  amount: ["Credits", "크레딧"],
  running: ["Running models", "모델 실행"],
  none: ["Nothing was settled in these {days} days.", "이 {days}일 동안 정산된 것이 없습니다."],
  noneHow: ["You earn when an answer uses something that you published, or a model that this machine runs.", "내가 게시한 것이 답에 쓰이거나 이 컴퓨터가 모델을 실행하면 크레딧을 법니다."],
  publish: ["Publish something", "게시하러 가기"],
  more: ["Show all {count}", "모두 보기({count})"],
} satisfies Record<string, Said>;

const RANGES = [7, 30, 90, 365];
const FEW = 20;
const DAY = 86_400_000;

export function Earned() {
  const [days, choose] = useState(30);
  const earned = useLoad((signal) => get<Earnings>(`/wallet/earnings?days=${days}`, signal), [days]);
  return (
    <section aria-labelledby="earnings-earned">
      <div class="row earnings-head">
        <h2 id="earnings-earned">{say(words.title)}</h2>
        <div class="row" role="group" aria-label={say(words.range)}>
          {RANGES.map((one) => (
            <button key={one} type="button" class="quiet earnings-range" aria-pressed={days === one} onClick={() => choose(one)}>
              {say(words.days, { days: one })}
            </button>
          ))}
        </div>
      </div>
      <div aria-busy={earned.busy}>
        <Shown of={earned}>{(found) => <Found of={found} />}</Shown>
      </div>
    </section>
  );
}

function Found({ of: earned }: { of: Earnings }) {
  const royalties = sum(earned.royalties);
  const fees = sum(earned.fees);
  if (royalties + fees === 0n) {
    return (
      <Empty>
        <p>{say(words.none, { days: earned.days })}</p>
        <p>{say(words.noneHow)}</p>
        <p><a href={link(["publish"])}>{say(words.publish)}</a></p>
      </Empty>
    );
  }
  const days = byDay(earned, Math.floor(Date.now() / DAY));
  const exact = (amount: bigint) => credits(amount);
  return (
    <>
      <p class="earnings-total" role="status">
        <strong><Credits amount={royalties + fees} /></strong>
        <span class="soft number">{say(words.royalties)} {credits(royalties)}</span>
        <span class="soft number">{say(words.fees)} {credits(fees)}</span>
      </p>
      <Plot
        label={say(words.byDay)}
        series={[{ name: say(words.royalties), color: "--plot-1" }, { name: say(words.fees), color: "--plot-2" }]}
        points={days.map((one) => ({ time: one.day * DAY, values: [Number(one.royalties), Number(one.fees)], exact: [exact(one.royalties), exact(one.fees)] }))}
        show={(value) => credits(BigInt(Math.round(value)))}
      />
      <Sources of={earned} />
    </>
  );
}

const tokens = (of: { input: number; output: number }) => `${number(of.input)} / ${number(of.output)}`;

function Sources({ of: earned }: { of: Earnings }) {
  const [all, show] = useState(false);
  const sources = bySource(earned);
  const shown = all ? sources : sources.slice(0, FEW);
  return (
    <>
      <h3 id="earnings-sources">{say(words.bySource)}</h3>
      <div class="scroll" tabIndex={0} role="region" aria-labelledby="earnings-sources">
        <table class="earnings-sources">
          <thead>
            <tr>
              <th scope="col">{say(words.what)}</th>
              <th scope="col" class="right earnings-tokens">{say(words.tokens)}</th>
              <th scope="col" class="right">{say(words.amount)}</th>
            </tr>
          </thead>
          <tbody>
            {shown.map((one) => (
              <tr key={one.artifact ?? one.roles[0]}>
                <td>
                  {one.artifact ? <a href={link(["artifact", one.artifact])}><Name of={one.name ?? one.artifact} /></a> : say(words.running)}
                  <div class="soft earnings-small">{one.roles.map(roleName).join(", ")}</div>
                  {one.input + one.output > 0 && <div class="soft earnings-small earnings-below number">{say(words.tokens)} {tokens(one)}</div>}
                </td>
                <td class="right earnings-tokens">{one.input + one.output > 0 ? tokens(one) : "–"}</td>
                <td class="right">{credits(one.pico)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {sources.length > shown.length && <button type="button" onClick={() => show(true)}>{say(words.more, { count: sources.length })}</button>}
    </>
  );
}
