// Something that comes from the node, for a component: what came, or what went wrong, and a way to ask again.

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { Problem, reachable } from "./api";

export interface Loaded<T> {
  value: T | undefined;
  problem: Problem | undefined;
  busy: boolean;
  again: () => void;
}

/** Loads when `keys` change; a later answer replaces an earlier one, never the other way around. */
export function useLoad<T>(load: (signal: AbortSignal) => Promise<T>, keys: unknown[]): Loaded<T> {
  const [state, set] = useState<Omit<Loaded<T>, "again">>({ value: undefined, problem: undefined, busy: true });
  const [round, turn] = useState(0);
  const running = useRef(load);
  running.current = load;
  useEffect(() => {
    const stop = new AbortController();
    set((old) => ({ ...old, busy: true }));
    running.current(stop.signal).then(
      (value) => stop.signal.aborted || set({ value, problem: undefined, busy: false }),
      (error: unknown) => {
        if (stop.signal.aborted) return;
        const problem = error instanceof Problem ? error : new Problem(0, "", String(error));
        set((old) => ({ ...old, problem, busy: false }));
      },
    );
    return () => stop.abort();
  }, [...keys, round]);
  const again = useCallback(() => turn((n) => n + 1), []);
  // Once the node is back, what could not be loaded is asked for again.
  const back = reachable.value;
  const failed = state.problem?.code === "unreachable";
  useEffect(() => {
    if (!failed) return;
    const timer = setInterval(again, 3000);
    return () => clearInterval(timer);
  }, [failed, back]);
  return { ...state, again };
}
