// For tests: a browser's storage, and a node that answers as one was recorded to.

interface Answer {
  status: number;
  /** Base64 of the body. */
  body: string;
}
export type Recorded = Record<string, Answer>;

const kept = new Map<string, string>();
const storage = {
  getItem: (name: string) => kept.get(name) ?? null,
  setItem: (name: string, value: string) => void kept.set(name, value),
  removeItem: (name: string) => void kept.delete(name),
  clear: () => kept.clear(),
};
Object.defineProperty(globalThis, "localStorage", { value: storage, configurable: true });
Object.defineProperty(globalThis, "navigator", { value: { languages: ["en"] }, configurable: true });

/** Answers from `recorded`; `change` may answer otherwise. What was not recorded is not there. */
export function replay(recorded: Recorded, change: (path: string, body: string) => string | undefined = () => undefined) {
  globalThis.fetch = async (asked) => {
    const path = String(asked);
    const found = recorded[path];
    if (!found) return new Response(JSON.stringify({ error: { message: `nothing at ${path}`, code: "" } }), { status: 404 });
    const bytes = Uint8Array.from(atob(change(path, found.body) ?? found.body), (one) => one.charCodeAt(0));
    return new Response(bytes, { status: found.status });
  };
}
