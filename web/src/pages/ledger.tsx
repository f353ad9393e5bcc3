// `#/ledger`, `#/ledger/operation/N`, `#/ledger/account/ID`: what anybody may see of the ledger. No session is needed.

import "../style/ledger.css";
import { useArrival } from "../ledger/arrival";
import { AccountPage } from "../ledger/account";
import { OperationPage } from "../ledger/operation";
import { Overview } from "../ledger/overview";
import { place } from "../router";

export default function Page() {
  useArrival();
  const [, what, id] = place.value.path;
  if (what === "operation" && id) return <OperationPage key={id} entry={id} />;
  if (what === "account" && id) return <AccountPage key={id} id={id} />;
  return <Overview />;
}
