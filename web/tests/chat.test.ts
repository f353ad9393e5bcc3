// Talking to a model: composing Hangul, stopping, running out of credit, branches, and what is kept.

import { readFileSync } from "node:fs";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { Browser } from "playwright-core";
import { ask, bill, browser, Node, owner } from "./harness";

let node: Node;
let chromium: Browser;
const faults: string[] = [];
const EN = { language: "en", colors: "light" } as const;

beforeAll(async () => {
  [node, chromium] = await Promise.all([Node.start(), browser()]);
});
afterEach(() => expect(faults.splice(0)).toEqual([]));
afterAll(async () => {
  await chromium?.close();
  await node?.stop();
});

test("Enter while a syllable is being composed belongs to the input method", async () => {
  const { context, page } = await owner(chromium, node, { language: "ko", colors: "dark" }, faults);
  await page.evaluate(() => {
    const seen: boolean[] = [];
    Object.assign(window, { seen });
    addEventListener("keydown", (event) => event.key === "Enter" && seen.push(event.isComposing), true);
  });
  const cdp = await context.newCDPSession(page);
  const enter = async () => {
    const key = { key: "Enter", code: "Enter", windowsVirtualKeyCode: 13 };
    await cdp.send("Input.dispatchKeyEvent", { type: "rawKeyDown", ...key });
    await cdp.send("Input.dispatchKeyEvent", { type: "keyUp", ...key });
  };
  await page.locator("#chat-ask").focus();
  await cdp.send("Input.insertText", { text: "로열티가 뭐예" });
  for (const text of ["ㅇ", "요"]) await cdp.send("Input.imeSetComposition", { text, selectionStart: 1, selectionEnd: 1 });
  await enter();
  expect(await page.evaluate(() => (window as unknown as { seen: boolean[] }).seen), "the input method was at work").toEqual([true]);
  expect(await page.locator(".chat-question").count(), "nothing is sent yet").toBe(0);
  await cdp.send("Input.insertText", { text: "요" });
  await page.locator("#chat-ask").press("End");
  await enter();
  await page.locator(".chat-cost button").waitFor();
  expect(await page.locator(".chat-asked").allInnerTexts(), "once, and whole").toEqual(["로열티가 뭐예요"]);
  expect(await page.locator(".chat-answer").innerText()).toMatch(/[가-힣]/);
  expect(await page.locator("#chat-ask").inputValue(), "no syllable is left behind").toBe("");
});

test("an answer that is stopped costs what came of it", async () => {
  const { page } = await owner(chromium, node, EN, faults);
  const question = "What is Pumasi?";
  await ask(page, question);
  const whole = await bill(page);
  const text = await page.locator(".chat-prose").innerText();
  await page.getByRole("link", { name: "New conversation" }).click();
  await page.locator(".chat-answer").waitFor({ state: "detached" });
  const models = node.slow();
  try {
    await page.locator("#chat-ask").fill(question);
    await page.keyboard.press("Enter");
    await page.locator(".chat-prose", { hasText: /\w{2,}/ }).waitFor();
    // However long a busy machine takes to click, the answer does not end before.
    models.halt();
    await page.getByRole("button", { name: "Stop" }).click();
    await page.getByText("You stopped it here.").waitFor();
  } finally {
    models.fast();
  }
  await page.locator(".chat-answer .chat-cost button").waitFor();
  const part = await bill(page);
  expect(part.cost).toBeGreaterThan(0n);
  expect(part.cost).toBeLessThan(whole.cost);
  expect(part.lines.reduce((all, one) => all + one, 0n)).toBe(part.cost);
  await page.locator(".chat-answer").getByText(/Checked in this browser/).waitFor();
  expect(text.length).toBeGreaterThan((await page.locator(".chat-prose").innerText()).length);
});

test("out of credit is said, with where to go, and going on afterwards loses nothing", async () => {
  const { page } = await owner(chromium, node, EN, faults);
  const rich = node.apiKey;
  const poor = JSON.parse(node.pumasi("key", "new", "--budget", "0.000000001", "--name", "poor", "--json"));
  node.apiKey = poor.key;
  await page.locator("#chat-ask").fill("What is a royalty?");
  await page.keyboard.press("Enter");
  const wrong = page.locator(".chat-wrong");
  await wrong.waitFor();
  expect(await wrong.innerText()).toMatch(/budget|credit/i);
  expect(await wrong.getByRole("link", { name: "Keys and budgets" }).getAttribute("href")).toBe("#/keys");
  node.apiKey = rich;
  await wrong.getByRole("button", { name: "Try again" }).click();
  await page.locator(".chat-cost button").waitFor();
  // A refusal is an answer of HTTP that a browser writes into its console.
  expect(faults.splice(0).every((one) => one.includes("402"))).toBe(true);
});

test("conversations branch, are found, renamed, kept as a file and deleted", async () => {
  const { page } = await owner(chromium, node, EN, faults);
  await ask(page, "What is a royalty?");
  const first = await page.locator(".chat-prose").innerText();
  await page.getByRole("button", { name: "Answer again" }).click();
  await page.getByText("Branch 2 of 2").waitFor();
  await page.getByRole("button", { name: "Branch before" }).click();
  await page.getByText("Branch 1 of 2").waitFor();
  expect(await page.locator(".chat-prose").innerText()).toBe(first);

  await page.getByRole("button", { name: "Edit", exact: true }).click();
  await page.locator(".chat-question textarea").fill("Who is paid?");
  await page.keyboard.press("Enter");
  await page.locator(".chat-asked", { hasText: "Who is paid?" }).waitFor();
  await page.locator(".chat-answer[aria-busy=false] .chat-cost button").waitFor();

  const menu = async (name: string) => {
    await page.getByRole("button", { name: "More" }).click();
    await page.locator("#chat-menu").getByRole("button", { name }).click();
  };
  await menu("Rename");
  await page.getByRole("textbox", { name: "Name" }).fill("About being paid");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByRole("link", { name: "About being paid" }).waitFor();

  const downloaded = page.waitForEvent("download");
  await menu("Save as Markdown");
  const file = await downloaded;
  expect(file.suggestedFilename()).toMatch(/\.md$/);
  const kept = readFileSync(await file.path(), "utf8");
  expect(kept).toContain("About being paid");
  expect(kept).toContain("Who is paid?");

  await page.getByRole("link", { name: "New conversation" }).click();
  await page.locator(".chat-answer").waitFor({ state: "detached" });
  await ask(page, "Who are you?");
  await page.getByRole("searchbox", { name: "Search conversations" }).fill("being paid");
  await page.getByRole("link", { name: "Who are you?" }).waitFor({ state: "detached" });
  await page.getByRole("link", { name: "About being paid" }).click();
  await page.locator(".chat-asked", { hasText: "Who is paid?" }).waitFor();
  await menu("Delete");
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await page.getByRole("dialog").waitFor({ state: "detached" });
  // Once it is gone a new one can be typed at: until then the focus may still leave the search.
  await page.locator("#chat-ask:focus").waitFor();
  await page.getByRole("searchbox", { name: "Search conversations" }).fill("");
  await page.getByRole("link", { name: "About being paid" }).waitFor({ state: "detached" });
  await page.getByRole("link", { name: "Who are you?" }).waitFor();
});

test("a file goes along as text, and a system prompt, temperature and seed with it", async () => {
  const { page } = await owner(chromium, node, EN, faults);
  await page.locator("input[type=file]").setInputFiles({ name: "note.txt", mimeType: "text/plain", buffer: Buffer.from("A royalty is paid for each use.") });
  await page.getByText("note.txt").waitFor();
  await page.getByRole("button", { name: "Settings" }).click();
  await page.getByLabel("System prompt").fill("Answer briefly.");
  await page.getByLabel("Temperature").fill("0");
  await page.getByLabel("Seed").fill("7");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  const asked = page.waitForRequest((request) => request.url().endsWith("/v1/chat/completions"));
  await page.locator("#chat-ask").fill("What is said there?");
  await page.keyboard.press("Enter");
  const body = (await asked).postDataJSON();
  await page.locator(".chat-cost button").waitFor();
  expect(body).toMatchObject({ temperature: 0, seed: 7 });
  expect(body.messages[0]).toEqual({ role: "system", content: "Answer briefly." });
  expect(JSON.stringify(body.messages.at(-1).content)).toContain("A royalty is paid for each use.");
});

test("a node that goes away is said, and the page goes on when it is back", async () => {
  const { context, page } = await owner(chromium, node, EN, faults);
  await ask(page, "What is a royalty?");
  await context.setOffline(true);
  await page.locator("#chat-ask").fill("Who are you?");
  await page.keyboard.press("Enter");
  await page.getByText("The node does not answer").first().waitFor();
  await context.setOffline(false);
  await page.getByRole("button", { name: "Try again" }).last().click();
  await page.locator(".chat-answer[aria-busy=false]").nth(1).locator(".chat-cost button").waitFor();
  expect(faults.splice(0).every((one) => one.includes("ERR_INTERNET_DISCONNECTED"))).toBe(true);
});
