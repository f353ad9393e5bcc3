// A real node and a real browser. The program is named by PUMASI, the browser by CHROMIUM.

import { AxeBuilder } from "@axe-core/playwright";
import { spawn, execFileSync, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium, type Browser, type BrowserContext, type Page } from "playwright-core";
import { expect, onTestFinished } from "vitest";

const program = process.env["PUMASI"] ?? "pumasi";
/** A folder with the page as it was built just now, to try it without building the program again; its policy is then not in force. */
const built = process.env["DIST"];
/** Where pictures of the pages are left to look at. */
export const pictures = process.env["PICTURES"] ?? join(tmpdir(), "pumasi-pictures");
mkdirSync(pictures, { recursive: true });

/** A node of its own, with the models that ship. */
export class Node {
  private constructor(
    readonly home: string,
    readonly address: string,
    private readonly process: ChildProcess,
    private readonly kept: boolean,
  ) {}

  /** In a new data folder that is gone afterwards, or in one that is kept. */
  static async start(args: string[] = [], folder?: string): Promise<Node> {
    const home = folder ?? mkdtempSync(join(tmpdir(), "pumasi-page-"));
    const process = spawn(program, ["up", "--listen", "127.0.0.1:0", "--home", home, "--json", ...args], { stdio: ["ignore", "pipe", "inherit"] });
    const ready = await new Promise<string>((found, failed) => {
      let text = "";
      process.stdout!.on("data", (bytes: Buffer) => {
        text += bytes.toString();
        if (text.includes("\n")) found(text);
      });
      process.on("error", (error) => failed(new Error(`${program} does not start (${error.message}): name the program in PUMASI`)));
      process.on("exit", (code) => failed(new Error(`pumasi up ended with ${code}`)));
    });
    return new Node(home, JSON.parse(ready).address as string, process, folder !== undefined);
  }

  /** What a command of the program prints. */
  pumasi(...args: string[]): string {
    return execFileSync(program, [...args, "--home", this.home], { encoding: "utf8" });
  }

  /** A link that opens a session once. */
  link(): string {
    return JSON.parse(this.pumasi("open", "--print", "--json")).link as string;
  }

  /** The API key from which the page's answers are paid. */
  get apiKey(): string {
    return readFileSync(join(this.home, "api-key"), "utf8").trim();
  }
  set apiKey(key: string) {
    writeFileSync(join(this.home, "api-key"), key);
  }

  /** Lets the models run a fiftieth of the time, as large ones do, then not at all, then as ever. */
  slow(): { halt: () => void; fast: () => void } {
    const tree = (pid: number): number[] => {
      const children = existsSync(`/proc/${pid}/task`) ? readdirSync(`/proc/${pid}/task`).flatMap((task) => readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").trim().split(" ").filter(Boolean)) : [];
      return children.flatMap((child) => [Number(child), ...tree(Number(child))]);
    };
    const workers = tree(this.process.pid!);
    if (workers.length === 0) throw new Error("no worker runs");
    const all = (signal: "SIGSTOP" | "SIGCONT") => workers.forEach((pid) => process.kill(pid, signal));
    all("SIGSTOP");
    const timer = setInterval(() => {
      all("SIGCONT");
      const until = performance.now() + 0.5;
      while (performance.now() < until);
      all("SIGSTOP");
    }, 25);
    return {
      halt: () => clearInterval(timer),
      fast: () => {
        clearInterval(timer);
        all("SIGCONT");
      },
    };
  }

  async stop() {
    const ended = new Promise((done) => this.process.once("exit", done));
    this.process.kill("SIGTERM");
    await ended;
    if (!this.kept) rmSync(this.home, { recursive: true, force: true });
  }
}

export interface Look {
  language: "en" | "ko";
  colors: "light" | "dark";
  width?: number;
}
export const LOOKS: Look[] = (["en", "ko"] as const).flatMap((language) => (["light", "dark"] as const).map((colors) => ({ language, colors })));

export async function browser(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
}

let failed = 0;

/** A new person's browser, for this test; what goes wrong in its console is gathered in `faults`. */
export async function person(of: Browser, look: Look, faults: string[]): Promise<{ context: BrowserContext; page: Page }> {
  const context = await of.newContext({
    viewport: { width: look.width ?? 1200, height: 850 },
    colorScheme: look.colors,
    locale: look.language === "ko" ? "ko-KR" : "en-US",
    permissions: ["clipboard-read", "clipboard-write"],
  });
  if (built) {
    await context.route(/^http:\/\/[^/]+\/(assets\/.*|icon\.svg)?$/, (route) => {
      const path = new URL(route.request().url()).pathname;
      return route.fulfill({ path: join(built, path === "/" ? "index.html" : path) });
    });
  }
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  onTestFinished(async ({ task }) => {
    if (task.result?.state === "fail") await page.screenshot({ path: join(pictures, `failed-${(failed += 1)}.png`) });
    await context.close();
  });
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") faults.push(`${message.text()} ${message.location().url}`);
  });
  page.on("pageerror", (error) => faults.push(error.message));
  return { context, page };
}

/** Goes to a place of the page, whose address without one opens it. */
export async function goTo(page: Page, node: Node, place: string) {
  await page.goto(`${node.address}/${place}`);
}

/** A person with a session, at the chat. */
export async function owner(of: Browser, node: Node, look: Look, faults: string[]): Promise<{ context: BrowserContext; page: Page }> {
  const found = await person(of, look, faults);
  await found.page.goto(node.link());
  await found.page.locator("#chat-ask").waitFor();
  await found.page.locator(".chat-model-price").waitFor();
  return found;
}

/** Asks a question by the keyboard and waits for the whole answer. */
export async function ask(page: Page, question: string): Promise<void> {
  const before = await page.locator(".chat-answer").count();
  await page.locator("#chat-ask").fill(question);
  // The models may still be on their way.
  await page.locator(".chat-composer button[type=submit]:enabled").waitFor();
  await page.keyboard.press("Enter");
  await page.locator(".chat-answer[aria-busy=false]").nth(before).locator(".chat-cost button").waitFor();
}

/** Decimal text of credits, as pico-credits. */
export function pico(text: string): bigint {
  const [whole = "", part = ""] = text.replaceAll(",", "").split(".");
  return BigInt(whole + part.padEnd(12, "0"));
}

/** Opens the bill of the newest answer; gives its cost and its lines. */
export async function bill(page: Page): Promise<{ cost: bigint; lines: bigint[]; sum: bigint }> {
  const answer = page.locator(".chat-answer").last();
  const line = answer.locator(".chat-cost button");
  await line.click();
  const table = answer.locator(".chat-bill table");
  const lines = await table.locator("tbody td:last-child").allInnerTexts();
  const sum = await table.locator("tfoot td:last-child").innerText();
  const cost = /[\d,]+\.\d+/.exec(await line.innerText());
  expect(cost).not.toBeNull();
  return { cost: pico(cost![0]), lines: lines.map(pico), sum: pico(sum) };
}

/** What axe finds wrong on the page as it stands. */
export async function axe(page: Page): Promise<string[]> {
  const found = await new AxeBuilder({ page }).analyze();
  return found.violations.map((one) => `${one.id}: ${one.help}: ${one.nodes.map((node) => node.target.join(" ")).join(", ")}`);
}

/** By how many pixels the page is wider than its window. */
export async function overflow(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}
