// What the accounts of the folder have: the person's first, then this machine's, then the others behind a click.

import { say, type Said } from "../language";
import { pico } from "../money";
import { Credits, Id } from "../parts";
import { roleName, type Account, type Wallet } from "./shapes";

const words = {
  title: ["Balance", "가진 크레딧"],
  channels: ["In channels", "채널에 든 것"],
  channelsHint: ["Set aside for answers, and not settled yet. It comes back when a channel is closed.", "답의 값으로 맡겨 두고 아직 정산하지 않은 것입니다. 채널을 닫으면 돌아옵니다."],
  pots: ["In pots", "항아리에 든 것"],
  potsHint: ["Royalties of these accounts that are not paid out yet. That happens by itself once there is enough in a pot.", "아직 나누지 않은 로열티입니다. 항아리에 어느 만큼 차면 저절로 나뉘어 들어옵니다."],
  others: ["Other accounts ({count})", "다른 계정({count})"],
  account: ["Account", "계정"],
  credits: ["Credits", "크레딧"],
} satisfies Record<string, Said>;

const MAIN = ["payer", "provider", "gateway"];

export function Balance({ of: wallet }: { of: Wallet }) {
  // The key of a replica is no account's.
  const accounts = wallet.accounts.filter((one) => one.role !== "replica");
  const main = MAIN.flatMap((role) => accounts.filter((one) => one.role === role));
  const others = accounts.filter((one) => !MAIN.includes(one.role));
  return (
    <section class="card" aria-labelledby="earnings-balance">
      <h2 id="earnings-balance" class="earnings-first">{say(words.title)}</h2>
      <dl class="earnings-balance">
        {main.map((one) => (
          <div key={one.id} class={one.role === "payer" ? "earnings-mine" : ""}>
            <dt>
              {roleName(one.role)} <Named account={one} />
            </dt>
            <dd><Credits amount={pico(one.balance_pico)} /></dd>
          </div>
        ))}
        <div>
          <dt>{say(words.channels)}</dt>
          <dd><Credits amount={pico(wallet.channels_pico)} /></dd>
          <dd class="soft earnings-small">{say(words.channelsHint)}</dd>
        </div>
        <div>
          <dt>{say(words.pots)}</dt>
          <dd><Credits amount={pico(wallet.pots_pico)} /></dd>
          <dd class="soft earnings-small">{say(words.potsHint)}</dd>
        </div>
      </dl>
      {others.length > 0 && (
        <details class="earnings-others">
          <summary>{say(words.others, { count: others.length })}</summary>
          <div class="scroll" tabIndex={0} role="region" aria-label={say(words.others, { count: others.length })}>
            <table>
              <thead>
                <tr>
                  <th scope="col">{say(words.account)}</th>
                  <th scope="col" class="right">{say(words.credits)}</th>
                </tr>
              </thead>
              <tbody>
                {others.map((one) => (
                  <tr key={one.id}>
                    <td>{roleName(one.role)} <Named account={one} /></td>
                    <td class="right"><Credits amount={pico(one.balance_pico)} /></td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </details>
      )}
    </section>
  );
}

/** The account's own name, where it says more than what the account is for. */
function Named({ account: { role, name, id } }: { account: Account }) {
  if (role === `maker-${name}`) return <></>;
  return <span class="soft earnings-small">({name ?? <Id id={id} />})</span>;
}
