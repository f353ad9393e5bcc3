// The RFC 6962 tree over a list. A node is named by its height and its place among those of that height.

import { type Bytes, same } from "./encoding";
import { sha256 } from "./crypto";

export type Node = (height: number, index: number) => Promise<Bytes>;

export const leafHash = (data: Bytes) => sha256(Uint8Array.of(0), data);
export const nodeHash = (left: Bytes, right: Bytes) => sha256(Uint8Array.of(1), left, right);

/** The root over a power of two of hashes. */
export async function perfect(hashes: Bytes[]): Promise<Bytes> {
  let level = hashes;
  while (level.length > 1) {
    level = await Promise.all(Array.from({ length: level.length / 2 }, (_, at) => nodeHash(level[2 * at]!, level[2 * at + 1]!)));
  }
  return level[0]!;
}

/** The largest power of two that is less than `size`. */
function half(size: number): number {
  let found = 1;
  while (found * 2 < size) found *= 2;
  return found;
}

/** The root over the leaves from `start` up to `end`, which begin at a multiple of their largest full part. */
export async function rootOf(start: number, end: number, node: Node): Promise<Bytes> {
  const size = end - start;
  if (size === 0) return sha256();
  const height = Math.round(Math.log2(size));
  if (2 ** height === size) return node(height, start / size);
  const middle = start + half(size);
  return nodeHash(await rootOf(start, middle, node), await rootOf(middle, end, node));
}

/** The siblings from a leaf to the root over `size` leaves. */
export async function pathOf(index: number, size: number, node: Node, start = 0): Promise<Bytes[]> {
  if (size === 1) return [];
  const left = half(size);
  const middle = start + left;
  return index < middle
    ? [...(await pathOf(index, left, node, start)), await rootOf(middle, start + size, node)]
    : [...(await pathOf(index, size - left, node, middle)), await rootOf(start, middle, node)];
}

/** The root that a leaf's data and its path lead to (RFC 9162, 2.1.3.2), or null if the path has another length. */
export async function follow(data: Bytes, index: number, size: number, path: Bytes[]): Promise<Bytes | null> {
  if (!Number.isSafeInteger(index) || index < 0 || index >= size) return null;
  let node = await leafHash(data);
  let at = index;
  let last = size - 1;
  const up = () => {
    at = Math.floor(at / 2);
    last = Math.floor(last / 2);
  };
  for (const sibling of path) {
    if (last === 0) return null;
    if (at % 2 === 1 || at === last) {
      node = await nodeHash(sibling, node);
      while (at !== 0 && at % 2 === 0) up();
    } else {
      node = await nodeHash(node, sibling);
    }
    up();
  }
  return last === 0 ? node : null;
}

export interface Root {
  size: number;
  root: Bytes;
}

/** Whether the tree `now` begins with the leaves of `old`: the same nodes lead to both roots. */
export async function follows(old: Root, now: Root, node: Node): Promise<boolean> {
  if (old.size > now.size) return false;
  const kept = new Map<string, Promise<Bytes>>();
  const once: Node = (height, index) => {
    const name = `${height}/${index}`;
    const found = kept.get(name) ?? node(height, index);
    kept.set(name, found);
    return found;
  };
  // A node with leaves on both sides of the old end is made of its halves, down to full parts of the old tree.
  const across: Node = async (height, index) => {
    const start = index * 2 ** height;
    if (start >= old.size || start + 2 ** height <= old.size) return once(height, index);
    return nodeHash(await across(height - 1, 2 * index), await across(height - 1, 2 * index + 1));
  };
  return same(await rootOf(0, old.size, once), old.root) && same(await rootOf(0, now.size, across), now.root);
}
