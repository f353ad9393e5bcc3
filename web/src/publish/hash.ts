// The digest of a file, with progress; known ones are not computed again.

import type { Told } from "./hash.worker";

const known = new WeakMap<File, string>();

export async function digest(file: File, progress: (done: number) => void, signal: AbortSignal): Promise<string> {
  const found = known.get(file);
  if (found) return found;
  const worker = new Worker(new URL("./hash.worker.ts", import.meta.url), { type: "module" });
  try {
    const computed = await new Promise<string>((settle, fail) => {
      signal.addEventListener("abort", () => fail(signal.reason));
      worker.onerror = (event) => fail(new Error(event.message));
      worker.onmessage = ({ data }: MessageEvent<Told>) => {
        if ("done" in data) progress(data.done);
        else if ("digest" in data) settle(data.digest);
        else fail(new Error(data.failed));
      };
      worker.postMessage(file);
    });
    known.set(file, computed);
    return computed;
  } finally {
    worker.terminate();
  }
}
