// A sentence with links in it. `{name|이/가}` gets the particle that the shown name asks for, as `say` does it.

import { endsInConsonant, language, type Said } from "../language";
import { link } from "../router";
import { accountName, artifactName, short } from "./names";

export interface Piece {
  text: string;
  href: string;
  /** The whole of what is cut. */
  title: string;
}
export type Pieces = Record<string, Piece | string>;

export function Rich({ said, values }: { said: Said; values: Pieces }) {
  const text = said[language.value === "ko" ? 1 : 0];
  return (
    <>
      {text.split(/(\{[^}]+\})/).map((part) => {
        const found = /^\{(\w+)(?:\|([^/}]+)\/([^}]+))?\}$/.exec(part);
        const value = found && values[found[1]!];
        if (!found || value === undefined || value === null) return part;
        const text = typeof value === "string" ? value : value.text;
        const particle = found[2] === undefined ? "" : endsInConsonant(text) ? found[2] : found[3]!;
        return (
          <>
            {typeof value === "string" ? <strong>{text}</strong> : <Link to={value} />}
            {particle}
          </>
        );
      })}
    </>
  );
}

export const account = (id: string): Piece => ({ text: accountName(id), href: link(["ledger", "account", id]), title: id });
export const artifact = (id: string): Piece => ({ text: artifactName(id), href: link(["artifact", id]), title: id });
export const channel = (id: string): Piece => ({ text: short(id), href: link(["ledger"], { channel: id }), title: id });

export function Link({ to }: { to: Piece }) {
  return <a href={to.href} title={to.title}>{to.text}</a>;
}
