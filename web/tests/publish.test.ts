// Publishing a folder: what is recognized, what people will pay, what is wrong, and what then stands on the ledger.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { Browser, Page } from "playwright-core";
import { axe, browser, goTo, Node, owner, overflow, pico } from "./harness";

let node: Node;
let chromium: Browser;
let folder: string;
const faults: string[] = [];
const EN = { language: "en", colors: "light" } as const;

beforeAll(async () => {
  [node, chromium] = await Promise.all([Node.start(), browser()]);
  folder = join(mkdtempSync(join(tmpdir(), "pumasi-files-")), "Market Days");
  mkdirSync(join(folder, "data"), { recursive: true });
  writeFileSync(join(folder, "README.md"), "---\nlicense: CC-BY-4.0\n---\n# Market days\n\nWhat was said on market days.\n");
  writeFileSync(join(folder, "data", "days.jsonl"), '{"messages": [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Good day"}]}\n');
  writeFileSync(join(folder, ".hidden"), "not for others");
});
// A browser notes it when it asks whether a file is stored already, and it is not.
afterEach(() => expect(faults.splice(0).filter((one) => !one.includes("404 (Not Found)"))).toEqual([]));
afterAll(async () => {
  await chromium?.close();
  await node?.stop();
  rmSync(join(folder, ".."), { recursive: true, force: true });
});

const choose = async (page: Page, files: string | string[] | { name: string; mimeType: string; buffer: Buffer }[], whole: boolean) => {
  // That it takes folders is set a moment after it is there.
  if (whole) await page.waitForFunction(() => document.querySelector<HTMLInputElement>("input[type=file]")?.webkitdirectory);
  await page.locator("input[type=file]").nth(whole ? 0 : 1).setInputFiles(files as string);
};

/** The lines of the price, by who is paid. */
async function price(page: Page): Promise<{ lines: Record<string, bigint>; sum: bigint }> {
  await page.locator(".publish-seen[aria-busy=false]").waitFor();
  const rows = await page.locator(".publish-price tbody tr").all();
  const lines = await Promise.all(rows.map(async (row) => [(await row.locator("td").first().innerText()).split("\n")[0]!.trim(), pico(await row.locator("td").last().innerText())] as const));
  return { lines: Object.fromEntries(lines), sum: pico(await page.locator(".publish-price tfoot td").innerText()) };
}

test("a folder with two parents: its price is seen before, and everyone's line in it", async () => {
  const { page } = await owner(chromium, node, EN, faults);
  await goTo(page, node, "#/publish");
  await choose(page, folder, true);
  const name = page.getByRole("textbox", { name: "Name", exact: true });
  await name.waitFor();
  expect(await name.inputValue()).toBe("market-days");
  await page.locator(".publish-seen", { hasText: "Market days" }).waitFor();
  expect(await page.locator(".publish-seen").innerText()).toMatch(/dataset[\s\S]*CC-BY-4\.0[\s\S]*2, together/);

  for (const parent of ["village-tales", "polite-answers"]) {
    await page.getByRole("textbox", { name: "Add what it is built on" }).fill(parent);
    await page.getByRole("button", { name: new RegExp(`^Add .*${parent}`) }).click();
    await page.locator(".publish-parents", { hasText: parent }).waitFor();
  }
  await page.getByRole("textbox", { name: "In", exact: true }).fill("0.5");
  await page.getByRole("textbox", { name: "Out", exact: true }).fill("a lot");
  await page.getByText("with at most six digits after the point").waitFor();
  expect(await page.locator(".publish-form button.main").isDisabled(), "what is wrong cannot be published").toBe(true);
  await page.getByRole("textbox", { name: "Out", exact: true }).fill("1");
  await page.locator(".publish-form button.main:enabled").waitFor();
  const { lines, sum } = await price(page);
  expect(Object.keys(lines).map((one) => one.replace(/:.*/, "")).sort()).toEqual(["dure/guide-facts", "iyagi/village-tales", "sarangbang/guide-manners", "seonbi/polite-answers", "you/market-days"]);
  expect(lines["you/market-days:latest"], "1,000 tokens in and 500 out").toBe(1_000_000_000n);
  expect(Object.values(lines).reduce((all, one) => all + one, 0n)).toBe(sum);
  expect(await axe(page)).toEqual([]);
  expect(await overflow(page)).toBe(0);

  await page.locator(".publish-form button.main").click();
  const sure = page.getByRole("dialog");
  await sure.waitFor();
  expect(await axe(page)).toEqual([]);
  await page.keyboard.press("Escape");
  await sure.waitFor({ state: "detached" });
  await page.locator(".publish-form button.main").click();
  await sure.getByRole("button", { name: "Publish" }).click();
  await page.getByRole("link", { name: "Go to its page" }).click();
  await page.getByRole("heading", { name: "Market days" }).first().waitFor();

  const shown = JSON.parse(node.pumasi("show", "market-days", "--json")).artifact;
  expect(shown.lineage.parents.map((one: { name: string }) => one.name).sort()).toEqual(["iyagi/village-tales:latest", "seonbi/polite-answers:latest"]);
  expect(shown.royalty).toEqual({ input: 500_000, output: 1_000_000 });
  expect(shown.files.map((one: { path: string }) => one.path).sort()).toEqual(["README.md", "data/days.jsonl"]);
});

test("files without a card get one, and payees share by weight", async () => {
  const { page } = await owner(chromium, node, EN, faults);
  await goTo(page, node, "#/publish");
  await choose(page, [{ name: "train.py", mimeType: "text/x-python", buffer: Buffer.from("# SPDX-License-Identifier: MIT\nprint('hello')\n") }], false);
  await page.getByRole("textbox", { name: "Title" }).fill("How it was trained");
  await page.getByRole("textbox", { name: /What it is/ }).fill("A recipe.");
  await page.getByRole("button", { name: "Add the card" }).click();
  await page.locator(".publish-seen", { hasText: "How it was trained" }).waitFor();
  await page.getByRole("textbox", { name: "In", exact: true }).fill("0.1");
  await page.getByRole("button", { name: "Share it with others" }).click();
  await page.getByRole("textbox", { name: "Account 2" }).fill("nobody-of-this-name");
  await page.locator("[role=alert]", { hasText: "nobody-of-this-name" }).waitFor();
  await page.getByRole("textbox", { name: "Account 2" }).fill("seodang");
  await page.getByRole("textbox", { name: "Weight 2" }).fill("3");
  await page.locator(".publish-form button.main:enabled").click();
  await page.getByRole("dialog").getByRole("button", { name: "Publish" }).click();
  await page.getByText("Published: you/train:latest").waitFor();
  const shown = JSON.parse(node.pumasi("show", "train", "--json")).artifact;
  expect(shown.payees.map((one: { weight: number }) => one.weight).sort()).toEqual([1, 3]);
  // What the node refused was shown beside its field; the browser notes the answer's status.
  expect(faults.splice(0).every((one) => /40[04] /.test(one))).toBe(true);
});

test("several files are called as the one that is no card, and what is wrong stands beside its own field", async () => {
  const { page } = await owner(chromium, node, EN, faults);
  await goTo(page, node, "#/publish");
  const file = (name: string, text: string) => ({ name, mimeType: "text/plain", buffer: Buffer.from(text) });
  await choose(page, [file("README.md", "---\nlicense: CC-BY-4.0\n---\n# Fair days\n"), file("Fair Days.jsonl", '{"messages": []}\n')], false);
  await page.locator(".publish-seen", { hasText: "you/fair-days" }).waitFor();
  expect(await page.getByRole("textbox", { name: "Name", exact: true }).inputValue()).toBe("fair-days");
  const out = page.getByRole("textbox", { name: "Out", exact: true });
  await out.fill("a lot");
  await page.getByText("with at most six digits after the point").waitFor();
  expect(await out.getAttribute("aria-invalid")).toBe("true");
  expect(await page.getByRole("textbox", { name: "In", exact: true }).getAttribute("aria-invalid")).toBe(null);
});

test("what cannot be published says so at once", async () => {
  const { page } = await owner(chromium, node, EN, faults);
  await goTo(page, node, "#/publish");
  await choose(page, [{ name: "model.pkl", mimeType: "application/octet-stream", buffer: Buffer.from([0x80, 4, 0x95, 0, 0]) }], false);
  await page.getByRole("alert").getByText("convert it to safetensors").waitFor();
});
