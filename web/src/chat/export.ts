// Conversations as files to keep: one as Markdown to read, all as JSON for programs.

import type { Bill, Conversation } from "./tree";
import { thread } from "./tree";
import { withFiles } from "./files";

/** The branch on screen, with what each answer cost, exactly. */
export function asMarkdown(of: Conversation, names: { you: string; cost: (bill: Bill) => string }): string {
  const parts = thread(of).map((one) => {
    const by = one.role === "user" ? names.you : one.model ?? of.model;
    const cost = one.bill ? `\n\n*${names.cost(one.bill)}*` : "";
    return `**${by}**\n\n${one.role === "user" ? withFiles(one.text, one.files) : one.text}${cost}`;
  });
  const system = of.options.system.trim();
  const quoted = system ? [system.split("\n").map((line) => `> ${line}`).join("\n")] : [];
  return `${[`# ${of.title}`, ...quoted, ...parts].join("\n\n")}\n`;
}

export function asJson(all: readonly Conversation[], now: Date): string {
  return `${JSON.stringify({ format: "pumasi-conversations", version: 1, exported: now.toISOString(), conversations: all }, null, 2)}\n`;
}

/** A name that every system takes. */
export function fileName(title: string): string {
  return title.normalize("NFC").replace(/[\\/:*?"<>|\p{Cc}]+/gu, " ").replace(/\s+/g, " ").trim().replace(/^\.+|\.+$/g, "").slice(0, 60).trim() || "pumasi";
}

export function download(name: string, type: string, text: string) {
  const address = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
