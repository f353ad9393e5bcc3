// The scroll of a conversation: it follows a growing answer while the reader is at the end, and stays where the reader is otherwise.

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

/** Pixels from the end that still count as the end. */
const NEAR = 48;

/** `conversation` and `run` lead to the end whenever they change: one is opened, or a new answer begins. */
export function useFollow(conversation: string, run: string | undefined) {
  const outer = useRef<HTMLDivElement>(null);
  const inner = useRef<HTMLDivElement>(null);
  const following = useRef(true);
  const [away, set] = useState(false);
  const toEnd = () => {
    following.current = true;
    outer.current?.scrollTo({ top: outer.current.scrollHeight });
  };
  const look = () => {
    const { scrollHeight, scrollTop, clientHeight } = outer.current!;
    following.current = scrollHeight - scrollTop - clientHeight < NEAR;
    set(!following.current);
  };
  useLayoutEffect(toEnd, [conversation]);
  useLayoutEffect(() => {
    if (run) toEnd();
  }, [run]);
  useEffect(() => {
    const sized = new ResizeObserver(() => {
      if (following.current) toEnd();
      look();
    });
    sized.observe(inner.current!);
    sized.observe(outer.current!);
    return () => sized.disconnect();
  }, []);
  return { outer, inner, away, toEnd, look };
}
