import { expect, test } from "vitest";
import { added, blank, branches, changedMessage, choosing, type Message, thread, titleOf, upTo, without } from "./tree";

const message = (id: string, parent: string | null, role: Message["role"], text = id): Message => ({ id, parent, role, text, time: 1 });
const ids = (messages: Message[]) => messages.map((one) => one.id).join(" ");

/** q1 → a1, a2; a2 → q2, q3. */
const grown = () =>
  [message("q1", null, "user"), message("a1", "q1", "assistant"), message("a2", "q1", "assistant"), message("q2", "a2", "user"), message("q3", "a2", "user")].reduce(added, blank("c", 0, "m"));

test("the newest branch is shown, and what follows a question stays with it", () => {
  const all = grown();
  expect(ids(thread(all))).toBe("q1 a2 q3");
  const other = choosing(all, message("a1", "q1", "assistant"));
  expect(ids(thread(other))).toBe("q1 a1");
  const back = choosing(choosing(other, message("q2", "a2", "user")), message("a2", "q1", "assistant"));
  expect(ids(thread(back))).toBe("q1 a2 q2");
});

test("a first question asked differently is a branch too", () => {
  const all = added(grown(), message("q4", null, "user"));
  expect(ids(thread(all))).toBe("q4");
  expect(ids(branches(all, null))).toBe("q1 q4");
});

test("what is asked is the way to the question, whatever is shown", () => {
  const all = choosing(grown(), message("a1", "q1", "assistant"));
  expect(ids(upTo(all, "q2"))).toBe("q1 a2 q2");
  expect(upTo(all, null)).toEqual([]);
});

test("what is gone leaves the newest of the rest", () => {
  expect(ids(thread(without(grown(), "q3")))).toBe("q1 a2 q2");
});

test("a change is a new value, and leaves the old one", () => {
  const all = grown();
  const next = changedMessage(all, "a1", { text: "more" });
  expect(all.messages[1]!.text).toBe("a1");
  expect(next.messages[1]!.text).toBe("more");
});

test("the title is the first question, cut between letters", () => {
  expect(grown().title).toBe("q1");
  expect(titleOf(message("q", null, "user", " 로열티가\n 뭐예요? "))).toBe("로열티가 뭐예요?");
  const cut = titleOf(message("q", null, "user", "🙂".repeat(80)));
  expect([...cut]).toHaveLength(60);
  expect(cut.endsWith("🙂…")).toBe(true);
  expect(titleOf({ ...message("q", null, "user", ""), files: [{ name: "a.txt", text: "" }] })).toBe("a.txt");
});
