// "Check this log here and now."

import { useEffect, useRef, useState } from "preact/hooks";
import { contradiction, forget } from "../check/head";
import { checkLog, type CheckedLog } from "../check/log";
import type { Step } from "../check/steps";
import { moment, number, say, type Said } from "../language";
import { Snippet, Wrong } from "../parts";
import { StepList } from "./steps";

const words = {
  title: ["Check this log here and now", "이 로그를 지금 여기서 확인하기"],
  what: [
    "Your browser verifies the signed head, that nothing changed since it last looked, and the newest entries. It believes nothing that it did not compute. pumasi audit replays every rule.",
    "서명된 머리, 지난번 뒤로 바뀐 것이 없는지, 최근 기록을 이 브라우저가 직접 확인합니다. 계산하지 않은 것은 믿지 않습니다. 모든 규칙을 다시 계산하는 것은 pumasi audit입니다.",
  ],
  checking: ["Checking…", "확인하는 중…"],
  start: ["Check now", "지금 확인"],
  again: ["Check again", "다시 확인"],
  all: ["Check all {size} entries", "기록 {size}개 모두 확인"],
  stop: ["Stop", "멈추기"],
  stopped: ["Stopped. Nothing is claimed.", "멈췄습니다. 확인한 것이 없습니다."],
  checked: ["Everything that was checked holds.", "확인한 것이 모두 맞습니다."],
  unchecked: ["The check could not be finished.", "확인을 끝내지 못했습니다."],
  false: ["Something is FALSE: do not trust this log before you know why.", "틀린 것이 있습니다. 까닭을 알기 전에는 이 로그를 믿지 마세요."],
  both: ["Two signed heads of this log do not fit together (seen {when}). Keep both: if neither goes on from the other, they prove that two histories were signed.", "서명된 두 머리가 서로 맞지 않습니다({when}에 봄). 둘 다 보관하세요. 하나가 다른 하나에서 이어지지 않으면, 서로 다른 두 역사에 서명했다는 증거가 됩니다."],
  before: ["The head remembered before", "전에 기억한 머리"],
  now: ["The head that does not fit it", "맞지 않는 머리"],
  forget: ["Forget what this browser remembers of this log", "이 브라우저가 기억하는 것 잊기"],
  sure: ["After this the next check cannot tell whether the log changed. Forget?", "잊으면 다음 확인에서 로그가 바뀌었는지 알 수 없습니다. 잊을까요?"],
} satisfies Record<string, Said>;

type State = { done: Step[]; running: Step | null; result: CheckedLog | null; problem: unknown };
const NOTHING: State = { done: [], running: null, result: null, problem: null };

export function LogCheck() {
  const [state, set] = useState<State>(NOTHING);
  const [against, see] = useState(contradiction);
  const [busy, work] = useState(false);
  const stop = useRef<AbortController | null>(null);
  useEffect(() => () => stop.current?.abort(), []);
  const start = async (all: boolean) => {
    if (busy) return;
    const mine = new AbortController();
    stop.current = mine;
    work(true);
    set(NOTHING);
    try {
      const result = await checkLog(all, mine.signal, (done, running) => mine.signal.aborted || set({ ...NOTHING, done, running }));
      set({ ...NOTHING, done: result.steps, result });
    } catch (problem) {
      set({ ...NOTHING, problem: mine.signal.aborted ? new Error(say(words.stopped)) : problem });
    }
    work(false);
    see(contradiction());
  };
  const { result } = state;
  return (
    <section class="card ledger-check" aria-labelledby="ledger-check">
      <h2 id="ledger-check">{say(words.title)}</h2>
      <p class="soft">{say(words.what)}</p>
      <div class="row">
        <button type="button" class={result ? "" : "main"} onClick={() => void start(false)}>{say(busy ? words.checking : result ? words.again : words.start)}</button>
        {result?.state === "checked" && (result.size ?? 0) > 256 && (
          <button type="button" onClick={() => void start(true)}>{say(words.all, { size: number(result.size ?? 0) })}</button>
        )}
        {busy && <button type="button" onClick={() => stop.current?.abort()}>{say(words.stop)}</button>}
      </div>
      {(state.done.length > 0 || state.running) && <StepList done={state.done} running={state.running} />}
      <div aria-live="assertive">
        {result && <p class={result.state === "checked" ? "check-good" : result.state === "false" ? "check-bad" : "soft"}>{say(words[result.state])}</p>}
      </div>
      {state.problem !== null && <Wrong problem={state.problem} />}
      {against && (
        <div class="ledger-against">
          <p class="check-bad">{say(words.both, { when: moment(against.at) })}</p>
          <h3>{say(words.before)}</h3>
          <Snippet text={against.before} label={say(words.before)} />
          <h3>{say(words.now)}</h3>
          <Snippet text={against.now} label={say(words.now)} />
        </div>
      )}
      {(against || result?.state === "false") && (
        <button
          type="button" class="danger" disabled={busy}
          onClick={() => {
            if (!confirm(say(words.sure))) return;
            forget();
            see(null);
            set(NOTHING);
          }}
        >
          {say(words.forget)}
        </button>
      )}
    </section>
  );
}
