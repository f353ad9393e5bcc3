// What the node says about API keys. Amounts are decimal text of credits.

export interface Key {
  id: string;
  name: string;
  budget: string;
  spent: string;
  reserved: string;
  /** What of the spent was for files. */
  files: string;
  created: number;
  expires: number | null;
  state: "active" | "expired" | "revoked";
  /** The secret; only in the answer that made it. */
  key?: string;
}

/** The key of the data folder, from which what is done in the page is paid. */
export const isOfPage = (key: Key) => key.id === "key_1";

export interface Received {
  entry: number;
  time: number;
  from: string;
  amount: string;
  reference: string;
  key: string | null;
  raised: boolean;
}
