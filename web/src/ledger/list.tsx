// A page of operations, newest first, with the way to older ones in the address.

import { get } from "../api";
import { moment, number, say, type Said } from "../language";
import { useLoad } from "../load";
import { Empty, Shown } from "../parts";
import { link, place } from "../router";
import { refusalSentence } from "./refusals";
import { Rich } from "./rich";
import { sentence, titles } from "./sentence";
import type { Operation } from "./types";

const words = {
  older: ["Older", "이전 작업"],
  newest: ["Newest", "가장 최근"],
  refused: ["refused", "거부됨"],
  entry: ["Entry {entry}", "기록 {entry}"],
  none: ["No operations here.", "작업이 없습니다."],
  noneOlder: ["No older operations.", "더 이전 작업이 없습니다."],
  pages: ["Pages of operations", "작업 목록 이동"],
} satisfies Record<string, Said>;

const PAGE = 50;

/** Operations of an account, an artifact or a channel, or all. */
export function OperationList({ of }: { of: Record<string, string> }) {
  const { path, query } = place.value;
  const before = /^\d{1,15}$/.exec(query.get("before") ?? "")?.[0] ?? "";
  // One more than is shown tells whether there are older ones.
  const asked = new URLSearchParams({ ...of, ...(before && { before }), limit: String(PAGE + 1) }).toString();
  const found = useLoad((signal) => get<{ operations: Operation[] }>(`/ledger/operations?${asked}`, signal), [asked]);
  const kept = Object.fromEntries([...query].filter(([name]) => name !== "before"));
  return (
    <Shown of={found}>
      {({ operations }) => {
        const shown = operations.slice(0, PAGE);
        return (
          <>
            {shown.length === 0 ? (
              <Empty>{say(before ? words.noneOlder : words.none)}</Empty>
            ) : (
              <ol class="ledger-list" aria-busy={found.busy}>
                {shown.map((one) => <Row key={one.entry} one={one} />)}
              </ol>
            )}
            {(before || operations.length > PAGE) && (
              <nav class="ledger-pages row" aria-label={say(words.pages)}>
                {before && <a href={link(path, kept)}>{say(words.newest)}</a>}
                {operations.length > PAGE && <a href={link(path, { ...kept, before: String(shown.at(-1)!.entry) })}>{say(words.older)}</a>}
              </nav>
            )}
          </>
        );
      }}
    </Shown>
  );
}

function Row({ one }: { one: Operation }) {
  const { said, values } = sentence(one, say);
  const title = titles[one.operation.kind];
  return (
    <li>
      <p class="ledger-what">
        {!one.applied && (
          <>
            <span class="tag bad">{say(words.refused)}</span> {title && <strong>{say(title)} </strong>}
          </>
        )}
        <Rich said={said} values={values} />
        {one.refusal && <span> {refusalSentence(one.refusal)}</span>}
      </p>
      <p class="ledger-when soft">
        <a href={link(["ledger", "operation", String(one.entry)])}>{say(words.entry, { entry: number(one.entry) })}</a>
        <time dateTime={new Date(one.time).toISOString()}>{moment(one.time)}</time>
      </p>
    </li>
  );
}
