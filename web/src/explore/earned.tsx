// What an artifact's royalty brought, by day, and who is paid of it.

import { get } from "../api";
import { number, say, type Said } from "../language";
import { useLoad } from "../load";
import { credits, pico } from "../money";
import { Credits, Shown } from "../parts";
import { Plot } from "../parts/plot";
import { link } from "../router";
import type { Artifact } from "./types";

const words = {
  free: ["It asks no royalty, so it earns nothing.", "로열티가 없어 수입도 없습니다."],
  none: ["Nothing yet. Its first use shows here once it is settled.", "아직 없습니다. 처음 쓰이고 정산되면 여기에 나옵니다."],
  all: ["Royalties so far", "지금까지의 로열티"],
  pot: ["Not yet paid out", "아직 분배되지 않음"],
  payees: ["Paid to", "받는 이"],
  parts: ["{weight} of {all} parts", "{all}분의 {weight}"],
  plot: ["Royalty by day, in credits", "날마다의 로열티(크레딧)"],
  royalty: ["Royalty", "로열티"],
} satisfies Record<string, Said>;

interface Day {
  /** Days since 1970. */
  day: number;
  input: number;
  output: number;
  earned: string;
}
const DAY = 86_400_000;

function Payees({ of }: { of: Artifact["payees"] }) {
  const all = of.reduce((sum, payee) => sum + payee.weight, 0);
  return (
    <>
      <dt>{say(words.payees)}</dt>
      <dd>
        {of.map((payee) => (
          <div key={payee.account}>
            <a href={link(["ledger", "account", payee.account])}>{payee.account}</a>
            {of.length > 1 && <span class="soft"> · {say(words.parts, { weight: number(payee.weight), all: number(all) })}</span>}
          </div>
        ))}
      </dd>
    </>
  );
}

export function Earned({ of }: { of: Artifact }) {
  const loaded = useLoad((signal) => get<{ days: Day[] }>(`/ledger/artifacts/${encodeURIComponent(of.id)}`, signal), [of.id]);
  if (of.royalty.input === 0 && of.royalty.output === 0 && of.earned_pico === "0") return <p class="soft">{say(words.free)}</p>;
  return (
    <>
      <dl class="facts">
        <dt>{say(words.all)}</dt>
        <dd><Credits amount={pico(of.earned_pico)} /></dd>
        <dt>{say(words.pot)}</dt>
        <dd><Credits amount={pico(of.in_pot_pico)} /></dd>
        <Payees of={of.payees} />
      </dl>
      <Shown of={loaded}>
        {({ days }) =>
          days.length === 0 ? (
            <p class="soft artifact-after">{say(words.none)}</p>
          ) : (
            <Plot
              label={say(words.plot)}
              series={[{ name: say(words.royalty), color: "--plot-1" }]}
              points={days.map((day) => ({ time: day.day * DAY, values: [Number(pico(day.earned))], exact: [credits(pico(day.earned))] }))}
              show={(value) => credits(BigInt(Math.round(value)))}
            />
          )
        }
      </Shown>
    </>
  );
}
