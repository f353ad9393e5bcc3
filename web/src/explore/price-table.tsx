// The price of an artifact, line by line.

import { language, number, say, type Said } from "../language";
import { credits, perMillion } from "../money";
import { shownName } from "../parts/name";
import { link } from "../router";
import { EXAMPLE, shares } from "./price";
import type { Artifact, PriceLine } from "./types";
import { runs } from "./words";

const words = {
  cheapest: ["Of the cheapest offer, by {name}.", "가장 싼 제공 조건({name})의 값입니다."],
  alone: ["Nobody offers it now. Its royalties stand all the same: whoever runs it pays them, and adds a fee.", "지금은 제공하는 곳이 없습니다. 로열티는 정해져 있고, 제공하는 쪽이 제 몫을 더합니다."],
  inherit: ["What is built on it pays these royalties with every use.", "이것으로 만든 작품은 쓰일 때마다 이 로열티를 냅니다."],
  free: ["It asks nothing, and so does everything that it is built on.", "로열티가 없고, 바탕이 된 작품들도 그렇습니다."],
  table: ["Price", "값"],
  payee: ["Payee", "받는 이"],
  input: ["In", "입력"],
  output: ["Out", "출력"],
  unit: ["Rates are credits per million tokens. The example is an answer of {input} tokens in and {output} out.", "단가는 백만 토큰당 크레딧입니다. 예시는 입력 {input}토큰, 출력 {output}토큰인 답 하나입니다."],
  example: ["Example", "예시"],
  sum: ["Together", "합계"],
  provider_fee: ["Running it", "공급자 수수료"],
  royalty: ["Royalty", "로열티"],
  gateway_fee: ["Gateway", "게이트웨이"],
} satisfies Record<string, Said>;

const percent = (tenths: number) =>
  new Intl.NumberFormat(language.value === "ko" ? "ko-KR" : "en-US", { style: "percent", maximumFractionDigits: 1 }).format(tenths / 1000);

function Payee({ line }: { line: PriceLine }) {
  const to = line.what === "royalty" ? link(["artifact", line.payee]) : link(["ledger", "account", line.id]);
  const [publisher = "", name] = shownName(line.payee).split("/");
  return (
    <a href={to}>
      {publisher}
      {name !== undefined && <>/<wbr />{name}</>}
    </a>
  );
}

export function Price({ of }: { of: Artifact }) {
  const [offer] = of.offers;
  const found = shares((offer?.lines ?? of.typical.lines).filter((line) => line.input_rate > 0 || line.output_rate > 0));
  const about = offer ? say(words.cheapest, { name: offer.provider.name }) : say(runs(of.kind) ? words.alone : words.inherit);
  if (found.lines.length === 0 && !offer) return <p class="soft">{say(words.free)}</p>;
  return (
    <>
      <p class="soft">{about}</p>
      <div class="scroll" tabIndex={0} role="region" aria-label={say(words.table)}>
        <table class="artifact-prices">
          <thead>
            <tr>
              <th scope="col">{say(words.payee)}</th>
              <th scope="col" class="right">{say(words.input)}</th>
              <th scope="col" class="right">{say(words.output)}</th>
              <th scope="col" class="right">{say(words.example)}</th>
            </tr>
          </thead>
          <tbody>
            {found.lines.map((line) => (
              <tr key={line.what + line.id}>
                <th scope="row">
                  <Payee line={line} />
                  <div class="soft artifact-for">{line.what in words ? say(words[line.what]) : line.what}</div>
                </th>
                <td class="right">{perMillion(line.input_rate)}</td>
                <td class="right">{perMillion(line.output_rate)}</td>
                <td class="right artifact-share">
                  {credits(line.amount)}
                  <div class="soft artifact-for">
                    <span class="artifact-bar" aria-hidden="true" style={{ width: `${line.part / 20}%` }} /> {percent(line.part)}
                  </div>
                </td>
              </tr>
            ))}
          </tbody>
          <tfoot>
            <tr>
              <th scope="row">{say(words.sum)}</th>
              <td class="right">{perMillion(found.input)}</td>
              <td class="right">{perMillion(found.output)}</td>
              <td class="right">{credits(found.amount)}</td>
            </tr>
          </tfoot>
        </table>
      </div>
      <p class="soft artifact-small">{say(words.unit, { input: number(EXAMPLE.input), output: number(EXAMPLE.output) })}</p>
    </>
  );
}
