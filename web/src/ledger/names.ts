// How people call accounts and artifacts. The ledger's operations carry ids only; their names are looked up once each.

import { signal } from "@preact/signals";
import { get } from "../api";

const known = signal<Record<string, string>>({});
const asked = new Set<string>();
const waiting: (() => Promise<void>)[] = [];
const AT_ONCE = 4;
let running = 0;

function next() {
  while (running < AT_ONCE) {
    const work = waiting.shift();
    if (!work) return;
    running += 1;
    void work().finally(() => {
      running -= 1;
      next();
    });
  }
}

function look(id: string, find: () => Promise<string | null>): string {
  const name = known.value[id];
  if (name === undefined && !asked.has(id)) {
    asked.add(id);
    waiting.push(async () => {
      try {
        const found = await find();
        if (found !== null) known.value = { ...known.value, [id]: found };
      } catch {
        // Its id stands for it.
      }
    });
    queueMicrotask(next);
  }
  return name ?? short(id);
}

/** A long identifier, cut in its middle. */
export function short(id: string): string {
  const bare = id.replace(/^sha256:/, "");
  return bare.length > 16 ? `${bare.slice(0, 8)}…${bare.slice(-6)}` : bare;
}

export const accountName = (id: string) => look(id, async () => (await get<{ name: string | null }>(`/ledger/accounts/${encodeURIComponent(id)}`)).name);

export const artifactName = (id: string) =>
  look(id, async () => {
    const artifact = await get<{ name: string; publisher: string }>(`/ledger/artifacts/${encodeURIComponent(id)}`);
    const publisher = await get<{ name: string | null }>(`/ledger/accounts/${artifact.publisher}`).catch(() => ({ name: null }));
    return `${publisher.name ?? short(artifact.publisher)}/${artifact.name}`;
  });
