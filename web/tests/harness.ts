// A real node and a real browser. The program is named by PUMASI, the browser by CHROMIUM.

import { AxeBuilder } from "@axe-core/playwright";
import { spawn, execFileSync, type ChildProcess } from "node:child_process";
import { mkdtempSync, mkdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium, type Browser, type BrowserContext, type Page } from "playwright-core";

const program = process.env["PUMASI"] ?? "pumasi";
/** Where pictures of the pages are left to look at. */
export const pictures = process.env["PICTURES"] ?? join(tmpdir(), "pumasi-pictures");
mkdirSync(pictures, { recursive: true });

/** A node of its own, with the models that ship, in a new data folder. */
export class Node {
  private constructor(
    readonly home: string,
    readonly address: string,
    private readonly process: ChildProcess,
  ) {}

  static async start(args: string[] = []): Promise<Node> {
    const home = mkdtempSync(join(tmpdir(), "pumasi-page-"));
    const process = spawn(program, ["up", "--listen", "127.0.0.1:0", "--home", home, "--json", ...args], { stdio: ["ignore", "pipe", "inherit"] });
    const ready = await new Promise<string>((found, failed) => {
      let text = "";
      process.stdout!.on("data", (bytes: Buffer) => {
        text += bytes.toString();
        if (text.includes("\n")) found(text);
      });
      process.on("exit", (code) => failed(new Error(`pumasi up ended with ${code}`)));
    });
    return new Node(home, JSON.parse(ready).address as string, process);
  }

  /** What a command of the program prints. */
  pumasi(...args: string[]): string {
    return execFileSync(program, [...args, "--home", this.home], { encoding: "utf8" });
  }

  /** A link that opens a session once. */
  link(): string {
    return JSON.parse(this.pumasi("open", "--print", "--json")).link as string;
  }

  async stop() {
    const ended = new Promise((done) => this.process.once("exit", done));
    this.process.kill("SIGTERM");
    await ended;
    rmSync(this.home, { recursive: true, force: true });
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

/** A new person's browser; what goes wrong in its console is gathered in `faults`. */
export async function person(of: Browser, look: Look, faults: string[]): Promise<{ context: BrowserContext; page: Page }> {
  const context = await of.newContext({
    viewport: { width: look.width ?? 1200, height: 850 },
    colorScheme: look.colors,
    locale: look.language === "ko" ? "ko-KR" : "en-US",
    permissions: ["clipboard-read", "clipboard-write"],
  });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") faults.push(message.text());
  });
  page.on("pageerror", (error) => faults.push(error.message));
  return { context, page };
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
