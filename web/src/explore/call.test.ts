import { expect, test } from "vitest";
import { quoted, snippet, WAYS } from "./call";

test("what a shell would read otherwise is quoted", () => {
  expect(quoted("seodang/guide:latest")).toBe("seodang/guide:latest");
  expect(quoted("it's; rm")).toBe("'it'\\''s; rm'");
});

test("each snippet names the node and the model", () => {
  for (const way of WAYS) {
    const text = snippet(way, "http://127.0.0.1:7420", "you/tale", "What's \"this\"?");
    expect(text, way).toContain("you/tale");
    if (way !== "CLI") expect(text, way).toContain("http://127.0.0.1:7420/v1");
  }
  const body = /-d '(.*)'$/s.exec(snippet("curl", "http://a", "m", 'a "b"'))![1]!;
  expect(JSON.parse(body)).toEqual({ model: "m", messages: [{ role: "user", content: 'a "b"' }] });
});
