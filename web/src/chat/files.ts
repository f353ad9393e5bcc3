// Files as context of a question: text only, put before the question. They stay in this browser and in what is asked.

import type { Said } from "../language";

export interface Attached {
  name: string;
  text: string;
}

const MAX = 200_000;

const words = {
  long: ["{name} has more than 200 kB. Only shorter text files can go with a question.", "{name|은/는} 200kB가 넘습니다. 그보다 짧은 글 파일만 함께 보낼 수 있습니다."],
  binary: ["{name} is no text file, so a model cannot read it here.", "{name|은/는} 글 파일이 아니라서 모델이 읽을 수 없습니다."],
  empty: ["{name} is empty.", "{name|은/는} 비어 있습니다."],
} satisfies Record<string, Said>;

/** Why a file cannot go along; `name` is for the sentence. */
export class Unfit {
  constructor(readonly why: Said, readonly name: string) {}
}

export async function attach(file: File): Promise<Attached | Unfit> {
  // macOS gives names with letters taken apart.
  const name = file.name.normalize("NFC");
  if (file.size === 0) return new Unfit(words.empty, name);
  if (file.size > MAX) return new Unfit(words.long, name);
  const text = textOf(new Uint8Array(await file.arrayBuffer()));
  return text === null ? new Unfit(words.binary, name) : { name, text };
}

/** The text of bytes in UTF-8, UTF-16 with its mark, or the older Korean encoding; null if they are no text. */
export function textOf(bytes: Uint8Array): string | null {
  const marked = bytes[0] === 0xff && bytes[1] === 0xfe ? "utf-16le" : bytes[0] === 0xfe && bytes[1] === 0xff ? "utf-16be" : null;
  for (const encoding of marked ? [marked] : ["utf-8", "euc-kr"]) {
    try {
      const text = new TextDecoder(encoding, { fatal: true }).decode(bytes);
      // Control characters stand in no text, but tab, line ends, form feed and the escapes of terminal output.
      if (!/[\u0000-\u0008\u000b\u000e-\u001a\u001c-\u001f]/.test(text)) return text;
    } catch {
      // Not in this encoding.
    }
  }
  return null;
}

/** The question as the model gets it: each file fenced, by a fence that the file does not have, then the question. */
export function withFiles(question: string, files: readonly Attached[] = []): string {
  const fenced = files.map(({ name, text }) => {
    const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map((run) => run[0].length));
    const fence = "`".repeat(longest + 1);
    return `${name}\n${fence}\n${text}${text.endsWith("\n") ? "" : "\n"}${fence}`;
  });
  return [...fenced, question].filter((part) => part !== "").join("\n\n");
}
