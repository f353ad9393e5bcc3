// Operations and accounts as the ledger's JSON tells them. Everything in them was written by strangers.

export interface Rates {
  input: number;
  output: number;
}
export interface Asked {
  kind: string;
  to?: string;
  amount?: string;
  reference?: string;
  weight?: string;
  name?: string;
  key?: string;
  artifact?: string;
  artifact_kind?: string;
  tag?: string;
  parents?: string[];
  royalty?: Rates;
  address?: string;
  offer?: string;
  fee?: Rates;
  provider?: string;
  gateway_key?: string;
  deposit?: string;
  channel?: string;
  receipts?: number;
  usage?: { offer: string; input: number; output: number }[];
  root?: string;
  artifacts?: string[];
}
export interface Effect {
  artifact?: string;
  offer?: string;
  channel?: string;
  provider_fee?: string;
  royalties?: { artifact: string; amount: string }[];
  total?: string;
  returned?: string;
  payments?: { account: string; amount: string }[];
}
export interface Operation {
  entry: number;
  time: number;
  account: string;
  sequence: number;
  operation: Asked;
  applied: boolean;
  refusal: { code: number; name: string; message: string } | null;
  outcome: { fee: string; effect: Effect | null } | null;
}
export interface Account {
  id: string;
  name: string | null;
  key: string;
  sequence: number;
  balance: string;
  address: string | null;
  tls_key: string | null;
}
interface EarnedDay {
  day: number;
  input: number;
  output: number;
  earned: string;
}
export interface Earnings {
  royalties: (EarnedDay & { artifact: string })[];
  fees: EarnedDay[];
}
export interface Totals {
  network: string;
  origin: string;
  founded: number;
  issuer: string;
  replicas: string[];
  time: number;
  operations: number;
  artifacts: number;
  supply: string;
  deposits: string;
  pots: string;
  head: { size: number; root: string };
  writing_stopped: string | null;
}
