// Who gets how much of an answer, to the last pico-credit.
import type { PriceLine } from "./types";

/** An answer as people ask for it: a short question, some paragraphs back. */
export const EXAMPLE = { input: 100, output: 300 };

export interface Share extends PriceLine {
  /** Pico-credits of the example. */
  amount: bigint;
  /** Of all in tenths of a percent. */
  part: number;
}

export interface Shares {
  lines: Share[];
  input: bigint;
  output: bigint;
  amount: bigint;
}

/** A price applied to an answer of the example's size. */
export function shares(lines: PriceLine[], tokens = EXAMPLE): Shares {
  const sum = (values: bigint[]) => values.reduce((all, one) => all + one, 0n);
  const amounts = lines.map((line) => BigInt(line.input_rate) * BigInt(tokens.input) + BigInt(line.output_rate) * BigInt(tokens.output));
  const amount = sum(amounts);
  return {
    lines: lines.map((line, at) => ({ ...line, amount: amounts[at]!, part: amount === 0n ? 0 : Number((amounts[at]! * 1000n + amount / 2n) / amount) })),
    input: sum(lines.map((line) => BigInt(line.input_rate))),
    output: sum(lines.map((line) => BigInt(line.output_rate))),
    amount,
  };
}
