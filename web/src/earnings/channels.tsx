// The channels of this gateway's payer: what is locked toward each provider, and what of it is not settled yet.

import { useState } from "preact/hooks";
import { get, send } from "../api";
import { moment, say, type Said } from "../language";
import { useLoad } from "../load";
import { credits, parse } from "../money";
import { Empty, Id, Shown } from "../parts";
import { Confirm } from "../parts/confirm";

const words = {
  title: ["Channels", "채널"],
  about: ["Money that is locked toward a provider, so that answers can be paid one by one.", "답마다 값을 치를 수 있게 공급자에게 맡겨 둔 돈입니다."],
  none: ["There is no channel. One is opened with the first answer of a provider.", "채널이 없습니다. 어떤 공급자에게서 처음 답을 받을 때 열립니다."],
  provider: ["Provider", "공급자"],
  deposit: ["Deposit", "예치금"],
  spent: ["Spent", "쓴 것"],
  open: ["Not settled yet", "아직 정산 안 됨"],
  state: ["State", "상태"],
  isOpen: ["open", "열림"],
  closing: ["closing", "닫는 중"],
  act: ["What to do", "할 일"],
  close: ["Close", "닫기"],
  closeOf: ["Close the channel to {provider}", "{provider} 채널 닫기"],
  closeTitle: ["Close the channel to {provider}?", "{provider} 채널을 닫을까요?"],
  closeText: [
    "What was spent is settled first. The rest of the deposit comes back after the dispute window. The next answer of this provider opens another channel.",
    "쓴 것을 먼저 정산하고, 남은 예치금은 이의 기간이 지나면 돌아옵니다. 이 공급자에게서 다시 답을 받으면 새 채널이 열립니다.",
  ],
  limit: ["{used} of at most {most} credits went into channels in the last 24 hours.", "지난 24시간 동안 최대 {most} 크레딧 가운데 {used} 크레딧이 채널에 들어갔습니다."],
  reached: [
    "The daily limit for deposits is reached, so channels that run empty are not filled until {time}. Raise it with pumasi wallet limit --per-day.",
    "하루 예치 한도에 닿았습니다. {time}까지는 채널이 비어도 채우지 않습니다. pumasi wallet limit --per-day로 늘릴 수 있습니다.",
  ],
} satisfies Record<string, Said>;

interface Channel {
  id: string;
  provider: string;
  deposit: string;
  spent: string;
  reserved: string;
  settled: string;
  closing: boolean;
}

interface Limits {
  per_day: string;
  used: string;
  reached: boolean;
  next_free: number | null;
}

const amount = (text: string) => parse(text) ?? 0n;

export function Channels() {
  const channels = useLoad(async (signal) => (await get<{ data: Channel[] }>("/channels", signal)).data, []);
  const limits = useLoad((signal) => get<Limits>("/channels/limits", signal), []);
  const [closing, close] = useState<Channel>();
  return (
    <section aria-labelledby="earnings-channels">
      <h2 id="earnings-channels">{say(words.title)}</h2>
      <p class="soft">{say(words.about)}</p>
      <Shown of={limits}>
        {(found) => (found.reached
          ? <p class="wrong" role="status">{say(words.reached, { time: found.next_free === null ? "–" : moment(found.next_free) })}</p>
          : <p class="soft number">{say(words.limit, { used: credits(amount(found.used)), most: credits(amount(found.per_day)) })}</p>)}
      </Shown>
      <Shown of={channels}>{(all) => (all.length === 0 ? <Empty><p>{say(words.none)}</p></Empty> : <Table all={all} close={close} />)}</Shown>
      {closing && (
        <Confirm
          title={say(words.closeTitle, { provider: closing.provider })}
          action={say(words.close)}
          act={async () => {
            await send("POST", `/channels/${encodeURIComponent(closing.id)}/close`);
            channels.again();
          }}
          close={() => close(undefined)}
        >
          <p>{say(words.closeText)}</p>
        </Confirm>
      )}
    </section>
  );
}

function Table({ all, close }: { all: Channel[]; close: (channel: Channel) => void }) {
  return (
    <div class="scroll" tabIndex={0} role="group" aria-labelledby="earnings-channels">
      <table class="earnings-channels">
        <thead>
          <tr>
            <th scope="col">{say(words.provider)}</th>
            <th scope="col">{say(words.state)}</th>
            <th scope="col" class="right">{say(words.deposit)}</th>
            <th scope="col" class="right">{say(words.spent)}</th>
            <th scope="col" class="right">{say(words.open)}</th>
            <th scope="col"><span class="only-read">{say(words.act)}</span></th>
          </tr>
        </thead>
        <tbody>
          {all.map((one) => (
            <tr key={one.id}>
              <td>{one.provider.length === 64 ? <Id id={one.provider} /> : one.provider} <span class="soft"><Id id={one.id} /></span></td>
              <td>{say(one.closing ? words.closing : words.isOpen)}</td>
              <td class="right">{credits(amount(one.deposit))}</td>
              <td class="right">{credits(amount(one.spent))}</td>
              <td class="right">{credits(amount(one.spent) - amount(one.settled))}</td>
              <td class="right">
                {!one.closing && <button type="button" class="quiet" onClick={() => close(one)} aria-label={say(words.closeOf, { provider: one.provider })}>{say(words.close)}</button>}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
