// Who offers an artifact, the cheapest first, with what this node measured of them.

import { get } from "../api";
import { number, say, type Said } from "../language";
import { useLoad } from "../load";
import { perMillion } from "../money";
import { shortName } from "../parts/name";
import { link } from "../router";
import { shares } from "./price";
import type { Artifact, Endpoint } from "./types";

const words = {
  table: ["Offers", "제공 조건"],
  provider: ["Provider", "공급자"],
  price: ["Price, in / out", "값, 입력 / 출력"],
  speed: ["Speed", "속도"],
  context: ["Context", "문맥 길이"],
  quantization: ["Quantization", "양자화"],
  engine: ["Engine", "엔진"],
  tokens: ["{count} tokens/s", "초당 {count}토큰"],
  first: ["first text after {ms} ms", "첫 글자까지 {ms}ms"],
  unmeasured: ["Not measured lately", "최근에 잰 값 없음"],
  failed: ["Failed lately", "최근 실패"],
  unit: ["Prices are credits per million tokens, everyone's share included. Speeds are what this node measured.", "값은 백만 토큰당 크레딧이고 모두의 몫이 들어 있습니다. 속도는 이 노드에서 잰 것입니다."],
  nobody: ["Nobody offers it now.", "지금은 제공하는 곳이 없습니다."],
  run: ["Run it yourself and be paid:", "직접 돌리고 값을 받을 수 있습니다."],
} satisfies Record<string, Said>;

function Speed({ of }: { of: Endpoint | undefined }) {
  if (!of || of.tokens_per_second === null) return <span class="soft">{say(words.unmeasured)}</span>;
  return (
    <>
      {say(words.tokens, { count: number(Math.round(of.tokens_per_second)) })}
      {of.latency_ms !== null && <div class="soft artifact-small">{say(words.first, { ms: number(Math.max(1, Math.round(of.latency_ms))) })}</div>}
    </>
  );
}

export function Offers({ of }: { of: Artifact }) {
  const some = of.offers.length > 0;
  // Without it the table stands all the same: only the speeds are not there.
  const measured = useLoad(
    (signal) => (some ? get<{ data: { endpoints: Endpoint[] } }>(`/v1/models/${encodeURIComponent(of.id)}/endpoints`, signal).then((found) => found.data.endpoints) : Promise.resolve([])),
    [of.id, some],
  );
  const speeds = new Map(measured.value?.map((one) => [one.tag, one]));
  if (!some)
    return (
      <>
        <p class="soft">{say(words.nobody)}</p>
        {!of.retired && (
          <p class="soft">
            {say(words.run)} <code>pumasi offer {shortName(of.name)}</code>
          </p>
        )}
      </>
    );
  return (
    <>
      <div class="scroll" tabIndex={0} role="region" aria-label={say(words.table)}>
        <table class="artifact-offers">
          <thead>
            <tr>
              <th scope="col">{say(words.provider)}</th>
              <th scope="col" class="right">{say(words.price)}</th>
              <th scope="col">{say(words.speed)}</th>
              <th scope="col" class="right">{say(words.context)}</th>
              <th scope="col">{say(words.quantization)}</th>
              <th scope="col">{say(words.engine)}</th>
            </tr>
          </thead>
          <tbody>
            {of.offers.map((offer) => {
              const { input, output } = shares(offer.lines);
              const speed = speeds.get(offer.id);
              return (
                <tr key={offer.id}>
                  <th scope="row">
                    <a href={link(["ledger", "account", offer.provider.id])}>{offer.provider.name}</a> {speed?.failed_lately && <span class="tag bad">{say(words.failed)}</span>}
                  </th>
                  <td class="right">{perMillion(input)} / {perMillion(output)}</td>
                  <td><Speed of={speed} /></td>
                  <td class="right">{number(offer.context)}</td>
                  <td>{offer.quantization}</td>
                  <td class="soft artifact-engine">{offer.engine}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
      <p class="soft artifact-small">{say(words.unit)}</p>
    </>
  );
}
