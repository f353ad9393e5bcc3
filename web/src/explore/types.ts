// What the API tells of artifacts. openapi.json has every field; here are those that are shown.

export const KINDS = ["model", "adapter", "dataset", "recipe", "evaluation"] as const;
export type Kind = (typeof KINDS)[number];
export const CLASSES = ["III", "II", "I"] as const;
export type Class = (typeof CLASSES)[number];

/** Pico-credits per token. */
export interface RatePair {
  input: number;
  output: number;
}

/** An artifact in a list. */
export interface Summary {
  id: string;
  name: string;
  publisher: string;
  kind: Kind;
  title: string | null;
  description: string | null;
  license: string | null;
  openness: Class | null;
  royalty: RatePair;
  royalties: RatePair;
  price: RatePair | null;
  children: number;
  /** Tokens of the settled answers that stand on it. */
  used: { input: number; output: number };
  /** What its pot ever received. */
  earned_pico: string;
  time: number;
  retired: boolean;
  unclaimed: boolean;
  stored: boolean;
}

export interface Summaries {
  artifacts: Summary[];
  found: number;
  next: string | null;
}

export interface Owned {
  name: string;
  id: string;
}

export interface Version {
  id: string;
  tags: string[];
  royalty: RatePair;
  time: number;
  retired: boolean;
}

export interface Branch {
  id: string;
  name: string;
  kind: Kind;
  royalty: RatePair;
  retired: boolean;
  /** It stands elsewhere in the tree with its parents. */
  again: boolean;
  parents?: Branch[];
}

export interface PriceLine {
  payee: string;
  id: string;
  what: "provider_fee" | "royalty" | "gateway_fee";
  input_rate: number;
  output_rate: number;
}

export interface Offer {
  id: string;
  provider: Owned;
  engine: string;
  quantization: string;
  context: number;
  fee: RatePair;
  lines: PriceLine[];
}

export interface File {
  path: string;
  digest: string;
  size: number;
}

export interface Component {
  part: string;
  class: Class;
  required: boolean;
  grade: "fit" | "open" | "closed" | "none" | null;
  files: { artifact: string; path: string; license: string | null }[];
  count: number;
  lacking?: string[];
}

export interface Openness {
  class: Class | null;
  classes: { class: Class; percent: number; missing: string[] }[];
  components: Component[];
  osaid: { question: string; yes: boolean; missing: string[] }[];
  absent: string[];
  notes: string[];
}

/** Everything about one artifact. */
export interface Artifact extends Summary {
  by: Owned;
  tags: string[];
  versions: Version[];
  architecture: string | null;
  annotations: Record<string, string>;
  card: string | null;
  files: File[] | null;
  /** Digests of weight files. */
  weights: string[];
  /** What this gateway asks for each byte of them that it serves, in pico-credits. */
  file_fee: number;
  openness_detail: Openness;
  lineage: { parents: Branch[]; left_out: number };
  payees: { account: string; weight: number }[];
  offers: Offer[];
  typical: { lines: PriceLine[] };
  in_pot_pico: string;
}

/** An offer as a client of the API sees it, with the speed that was measured here. */
export interface Endpoint {
  /** The offer's id. */
  tag: string;
  max_completion_tokens: number;
  failed_lately: boolean;
  latency_ms: number | null;
  tokens_per_second: number | null;
}
