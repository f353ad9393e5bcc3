// Not a test: how soon the chat can be used, and whether a long list stays smooth. MEASURE=1000 npm run test:browser -- measure
// publishes that many works first, which takes longer for each one that is there; MEASURE_HOME names a folder that keeps them for
// the next time. The numbers in docs/benchmarks.md come from here.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, test } from "vitest";
import type { Browser } from "playwright-core";
import { browser, goTo, Node, owner } from "./harness";

const many = Number(process.env["MEASURE"] ?? 0);
const ROUNDS = 30;
const LOOK = { language: "en", colors: "light" } as const;
let node: Node;
let chromium: Browser;

beforeAll(async () => {
  if (many > 0) [node, chromium] = await Promise.all([Node.start([], process.env["MEASURE_HOME"]), browser()]);
});
afterAll(async () => {
  await chromium?.close();
  await node?.stop();
});

const middle = (all: number[]) => all.sort((a, b) => a - b)[Math.floor(all.length / 2)]!.toFixed(0);

test.runIf(many > 0)("how soon a question can be asked", async () => {
  const { context, page } = await owner(chromium, node, LOOK, []);
  await context.addInitScript(() => {
    const look = () => {
      if (document.querySelector("#chat-ask") && document.querySelector(".chat-model-price")) (window as unknown as { usable: number }).usable = performance.now();
      else requestAnimationFrame(look);
    };
    look();
  });
  const [usable, plain] = [[] as number[], [] as number[]];
  for (let round = 0; round < ROUNDS; round += 1) {
    await page.goto("about:blank");
    await goTo(page, node, "#/");
    await page.waitForFunction(() => "usable" in window);
    usable.push(await page.evaluate(() => (window as unknown as { usable: number }).usable));
    // The same browser and node with a page of three small tables and no script.
    await page.goto(`${node.address}/ledger`);
    plain.push(await page.evaluate(() => (performance.getEntriesByType("navigation")[0] as PerformanceNavigationTiming).loadEventStart));
  }
  console.log(`chat usable after ${middle(usable)} ms (plain page of the ledger: ${middle(plain)} ms), middle of ${ROUNDS}`);
});

/** Publishes what is not there yet. */
async function publish() {
  const authorization = `Bearer ${readFileSync(join(node.home, "owner-token"), "utf8").trim()}`;
  const put = async (method: string, path: string, body: string) => {
    const answer = await fetch(node.address + path, { method, body, headers: { authorization, "content-type": "application/json" } });
    if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
  };
  const { found } = (await (await fetch(`${node.address}/artifacts?kind=dataset&license=MIT&limit=1`)).json()) as { found: number };
  for (let at = found; at < many; at += 1) {
    const card = `---\nlicense: MIT\n---\n# Collection ${at}\n\nThings of number ${at}.\n`;
    const digest = `sha256:${createHash("sha256").update(card).digest("hex")}`;
    await put("PUT", `/blobs/${digest}`, card);
    await put("POST", "/artifacts", JSON.stringify({ name: `c${at}`, kind: "dataset", files: [{ path: "README.md", digest, size: card.length }] }));
  }
}

test.runIf(many > 0)("whether a long list stays smooth", { timeout: 7_200_000 }, async () => {
  await publish();
  const { context, page } = await owner(chromium, node, LOOK, []);
  const cdp = await context.newCDPSession(page);
  await cdp.send("Network.enable");
  const asked = new Map<string, string>();
  const bytes: number[] = [];
  cdp.on("Network.requestWillBeSent", ({ requestId, request }) => asked.set(requestId, new URL(request.url).pathname));
  cdp.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => asked.get(requestId) === "/artifacts" && bytes.push(encodedDataLength));
  const first: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    await page.goto("about:blank");
    await goTo(page, node, "#/explore?sort=name");
    await page.locator(".explore-result").first().waitFor();
    first.push(await page.evaluate(() => performance.now()));
  }
  const answers: string[] = [];
  for (const query of ["sort=newest", "sort=price", "sort=use", "q=collection", "q=77"]) {
    const times: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const began = performance.now();
      await (await fetch(`${node.address}/artifacts?${query}&limit=50`)).arrayBuffer();
      times.push(performance.now() - began);
    }
    answers.push(`${query} ${middle(times)}`);
  }
  const { frames, shown } = await page.evaluate(async (many) => {
    const frames: number[] = [];
    let last = performance.now();
    const count = () => document.getElementsByClassName("explore-result").length;
    const until = performance.now() + 300_000;
    while (count() < many && performance.now() < until) {
      scrollBy(0, 2000);
      await new Promise(requestAnimationFrame);
      const now = performance.now();
      frames.push(now - last);
      last = now;
    }
    return { frames, shown: count() };
  }, many);
  await cdp.send("Performance.enable");
  const { metrics } = await cdp.send("Performance.getMetrics");
  const heap = (metrics.find((one) => one.name === "JSHeapUsedSize")!.value / 1e6).toFixed(0);
  const resident = /process_resident_memory_bytes (\d+)/.exec(await (await fetch(`${node.address}/metrics`)).text())![1]!;
  const began = performance.now();
  await page.evaluate(() => scrollTo(0, 0));
  await page.getByRole("searchbox").fill(`collection ${many - 1}`);
  await page.waitForFunction(() => document.querySelectorAll(".explore-result").length === 1);
  const search = (performance.now() - began).toFixed(0);
  const slow = frames.filter((one) => one > 50).length;
  console.log(`${shown} works scrolled through in ${frames.length} frames: middle ${middle(frames)} ms, ${slow} longer than 50 ms, longest ${Math.max(...frames).toFixed(0)} ms
first works after ${middle(first)} ms; ${middle(bytes)} bytes a list; answers in ms: ${answers.join(", ")}
memory: page ${heap} MB, node ${(Number(resident) / 1e6).toFixed(0)} MB; a search from the end of the list ${search} ms`);
});
