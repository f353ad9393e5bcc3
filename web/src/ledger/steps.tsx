// What a check found, step by step. Nothing is shown as in order that was not computed.

import type { Step } from "../check/steps";
import { say, type Said } from "../language";

const words = {
  ok: ["holds", "맞음"],
  bad: ["FALSE", "틀림"],
  unknown: ["not checked", "확인 못 함"],
  later: ["not yet", "아직"],
  running: ["checking…", "확인 중…"],
} satisfies Record<string, Said>;

const LOOK = { ok: "tag good", bad: "tag bad", unknown: "tag", later: "tag" };

export function StepList({ done, running }: { done: Step[]; running: Step | null }) {
  return (
    <ol class="check-steps">
      {done.map((step, at) => <Row key={at} step={step} look={LOOK[step.state]} state={say(words[step.state])} />)}
      {running && <Row key="running" step={running} look="tag" state={say(words.running)} />}
    </ol>
  );
}

function Row({ step, look, state }: { step: Step; look: string; state: string }) {
  const why = step.why === null || typeof step.why === "string" ? step.why : say(step.why);
  return (
    <li>
      <span class={look}>{state}</span>
      <div>
        <span>{say(step.name)}</span>
        {why && <p class={step.state === "bad" ? "check-bad" : "soft"}>{why}</p>}
      </div>
    </li>
  );
}
