// The models that can be asked, each with its price and how open it is.

import { get } from "../api";

export interface Model {
  id: string;
  digest: string;
  context_length: number;
  lines: { payee: string; id: string; what: string; input_rate: number; output_rate: number }[];
}

export const priceOf = (model: Model) => ({
  input: model.lines.reduce((all, line) => all + BigInt(line.input_rate), 0n),
  output: model.lines.reduce((all, line) => all + BigInt(line.output_rate), 0n),
});

export interface Choice extends Model {
  /** A class of the Model Openness Framework; null if it reaches none or is not known. */
  openness: string | null;
  title: string | null;
}

interface Known {
  id: string;
  openness: string | null;
  title: string | null;
}

export async function models(signal: AbortSignal): Promise<Choice[]> {
  const [offered, ...known] = await Promise.all([
    get<{ data: Model[] }>("/v1/models", signal),
    // Both kinds can be asked. Without them there is still a list, only without classes.
    ...["model", "adapter"].map((kind) => get<{ artifacts: Known[] }>(`/artifacts?kind=${kind}&limit=500`, signal).catch(() => ({ artifacts: [] }))),
  ]);
  const byId = new Map(known.flatMap((page) => page.artifacts).map((one) => [one.id, one]));
  return offered.data.map((one) => ({ ...one, openness: byId.get(one.digest)?.openness ?? null, title: byId.get(one.digest)?.title ?? null }));
}

/** The model that a link or an older choice names: by its whole name, without its tag, or by digest. */
export function named(all: readonly Choice[], name: string): Choice | undefined {
  return all.find((one) => one.id === name || one.digest === name) ?? all.find((one) => one.id === `${name}:latest`);
}

/** For who chose none: the guide that ships with the program, or whatever is cheapest. */
export function first(all: readonly Choice[]): Choice | undefined {
  const sum = (one: Choice) => priceOf(one).input + priceOf(one).output;
  return all.find((one) => /\/guide:latest$/.test(one.id)) ?? [...all].sort((a, b) => (sum(a) < sum(b) ? -1 : 1))[0];
}

/** A name as short as can be: without publisher and without `latest`. */
export const shortName = (id: string) => id.replace(/^[^/]*\//, "").replace(/:latest$/, "");
