// The scroll of a conversation: it follows a growing answer while the reader is at the end, and stays where the reader is otherwise.

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

/** Pixels from the end that still count as the end. */
const NEAR = 48;

/** `conversation` and `run` lead to the end whenever they change: one is opened, or a new answer begins. */
export function useFollow(conversation: string, run: string | undefined) {
  const outer = useRef<HTMLDivElement>(null);
  const inner = useRef<HTMLDivElement>(null);
  const following = useRef(true);
  const top = useRef(0);
  const [away, set] = useState(false);
  const toEnd = () => {
    following.current = true;
    outer.current?.scrollTo({ top: outer.current.scrollHeight });
  };
  const look = () => {
    // The last word of a size can come after the page was left.
    if (!outer.current) return;
    const { scrollHeight, scrollTop, clientHeight } = outer.current;
    const near = scrollHeight - scrollTop - clientHeight < NEAR;
    // Only going up leaves the end; an answer that grew since is no reason.
    if (near || scrollTop < top.current) following.current = near;
    top.current = scrollTop;
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
