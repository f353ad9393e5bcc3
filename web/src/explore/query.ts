// What somebody looks for among the artifacts: in the address of the page, and as the API is asked.

import { CLASSES, KINDS, type Class, type Kind } from "./types";

export const SORTS = ["newest", "name", "price", "use", "earned", "children"] as const;
export type Sort = (typeof SORTS)[number];

export interface Wanted {
  q: string;
  kind: Kind | "";
  license: string;
  publisher: string;
  /** At least this class. */
  openness: Class | "";
  /** Pico-credits per token that neither rate of the price exceeds. */
  price_max: string;
  /** What these works name as their parent. */
  parent: string;
  sort: Sort;
}

/** As many as the API takes. */
export const QUERY_MAX = 200;

/** What was typed, in the form that everybody's keyboard leads to: macOS sends Hangul taken apart. */
export function normal(text: string): string {
  return [...text.normalize("NFC").trim().replace(/\s+/gu, " ")].slice(0, QUERY_MAX).join("");
}

const one = <T extends string>(all: readonly T[], text: string | null): T | undefined => all.find((value) => value === text);

/** What an address asks for; what it says wrongly is as if it were not there. */
export function wanted(query: URLSearchParams): Wanted {
  const text = (name: string) => normal(query.get(name) ?? "");
  return {
    q: text("q"),
    kind: one(KINDS, query.get("kind")) ?? "",
    license: text("license"),
    publisher: text("publisher"),
    openness: one(CLASSES, query.get("openness")) ?? "",
    price_max: /^\d{1,18}$/.test(query.get("price_max") ?? "") ? query.get("price_max")! : "",
    parent: text("parent"),
    sort: one(SORTS, query.get("sort")) ?? "newest",
  };
}

/** What differs from looking at everything, newest first. */
export function asked(of: Wanted): Record<string, string> {
  const all = Object.entries(of).filter(([name, value]) => value !== "" && !(name === "sort" && value === "newest"));
  return Object.fromEntries(all);
}

/** The same as a path of the API. */
export function path(of: Wanted, limit: number, after?: string): string {
  const query = new URLSearchParams({ ...asked(of), limit: String(limit) });
  if (after) query.set("after", after);
  return `/artifacts?${query.toString()}`;
}

/** How many filters are set, beside the words and the kind, which one sees anyway. */
export function narrowed(of: Wanted): number {
  return [of.license, of.openness, of.price_max].filter((value) => value !== "").length;
}
