// The wallet of this node: what is there, what was earned by what, sending, channels and offers.

import { get, session } from "../api";
import { Balance } from "../earnings/balance";
import { Channels } from "../earnings/channels";
import { Earned } from "../earnings/earned";
import { Offers } from "../earnings/offers";
import { Send } from "../earnings/send";
import type { Wallet } from "../earnings/shapes";
import { say, type Said } from "../language";
import { useLoad } from "../load";
import { NeedsSession, Shown } from "../parts";
import "../style/earnings.css";

const words = { title: ["Earnings", "수입"] } satisfies Record<string, Said>;

export default function Page() {
  return (
    <>
      <h1>{say(words.title)}</h1>
      {session.value === "closed" ? <NeedsSession /> : <Earnings />}
    </>
  );
}

function Earnings() {
  const wallet = useLoad((signal) => get<Wallet>("/wallet", signal), []);
  return (
    <>
      <Shown of={wallet}>{(found) => <Balance of={found} />}</Shown>
      <Earned />
      <Shown of={{ ...wallet, problem: undefined }}>{(found) => <Send accounts={found.accounts} changed={wallet.again} />}</Shown>
      <Offers />
      <Channels />
    </>
  );
}
