// A recorded node's receipt is proved, and nothing about it can be changed without being found out.

import { replay, type Recorded } from "./replay";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { checkBill, type Checked, type ReceiptView, type ShownBill } from "./bill";
import { base64, unhex } from "./encoding";
import { contradiction } from "./head";
import { checkLog } from "./log";
import { bundleEntries } from "./tiles";
import node from "./testdata/node.json";

const recorded: Recorded = node;
const ID = "08328e945cf3f8310688ce5ecf0e81f4";
const RECEIPT = `/receipts/${ID}`;
const view = JSON.parse(atob(node[RECEIPT as keyof typeof node].body)) as ReceiptView;
const shown: ShownBill = { pico: BigInt(view.bill!.pico), lines: view.bill!.lines.map((line) => ({ id: line.id, pico: BigInt(line.pico) })) };

/** The node's answer about the receipt, changed. */
function changed(change: (view: ReceiptView) => void) {
  const other = structuredClone(view);
  change(other);
  replay(recorded, (path) => (path === RECEIPT ? btoa(JSON.stringify(other)) : undefined));
}

/** Base64 with the bit of a byte turned around; counted from the end if `at` is below 0. */
function flipped(encoded: string, at: number): string {
  const bytes = Uint8Array.from(atob(encoded), (one) => one.charCodeAt(0));
  const place = at < 0 ? bytes.length + at : at;
  bytes[place] = bytes[place]! ^ 1;
  return btoa(String.fromCharCode(...bytes));
}

const last = (checked: { steps: Checked["steps"] }) => checked.steps.at(-1)!;

/** As in a browser that was never here, which has proved nothing yet. */
async function fresh(): Promise<typeof checkBill> {
  vi.resetModules();
  return (await import("./bill")).checkBill;
}

beforeEach(() => {
  localStorage.clear();
  replay(recorded);
});

describe("a bill", () => {
  test("is proved from the signed log", async () => {
    const found = await checkBill(ID, shown);
    expect(found.steps.map((step) => [step.name[0], step.state]).filter(([, state]) => state !== "ok")).toEqual([]);
    expect(found).toMatchObject({ state: "checked", pico: 29_580_000n });
    expect(found.steps).toHaveLength(13);
  });

  test("waits for its voucher and settlement, and is checked all the same", async () => {
    changed((other) => {
      other.voucher = null;
      other.settlement = null;
    });
    const found = await checkBill(ID, shown);
    expect(found.state).toBe("checked");
    expect(found.steps.slice(-2).map((step) => step.state)).toEqual(["later", "later"]);
  });

  test.each<[string, (other: ReceiptView) => void]>([
    ["another order", (other) => (other.order = flipped(other.order, 60))],
    ["an order's signature", (other) => {
      other.order = flipped(other.order, 180);
      other.receipt = flipped(other.receipt!, 180);
    }],
    ["the receipt's tokens", (other) => {
      other.receipt = flipped(other.receipt!, 240);
      other.input = other.input! ^ 1;
    }],
    ["the receipt's signature", (other) => (other.receipt = flipped(other.receipt!, -20))],
    ["the tokens shown", (other) => (other.output = 61)],
    ["a line's amount", (other) => (other.bill!.lines[1]!.pico = "1")],
    ["a line's rate", (other) => (other.bill!.lines[1]!.input_rate += 1)],
    ["a line's payee", (other) => (other.bill!.lines[1]!.id = other.bill!.lines[2]!.id)],
    ["a line more", (other) => other.bill!.lines.push(other.bill!.lines[1]!)],
    ["a line less", (other) => other.bill!.lines.pop()],
    ["the sum", (other) => (other.bill!.pico = "29580001")],
    ["the voucher's signature", (other) => (other.voucher!.voucher = flipped(other.voucher!.voucher, -1))],
    ["the place under the voucher", (other) => (other.voucher!.index = 1)],
    ["the path to the voucher's root", (other) => (other.voucher!.path[0] = `sha256:${"0".repeat(64)}`)],
    ["the settlement's entry", (other) => (other.settlement!.entry = 54)],
    ["the network", (other) => (other.network = `sha256:${"0".repeat(64)}`)],
    ["no receipt, and a bill", (other) => (other.receipt = null)],
    ["refused, and billed", (other) => (other.state = "refused")],
    ["bytes that are no receipt", (other) => (other.receipt = "AAAA")],
  ])("is false with %s changed", async (_, change) => {
    changed(change);
    const found = await checkBill(ID, shown);
    expect(last(found)).toMatchObject({ state: "bad" });
    expect(found.state).toBe("false");
  });

  test("is false if another was shown with the answer", async () => {
    const lines = shown.lines.map((line, at) => (at === 0 ? { ...line, pico: line.pico + 1n } : line));
    expect((await checkBill(ID, { ...shown, lines })).state).toBe("false");
    expect((await checkBill(ID, { ...shown, pico: shown.pico - 1n })).state).toBe("false");
  });

  test("is unchecked where something cannot be had, never checked", async () => {
    for (const path of Object.keys(recorded)) {
      const { [path]: _, ...rest } = recorded;
      replay(rest);
      localStorage.clear();
      const found = await (await fresh())(ID, shown);
      expect([path, found.state]).toEqual([path, "unchecked"]);
    }
  });

  test("is unchecked without the browser's cryptography", async () => {
    const { crypto } = globalThis;
    Object.defineProperty(globalThis, "crypto", { value: {}, configurable: true });
    const found = await checkBill(ID, shown);
    Object.defineProperty(globalThis, "crypto", { value: crypto, configurable: true });
    expect(found).toMatchObject({ state: "unchecked", pico: null });
    expect(found.steps).toHaveLength(1);
  });

  test("is false on another log than the head's", async () => {
    const bundle = "/log/tile/entries/000.p/64";
    // Within the operation that opened the channel.
    const open = bundleEntries(base64(node[bundle].body)).slice(0, 54).reduce((sum, entry) => sum + 2 + entry.length, 0) + 80;
    for (const [path, at] of [[bundle, open], ["/log/tile/0/000.p/64", 100], ["/log/checkpoint", 40], ["/ledger/genesis", 100]] as const) {
      replay(recorded, (asked, body) => (asked === path ? flipped(body, at) : undefined));
      localStorage.clear();
      const found = await (await fresh())(ID, shown);
      expect([path, found.state]).toEqual([path, "false"]);
    }
  });
});

describe("the log", () => {
  const check = (all = false) => checkLog(all, new AbortController().signal);

  test("is checked, and its head remembered", async () => {
    await checkBill(ID, shown);
    expect(await check()).toMatchObject({ state: "checked", size: 64 });
    expect(last(await check(true))).toMatchObject({ state: "ok" });
    expect(JSON.parse(localStorage.getItem("pumasi-head")!)).toMatchObject({ size: 64 });
  });

  test.each([["rewritten", 64], ["rewritten before", 42], ["shorter", 100]])("that is %s is a contradiction, which keeps both heads", async (_, size) => {
    localStorage.setItem("pumasi-head", JSON.stringify({ size, root: "00".repeat(32), note: "the note of then" }));
    const found = await check();
    expect(found.state).toBe("false");
    expect(contradiction()).toMatchObject({ before: "the note of then", now: new TextDecoder().decode(base64(node["/log/checkpoint"].body)) });
    expect(JSON.parse(localStorage.getItem("pumasi-head")!)).toMatchObject({ size });
  });

  test("of another network than the first is said so", async () => {
    localStorage.setItem("pumasi-network", JSON.stringify({ network: "ab".repeat(32), replicas: [], since: 0 }));
    const found = await check();
    expect(last(found)).toMatchObject({ state: "bad" });
    expect(last(found).why![0]).toContain("ANOTHER network");
  });

  test("with a changed entry does not lead to the signed root", async () => {
    const path = "/log/tile/entries/000.p/64";
    replay(recorded, (asked, body) => (asked === path ? flipped(body, 2 + 30) : undefined));
    const found = await check();
    expect(last(found)).toMatchObject({ state: "bad" });
  });
});

test("hexadecimal digits only", () => {
  expect(() => unhex("sha256:xy")).toThrow();
});
