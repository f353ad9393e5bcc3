import { expect, test } from "vitest";
import { curve, draw, graph, type Node } from "./graph";
import type { Branch } from "./types";

const node = (id: string): Node => ({ id, name: `you/${id}:latest`, kind: "model", royalty: { input: 0, output: 0 }, retired: false });
const branch = (id: string, parents: Branch[] = [], again = false): Branch => ({ ...node(id), again, parents });

test("what is reached by two ways is one node with two edges", async () => {
  const made = graph(node("tuned"), [branch("base", [branch("data")]), branch("data", [], true)]);
  expect(made.nodes.map(({ id }) => id)).toEqual(["tuned", "base", "data"]);
  expect(made.edges).toEqual([["base", "tuned"], ["data", "base"], ["data", "tuned"]]);
  const drawn = await draw(made);
  expect(drawn.boxes.map(({ id }) => id)).toEqual(["data", "base", "tuned"]);
  expect(drawn.lines).toHaveLength(3);
  expect(Math.max(...drawn.boxes.map(({ x }) => x + 184))).toBeLessThanOrEqual(drawn.width);
});

test("two hundred works are laid out while one waits", async () => {
  const parents = Array.from({ length: 20 }, (_, at) => branch(`m${at}`, Array.from({ length: 9 }, (_, one) => branch(`m${at}d${one}`))));
  const begin = performance.now();
  expect((await draw(graph(node("all"), parents))).boxes).toHaveLength(201);
  expect(performance.now() - begin).toBeLessThan(4000);
});

test("a way along points begins and ends at them", () => {
  expect(curve([])).toBe("");
  expect(curve([{ x: 0, y: 0 }, { x: 10, y: 5 }])).toBe("M0 0L10 5");
  expect(curve([{ x: 0, y: 0 }, { x: 5, y: 0 }, { x: 5, y: 5 }, { x: 10, y: 5 }])).toBe("M0 0Q5 0 5 2.5Q5 5 10 5");
});
