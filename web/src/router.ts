// Where the page is: the part of the address after `#`, so that no address of the page is one of the API.

import { computed, signal } from "@preact/signals";

export interface Place {
  /** Parts of the path, decoded; without any it is the chat. */
  path: string[];
  query: URLSearchParams;
}

const hash = signal(location.hash);
addEventListener("hashchange", () => {
  hash.value = location.hash;
});

export function read(text: string): Place {
  const [path = "", query = ""] = text.replace(/^#?\/?/, "").split("?", 2);
  const decoded = path.split("/").filter(Boolean).map((part) => {
    try {
      return decodeURIComponent(part);
    } catch {
      return part;
    }
  });
  return { path: decoded, query: new URLSearchParams(query) };
}

export const place = computed(() => read(hash.value));

/** The address of a place: `link(["artifact", id])`, `link(["explore"], { q: "tale" })`. */
export function link(path: string[], query: Record<string, string> = {}): string {
  const found = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== "")).toString();
  return `#/${path.map(encodeURIComponent).join("/")}${found && `?${found}`}`;
}

/** Goes there; `replace` leaves no step to go back to. */
export function go(to: string, replace = false) {
  if (replace) {
    history.replaceState(null, "", to);
    hash.value = location.hash;
  } else {
    location.hash = to;
  }
}
