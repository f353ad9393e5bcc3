// Bills and logs that somebody changed on their way: this browser finds it.

import { afterAll, beforeAll, expect, test } from "vitest";
import type { Browser, Page, Route } from "playwright-core";
import { ask, bill, browser, goTo, Node, owner, person } from "./harness";

let node: Node;
let chromium: Browser;
const EN = { language: "en", colors: "light" } as const;

beforeAll(async () => {
  [node, chromium] = await Promise.all([Node.start(), browser()]);
});
afterAll(async () => {
  await chromium?.close();
  await node?.stop();
});

type View = { receipt: string; order: string; bill: { pico: string; lines: { pico: string }[] } };

/** Changes what the node says of a receipt on its way to the page. */
function change(page: Page, by: (view: View) => void) {
  return page.route("**/receipts/*", async (route: Route) => {
    const answer = await route.fetch();
    const view = (await answer.json()) as View;
    by(view);
    await route.fulfill({ response: answer, json: view });
  });
}

/** Flips a bit in the middle of text in base64. */
function flip(text: string): string {
  const bytes = Buffer.from(text, "base64");
  bytes[bytes.length - 70]! ^= 1;
  return bytes.toString("base64");
}

const CASES: [string, (view: View) => void][] = [
  ["a bit of the signed receipt", (view) => (view.receipt = flip(view.receipt))],
  ["a bit of the order", (view) => (view.order = flip(view.order))],
  ["another sum", (view) => (view.bill.pico = String(BigInt(view.bill.pico) + 1n))],
  ["an amount moved from one payee to another", ({ bill: { lines } }) => {
    lines[0]!.pico = String(BigInt(lines[0]!.pico) + 1n);
    lines[1]!.pico = String(BigInt(lines[1]!.pico) - 1n);
  }],
  ["a payee left out", ({ bill }) => (bill.lines = bill.lines.slice(1))],
];

test.each(CASES)("%s is found", async (_, by) => {
  const { page } = await owner(chromium, node, EN, []);
  await change(page, by);
  await ask(page, "What is a royalty?");
  await bill(page);
  const mark = page.locator(".chat-bill");
  await mark.getByText(/This bill is false|Not checked/).waitFor();
  expect(await mark.innerText()).not.toContain("✓");
  await mark.getByRole("link", { name: /Receipt/ }).click();
  await page.getByText(/FALSE: something|Not checked/).waitFor();
  expect(await page.locator(".check-steps .tag.bad").count()).toBe(1);
});

test("an honest one is checked", async () => {
  const { page } = await owner(chromium, node, EN, []);
  await change(page, () => {});
  await ask(page, "What is a royalty?");
  await bill(page);
  await page.locator(".chat-bill", { hasText: "✓ Checked in this browser" }).waitFor();
});

test("a browser without cryptography says not checked", async () => {
  const { page } = await owner(chromium, node, EN, []);
  await page.addInitScript(() => Object.defineProperty(crypto, "subtle", { value: undefined }));
  await page.reload();
  await ask(page, "What is a royalty?");
  await bill(page);
  await page.locator(".chat-bill", { hasText: "Not checked" }).waitFor();
});

test("a log that was changed under a browser that looked before", async () => {
  const { page } = await person(chromium, EN, []);
  const check = async () => {
    await goTo(page, node, "#/ledger");
    await page.reload();
    await page.getByRole("button", { name: "Check now" }).click();
  };
  await check();
  await page.getByText("Everything that was checked holds.").waitFor();
  await page.route("**/log/tile/entries/**", async (route) => {
    const answer = await route.fetch();
    const body = await answer.body();
    body[body.length - 5]! ^= 1;
    await route.fulfill({ response: answer, body });
  });
  await check();
  await page.getByText(/Something is FALSE/).waitFor();
});
