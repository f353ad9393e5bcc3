// The card of an artifact: a stranger's Markdown, made into what can stand on this page.

import DOMPurify from "dompurify";
import { Marked, type Token } from "marked";

const marked = new Marked({ gfm: true });
/** Before the rest is asked for, so much of a card is shown. */
const SHORT = 2_400;
/** The card stands under a heading of the second level. */
const TOP = 3;

/** The text without the YAML at its top, which is for programs. */
export function body(card: string): string {
  const text = card.replace(/^\uFEFF/, "").replace(/\r\n?/g, "\n");
  return text.replace(/^---[ \t]*\n(?:[\s\S]*?\n)?(?:---|\.\.\.)[ \t]*(?:\n|$)/, "").trimStart();
}

/** Levels of headings, moved so that they begin at the third and none is skipped on the way down. */
export function levels(depths: number[]): number[] {
  const open: number[] = [];
  return depths.map((depth) => {
    while (open.length > 0 && open.at(-1)! >= depth) open.pop();
    open.push(depth);
    return Math.min(6, TOP - 1 + open.length);
  });
}

export interface Card {
  tokens: Token[];
  /** How many of them are shown at first. */
  short: number;
}

/** What of a text is letters, to see whether two say the same. */
const letters = (text: string | null | undefined) => text?.replace(/[^\p{L}\p{N}]/gu, "") ?? "";

/** The card's blocks; left out are a first heading and a first paragraph that only say title and description again. */
export function read(card: string, title: string | null, description: string | null = null): Card {
  let tokens: Token[] = marked.lexer(body(card)).filter((token) => token.type !== "space" && !isComment(token));
  for (const [type, said] of [["heading", title], ["paragraph", description]] as const) {
    const [first] = tokens;
    if (first?.type === type && said && letters(first["text"]) === letters(said)) tokens = tokens.slice(1);
  }
  let length = 0;
  let short = 0;
  while (short < tokens.length && length < SHORT) length += tokens[short++]!.raw.length;
  // For a few more lines nobody should have to ask.
  const rest = tokens.slice(short).reduce((sum, token) => sum + token.raw.length, 0);
  return { tokens, short: rest < SHORT / 2 ? tokens.length : short };
}

const isComment = (token: Token) => token.type === "html" && /^\s*<!--[\s\S]*?-->\s*$/.test(token.raw);

const TAGS = [
  "a", "abbr", "b", "blockquote", "br", "code", "dd", "del", "details", "div", "dl", "dt", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img",
  "kbd", "li", "mark", "ol", "p", "pre", "s", "samp", "strong", "sub", "summary", "sup", "table", "tbody", "td", "tfoot", "th",
  "thead", "tr", "u", "ul", "var",
];
const IMAGE = /^data:image\/(?:png|jpeg|gif|webp|avif);base64,/i;

/** What of the card may stand here, as nodes. `file` gives the address of a file of the artifact. */
export function nodes(tokens: Token[], file: (path: string) => string | undefined, table: string): DocumentFragment {
  const fragment = DOMPurify.sanitize(marked.parser(tokens), {
    ALLOWED_TAGS: TAGS,
    ALLOWED_ATTR: ["href", "src", "alt", "title", "align", "start", "colspan", "rowspan", "open"],
    ALLOW_DATA_ATTR: false,
    ALLOW_ARIA_ATTR: false,
    RETURN_DOM_FRAGMENT: true,
  });
  for (const image of fragment.querySelectorAll("img")) {
    if (IMAGE.test(image.getAttribute("src") ?? "")) image.alt ||= "";
    else image.replaceWith(image.alt);
  }
  for (const found of fragment.querySelectorAll("a")) {
    const to = found.getAttribute("href") ?? "";
    const own = file(to.replace(/^\.\//, ""));
    if (own) {
      found.href = own;
      found.download = to.split("/").at(-1)!;
    } else if (/^(?:https?:\/\/|mailto:)/i.test(to) && found.textContent.trim() !== "") {
      found.rel = "noopener noreferrer nofollow";
      found.target = "_blank";
    } else found.replaceWith(...found.childNodes);
  }
  // Here, where those of raw HTML, of quotes and of lists are seen too.
  const headings = [...fragment.querySelectorAll("h1, h2, h3, h4, h5, h6")];
  levels(headings.map((found) => Number(found.localName[1]))).forEach((level, at) => {
    const moved = document.createElement(`h${level}`);
    moved.append(...headings[at]!.childNodes);
    headings[at]!.replaceWith(moved);
  });
  for (const found of fragment.querySelectorAll("table")) {
    const box = document.createElement("div");
    box.className = "scroll";
    box.tabIndex = 0;
    box.setAttribute("role", "region");
    box.setAttribute("aria-label", table);
    found.replaceWith(box);
    box.append(found);
  }
  for (const found of fragment.querySelectorAll("pre")) found.tabIndex = 0;
  return fragment;
}
