import { expect, test } from "vitest";
import { asked, narrowed, normal, path, wanted } from "./query";

test("what is typed is the same however it was composed", () => {
  expect(normal(" 이야기  모델 ".normalize("NFD"))).toBe("이야기 모델");
  expect([...normal("한".repeat(300))]).toHaveLength(200);
});

test("an address is read, written, and asked for", () => {
  const of = wanted(new URLSearchParams("q=tale&kind=model&openness=II&sort=price&price_max=500000&publisher=seodang"));
  expect(asked(of)).toEqual({ q: "tale", kind: "model", openness: "II", sort: "price", price_max: "500000", publisher: "seodang" });
  expect(narrowed(of)).toBe(2);
  expect(path(of, 50, "sha256:00")).toBe(
    "/artifacts?q=tale&kind=model&publisher=seodang&openness=II&price_max=500000&sort=price&limit=50&after=sha256%3A00",
  );
});

test("what an address says wrongly is left out", () => {
  const of = wanted(new URLSearchParams("kind=car&openness=IV&sort=luck&price_max=1.5&q=%20"));
  expect(asked(of)).toEqual({});
  expect(path(of, 50)).toBe("/artifacts?limit=50");
});
