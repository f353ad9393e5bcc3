import { expect, test } from "vitest";
import { attach, textOf, Unfit, withFiles } from "./files";

const file = (name: string, bytes: number[] | string) => new File([typeof bytes === "string" ? bytes : new Uint8Array(bytes)], name);

test("text in UTF-8, UTF-16 and the older Korean encoding is read", () => {
  expect(textOf(new TextEncoder().encode("품앗이\t\n"))).toBe("품앗이\t\n");
  expect(textOf(new Uint8Array([0xff, 0xfe, 0x00, 0xac]))).toBe("가");
  expect(textOf(new Uint8Array([0xb0, 0xa1, 0xb3, 0xaa]))).toBe("가나");
});

test("what is no text, empty or too long is refused with its name", async () => {
  expect(textOf(new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0]))).toBeNull();
  for (const one of [file("a.png", [0, 1, 2]), file("b.txt", ""), file("c.txt", "x".repeat(200_001))]) {
    const found = await attach(one);
    expect(found).toBeInstanceOf(Unfit);
    expect((found as Unfit).name).toBe(one.name);
  }
  expect(await attach(file("d.txt", "x".repeat(200_000)))).toMatchObject({ name: "d.txt" });
});

test("a name with letters taken apart is put together", async () => {
  expect(await attach(file("메모".normalize("NFD"), "x"))).toEqual({ name: "메모", text: "x" });
});

test("files stand before the question, in fences that they do not have", () => {
  expect(withFiles("why?", [])).toBe("why?");
  expect(withFiles("why?", [{ name: "a.md", text: "```\ncode\n```" }])).toBe("a.md\n````\n```\ncode\n```\n````\n\nwhy?");
  expect(withFiles("", [{ name: "a", text: "x\n" }])).toBe("a\n```\nx\n```");
});
