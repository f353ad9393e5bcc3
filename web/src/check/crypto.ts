// SHA-256 by the browser's own cryptography, and Ed25519 by the ledger's rule.

import { verifyAsync } from "@noble/ed25519";

import type { Said } from "../language";
import { type Bytes, join, littleEndian, textBytes, unhex } from "./encoding";

const words = {
  none: [
    "This browser has no cryptography for addresses without https other than this machine's own. Open the page as http://127.0.0.1:… or by https, or run pumasi bill and pumasi audit.",
    "이 컴퓨터의 주소나 https가 아니면 브라우저가 암호 기능을 열어 주지 않습니다. http://127.0.0.1:… 이나 https로 열거나 pumasi bill과 pumasi audit를 실행하세요.",
  ],
} satisfies Record<string, Said>;

const subtle = () => globalThis.crypto?.subtle as SubtleCrypto | undefined;

export async function sha256(...parts: Bytes[]): Promise<Bytes> {
  return new Uint8Array(await subtle()!.digest("SHA-256", join(...parts)));
}

/** Why nothing can be checked in this browser, or null if it can. */
export function unable(): Said | null {
  return subtle() ? null : words.none;
}

const P = 2n ** 255n - 19n;
/** The y-coordinates of the eight points of small order: of order 1, 2, 4, and two of order 8 with either sign of x. */
const ORDER_8 = littleEndian(unhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"));
const SMALL = new Set([1n, P - 1n, 0n, ORDER_8, P - ORDER_8]);

/** Whether a key stands for anybody: under one of small order everything is signed. */
function stands(key: Bytes): boolean {
  const y = littleEndian(key) & (2n ** 255n - 1n);
  return y < P && !SMALL.has(y);
}

/** Whether the signature is good by the rule of docs/ledger.md: that of ZIP 215, which the library has and browsers have not. */
export async function verify(key: string, message: Bytes, signature: Bytes): Promise<boolean> {
  const bytes = unhex(key);
  return signature.length === 64 && stands(bytes) && verifyAsync(signature, message, bytes);
}

export type Purpose = "operation" | "order" | "receipt" | "refusal" | "voucher";

/** Whether `key` signed the body for this network and purpose, and for no other. */
export function verifySigned(purpose: Purpose, network: string, key: string, signed: { bytes: Bytes; signature: Bytes }): Promise<boolean> {
  return verify(key, join(textBytes(`pumasi/${purpose}/1`), unhex(network), signed.bytes), signed.signature);
}
