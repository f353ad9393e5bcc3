// The public log as a node serves it (C2SP tlog-tiles). Nothing of it is believed here: only roots over it are.

import { Problem } from "../api";
import { type Bytes, Malformed } from "./encoding";
import { type Node, perfect } from "./trees";

/** How many hashes or entries a full tile holds. */
export const TILE = 256;

export type Fetch = (path: string) => Promise<Bytes>;

/** Groups of three digits, all but the last behind an x: 1234067 is x001/x234/067. */
export function tileNumber(index: number): string {
  const digits = String(index);
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, "0").match(/.../g)!;
  return groups.map((group, at) => (at < groups.length - 1 ? `x${group}` : group)).join("/");
}

/** The entries of a bundle: each behind its length in two bytes, the high one first. */
export function bundleEntries(data: Bytes): Bytes[] {
  const entries: Bytes[] = [];
  let at = 0;
  while (at < data.length) {
    const length = (data[at]! << 8) | (data[at + 1] ?? 0);
    if (at + 2 + length > data.length) throw new Malformed("a bundle ends within an entry");
    entries.push(data.slice(at + 2, at + 2 + length));
    at += 2 + length;
  }
  return entries;
}

/** What lies under a log of `size` entries. */
export class Tiles {
  private kept = new Map<string, Promise<Bytes>>();
  constructor(
    readonly size: number,
    private fetch: Fetch,
  ) {}

  private async load(name: string, index: number, of: number): Promise<Bytes> {
    const width = Math.min(TILE, of - index * TILE);
    const full = `${name}/${tileNumber(index)}`;
    const path = width === TILE ? full : `${full}.p/${width}`;
    let found = this.kept.get(path);
    if (!found) {
      // Once a tile is full a log may forget the partial ones; the full one begins with the same.
      found = this.fetch(path).catch((error: unknown) => {
        if (width === TILE || !(error instanceof Problem && error.status === 404)) throw error;
        return this.fetch(full);
      });
      this.kept.set(path, found);
      found.catch(() => this.kept.delete(path));
    }
    return found;
  }

  /** A node of the tree, from the tile that holds it or what it is made of. */
  node: Node = async (height, index) => {
    const level = Math.floor(height / 8);
    const width = 2 ** (height % 8);
    const first = index * width;
    const tile = await this.load(`${level}`, Math.floor(first / TILE), Math.floor(this.size / TILE ** level));
    const hashes = Array.from({ length: width }, (_, at) => tile.slice(((first % TILE) + at) * 32, ((first % TILE) + at + 1) * 32));
    if (hashes.some((hash) => hash.length !== 32)) throw new Malformed("a tile holds too few hashes");
    return perfect(hashes);
  };

  /** The entries of a bundle, as many as the log has. */
  async bundle(index: number): Promise<Bytes[]> {
    const entries = bundleEntries(await this.load("entries", index, this.size));
    const width = Math.min(TILE, this.size - index * TILE);
    if (entries.length < width) throw new Malformed("a bundle holds too few entries");
    return entries.slice(0, width);
  }
}
