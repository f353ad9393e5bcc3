// Small parts that several pages are made of.

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { Problem } from "../api";
import { say, type Said } from "../language";
import type { Loaded } from "../load";
import { credits, perMillion } from "../money";

const words = {
  copy: ["Copy", "복사"],
  copied: ["Copied", "복사했습니다"],
  again: ["Try again", "다시 시도"],
  credits: ["{amount} credits", "{amount} 크레딧"],
  loading: ["Loading…", "불러오는 중…"],
  needs: [
    "This acts with your wallet, so it needs a session. Run pumasi open in a terminal on this machine and follow the link.",
    "내 지갑으로 하는 일이라 세션이 필요합니다. 이 컴퓨터의 터미널에서 pumasi open을 실행하고 나온 링크를 여세요.",
  ],
} satisfies Record<string, Said>;

/** Exact credits. */
export function Credits({ amount }: { amount: bigint }) {
  return <span class="number">{say(words.credits, { amount: credits(amount) })}</span>;
}

/** Rates in pico-credits per token, shown as credits per million tokens, in and out. */
export function Rates({ input, output }: { input: number; output: number }) {
  return (
    <span class="number">
      {perMillion(input)} / {perMillion(output)}
    </span>
  );
}

/** A button that copies `text`. */
export function Copy({ text, label }: { text: string; label?: string }) {
  const [done, set] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    set(true);
    setTimeout(() => set(false), 1500);
  };
  return (
    <button type="button" class="quiet" onClick={() => void copy()}>
      <span aria-live="polite">{done ? say(words.copied) : (label ?? say(words.copy))}</span>
    </button>
  );
}

/** A snippet to copy. What must be seen whole, such as a secret, is `wrapped`. */
export function Snippet({ text, label, wrapped = false }: { text: string; label: string; wrapped?: boolean }) {
  return (
    <div class={wrapped ? "snippet snippet-wrapped" : "snippet"}>
      <pre tabIndex={0} role="region" aria-label={label}>
        <code>{text}</code>
      </pre>
      <Copy text={text} />
    </div>
  );
}

/** What went wrong, and a button to try again if `again` is given. */
export function Wrong({ problem, again }: { problem: unknown; again?: () => void }) {
  const message = problem instanceof Problem || problem instanceof Error ? problem.message : String(problem);
  return (
    <div class="wrong" role="alert">
      <p>{message}</p>
      {again && (
        <button type="button" onClick={again}>
          {say(words.again)}
        </button>
      )}
    </div>
  );
}

/** Something loaded: shown once it is there, with the problem above it if asking again failed. What there is not is no fault. */
export function Shown<T>({ of, children }: { of: Loaded<T>; children: (value: T) => ComponentChildren }) {
  if (of.problem?.status === 404 && of.value === undefined) return <Empty>{of.problem.message}</Empty>;
  return (
    <>
      {of.problem && <Wrong problem={of.problem} again={of.again} />}
      {of.value !== undefined ? children(of.value) : !of.problem && <p class="loading">{say(words.loading)}</p>}
    </>
  );
}

/** Nothing here yet, and what to do about it. */
export function Empty({ children }: { children: ComponentChildren }) {
  return <div class="empty">{children}</div>;
}

/** In place of what needs a session. */
export function NeedsSession() {
  return (
    <Empty>
      <p>{say(words.needs)}</p>
      <Snippet text="pumasi open" label="pumasi open" />
    </Empty>
  );
}

/** A long identifier, cut in its middle; whole in its title. */
export function Id({ id }: { id: string }) {
  const bare = id.replace(/^sha256:/, "");
  return (
    <code class="id" title={id}>
      {bare.length > 16 ? `${bare.slice(0, 8)}…${bare.slice(-6)}` : bare}
    </code>
  );
}
