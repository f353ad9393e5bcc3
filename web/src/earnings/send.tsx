// Sends credits, after showing who would receive them; never twice by accident.

import { useState } from "preact/hooks";
import { Problem, send } from "../api";
import { say, type Said } from "../language";
import { credits, parse, pico } from "../money";
import { Wrong } from "../parts";
import { Confirm } from "../parts/confirm";
import { Field } from "../parts/field";
import { link } from "../router";
import { roleName, type Account } from "./shapes";
import { end, keep, unanswered, wish, type Transfer } from "./wish";

const words = {
  title: ["Send credits", "크레딧 보내기"],
  to: ["To", "받는 이"],
  toHint: ["A name, or an account's id.", "이름이나 계정의 id를 적어 주세요."],
  toFault: ["Write who is to receive them.", "누구에게 보낼지 적어 주세요."],
  amount: ["Credits", "크레딧"],
  amountFault: ["Write an amount of credits above 0, such as 10 or 0.5.", "0보다 큰 크레딧을 적어 주세요. 예: 10 또는 0.5"],
  more: ["This account has {amount} credits.", "이 계정에 있는 것은 {amount} 크레딧입니다."],
  from: ["From", "보내는 계정"],
  fromOption: ["{role}: {amount}", "{role}: {amount}"],
  for: ["What for (optional)", "무엇을 위해(비워도 됨)"],
  forHint: ["The ledger keeps only its SHA-256. key:ID tops up an API key of the receiver's gateway.", "원장에는 이 글의 SHA-256만 남습니다. key:ID라고 쓰면 받는 이 게이트웨이의 API 키를 채웁니다."],
  go: ["Continue", "계속"],
  looking: ["Looking up…", "찾는 중…"],
  unanswered: [
    "It is not known whether an earlier transfer of {amount} credits to {to} was sent. Send it again as it stands: it is sent once.",
    "앞서 {to}에게 보내려던 {amount} 크레딧이 갔는지 아직 모릅니다. 그대로 다시 보내세요. 한 번만 갑니다.",
  ],
  forget: ["Forget it", "잊기"],
  done: ["This was sent already.", "이미 보냈습니다."],
  question: ["Send {amount} credits to {to}?", "{to}에게 {amount} 크레딧을 보낼까요?"],
  id: ["Account", "계정"],
  ofBalance: ["{amount} of {balance} credits", "{balance} 가운데 {amount} 크레딧"],
  isNew: [
    "This account never did or received anything on this ledger. If its id is mistyped, what is sent is lost.",
    "이 원장에서 아무것도 하거나 받은 적이 없는 계정입니다. id가 틀렸다면 보낸 것은 사라집니다.",
  ],
  same: ["The same was sent before: log entry {entry}. This sends it once more.", "똑같은 것을 전에 보냈습니다: 로그 기록 {entry}. 이번에 한 번 더 보냅니다."],
  final: ["What is sent cannot be taken back.", "보낸 것은 되돌릴 수 없습니다."],
  send: ["Send", "보내기"],
  sent: ["Sent {amount} credits to {to}.", "{to}에게 {amount} 크레딧을 보냈습니다."],
  entry: ["Log entry {entry}", "로그 기록 {entry}"],
} satisfies Record<string, Said>;

interface Preview {
  from: Account;
  to: string;
  to_name: string | null;
  to_new: boolean;
  amount_pico: string;
  done: number | null;
  same: number | null;
}

interface Sent {
  entry: number;
  to: string;
  to_name: string | null;
  amount_pico: string;
}

type Faults = Partial<Record<"to" | "amount", string>>;

/** No answer tells that it was refused: it may have been sent. */
const doubtful = (error: unknown) => !(error instanceof Problem) || error.status === 0 || error.status >= 500;

export function Send({ accounts, changed }: { accounts: Account[]; changed: () => void }) {
  const [open, setOpen] = useState(unanswered());
  const [form, set] = useState({ from: open?.from ?? "payer", to: open?.to ?? "", amount: open?.amount ?? "", for: open?.for ?? "" });
  const [faults, blame] = useState<Faults>({});
  const [problem, fail] = useState<unknown>();
  const [busy, work] = useState(false);
  const [asked, ask] = useState<{ transfer: Transfer; preview: Preview }>();
  const [sent, tell] = useState<Sent & { already: boolean }>();
  const senders = accounts.filter((one) => one.role !== "replica" && (pico(one.balance_pico) > 0n || one.role === "payer" || one.role === form.from));

  const finished = (what: Sent & { already: boolean }) => {
    end();
    setOpen(null);
    tell(what);
    set({ ...form, to: "", amount: "", for: "" });
    changed();
  };

  const preview = async (event: Event) => {
    event.preventDefault();
    if (busy) return;
    tell(undefined);
    fail(undefined);
    const amount = parse(form.amount);
    const balance = pico(accounts.find((one) => one.role === form.from)?.balance_pico);
    const found: Faults = {};
    if (!form.to.trim()) found.to = say(words.toFault);
    if (amount === null || amount === 0n) found.amount = say(words.amountFault);
    else if (amount > balance && !open) found.amount = say(words.more, { amount: credits(balance) });
    blame(found);
    if (found.to || found.amount) return;
    const what = form.for.trim();
    const transfer = wish({ from: form.from, to: form.to.trim(), amount: form.amount.trim().replaceAll(",", ""), ...(what && { for: what }) });
    work(true);
    try {
      const seen = await send<Preview>("POST", "/wallet/transfers/preview", transfer);
      if (seen.done !== null) finished({ entry: seen.done, to: seen.to, to_name: seen.to_name, amount_pico: seen.amount_pico, already: true });
      else ask({ transfer, preview: seen });
    } catch (error) {
      const field = error instanceof Problem && (error.field ?? (error.code === "account_not_found" ? "to" : null));
      if (error instanceof Problem && (field === "to" || field === "amount")) blame({ [field]: error.message });
      else fail(error);
    } finally {
      work(false);
    }
  };

  const confirmed = async (transfer: Transfer) => {
    keep(transfer);
    setOpen(transfer);
    try {
      finished({ ...(await send<Sent>("POST", "/wallet/transfers", transfer)), already: false });
    } catch (error) {
      if (!doubtful(error)) {
        end();
        setOpen(null);
      }
      throw error;
    }
  };

  return (
    <section class="earnings-send" aria-labelledby="earnings-send">
      <form class="card" onSubmit={(event) => void preview(event)}>
        <h2 id="earnings-send" class="earnings-first">{say(words.title)}</h2>
        {open && !asked && (
          <div class="wrong" role="status">
            <p>{say(words.unanswered, { amount: open.amount, to: open.to })}</p>
            <button type="button" onClick={() => { end(); setOpen(null); }}>{say(words.forget)}</button>
          </div>
        )}
        <div class="earnings-form">
          <Field label={say(words.to)} hint={say(words.toHint)} fault={faults.to} value={form.to} onInput={(to) => set({ ...form, to })} />
          <Field label={say(words.amount)} fault={faults.amount} value={form.amount} onInput={(amount) => set({ ...form, amount })} inputMode="decimal" />
          {senders.length > 1 && (
            <div class="field">
              <label for="earnings-from">{say(words.from)}</label>
              <select id="earnings-from" value={form.from} onChange={(event) => set({ ...form, from: event.currentTarget.value })}>
                {senders.map((one) => <option key={one.role} value={one.role}>{say(words.fromOption, { role: roleName(one.role), amount: credits(pico(one.balance_pico)) })}</option>)}
              </select>
            </div>
          )}
          <Field label={say(words.for)} hint={say(words.forHint)} value={form.for} onInput={(what) => set({ ...form, for: what })} maxLength={1000} />
        </div>
        {problem !== undefined && <Wrong problem={problem} />}
        <div class="row">
          <button class="main" disabled={busy}>{say(busy ? words.looking : words.go)}</button>
          <p class="earnings-sent" role="status">
            {sent && (
              <>
                {sent.already ? say(words.done) : say(words.sent, { amount: credits(pico(sent.amount_pico)), to: sent.to_name ?? sent.to.slice(0, 8) })}{" "}
                <a href={link(["ledger", "operation", String(sent.entry)])}>{say(words.entry, { entry: sent.entry })}</a>
              </>
            )}
          </p>
        </div>
      </form>
      {asked && (
        <Confirm
          title={say(words.question, { amount: credits(pico(asked.preview.amount_pico)), to: asked.preview.to_name ?? asked.preview.to.slice(0, 8) })}
          action={say(words.send)}
          act={() => confirmed(asked.transfer)}
          close={() => ask(undefined)}
        >
          <Seen of={asked.preview} what={asked.transfer.for} />
        </Confirm>
      )}
    </section>
  );
}

function Seen({ of: preview, what }: { of: Preview; what: string | undefined }) {
  const { from, to, to_name } = preview;
  return (
    <>
      <dl class="facts earnings-seen">
        <dt>{say(words.to)}</dt>
        <dd>{to_name && <strong>{to_name} </strong>}<code>{to}</code></dd>
        <dt>{say(words.from)}</dt>
        <dd>{roleName(from.role)} {from.name && <span class="soft">{from.name}</span>}</dd>
        <dt>{say(words.amount)}</dt>
        <dd class="number">{say(words.ofBalance, { amount: credits(pico(preview.amount_pico)), balance: credits(pico(from.balance_pico)) })}</dd>
        {what && <><dt>{say(words.for)}</dt><dd>{what}</dd></>}
      </dl>
      {preview.to_new && <p class="earnings-bad">{say(words.isNew)}</p>}
      {preview.same !== null && <p class="earnings-bad">{say(words.same, { entry: preview.same })}</p>}
      <p class="soft">{say(words.final)}</p>
    </>
  );
}
