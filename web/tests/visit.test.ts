// The first visit: from the link that `pumasi up` prints to a bill that this browser checked.

import { afterAll, beforeAll, expect, test } from "vitest";
import type { Browser } from "playwright-core";
import { axe, bill, browser, goTo, Node, owner, person } from "./harness";

let node: Node;
let chromium: Browser;
const faults: string[] = [];
const LOOK = { language: "en", colors: "light" } as const;

beforeAll(async () => {
  [node, chromium] = await Promise.all([Node.start(), browser()]);
});
afterAll(async () => {
  await chromium?.close();
  await node?.stop();
});

test("a first visit: what this is, an example to click, its answer, and whom it paid", async () => {
  const link = node.link();
  const { page } = await person(chromium, LOOK, faults);
  await page.goto(link);
  await page.getByText("play credits of this machine’s own network").waitFor();
  expect(new URL(page.url()).hash, "the word of the link is forgotten").toBe("#/");
  expect(await axe(page)).toEqual([]);

  await page.getByRole("button", { name: "What is a royalty?" }).click();
  await page.locator(".chat-cost button").waitFor();
  expect((await page.locator(".chat-answer .chat-prose").innerText()).length).toBeGreaterThan(20);

  const { cost, lines, sum } = await bill(page);
  expect(lines.length, "provider, model, recipe and both datasets").toBeGreaterThanOrEqual(5);
  expect(cost).toBeGreaterThan(0n);
  expect(sum).toBe(cost);
  expect(lines.reduce((all, one) => all + one, 0n), "the lines add up to the cost exactly").toBe(cost);
  await page.getByText(/Checked in this browser/).waitFor();
  expect(await axe(page)).toEqual([]);

  // What was asked is there again after a reload, and in no other browser.
  await page.reload();
  await page.locator(".chat-cost button").waitFor();

  const other = await person(chromium, LOOK, []);
  await other.page.goto(link);
  await other.page.getByRole("alert").getByText("pumasi open").waitFor();
  expect(await other.page.locator(".chat-answer").count()).toBe(0);
  expect(faults).toEqual([]);
});

test("a session that opens is not closed by an earlier answer that comes late", async () => {
  const { context, page } = await person(chromium, LOOK, faults);
  await context.route("**/session", async (route) => {
    const request = route.request();
    if (request.method() !== "GET") return route.continue();
    const answer = await route.fetch();
    await new Promise((later) => setTimeout(later, 500));
    await route.fulfill({ response: answer });
  });
  await page.goto(node.link());
  await page.locator("#chat-ask").waitFor();
  await page.waitForTimeout(800);
  expect(await page.locator("#chat-ask").isVisible()).toBe(true);
});

test("signing out ends this browser's session, and no other one", async () => {
  const { context, page } = await owner(chromium, node, LOOK, faults);
  const other = await owner(chromium, node, LOOK, faults);
  const kept = { cookies: await context.cookies(), half: await page.evaluate(() => localStorage.getItem("pumasi-session")) };
  const open = async () => {
    const cookie = kept.cookies.map((one) => `${one.name}=${one.value}`).join("; ");
    const answer = await fetch(`${node.address}/session`, { headers: { cookie, "x-pumasi-session": kept.half! } });
    return ((await answer.json()) as { open: boolean }).open;
  };
  expect(await open()).toBe(true);
  await goTo(page, node, "#/keys");
  await page.getByRole("button", { name: "Sign out" }).click();
  const sure = page.getByRole("dialog");
  expect(await axe(page)).toEqual([]);
  await sure.getByRole("button", { name: "Sign out" }).click();
  await page.getByText("Run pumasi open in a terminal").waitFor();
  expect(await open(), "a copy of both halves opens nothing any more").toBe(false);
  await goTo(other.page, node, "#/keys");
  await other.page.locator(".keys-one").first().waitFor();
  expect(faults).toEqual([]);
});

test("what is wrong is said in the language of the page", async () => {
  const { page } = await person(chromium, { language: "ko", colors: "dark" }, []);
  await goTo(page, node, "#/ledger/account/nobody-of-this-name");
  await page.getByText("이름이 nobody-of-this-name인 계정이 없습니다").waitFor();
  await page.getByRole("button", { name: "English" }).click();
  await page.reload();
  await page.getByText("nobody has the name nobody-of-this-name").waitFor();
});

test("the ledger needs no session, and the wallet does", async () => {
  const { page } = await person(chromium, LOOK, faults);
  for (const place of ["publish", "earnings", "keys"]) {
    await goTo(page, node, `#/${place}`);
    await page.getByText("Run pumasi open in a terminal").waitFor();
    expect(await axe(page), place).toEqual([]);
  }
  await goTo(page, node, "#/explore");
  await page.getByRole("link", { name: /guide/i }).first().waitFor();
  await goTo(page, node, "#/ledger");
  await page.getByRole("button", { name: "Check now" }).click();
  await page.getByText("Everything that was checked holds.").waitFor();
  expect(await page.locator(".check-steps .tag.bad").count()).toBe(0);
  expect(faults).toEqual([]);
});

// What is served from a folder is not compressed.
test.skipIf(process.env["DIST"])("what the first visit loads weighs at most 120 KB", async () => {
  const { context, page } = await owner(chromium, node, LOOK, faults);
  const cdp = await context.newCDPSession(page);
  let bytes = 0;
  let files = 0;
  await cdp.send("Network.enable");
  await cdp.send("Network.setCacheDisabled", { cacheDisabled: true });
  cdp.on("Network.loadingFinished", ({ encodedDataLength }) => {
    bytes += encodedDataLength;
    files += 1;
  });
  await page.goto("about:blank");
  await goTo(page, node, "#/");
  await page.locator("#chat-ask").waitFor();
  await page.waitForLoadState("networkidle");
  expect(files).toBeGreaterThan(3);
  expect(bytes).toBeLessThanOrEqual(120_000);
  console.log(`first load: ${bytes} bytes in ${files} answers`);
});

test("a policy lets nothing of a stranger run", async () => {
  const { page } = await owner(chromium, node, LOOK, []);
  const ran = await page.evaluate(() => {
    const script = document.createElement("script");
    script.textContent = "window.ran = true";
    document.body.append(script);
    return (window as unknown as { ran?: boolean }).ran ?? false;
  });
  expect(ran).toBe(Boolean(process.env["DIST"]));
  expect(await page.evaluate(() => document.cookie), "no script reads the session's cookie").toBe("");
});
