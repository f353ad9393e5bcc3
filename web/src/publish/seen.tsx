// What would be published, as the node reads it, and what people will pay.

import { bytes, number, say, type Said } from "../language";
import { credits, perMillion, pico } from "../money";
import type { Line, Preview, Rates } from "./draft";

const words = {
  title: ["What it will be", "이렇게 게시됩니다"],
  kind: ["Kind", "종류"],
  model: ["model", "모델"],
  adapter: ["adapter", "어댑터"],
  dataset: ["dataset", "데이터셋"],
  recipe: ["recipe", "레시피"],
  evaluation: ["evaluation", "평가"],
  named: ["Title", "제목"],
  license: ["License", "라이선스"],
  openness: ["Openness", "개방도"],
  class: ["Class {name}", "{name}등급"],
  noClass: ["no class yet", "아직 등급 없음"],
  missing: ["What class {name} still needs", "{name}등급에 더 필요한 것"],
  files: ["Files", "파일"],
  filesAre: ["{count}, together {size}", "{count}개, 모두 {size}"],
  price: ["What an answer pays", "답 하나의 값"],
  priceAbout: ["Of 1,000 tokens in and 500 out, beside whoever runs the model.", "입력 1,000토큰, 출력 500토큰일 때입니다. 모델을 실행하는 이의 수수료는 따로 듭니다."],
  priceFee: ["Of 1,000 tokens in and 500 out, with your fee for running it.", "입력 1,000토큰, 출력 500토큰일 때입니다. 내가 받을 실행 수수료도 들어 있습니다."],
  who: ["Who", "누구"],
  rates: ["{input} / {output} per million tokens in / out", "백만 토큰당 입력 {input} / 출력 {output}"],
  amount: ["Credits", "크레딧"],
  all: ["Together", "모두"],
  fee: ["Your fee", "내 수수료"],
  free: ["Nothing: neither it nor anything it is built on asks a royalty.", "없음. 이것도, 바탕이 된 것도 로열티를 받지 않습니다."],
  unresolved: ["Its files say that it is built on {name}, which is not published here: it will not be a parent.", "파일에는 {name|을/를} 바탕으로 했다고 적혀 있지만 여기에 게시되지 않아서 부모가 되지 않습니다."],
  leftOut: ["Its files say that it is built on {name}, which is not among what you chose.", "파일에는 {name|을/를} 바탕으로 했다고 적혀 있는데 고른 것에는 없습니다."],
  unlicensed: ["No license was found: without one nobody may rely on using it.", "라이선스를 찾지 못했습니다. 라이선스가 없으면 아무도 마음 놓고 쓸 수 없습니다."],
  replaces: ["{name} points at another version now, and will point at this.", "지금 {name|은/는} 다른 버전을 가리키고, 앞으로는 이것을 가리킵니다."],
  published: ["It is published already; doing it again changes nothing but its name or tag.", "이미 게시되어 있습니다. 다시 해도 이름이나 태그 말고는 바뀌지 않습니다."],
} satisfies Record<string, Said>;

/** What a fee in pico-credits per token comes to for 1,000 tokens in and 500 out. */
export const typical = ({ input, output }: Rates) => BigInt(input) * 1000n + BigInt(output) * 500n;

export function Seen({ of: preview, fee, busy }: { of: Preview; fee: Rates | null; busy: boolean }) {
  const { openness } = preview;
  const next = openness.classes.find((one) => one.percent < 100);
  const warnings = [
    ...(preview.published ? [say(words.published)] : []),
    ...(preview.license === null ? [say(words.unlicensed)] : []),
    ...preview.unresolved.map((name) => say(words.unresolved, { name })),
    ...preview.left_out.map((name) => say(words.leftOut, { name })),
    ...(preview.replaces ? [say(words.replaces, { name: preview.name })] : []),
    ...preview.notes,
  ];
  return (
    <section class="card publish-seen" aria-labelledby="publish-seen" aria-busy={busy}>
      <h2 id="publish-seen" class="publish-first">{say(words.title)}</h2>
      <p class="publish-name">{preview.name}</p>
      <dl class="facts">
        <dt>{say(words.kind)}</dt>
        <dd>{say(words[preview.kind])}{preview.architecture && `, ${preview.architecture}`}</dd>
        <dt>{say(words.named)}</dt>
        <dd>{preview.title ?? "–"}</dd>
        <dt>{say(words.license)}</dt>
        <dd>{preview.license ?? "–"}</dd>
        {openness.classes.length > 0 && (
          <>
            <dt>{say(words.openness)}</dt>
            <dd>{openness.class ? say(words.class, { name: openness.class }) : say(words.noClass)}</dd>
          </>
        )}
        <dt>{say(words.files)}</dt>
        <dd class="number">{say(words.filesAre, { count: number(preview.files), size: bytes(preview.bytes) })}</dd>
      </dl>
      {next && next.sentences.length > 0 && (
        <details class="publish-missing">
          <summary>{say(words.missing, { name: next.class })}</summary>
          <ul>{next.sentences.map((one) => <li key={one}>{one}</li>)}</ul>
        </details>
      )}
      {warnings.length > 0 && <ul class="publish-warnings">{warnings.map((one) => <li key={one}>{one}</li>)}</ul>}
      <h3>{say(words.price)}</h3>
      <p class="soft publish-small">{say(fee ? words.priceFee : words.priceAbout)}</p>
      <Price lines={preview.price.lines} sum={pico(preview.price.pico)} fee={fee} />
    </section>
  );
}

function Price({ lines, sum, fee }: { lines: Line[]; sum: bigint; fee: Rates | null }) {
  if (lines.length === 0 && !fee) return <p>{say(words.free)}</p>;
  const rates = (input: number, output: number) => say(words.rates, { input: perMillion(input), output: perMillion(output) });
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={say(words.price)}>
      <table class="publish-price">
        <thead>
          <tr>
            <th scope="col">{say(words.who)}</th>
            <th scope="col" class="right">{say(words.amount)}</th>
          </tr>
        </thead>
        <tbody>
          {fee && (
            <tr>
              <td>{say(words.fee)}<div class="soft publish-small number">{rates(fee.input, fee.output)}</div></td>
              <td class="right">{credits(typical(fee))}</td>
            </tr>
          )}
          {lines.map((one) => (
            <tr key={one.id}>
              <td>{one.payee}<div class="soft publish-small number">{rates(one.input_rate, one.output_rate)}</div></td>
              <td class="right">{credits(pico(one.pico))}</td>
            </tr>
          ))}
        </tbody>
        <tfoot>
          <tr>
            <th scope="row">{say(words.all)}</th>
            <td class="right"><strong>{credits(sum + (fee ? typical(fee) : 0n))}</strong></td>
          </tr>
        </tfoot>
      </table>
    </div>
  );
}
