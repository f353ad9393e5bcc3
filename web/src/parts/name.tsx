// How an artifact is called where people read it.

/** A name without the tag that is meant when none is said. */
export const shortName = (name: string) => name.replace(/:latest$/, "");

/** The same where there is little room: of what has no name any more, the two ends of its id. */
export const shownName = (name: string) => shortName(name).replace(/^(sha256:[0-9a-f]{8})[0-9a-f]{50}([0-9a-f]{6})$/, "$1…$2");

/** A name that breaks behind its publisher before it breaks anywhere else. */
export function Name({ of }: { of: string }) {
  const [publisher, ...rest] = shownName(of).split("/");
  return <span title={of}>{publisher}{rest.length > 0 && <>/<wbr />{rest.join("/")}</>}</span>;
}
