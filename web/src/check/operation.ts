// Whether an operation stands in the signed log as it is shown.

import type { Said } from "../language";
import { trusted } from "./head";
import { Ended, type Step, Steps, told, Wrong } from "./steps";
import { logged } from "./terms";

const words = {
  stands: ["The operation stands under that head, signed by its key", "작업이 그 머리 아래에 있고 제 키의 서명이 있는지"],
  why: [
    "Account, sequence, time, kind and result are as shown. Whether it was rightly applied is what pumasi audit replays.",
    "계정, 순번, 시각, 종류, 결과가 보이는 그대로입니다. 규칙대로 적용했는지는 pumasi audit가 다시 계산합니다.",
  ],
  other: ["The log holds {what} other than shown.", "로그의 {what} 값이 보이는 것과 다릅니다."],
} satisfies Record<string, Said>;

interface Shown {
  entry: number;
  time: number;
  account: string;
  sequence: number;
  operation: { kind: string };
  refusal: { code: number } | null;
}

export async function checkOperation(shown: Shown, changed: (done: Step[], running: Step | null) => void): Promise<void> {
  const steps = new Steps(changed);
  try {
    const trust = await trusted(steps);
    await steps.run(words.stands, async (step) => {
      const { request, at, result } = await logged(trust, shown.entry);
      const pairs: [Said, unknown, unknown][] = [
        [["an account", "계정"], request.account, shown.account],
        [["a sequence", "순번"], request.sequence, BigInt(shown.sequence)],
        [["a time", "시각"], at, BigInt(shown.time)],
        [["a kind", "종류"], request.operation.kind, shown.operation.kind],
        [["a result", "결과"], result, shown.refusal?.code ?? 0],
      ];
      const other = pairs.find(([, logs, ours]) => logs !== ours);
      if (other) throw new Wrong([told(words.other, { what: other[0][0] })[0], told(words.other, { what: other[0][1] })[1]]);
      step.why = words.why;
    });
  } catch (error) {
    if (!(error instanceof Ended)) throw error;
  }
}
