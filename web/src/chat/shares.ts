// The sums and shares of a bill, exact.

import type { Bill } from "./tree";

/** How many people a bill pays: a publisher once, however many of its works are in it. */
export function people(bill: Bill): number {
  const paid = bill.lines.filter((line) => BigInt(line.pico) > 0n);
  return new Set(paid.map((line) => (line.what === "royalty" && line.payee.includes("/") ? line.payee.split("/")[0] : line.payee))).size;
}

/** A share in percent with one digit, rounded; what is not nothing is never shown as nothing. */
export function percent(part: bigint, whole: bigint): string {
  if (whole === 0n) return "–";
  const tenths = (part * 2000n + whole) / (whole * 2n);
  if (part > 0n && tenths === 0n) return "<0.1%";
  return part === whole ? "100%" : `${tenths / 10n}.${tenths % 10n}%`;
}

export function sum(bill: Bill): bigint {
  return bill.lines.reduce((all, line) => all + BigInt(line.pico), 0n);
}

export const digitsOf = (decimal: string) => decimal.split(".")[1]?.length ?? 0;

/** With as many digits after the point as the others below and above: amounts can be compared by eye. */
export function padded(decimal: string, digits: number): string {
  if (digits === 0) return decimal;
  const [whole, part = ""] = decimal.split(".");
  return `${whole}.${part.padEnd(digits, "0")}`;
}
