// What the node says about the wallet, and what is added up of it. Amounts that end in `pico` are text of pico-credits.

import { say, type Said } from "../language";
import { pico } from "../money";

export interface Account {
  role: string;
  id: string;
  name: string | null;
  balance_pico: string;
}

export interface Wallet {
  accounts: Account[];
  channels_pico: string;
  pots_pico: string;
}

/** What an account earned on one day: a royalty of an artifact, or, without one, fees. */
export interface Earned {
  /** Days since 1970-01-01, UTC. */
  day: number;
  role: string;
  artifact: string | null;
  name: string | null;
  input: number;
  output: number;
  pico: string;
}

export interface Earnings {
  days: number;
  royalties: Earned[];
  fees: Earned[];
}

/** What came from one artifact, or from running models. */
export interface Source {
  artifact: string | null;
  name: string | null;
  /** Which accounts it went to. */
  roles: string[];
  input: number;
  output: number;
  pico: bigint;
}

const words = {
  payer: ["You", "나"],
  provider: ["Provider", "공급자"],
  gateway: ["Gateway", "게이트웨이"],
  issuer: ["Issuer", "발행자"],
  maker: ["Maker {name}", "만든 이 {name}"],
} satisfies Record<string, Said>;

/** What an account of the folder is for, in words. */
export function roleName(role: string): string {
  if (role === "payer" || role === "provider" || role === "gateway" || role === "issuer") return say(words[role]);
  return role.startsWith("maker-") ? say(words.maker, { name: role.slice("maker-".length) }) : role;
}

/** Everything that was earned, by what it came from, the most first. */
export function bySource({ royalties, fees }: Earnings): Source[] {
  const found = new Map<string, Source>();
  for (const one of [...royalties, ...fees]) {
    const key = one.artifact ?? `fees/${one.role}`;
    const source = found.get(key) ?? { artifact: one.artifact, name: one.name, roles: [], input: 0, output: 0, pico: 0n };
    // Each payee of an artifact has a row for the same answers.
    const first = source.roles[0] ?? one.role;
    if (!source.roles.includes(one.role)) source.roles.push(one.role);
    if (one.role === first) {
      source.input += one.input;
      source.output += one.output;
    }
    source.pico += pico(one.pico);
    found.set(key, source);
  }
  return [...found.values()].sort((a, b) => (a.pico < b.pico ? 1 : a.pico > b.pico ? -1 : 0));
}

/** Royalties and fees of each day of the time that was asked for, the days without any too. */
export function byDay({ days, royalties, fees }: Earnings, today: number): { day: number; royalties: bigint; fees: bigint }[] {
  const all = Array.from({ length: days }, (_, at) => ({ day: today - days + 1 + at, royalties: 0n, fees: 0n }));
  const add = (one: Earned, what: "royalties" | "fees") => {
    const of = all[one.day - (today - days + 1)];
    if (of) of[what] += pico(one.pico);
  };
  for (const one of royalties) add(one, "royalties");
  for (const one of fees) add(one, "fees");
  return all;
}

export const sum = (all: Earned[]) => all.reduce((total, one) => total + pico(one.pico), 0n);
