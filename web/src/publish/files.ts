// The files of a folder or of a drop, named as within the artifact: as the command line names them.

import { say, type Said } from "../language";

const words = {
  hidden: ["{path}: hidden", "{path}: 숨김 파일"],
  many: ["There are more than {most} files.", "파일이 {most}개를 넘습니다."],
  deep: ["A folder lies deeper than {most} folders.", "폴더가 {most}단계보다 깊습니다."],
  none: ["There is no file in it.", "파일이 하나도 없습니다."],
  pickle: [
    "{path}: pickle files can run anybody's code when they are loaded; convert it to safetensors.",
    "{path}: pickle 파일은 읽는 것만으로 누군가의 코드를 실행할 수 있습니다. safetensors로 바꿔 주세요.",
  ],
} satisfies Record<string, Said>;

export interface Chosen {
  path: string;
  file: File;
}

export interface Gathered {
  files: Chosen[];
  /** What was left out, with a reason each. */
  skipped: string[];
  /** What the artifact could be called. */
  name: string;
}

const FILES_MAX = 10_000;
const DEPTH_MAX = 64;

/** A name that the ledger takes, from that of a file or folder: `My Model.gguf` becomes `my-model`. */
export function nameOf(text: string, isFile: boolean): string {
  const stem = isFile ? text.replace(/(?<=.)\.[^.]*$/, "") : text;
  let name = "";
  for (const c of stem.replace(/[A-Z]/g, (letter) => letter.toLowerCase())) {
    const kept = /[a-z0-9._]/.test(c) ? c : "-";
    if (name.length < 64 && (/[a-z0-9]/.test(kept) || !(name === "" || name.endsWith("-")))) name += kept;
  }
  return name.replace(/[-._]+$/, "");
}

/** Sorts out what is hidden, and refuses what the node would after hours of sending. */
export async function gather(all: Chosen[], name: string): Promise<Gathered> {
  const hidden = (path: string) => path.split("/").some((part) => part.startsWith("."));
  const files = all.filter(({ path }) => !hidden(path)).sort((a, b) => (a.path < b.path ? -1 : 1));
  const skipped = all.filter(({ path }) => hidden(path)).map(({ path }) => say(words.hidden, { path }));
  if (files.length === 0) throw new Error(say(words.none));
  if (files.length > FILES_MAX) throw new Error(say(words.many, { most: FILES_MAX }));
  for (const { path, file } of files) {
    if (/\.(pkl|pickle|pt|pth|ckpt|bin)$/.test(path) && isPickle(new Uint8Array(await file.slice(0, 4).arrayBuffer()))) throw new Error(say(words.pickle, { path }));
  }
  return { files, skipped, name: name || nameOf(main(files).path.split("/").pop()!, true) };
}

/** The file that tells most about what several are: not one that stands beside every work. */
function main(files: Chosen[]): Chosen {
  return files.find(({ path }) => !/(^|\/)(readme|license|notice)[^/]*$/i.test(path)) ?? files[0]!;
}

/** Python's pickle, plain (protocol 2 and later) or in the zip archive that PyTorch makes. */
export function isPickle(head: Uint8Array): boolean {
  const [a, b, c, d] = head;
  if (head.length < 4) return false;
  return (a === 0x80 && b! >= 2 && b! <= 5) || (a === 0x50 && b === 0x4b && c === 3 && d === 4);
}

/** What an `<input type="file">` chose. Of a folder the paths begin with its name. */
export function ofInput(list: FileList): Promise<Gathered> {
  const files = [...list];
  const folder = files[0]?.webkitRelativePath.split("/")[0] ?? "";
  const all = files.map((file) => ({ path: file.webkitRelativePath.split("/").slice(1).join("/") || file.name, file }));
  return gather(all, folder ? nameOf(folder, false) : files.length === 1 ? nameOf(files[0]!.name, true) : "");
}

/** What was dropped. One folder alone is the artifact; several things lie beside each other in it. */
export async function ofDrop(data: DataTransfer): Promise<Gathered> {
  // These are gone once the event is over, so all are taken before anything is waited for.
  const entries = [...data.items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  const all: Chosen[] = [];
  const only = entries.length === 1 ? entries[0]! : null;
  if (only?.isDirectory) await walk(only as FileSystemDirectoryEntry, "", 0, all);
  else for (const entry of entries) await take(entry, "", 0, all);
  return gather(all, only ? nameOf(only.name, only.isFile) : "");
}

async function take(entry: FileSystemEntry, prefix: string, depth: number, all: Chosen[]): Promise<void> {
  if (entry.name.startsWith(".")) return;
  if (all.length > FILES_MAX) throw new Error(say(words.many, { most: FILES_MAX }));
  if (entry.isDirectory) return walk(entry as FileSystemDirectoryEntry, `${prefix}${entry.name}/`, depth + 1, all);
  const file = await new Promise<File>((found, fail) => (entry as FileSystemFileEntry).file(found, fail));
  all.push({ path: prefix + entry.name, file });
}

async function walk(folder: FileSystemDirectoryEntry, prefix: string, depth: number, all: Chosen[]): Promise<void> {
  if (depth > DEPTH_MAX) throw new Error(say(words.deep, { most: DEPTH_MAX }));
  const reader = folder.createReader();
  // A browser tells a hundred at a time; none means that there are no more.
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((found, fail) => reader.readEntries(found, fail));
    if (some.length === 0) return;
    for (const entry of some) await take(entry, prefix, depth, all);
  }
}
