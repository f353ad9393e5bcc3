// The trees and heads against a log of another maker's tools, and encodings against what a node answered.

import "./replay";
import { describe, expect, test } from "vitest";
import { base64, decode, hex, Malformed, same } from "./encoding";
import { readNote } from "./head";
import { genesis, signedReceipt } from "./shapes";
import { tileNumber, Tiles } from "./tiles";
import { follow, follows, leafHash, pathOf, rootOf } from "./trees";
import node from "./testdata/node.json";
import tlog from "./testdata/tlog.json";

const tiles: Record<string, string> = tlog.tiles;
const log = new Tiles(1000, async (path) => base64(tiles[path]!));
const [, origin, key] = /^([^+]+)\+[0-9a-f]{8}\+(.*)$/.exec(tlog.vkey) as unknown as [string, string, string];
// Behind the algorithm's number.
const replica = hex(base64(key).slice(1));

describe("a log of other tools", () => {
  test("its heads are signed, and a changed one is not", async () => {
    const head = await readNote(tlog.checkpoint, origin, [replica]);
    expect(head?.size).toBe(1000);
    expect(await readNote(tlog.checkpoint.replace("1000", "1001"), origin, [replica])).toBeNull();
    expect(await readNote(tlog.checkpoint, "another", [replica])).toBeNull();
    expect(await readNote(tlog.checkpoint, origin, [])).toBeNull();
  });

  test("its tiles lead to both heads, and the later goes on from the earlier", async () => {
    const now = (await readNote(tlog.checkpoint, origin, [replica]))!;
    const old = (await readNote(tlog.checkpoint300, origin, [replica]))!;
    expect(same(await rootOf(0, 1000, log.node), now.root)).toBe(true);
    expect(await follows(old, now, log.node)).toBe(true);
    expect(await follows({ ...old, root: now.root }, now, log.node)).toBe(false);
    expect(await follows(old, { ...now, root: old.root }, log.node)).toBe(false);
    expect(await follows(now, old, log.node)).toBe(false);
  });

  test("an entry is under the root at its place, and at no other", async () => {
    const now = (await readNote(tlog.checkpoint, origin, [replica]))!;
    const entry = (await log.bundle(1))[7]!;
    const path = await pathOf(263, 1000, log.node);
    expect(same((await follow(entry, 263, 1000, path))!, now.root)).toBe(true);
    const elsewhere = await follow(entry, 262, 1000, path);
    expect(elsewhere && same(elsewhere, now.root)).toBeFalsy();
    expect(await follow(entry, 263, 1000, path.slice(1))).toBeNull();
    expect(await follow(entry, 1000, 1000, path)).toBeNull();
  });

  test("every size of a small tree: paths and consistency", async () => {
    const data = Array.from({ length: 20 }, (_, at) => Uint8Array.of(at));
    const leaves = await Promise.all(data.map(leafHash));
    const small = new Tiles(20, async () => Uint8Array.from(leaves.flatMap((leaf) => [...leaf])));
    for (let size = 1; size <= 20; size += 1) {
      const root = await rootOf(0, size, small.node);
      for (let at = 0; at < size; at += 1) {
        const found = await follow(data[at]!, at, size, await pathOf(at, size, small.node));
        expect(found && same(found, root)).toBe(true);
      }
      for (let old = 0; old <= size; old += 1) {
        expect(await follows({ size: old, root: await rootOf(0, old, small.node) }, { size, root }, small.node)).toBe(true);
      }
    }
  });
});

test("names of tiles", () => {
  expect([0, 7, 67, 999, 1000, 1234067].map(tileNumber)).toEqual(["000", "007", "067", "999", "x001/000", "x001/x234/067"]);
});

describe("encodings", () => {
  const receipt = base64((JSON.parse(atob(node["/receipts/08328e945cf3f8310688ce5ecf0e81f4"].body)) as { receipt: string }).receipt);

  test("a founding document and a receipt are read", () => {
    expect(decode(genesis, base64(node["/ledger/genesis"].body)).origin).toBe("pumasi.play/32fd5f72");
    expect(decode(signedReceipt, receipt).body.usage).toEqual({ input: 9n, output: 60n });
  });

  test("bytes too few, too many, or not allowed are refused", () => {
    expect(() => decode(signedReceipt, receipt.slice(0, -1))).toThrow(Malformed);
    expect(() => decode(signedReceipt, Uint8Array.from([...receipt, 0]))).toThrow(Malformed);
    const finish = receipt.slice();
    // After the signed order, the number, the answer's digest and two counts of tokens.
    finish[200 + 8 + 32 + 16] = 4;
    expect(() => decode(signedReceipt, finish)).toThrow(Malformed);
  });
});
