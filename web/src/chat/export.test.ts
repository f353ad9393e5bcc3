import { expect, test } from "vitest";
import { asJson, asMarkdown, fileName } from "./export";
import { faults } from "./settings";
import { added, blank, type Message, NO_OPTIONS } from "./tree";

const question: Message = { id: "q", parent: null, role: "user", text: "로열티가 뭐예요?", time: 1 };
const answer: Message = { id: "a", parent: "q", role: "assistant", text: "값이에요.", time: 2, model: "seodang/guide:latest", state: "done", bill: { receipt: "r1", lines: [], pico: "5" } };
const whole = [question, answer].reduce(added, blank("c", 0, "m"));

test("a conversation as Markdown says who spoke and what it cost", () => {
  const text = asMarkdown({ ...whole, options: { ...NO_OPTIONS, system: "Be brief.\nBe kind." } }, { you: "나", cost: (bill) => `${bill.pico} ${bill.receipt}` });
  expect(text).toBe("# 로열티가 뭐예요?\n\n> Be brief.\n> Be kind.\n\n**나**\n\n로열티가 뭐예요?\n\n**seodang/guide:latest**\n\n값이에요.\n\n*5 r1*\n");
});

test("all of them as JSON come back as they were", () => {
  expect(JSON.parse(asJson([whole], new Date(0)))).toEqual({ format: "pumasi-conversations", version: 1, exported: "1970-01-01T00:00:00.000Z", conversations: [whole] });
});

test("a file name is one that every system takes", () => {
  expect(fileName('a/b\\c:d*e?"f<g>h|i\n')).toBe("a b c d e f g h i");
  expect(fileName("..")).toBe("pumasi");
});

test("what is set wrongly is said by field", () => {
  expect(faults(NO_OPTIONS)).toEqual({});
  expect(faults({ system: "", temperature: "0.7", seed: "-3", limit: "40" })).toEqual({});
  expect(Object.keys(faults({ system: "", temperature: "2.1", seed: "1.5", limit: "0" }))).toEqual(["temperature", "seed", "limit"]);
  expect(Object.keys(faults({ system: "", temperature: "hot", seed: "9007199254740993", limit: "1e3" }))).toEqual(["temperature", "seed", "limit"]);
});
