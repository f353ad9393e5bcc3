// Every page in every look: nothing for axe to find, nothing wider than a phone, nothing in the console; pictures to look at.

import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Browser, Page } from "playwright-core";
import { ask, axe, bill, browser, goTo, LOOKS, Node, overflow, owner, pictures } from "./harness";

let node: Node;
let chromium: Browser;
let receipt: string;
let entry: number;

beforeAll(async () => {
  [node, chromium] = await Promise.all([Node.start(), browser()]);
  const answer = JSON.parse(node.pumasi("chat", "guide", "What is a royalty?", "--json"));
  const { operations } = (await (await fetch(`${node.address}/ledger/operations`)).json()) as { operations: { entry: number }[] };
  entry = operations[0]!.entry;
  receipt = answer.usage.bill.receipt;
});
afterAll(async () => {
  await chromium?.close();
  await node?.stop();
});

/** A page: how one gets there, and what shows that it is all there. */
const PLACES: [string, () => string, (page: Page) => Promise<unknown>][] = [
  ["explore", () => "#/explore", (page) => page.locator(".explore-result").first().waitFor()],
  ["nothing-found", () => "#/explore?q=nobody-wrote-this", (page) => page.locator(".empty").waitFor()],
  ["artifact", () => "#/artifact/guide", (page) => page.locator(".artifact").waitFor()],
  ["publish", () => "#/publish", (page) => page.locator(".publish-drop").waitFor()],
  ["earnings", () => "#/earnings", (page) => page.locator(".earnings-balance").waitFor()],
  ["keys", () => "#/keys", (page) => page.locator(".keys-one").first().waitFor()],
  ["ledger", () => "#/ledger", (page) => page.locator(".ledger-check").waitFor()],
  ["operation", () => `#/ledger/operation/${entry}`, (page) => page.locator("h1").waitFor()],
  ["account", () => "#/ledger/account/seodang", (page) => page.locator("h1").waitFor()],
  ["receipt", () => `#/receipt/${receipt}`, (page) => page.locator(".check-steps li").nth(3).waitFor()],
  ["nowhere", () => "#/nowhere", (page) => page.locator(".empty").waitFor()],
];

async function sound(page: Page, name: string) {
  await page.waitForLoadState("networkidle");
  expect.soft(await axe(page), name).toEqual([]);
  expect.soft(await overflow(page), `${name} is too wide`).toBe(0);
  await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });
}

describe.each(LOOKS)("$language, $colors", (look) => {
  const named = (name: string, width: string) => `${name}-${look.language}-${look.colors}-${width}`;

  test.each([["wide", 1200], ["narrow", 360]] as const)("%s", async (width, pixels) => {
    const faults: string[] = [];
    const { page } = await owner(chromium, node, { ...look, width: pixels }, faults);
    expect(await page.evaluate(() => document.documentElement.lang)).toBe(look.language);
    expect(await page.evaluate(() => document.documentElement.dataset["theme"])).toBe(look.colors);
    await sound(page, named("welcome", width));
    for (const [name, button] of [["models", page.locator(".chat-model")], ["settings", page.locator(".chat-composer button[aria-haspopup=dialog]")]] as const) {
      await button.click();
      await page.getByRole("dialog").waitFor();
      await sound(page, named(name, width));
      await page.keyboard.press("Escape");
      await page.getByRole("dialog").waitFor({ state: "detached" });
    }
    await ask(page, look.language === "ko" ? "로열티가 뭐예요?" : "What is a royalty?");
    await bill(page);
    await page.locator(".chat-bill", { hasText: "✓" }).waitFor();
    await sound(page, named("chat", width));
    for (const [name, place, there] of PLACES) {
      await goTo(page, node, place());
      await there(page);
      await sound(page, named(name, width));
    }
    // What is read without script.
    for (const [name, path] of [["plain-receipt", `/receipts/${receipt}`], ["plain-operation", `/ledger/operations/${entry}`], ["plain-ledger", "/ledger"]] as const) {
      await page.goto(node.address + path);
      await page.locator("h1").waitFor();
      await sound(page, named(name, width));
    }
    expect(faults).toEqual([]);
  });
});
