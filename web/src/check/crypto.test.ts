// Signatures by the ledger's rule; the same ones are in the tests of crates/ledger and docs/auditor.

import { expect, test } from "vitest";
import { verify } from "./crypto";
import { textBytes, unhex } from "./encoding";

const message = textBytes("pumasi").slice(4);
/** Keys and nonces with a part of small order: the equation has the cofactor. */
const COFACTOR = [
  [
    "e53193c2580a5dd8f7ff537d8d2b58b43125d2ebbfc4393652eb26f4375603df",
    "29d31aca8add8f322c52c2fb7855fbde75e036c3f21c73b1a760ea0bb89a6bf0c080b66f49fcec9c267b4267fb9890245e8002987b722b3b8a7cf921fdbe660c",
  ],
  [
    "e152fd1d9d09cf39a165f81d10fb55f90747c661789860eed27805719e962479",
    "a8b282039212933b71d5ad87d735e51a673dfed5bc4bf6f9857594858e2583d779c1b7a654f506733ca8f0f278ef56701b9c2f66e6d763eafb36159443030a04",
  ],
  [
    "93a5674063c640b89c021bad4612b0ea4d2b63f046a1b5d56326a2828bc030a8",
    "780b5c527d764975ee8f2ef4f1d0022586f4f3e8a36685ef4e372cc31c005de0fdf4a089d4252589dd642ef09f2fc7fe3b9b82f0e85d5451ff9939fd960b790f",
  ],
] as const;

test.each(COFACTOR)("the equation has the cofactor: %s", async (key, signature) => {
  expect(await verify(key, message, unhex(signature))).toBe(true);
  expect(await verify(key, textBytes("pumasj").slice(4), unhex(signature))).toBe(false);
  expect(await verify(key, message, unhex(signature).slice(1))).toBe(false);
});

test("a key of small order signs nothing", async () => {
  // Under the neutral element as a key, R = [1]B and S = 1 sign every text.
  const signature = unhex("5866666666666666666666666666666666666666666666666666666666666666" + "01".padEnd(64, "0"));
  expect(await verify("01".padEnd(64, "0"), message, signature)).toBe(false);
});

test("bytes that are no key and no signature are refused", async () => {
  expect(await verify("02".repeat(32), message, new Uint8Array(64))).toBe(false);
  expect(await verify(COFACTOR[0][0], message, new Uint8Array(64).fill(255))).toBe(false);
});
