// What this machine offers, how it goes, and taking it back.

import { useEffect, useState } from "preact/hooks";
import { get, send } from "../api";
import { bytes, number, say, type Said } from "../language";
import { useLoad } from "../load";
import { Empty, Rates, Shown } from "../parts";
import { Name } from "../parts/name";
import { Confirm } from "../parts/confirm";
import { link } from "../router";

const words = {
  title: ["Offers", "제공"],
  about: ["What this machine runs for others, and for you.", "이 컴퓨터가 다른 사람과 나를 위해 실행하는 것입니다."],
  none: ["This machine offers nothing. A model's page and Publish have a button for it.", "이 컴퓨터는 아무것도 제공하지 않습니다. 모델 페이지나 게시에서 제공할 수 있습니다."],
  loading: ["loading…", "올리는 중…"],
  running: ["offered", "제공 중"],
  failed: ["failed", "실패"],
  withdrawn: ["withdrawn", "거둠"],
  fee: ["Fee, per million tokens in / out", "수수료(백만 토큰당 입력 / 출력)"],
  context: ["Context", "문맥 길이"],
  tokens: ["{count} tokens", "{count}토큰"],
  answers: ["Answers since it began", "시작한 뒤로 한 답"],
  answered: ["{count}, of {input} tokens in and {output} out", "{count}개, 입력 {input}토큰과 출력 {output}토큰"],
  now: ["{count} running now", "지금 {count}개 하는 중"],
  by: ["Answered by", "답하는 곳"],
  worker: ["a worker on this machine", "이 컴퓨터의 작업자"],
  base: ["on {base}", "바탕 모델 {base}"],
  withdraw: ["Withdraw", "거두기"],
  withdrawOf: ["Withdraw {name}", "{name} 거두기"],
  withdrawTitle: ["Withdraw {name}?", "{name|을/를} 거둘까요?"],
  withdrawText: ["New orders are refused at once. Answers that run are finished and paid. It can be offered again at any time.", "새 주문은 바로 거절합니다. 하던 답은 끝까지 하고 값을 받아요. 언제든 다시 제공할 수 있습니다."],
} satisfies Record<string, Said>;

interface Rate {
  input: number;
  output: number;
}

export interface Offer {
  number: number;
  id: string | null;
  artifact: string;
  name: string;
  state: "loading" | "running" | "failed" | "withdrawn";
  message: string | null;
  notes: string[];
  backend: { kind: "worker" | "upstream"; base?: string | null; memory_bytes?: number | null; url?: string; model?: string };
  fee: Rate;
  context: number | null;
  running: number;
  answered: number;
  input: number;
  output: number;
}

export function Offers() {
  const offers = useLoad(async (signal) => (await get<{ data: Offer[] }>("/offers", signal)).data, []);
  const [leaving, withdraw] = useState<Offer>();
  const loading = offers.value?.some((one) => one.state === "loading") ?? false;
  useEffect(() => {
    if (!loading) return;
    const timer = setInterval(offers.again, 1500);
    return () => clearInterval(timer);
  }, [loading]);
  return (
    <section aria-labelledby="earnings-offers">
      <h2 id="earnings-offers">{say(words.title)}</h2>
      <p class="soft">{say(words.about)}</p>
      <Shown of={offers}>
        {(all) => (all.length === 0
          ? <Empty><p>{say(words.none)}</p></Empty>
          : <ul class="earnings-offers">{all.map((one) => <One key={one.number} of={one} withdraw={() => withdraw(one)} />)}</ul>)}
      </Shown>
      {leaving && (
        <Confirm
          title={say(words.withdrawTitle, { name: leaving.name })}
          action={say(words.withdraw)}
          danger
          act={async () => {
            await send("DELETE", `/offers/${encodeURIComponent(leaving.artifact)}`);
            offers.again();
          }}
          close={() => withdraw(undefined)}
        >
          <p>{say(words.withdrawText)}</p>
        </Confirm>
      )}
    </section>
  );
}

function One({ of: offer, withdraw }: { of: Offer; withdraw: () => void }) {
  const { backend } = offer;
  const mark = offer.state === "running" ? "tag good" : offer.state === "failed" ? "tag bad" : "tag";
  return (
    <li class="card">
      <div class="row">
        <h3><a href={link(["artifact", offer.artifact])}><Name of={offer.name} /></a></h3>
        <span class={mark}>{say(words[offer.state])}</span>
        {offer.running > 0 && <span class="tag">{say(words.now, { count: offer.running })}</span>}
      </div>
      {offer.message && <p class={offer.state === "failed" ? "earnings-bad" : ""}>{offer.message}</p>}
      {offer.notes.map((note) => <p key={note} class="soft earnings-small">{note}</p>)}
      <dl class="facts">
        <dt>{say(words.fee)}</dt>
        <dd><Rates input={offer.fee.input} output={offer.fee.output} /></dd>
        {offer.context !== null && <><dt>{say(words.context)}</dt><dd class="number">{say(words.tokens, { count: offer.context })}</dd></>}
        <dt>{say(words.answers)}</dt>
        <dd class="number">{say(words.answered, { count: number(offer.answered), input: offer.input, output: offer.output })}</dd>
        <dt>{say(words.by)}</dt>
        <dd>
          {backend.kind === "worker" ? say(words.worker) : `${backend.url ?? ""} ${backend.model ?? ""}`}
          {backend.base && `, ${say(words.base, { base: backend.base })}`}
          {backend.memory_bytes ? `, ${bytes(backend.memory_bytes)}` : ""}
        </dd>
      </dl>
      {offer.state !== "withdrawn" && (
        <button type="button" class="quiet danger earnings-withdraw" onClick={withdraw} aria-label={say(words.withdrawOf, { name: offer.name })}>
          {say(words.withdraw)}
        </button>
      )}
    </li>
  );
}
