// Finding works: words, kinds, filters and orders, and where each leads.

import { readFileSync } from "node:fs";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { Browser, Page } from "playwright-core";
import { browser, goTo, Node, person } from "./harness";

let node: Node;
let chromium: Browser;
const faults: string[] = [];

beforeAll(async () => {
  [node, chromium] = await Promise.all([Node.start(), browser()]);
});
afterEach(() => expect(faults.splice(0)).toEqual([]));
afterAll(async () => {
  await chromium?.close();
  await node?.stop();
});

const names = async (page: Page) => (await page.locator(".explore-name code").allInnerTexts()).map((one) => one.replace(/^.*\//, "").replace(/:.*/, ""));

/** Waits until the list shows these works, in any order. */
async function shows(page: Page, wanted: string[]) {
  await expect.poll(async () => (await names(page)).sort(), { timeout: 10_000 }).toEqual([...wanted].sort());
}

test("words, kinds and filters narrow the list, and the address keeps them", async () => {
  const { page } = await person(chromium, { language: "en", colors: "light" }, faults);
  await goTo(page, node, "#/explore");
  await expect.poll(() => names(page)).toHaveLength(9);
  await page.getByRole("link", { name: "Adapters" }).click();
  await shows(page, ["guide-polite", "guide-story"]);
  await page.getByRole("searchbox").fill("story");
  await shows(page, ["guide-story"]);
  await page.getByRole("searchbox").fill("");
  await page.getByRole("link", { name: "All", exact: true }).click();
  await page.getByText("Filters", { exact: false }).first().click();
  await page.getByLabel("Price at most").fill("0.45");
  await shows(page, ["guide"]);
  await page.getByLabel("Price at most").fill("0.49");
  await shows(page, ["guide", "guide-polite"]);
  await page.getByLabel("Openness").selectOption("I");
  await page.reload();
  await shows(page, ["guide", "guide-polite"]);
  await page.getByLabel("License").fill("MIT");
  await page.getByText("Nothing is published that fits").waitFor();
  await page.getByRole("link", { name: "Show everything" }).or(page.getByRole("button", { name: "Show everything" })).click();
  await expect.poll(() => names(page)).toHaveLength(9);
});

test("every order lists everything, and Korean finds Korean", async () => {
  const { page } = await person(chromium, { language: "ko", colors: "dark" }, faults);
  for (const sort of ["newest", "name", "price", "use", "earned", "children"]) {
    await goTo(page, node, `#/explore?sort=${sort}`);
    await expect.poll(() => names(page)).toHaveLength(9);
  }
  await goTo(page, node, "#/explore?sort=price");
  await expect.poll(async () => (await names(page))[0]).toBe("guide");
  // As macOS sends it: Hangul taken apart.
  await page.getByRole("searchbox").fill("품앗이".normalize("NFD"));
  await expect.poll(async () => (await names(page)).length).toBeLessThan(9);
  await goTo(page, node, "#/explore?parent=seodang/guide");
  await shows(page, ["guide-exam", "guide-polite", "guide-story"]);
});

test("a work's page leads to its parents, its files and its place in the ledger", async () => {
  const { page } = await person(chromium, { language: "en", colors: "light" }, faults);
  await goTo(page, node, "#/explore");
  await page.getByRole("link", { name: "The guide, story teller" }).click();
  await page.getByRole("heading", { name: "The guide, story teller" }).first().waitFor();
  await page.getByText("As a list").click();
  await page.getByRole("link", { name: "seodang/guide" }).first().click();
  await page.getByRole("heading", { name: "The guide", exact: true }).first().waitFor();
  const download = page.waitForEvent("download");
  await page.getByRole("link", { name: "paper.md" }).click();
  expect(readFileSync(await (await download).path(), "utf8")).toMatch(/^# /m);
  await page.getByRole("link", { name: /^Entry \d+/ }).last().click();
  await page.getByRole("heading", { name: /Entry|Operation/ }).first().waitFor();
});
