// A wish to send credits has an id of its own, kept until it was answered: asked for again under it, it is sent once.

export interface Transfer {
  id: string;
  from: string;
  to: string;
  amount: string;
  for?: string;
}

const KEPT = "pumasi-sending";

function fresh(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The wish that was not answered, if the page was closed or the node went away in the middle of it. */
export function unanswered(): Transfer | null {
  try {
    const kept = JSON.parse(localStorage.getItem(KEPT) ?? "null") as Partial<Transfer> | null;
    const texts = kept && [kept.id, kept.from, kept.to, kept.amount].every((text) => typeof text === "string");
    return texts ? (kept as Transfer) : null;
  } catch {
    return null;
  }
}

/** The wish for what a form says: the unanswered one if it is the same, or else another. */
export function wish(asked: Omit<Transfer, "id">): Transfer {
  const kept = unanswered();
  const same = kept && kept.from === asked.from && kept.to === asked.to && kept.amount === asked.amount && kept.for === asked.for;
  return same ? kept : { id: fresh(), ...asked };
}

export const keep = (of: Transfer) => localStorage.setItem(KEPT, JSON.stringify(of));
export const end = () => localStorage.removeItem(KEPT);
