// SHA-256 and strict Ed25519 by the browser's own cryptography.

import type { Said } from "../language";
import { type Bytes, join, littleEndian, textBytes, unhex } from "./encoding";

const words = {
  none: [
    "This browser has no cryptography for addresses without https other than this machine's own. Open the page as http://127.0.0.1:… or by https, or run pumasi bill and pumasi audit.",
    "이 컴퓨터의 주소나 https가 아니면 브라우저가 암호 기능을 열어 주지 않습니다. http://127.0.0.1:… 이나 https로 열거나 pumasi bill과 pumasi audit를 실행하세요.",
  ],
  old: [
    "This browser cannot verify Ed25519 signatures. A newer one can; so can pumasi bill and pumasi audit.",
    "이 브라우저는 Ed25519 서명을 검사하지 못합니다. 새 브라우저에서 열거나 pumasi bill과 pumasi audit를 실행하세요.",
  ],
} satisfies Record<string, Said>;

const subtle = () => globalThis.crypto?.subtle as SubtleCrypto | undefined;

export async function sha256(...parts: Bytes[]): Promise<Bytes> {
  return new Uint8Array(await subtle()!.digest("SHA-256", join(...parts)));
}

const keys = new Map<string, Promise<CryptoKey>>();

function imported(key: string): Promise<CryptoKey> {
  let found = keys.get(key);
  if (!found) {
    found = subtle()!.importKey("raw", unhex(key), "Ed25519", false, ["verify"]);
    keys.set(key, found);
  }
  return found;
}

/** Why nothing can be checked in this browser, or null if it can. */
export async function unable(): Promise<Said | null> {
  if (!subtle()) return words.none;
  try {
    // The first test vector of RFC 8032: any key of a known curve point tells whether the browser knows Ed25519.
    await imported("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
    return null;
  } catch {
    return words.old;
  }
}

const P = 2n ** 255n - 19n;
const L = 2n ** 252n + 27742317777372353535851937790883648493n;
/** The y-coordinates of the eight points of small order: of order 1, 2, 4, and two of order 8 with either sign of x. */
const ORDER_8 = littleEndian(unhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"));
const SMALL = new Set([1n, P - 1n, 0n, ORDER_8, P - ORDER_8]);

function sound(point: Bytes): boolean {
  const y = littleEndian(point) & (2n ** 255n - 1n);
  return y < P && !SMALL.has(y);
}

/** Whether the signature is good by the strict rule of docs/ledger.md, which leaves no choice to a browser. */
export async function verify(key: string, message: Bytes, signature: Bytes): Promise<boolean> {
  if (signature.length !== 64 || !sound(unhex(key)) || !sound(signature.slice(0, 32))) return false;
  if (littleEndian(signature.slice(32)) >= L) return false;
  let known: CryptoKey;
  try {
    known = await imported(key);
  } catch {
    return false;
  }
  return subtle()!.verify("Ed25519", known, signature, message);
}

export type Purpose = "operation" | "order" | "receipt" | "refusal" | "voucher";

/** Whether `key` signed the body for this network and purpose, and for no other. */
export function verifySigned(purpose: Purpose, network: string, key: string, signed: { bytes: Bytes; signature: Bytes }): Promise<boolean> {
  return verify(key, join(textBytes(`pumasi/${purpose}/1`), unhex(network), signed.bytes), signed.signature);
}
