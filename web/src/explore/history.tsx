// What the ledger says about an artifact, newest first.

import { get } from "../api";
import { moment, number, say, type Said } from "../language";
import { Rich } from "../ledger/rich";
import { sentence } from "../ledger/sentence";
import type { Operation } from "../ledger/types";
import { useLoad } from "../load";
import { Shown } from "../parts";
import { link } from "../router";

const words = {
  entry: ["Entry {entry}", "기록 {entry}"],
  none: ["The ledger says nothing of it yet.", "원장에 아직 기록이 없습니다."],
  refused: ["Refused", "거부됨"],
  all: ["All of it in the ledger", "원장에서 모두 보기"],
} satisfies Record<string, Said>;

const SHORT = 8;

export function History({ id }: { id: string }) {
  const found = useLoad((signal) => get<{ operations: Operation[] }>(`/ledger/operations?artifact=${encodeURIComponent(id)}&limit=${SHORT + 1}`, signal), [id]);
  return (
    <Shown of={found}>
      {({ operations }) => (
        <>
          {operations.length === 0 && <p class="soft">{say(words.none)}</p>}
          <ol class="artifact-history">
            {operations.slice(0, SHORT).map((one) => (
              <li key={one.entry}>
                <p>
                  {!one.applied && <span class="tag bad">{say(words.refused)}</span>} <Rich {...sentence(one, say)} />
                </p>
                <p class="soft artifact-small">
                  <a href={link(["ledger", "operation", String(one.entry)])}>{say(words.entry, { entry: number(one.entry) })}</a> · <time dateTime={new Date(one.time).toISOString()}>{moment(one.time)}</time>
                </p>
              </li>
            ))}
          </ol>
          {operations.length > SHORT && <a href={link(["ledger"], { artifact: id })}>{say(words.all)}</a>}
        </>
      )}
    </Shown>
  );
}
