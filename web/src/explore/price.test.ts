import { expect, test } from "vitest";
import { shares } from "./price";
import type { PriceLine } from "./types";

const line = (input_rate: number, output_rate: number): PriceLine => ({ payee: "a", id: "a", what: "royalty", input_rate, output_rate });

test("the lines of an answer sum exactly", () => {
  const found = shares([line(100_000, 200_000), line(50_000, 100_000), line(0, 0)]);
  expect(found.lines.map(({ amount }) => amount)).toEqual([70_000_000n, 35_000_000n, 0n]);
  expect(found.lines.map(({ part }) => part)).toEqual([667, 333, 0]);
  expect([found.input, found.output, found.amount]).toEqual([150_000n, 300_000n, 105_000_000n]);
});

test("what costs nothing has no shares", () => {
  expect(shares([line(0, 0)]).lines[0]!.part).toBe(0);
  expect(shares([]).amount).toBe(0n);
});
