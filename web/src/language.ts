// What the page says, in Korean and English: both sentences stand side by side, so neither can be missing.

import { signal } from "@preact/signals";

export type Language = "en" | "ko";
/** A sentence in English and in Korean. `{name}` is filled in; `{name|은/는}` gets the Korean particle that its last letter asks for. */
export type Said = readonly [en: string, ko: string];

const KEPT = "pumasi-language";

function first(): Language {
  const kept = localStorage.getItem(KEPT);
  if (kept === "en" || kept === "ko") return kept;
  return navigator.languages.some((one) => one.toLowerCase().startsWith("ko")) ? "ko" : "en";
}

/** The language of the page. */
export const language = signal<Language>(first());

export function choose(to: Language) {
  localStorage.setItem(KEPT, to);
  language.value = to;
}

/** The sentence in the language of the page. */
export function say(said: Said, values: Record<string, string | number> = {}): string {
  const text = said[language.value === "ko" ? 1 : 0];
  return text.replace(/\{(\w+)(?:\|([^/}]+)\/([^}]+))?\}/g, (whole, name: string, closed?: string, open?: string) => {
    const value = values[name];
    if (value === undefined) return whole;
    const shown = typeof value === "number" ? number(value) : value;
    return closed === undefined ? shown : shown + (endsInConsonant(shown) ? closed : open);
  });
}

/** Whether a Korean particle after `text` takes the form for a final consonant. Digits count as they are read in Korean. */
export function endsInConsonant(text: string): boolean {
  const last = [...text.normalize("NFC")].findLast((one) => /[\p{L}\p{N}]/u.test(one));
  if (last === undefined) return false;
  const code = last.codePointAt(0)!;
  if (code >= 0xac00 && code <= 0xd7a3) return (code - 0xac00) % 28 !== 0;
  return /[013678lmnr]/i.test(last);
}

const locale = () => (language.value === "ko" ? "ko-KR" : "en-US");

export function number(value: number | bigint): string {
  return new Intl.NumberFormat(locale()).format(value);
}

/** A moment, given in milliseconds since 1970, as people say it. */
export function moment(ms: number): string {
  return new Intl.DateTimeFormat(locale(), { dateStyle: "medium", timeStyle: "short" }).format(ms);
}

export function day(ms: number): string {
  return new Intl.DateTimeFormat(locale(), { dateStyle: "medium", timeZone: "UTC" }).format(ms);
}

export function bytes(size: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let at = 0;
  while (size >= 1000 && at < units.length - 1) {
    size /= 1000;
    at += 1;
  }
  return `${new Intl.NumberFormat(locale(), { maximumFractionDigits: size < 10 && at > 0 ? 1 : 0 }).format(size)} ${units[at]}`;
}
