import { expect, test } from "vitest";
import { events } from "./sse";

const TEXT = 'data: {"a":"가나"}\r\n\r\n: a comment\n\nevent: x\ndata: one\ndata:two\n\ndata: [DONE]\n\ndata: cut off';

async function read(size: number): Promise<string[]> {
  const bytes = new TextEncoder().encode(TEXT);
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (let at = 0; at < bytes.length; at += size) controller.enqueue(bytes.slice(at, at + size));
      controller.close();
    },
  });
  const found: string[] = [];
  for await (const data of events(body)) found.push(data);
  return found;
}

test.each([1, 2, 3, 7, 1000])("events are whole when the bytes come %i at a time", async (size) => {
  expect(await read(size)).toEqual(['{"a":"가나"}', "one\ntwo", "[DONE]"]);
});

test("whoever stops listening closes the stream", async () => {
  let closed = false;
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(new TextEncoder().encode("data: 1\n\n")),
    cancel: () => void (closed = true),
  });
  for await (const _ of events(body)) break;
  expect(closed).toBe(true);
});
