// An answer's Markdown as blocks of clean HTML. The text comes from strangers: raw HTML is shown as text, and what the Markdown
// becomes passes a narrow list of tags.

import createDOMPurify from "dompurify";
import { Marked, type Token, type Tokens } from "marked";

const purify = createDOMPurify(window);
purify.addHook("afterSanitizeAttributes", (node) => {
  if (node.tagName !== "A") return;
  node.setAttribute("target", "_blank");
  node.setAttribute("rel", "noopener noreferrer");
});

const TAGS = ["p", "br", "hr", "strong", "em", "del", "code", "pre", "span", "blockquote", "ul", "ol", "li", "h3", "h4", "h5", "h6", "a", "table", "thead", "tbody", "tr", "th", "td"];

export function clean(html: string): string {
  return purify.sanitize(html, {
    ALLOWED_TAGS: TAGS,
    ALLOWED_ATTR: ["href", "class", "start", "align"],
    ALLOWED_URI_REGEXP: /^(?:https?:|mailto:)/i,
    ALLOW_DATA_ATTR: false,
    ALLOW_ARIA_ATTR: false,
  });
}

const escape = (text: string) => text.replace(/[&<>"]/g, (one) => `&${{ "&": "amp", "<": "lt", ">": "gt", '"': "quot" }[one]};`);

/** Under an answer's own heading, its highest headings are of the third level. */
let shift = 0;
const marked = new Marked({
  gfm: true,
  renderer: {
    html: ({ text }) => (/^<br\s*\/?>$/i.test(text.trim()) ? "<br>" : escape(text)),
    // No image from elsewhere is loaded: whoever keeps it would see who reads.
    image: ({ href, text }) => `<a href="${escape(href)}">${escape(text || href)}</a>`,
    checkbox: ({ checked }) => (checked ? "☑ " : "☐ "),
    code: ({ text, lang }) => `<pre><code class="language-${escape((lang ?? "").split(/\s/)[0] ?? "")}">${escape(text)}</code></pre>`,
    heading({ tokens, depth }) {
      const level = Math.min(6, Math.max(3, depth + shift));
      return `<h${level}>${this.parser.parseInline(tokens)}</h${level}>`;
    },
  },
});

export interface Block {
  key: string;
  html: string;
}

/** The blocks of a text. Those that `old` has already are taken from there, so that a growing answer costs only its last one. */
export function blocks(text: string, old: readonly Block[]): Block[] {
  const tokens = marked.lexer(text).filter((token: Token) => token.type !== "space" && token.type !== "def");
  const depths = tokens.filter((token): token is Tokens.Heading => token.type === "heading").map((token) => token.depth);
  shift = 3 - Math.min(...depths, 3);
  return tokens.map((token, at) => {
    const key = `${shift} ${token.raw}`;
    const before = old[at];
    return before?.key === key ? before : { key, html: clean(marked.parser([token])) };
  });
}
