// Credits. Exact amounts are pico-credits (10⁻¹² credits) in a bigint, or decimal text; never a floating-point number.

import { language } from "./language";

const PICO = 1_000_000_000_000n;

/** Pico-credits of text as the API writes them; 0 for what is not there. */
export function pico(text: string | number | null | undefined): bigint {
  return text === null || text === undefined ? 0n : BigInt(text);
}

/** Exact credits as decimal text, such as `0.00002131`. */
export function credits(amount: bigint): string {
  const sign = amount < 0n ? "-" : "";
  const size = amount < 0n ? -amount : amount;
  const part = (size % PICO).toString().padStart(12, "0").replace(/0+$/, "");
  const whole = new Intl.NumberFormat(language.value === "ko" ? "ko-KR" : "en-US").format(size / PICO);
  return sign + whole + (part && `.${part}`);
}

/** Decimal text of a person as pico-credits; null if it is none, or has more than twelve digits after the point. */
export function parse(text: string): bigint | null {
  const found = /^(\d+)(?:\.(\d{1,12}))?$/.exec(text.trim().replaceAll(",", ""));
  if (!found) return null;
  return BigInt(found[1]!) * PICO + BigInt((found[2] ?? "").padEnd(12, "0"));
}

/** A rate, in pico-credits per token, as credits per million tokens. */
export function perMillion(rate: number | bigint): string {
  return credits(BigInt(rate) * 1_000_000n);
}
