// The encoding of docs/ledger.md, read only: every value has exactly one byte string, so what was signed can be cut out of
// the bytes instead of being written again.

export type Bytes = Uint8Array<ArrayBuffer>;

/** The bytes are not the encoding of a value. */
export class Malformed extends Error {}

export class Reader {
  at = 0;
  constructor(readonly data: Bytes) {}

  take(count: number): Bytes {
    const end = this.at + count;
    if (end > this.data.length) throw new Malformed("the bytes end within a value");
    const taken = this.data.slice(this.at, end);
    this.at = end;
    return taken;
  }
}

export type Read<T> = (from: Reader) => T;

/** The value that these bytes are, all of them. */
export function decode<T>(read: Read<T>, data: Bytes): T {
  const from = new Reader(data);
  const value = read(from);
  if (from.at !== data.length) throw new Malformed("bytes follow the value");
  return value;
}

export function littleEndian(bytes: Bytes): bigint {
  let value = 0n;
  for (let at = bytes.length - 1; at >= 0; at -= 1) value = (value << 8n) | BigInt(bytes[at]!);
  return value;
}

export const u16: Read<number> = (from) => Number(littleEndian(from.take(2)));
export const u32: Read<number> = (from) => Number(littleEndian(from.take(4)));
export const u64: Read<bigint> = (from) => littleEndian(from.take(8));
export const u128: Read<bigint> = (from) => littleEndian(from.take(16));

/** A byte that is below a bound. */
export const below = (bound: number): Read<number> => (from) => {
  const value = from.take(1)[0]!;
  if (value >= bound) throw new Malformed(`${value} is not a number below ${bound}`);
  return value;
};
/** A digest, key or id, as hexadecimal digits. */
export const id: Read<string> = (from) => hex(from.take(32));
export const orderId: Read<string> = (from) => hex(from.take(16));
export const signature: Read<Bytes> = (from) => from.take(64);

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
export const text: Read<string> = (from) => {
  const bytes = from.take(u32(from));
  try {
    return utf8.decode(bytes);
  } catch {
    throw new Malformed("a text is not UTF-8");
  }
};

export const list = <T>(item: Read<T>): Read<T[]> => (from) => {
  const found: T[] = [];
  for (let left = u32(from); left > 0; left -= 1) found.push(item(from));
  return found;
};

export const option = <T>(item: Read<T>): Read<T | null> => (from) => (below(2)(from) === 1 ? item(from) : null);

type Fields = Record<string, Read<unknown>>;

export const struct = <F extends Fields>(fields: F): Read<{ [K in keyof F]: ReturnType<F[K]> }> => (from) => {
  const value: Record<string, unknown> = {};
  for (const [name, read] of Object.entries(fields)) value[name] = read(from);
  return value as { [K in keyof F]: ReturnType<F[K]> };
};

/** Cases are numbered in the order given. */
export const choice = <C extends Fields>(cases: C): Read<{ [K in keyof C]: { kind: K; body: ReturnType<C[K]> } }[keyof C]> => (from) => {
  const [kind, read] = Object.entries(cases)[below(Object.keys(cases).length)(from)]!;
  return { kind, body: read(from) } as { [K in keyof C]: { kind: K; body: ReturnType<C[K]> } }[keyof C];
};

export interface Signed<T> {
  body: T;
  /** The body's encoding, which is what was signed. */
  bytes: Bytes;
  signature: Bytes;
  /** Body and signature: what a signed thing's digest is of. */
  whole: Bytes;
}

export const signed = <T>(read: Read<T>): Read<Signed<T>> => (from) => {
  const start = from.at;
  const body = read(from);
  const bytes = from.data.slice(start, from.at);
  return { body, bytes, signature: signature(from), whole: from.data.slice(start, from.at) };
};

export function hex(bytes: Bytes): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Bytes of hexadecimal digits, perhaps behind a prefix such as `sha256:` or `ch_`. */
export function unhex(digits: string): Bytes {
  const bare = digits.replace(/^(?:sha256:|ch_|of_)/, "");
  if (!/^(?:[0-9a-f]{2})*$/.test(bare)) throw new Malformed("these are not hexadecimal digits");
  return Uint8Array.from(bare.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

export function base64(encoded: string): Bytes {
  try {
    return Uint8Array.from(atob(encoded), (one) => one.charCodeAt(0));
  } catch {
    throw new Malformed("this is not base64");
  }
}

export function bytesOf(written: string): Bytes {
  return new TextEncoder().encode(written) as Bytes;
}

export function join(...parts: Bytes[]): Bytes {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** A number as `size` bytes, little-endian. */
export function numberBytes(value: number | bigint, size: number): Bytes {
  return Uint8Array.from({ length: size }, (_, at) => Number((BigInt(value) >> BigInt(8 * at)) & 255n));
}

export const textBytes = (written: string): Bytes => {
  const bytes = bytesOf(written);
  return join(numberBytes(bytes.length, 4), bytes);
};

export const same = (a: Bytes, b: Bytes) => a.length === b.length && a.every((byte, at) => byte === b[at]);
