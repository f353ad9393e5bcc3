import { expect, test } from "vitest";
import { body, levels, read } from "./card";

test("the YAML at the top is cut off, and nothing else", () => {
  for (const [card, text] of [
    ["---\nlicense: mit\n---\n# A\n", "# A\n"],
    ["\uFEFF---\r\nlicense: mit\r\n---\r\n\r\n# A", "# A"],
    ["---\n---\n# A", "# A"],
    ["---\nlicense: mit\n...\ntext", "text"],
    ["---\nlicense: mit\n---", ""],
    ["# A\n\n---\n\nB\n\n---\n", "# A\n\n---\n\nB\n\n---\n"],
    ["---\nno end", "---\nno end"],
    ["", ""],
  ]) {
    expect(body(card!), JSON.stringify(card)).toBe(text);
  }
});

test("headings stand below the page's, and none is skipped", () => {
  expect(levels([1, 2, 3, 2])).toEqual([3, 4, 5, 4]);
  expect(levels([2, 4, 4, 3, 2])).toEqual([3, 4, 4, 4, 3]);
  expect(levels([3, 1, 6])).toEqual([3, 3, 4]);
  expect(levels([1, 2, 3, 4, 5, 6])).toEqual([3, 4, 5, 6, 6, 6]);
});

test("a first heading that says the title is left out, and a long card is cut at a block", () => {
  const card = read(`---\nx: 1\n---\n# Tales\n\n<!-- SPDX -->\n\n## About\n\n${"word ".repeat(600)}\n\n${"more ".repeat(600)}\n`, "Tales");
  expect(card.tokens.map((token) => token.type)).toEqual(["heading", "paragraph", "paragraph"]);
  expect(card.short).toBe(2);
  expect(read("# Tales\n\nOf a *tiger*,\nold.\n\nMore.", "Tales", "Of a tiger, old.").tokens).toHaveLength(1);
  expect(read("# Other\n\ntext", "Tales")).toMatchObject({ short: 2 });
});
