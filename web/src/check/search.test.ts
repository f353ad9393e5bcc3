// A long log is halved until the place is found, not read.

import { replay } from "./replay";
import { beforeEach, expect, test } from "vitest";
import { entryOf, firstEntry, lastBefore } from "./search";

const ACCOUNT = "aa".repeat(32);
const OTHER = "bb".repeat(32);
/** A channel opened in entry 4000 of 500,000, settled in every tenth entry after it; the account's sequences rise with them. */
const all = [
  { entry: 4000, account: OTHER, sequence: 3, applied: true, operation: { kind: "open" } },
  ...Array.from({ length: 49_000 }, (_, at) => ({ entry: 4010 + 10 * at, account: ACCOUNT, sequence: 7 + at, applied: true, operation: { kind: "settle" } })),
];
let asked = 0;

beforeEach(() => {
  asked = 0;
  replay({});
  globalThis.fetch = async (path) => {
    asked += 1;
    const query = new URLSearchParams(String(path).split("?")[1]);
    const before = Number(query.get("before") ?? Infinity);
    const operations = all.filter((one) => one.entry < before).slice(-Number(query.get("limit"))).reverse();
    return Response.json({ operations });
  };
});

test("the operation that began something", async () => {
  expect(await firstEntry("channel=x", (one) => one.operation.kind === "open")).toBe(4000);
  expect(asked).toBeLessThan(70);
  expect(await firstEntry("channel=x", (one) => one.operation.kind === "publish")).toBeNull();
});

test("an account's operation by its sequence, and the one before an entry", async () => {
  for (const sequence of [7, 8, 25_000, 49_006]) expect(await entryOf(ACCOUNT, sequence)).toBe(4010 + 10 * (sequence - 7));
  expect(asked).toBeLessThan(4 * 70);
  expect(await entryOf(ACCOUNT, 49_007)).toBeNull();
  expect(await entryOf(ACCOUNT, 2)).toBeNull();
  expect((await lastBefore(ACCOUNT, 5001))?.entry).toBe(5000);
  expect(await lastBefore(ACCOUNT, 4010)).toBeNull();
});
