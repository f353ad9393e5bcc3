import { expect, test } from "vitest";
import { digitsOf, padded, people, percent, sum } from "./shares";
import type { Bill } from "./tree";

const line = (payee: string, what: "provider_fee" | "royalty" | "gateway_fee", pico: string) => ({ payee, id: payee, what, input_rate: 1, output_rate: 1, pico });
const bill: Bill = {
  receipt: "r",
  pico: "9007199254740995",
  lines: [line("this-machine", "provider_fee", "9007199254740993"), line("iyagi/story:latest", "royalty", "1"), line("iyagi/tales:latest", "royalty", "1"), line("dure/facts:latest", "royalty", "0")],
};

test("a publisher is one person, and who got nothing is none", () => {
  expect(people(bill)).toBe(2);
});

test("sums are exact where a number would not be", () => {
  expect(sum(bill)).toBe(9007199254740995n);
});

test("shares have one digit, and nothing is rounded away", () => {
  expect(percent(1n, 3n)).toBe("33.3%");
  expect(percent(2n, 3n)).toBe("66.7%");
  expect(percent(5n, 100n)).toBe("5.0%");
  expect(percent(7n, 7n)).toBe("100%");
  expect(percent(1n, 1_000_000n)).toBe("<0.1%");
  expect(percent(0n, 5n)).toBe("0.0%");
  expect(percent(0n, 0n)).toBe("–");
});

test("amounts stand under each other", () => {
  expect(digitsOf("0.0015")).toBe(4);
  expect(digitsOf("3")).toBe(0);
  expect(padded("0.01", 4)).toBe("0.0100");
  expect(padded("3", 2)).toBe("3.00");
  expect(padded("3", 0)).toBe("3");
});
