// Hashes one file beside the page, so that the page stays quick.

import { Sha256 } from "./sha256";

const SLICE = 8 << 20;

export type Told = { done: number } | { digest: string } | { failed: string };

addEventListener("message", (event: MessageEvent<File>) => {
  void hash(event.data).catch((error: unknown) => postMessage({ failed: String(error) } satisfies Told));
});

async function hash(file: File) {
  const sum = new Sha256();
  for (let at = 0; at < file.size; at += SLICE) {
    sum.update(new Uint8Array(await file.slice(at, at + SLICE).arrayBuffer()));
    postMessage({ done: Math.min(at + SLICE, file.size) } satisfies Told);
  }
  postMessage({ digest: `sha256:${sum.hex()}` } satisfies Told);
}
