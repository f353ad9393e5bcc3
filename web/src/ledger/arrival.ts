// Where a link led within these pages: at the top, and for a keyboard or a screen reader at the content.

import { useEffect, useRef } from "preact/hooks";
import { place } from "../router";

export function useArrival() {
  const { path, query } = place.value;
  const first = useRef(true);
  useEffect(() => {
    scrollTo(0, 0);
    if (!first.current) document.getElementById("main")?.focus({ preventScroll: true });
    first.current = false;
  }, [path.join("/"), query.toString()]);
}
