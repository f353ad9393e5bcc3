// The artifacts that were looked for, page after page, kept for whoever comes back from one of them.

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { get, Problem } from "../api";
import { path, type Wanted } from "./query";
import type { Summaries, Summary } from "./types";

const PAGE = 50;

export interface Found {
  /** What was asked for. */
  key: string;
  /** As they came; undefined until the first one did. */
  pages: Summary[][] | undefined;
  found: number;
  next: string | null;
  busy: boolean;
  problem: Problem | undefined;
}

let kept: Found | undefined;

/** Where one stood in the list: at which work, and how far it was from the top of the window. */
interface Stood {
  stood: string;
  top: number;
}

/** Remembers in the history which work is followed, so that going back leads there. */
export function mark({ target }: Event) {
  const work = (target as Element).closest<HTMLElement>("[data-id]");
  if (work) history.replaceState({ stood: work.dataset["id"]!, top: work.getBoundingClientRect().top } satisfies Stood, "");
}
const stood = () => {
  const state = history.state as Partial<Stood> | null;
  return state?.stood === undefined ? undefined : (state as Stood);
};

function back({ stood: id, top }: Stood) {
  const work = document.querySelector(`[data-id="${CSS.escape(id)}"]`);
  // What was not seen yet has no certain height: only once it is in sight one knows where it is.
  work?.scrollIntoView({ block: "start" });
  if (work) scrollBy(0, work.getBoundingClientRect().top - top);
}

export function useFound(of: Wanted): Found & { old: boolean; more: () => void; again: () => void } {
  const key = path(of, PAGE);
  const [state, set] = useState<Found>(() => {
    const nothing = { key, pages: undefined, found: 0, next: null, busy: true, problem: undefined };
    return kept?.key === key && stood() !== undefined ? kept : nothing;
  });
  const now = useRef(state);
  now.current = state;
  const running = useRef<AbortController | undefined>(undefined);

  const load = useCallback(
    (after: string | null) => {
      running.current?.abort();
      const stop = new AbortController();
      running.current = stop;
      set((old) => ({ ...old, busy: true }));
      get<Summaries>(path(of, PAGE, after ?? undefined), stop.signal).then(
        (page) => {
          if (stop.signal.aborted) return;
          const before = after === null ? [] : (now.current.pages ?? []);
          set({ key, pages: [...before, page.artifacts], found: page.found, next: page.next, busy: false, problem: undefined });
        },
        (error: unknown) => {
          if (stop.signal.aborted) return;
          const problem = error instanceof Problem ? error : new Problem(0, "", String(error));
          // The list changed so much that its last one is gone from it.
          if (after !== null && problem.field === "after") load(null);
          else set((old) => ({ ...old, busy: false, problem }));
        },
      );
    },
    [key],
  );
  const more = useCallback(() => {
    const { next, busy, problem } = now.current;
    if (next && !busy && !problem) load(next);
  }, [load]);
  const again = useCallback(() => load(now.current.key === key && now.current.pages ? now.current.next : null), [load]);

  useEffect(() => {
    if (now.current.key === key && now.current.pages) {
      const to = stood();
      if (to) back(to);
    } else load(null);
    return () => running.current?.abort();
  }, [load]);
  useEffect(() => {
    if (!state.busy && !state.problem) kept = state;
  }, [state]);
  const gone = state.problem?.code === "unreachable";
  useEffect(() => {
    if (!gone) return;
    const timer = setInterval(again, 3000);
    return () => clearInterval(timer);
  }, [gone, again]);
  return { ...state, old: state.key !== key, more, again };
}
