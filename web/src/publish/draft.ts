// What is said about a work before it is published, and what the node makes of it. docs/publishing.md says what is for good.

import { parse } from "../money";

export const KINDS = ["model", "adapter", "dataset", "recipe", "evaluation"] as const;
export type Kind = (typeof KINDS)[number];

export interface DraftFile {
  path: string;
  digest: string;
  size: number;
}

export interface Payee {
  account: string;
  weight: string;
}

/** The form, as it was typed. What is empty is as the files say. */
export interface Form {
  name: string;
  kind: Kind | "";
  license: string;
  /** Credits per million tokens. */
  input: string;
  output: string;
  /** None: those that the files name. */
  parents: string[] | null;
  payees: Payee[];
}

export const EMPTY: Form = { name: "", kind: "", license: "", input: "", output: "", parents: null, payees: [] };

export interface Rates {
  input: number;
  output: number;
}

interface Draft {
  name: string;
  files: DraftFile[];
  kind?: Kind;
  parents?: string[];
  royalty?: Rates;
  payees?: { account: string; weight: number }[];
  license?: string;
}

export interface Line {
  payee: string;
  id: string;
  what: string;
  input_rate: number;
  output_rate: number;
  pico: string;
}

export interface Preview {
  id: string;
  name: string;
  kind: Kind;
  title: string | null;
  architecture: string | null;
  license: string | null;
  openness: { class: string | null; classes: { class: string; percent: number; sentences: string[] }[] };
  royalty: Rates;
  payees: { account: string; weight: number }[];
  files: number;
  bytes: number;
  parents: string[];
  unresolved: string[];
  left_out: string[];
  replaces: string | null;
  price: { lines: Line[]; pico: string };
  notes: string[];
  published: boolean;
}

export type FieldName = "name" | "kind" | "license" | "royalty" | "input" | "output" | "parents" | "payees" | "files";
export type Faults = Partial<Record<FieldName, string>>;
/** Which fields hold what cannot be read; what to say of it stands with the form. */
export type Bad = Partial<Record<"name" | "input" | "output" | "payees", true>>;

/** Credits per million tokens as pico-credits per token; null if it is no amount, or has more than six digits after the point. */
export function rate(text: string): number | null {
  if (!text.trim()) return 0;
  const amount = parse(text);
  if (amount === null || amount % 1_000_000n !== 0n) return null;
  const found = Number(amount / 1_000_000n);
  return Number.isSafeInteger(found) ? found : null;
}

/** The draft that the node is sent, or which fields are in its way. */
export function draft(form: Form, files: DraftFile[]): { draft: Draft; bad: null } | { draft: null; bad: Bad } {
  const bad: Bad = {};
  const [input, output] = [rate(form.input), rate(form.output)];
  if (!form.name.trim()) bad.name = true;
  if (input === null) bad.input = true;
  if (output === null) bad.output = true;
  const asks = Boolean(form.input.trim() || form.output.trim());
  const payees = form.payees.filter((one) => one.account.trim()).map((one) => ({ account: one.account.trim(), weight: /^\d{1,9}$/.test(one.weight.trim()) ? Number(one.weight) : 0 }));
  if (payees.some((one) => one.weight === 0)) bad.payees = true;
  if (Object.keys(bad).length > 0) return { draft: null, bad };
  return {
    bad: null,
    draft: {
      name: form.name.trim(),
      files,
      ...(form.kind && { kind: form.kind }),
      ...(form.parents && { parents: form.parents }),
      ...(asks && { royalty: { input: input!, output: output! } }),
      ...(payees.length > 0 && asks && { payees }),
      ...(form.license.trim() && { license: form.license.trim() }),
    },
  };
}

/** A card for files without one: what they are called and are, and the license, for people and programs. */
export function card(title: string, about: string, license: string): string {
  const facts = /^[A-Za-z0-9 .()+:-]+$/.test(license.trim()) ? `---\nlicense: ${JSON.stringify(license.trim())}\n---\n` : "";
  return `${facts}# ${title.replaceAll(/\s+/g, " ").trim()}\n\n${about.trim()}\n`;
}

export const hasCard = (files: { path: string }[]) => files.some(({ path }) => path.toLowerCase() === "readme.md");
