// From one branch to the next: ‹ 2/3 ›.

import { say, type Said } from "../language";
import { branches, choosing, type Conversation, type Message } from "./tree";

const words = {
  group: ["Branches", "갈래"],
  before: ["Branch before", "앞 갈래"],
  after: ["Branch after", "다음 갈래"],
  at: ["Branch {at} of {of}", "갈래 {of}개 중 {at}번째"],
} satisfies Record<string, Said>;

export function Switch({ of, message, choose }: { of: Conversation; message: Message; choose: (by: (old: Conversation) => Conversation) => void }) {
  const all = branches(of, message.parent);
  if (all.length < 2) return null;
  const at = all.findIndex((one) => one.id === message.id);
  const to = (next: Message | undefined) => next && choose((old) => choosing(old, next));
  return (
    <span class="chat-switch" role="group" aria-label={say(words.group)}>
      <button type="button" class="quiet" aria-label={say(words.before)} aria-disabled={at === 0} onClick={() => to(all[at - 1])}>
        <span aria-hidden="true">‹</span>
      </button>
      <span class="number" role="status">
        <span aria-hidden="true">{`${at + 1}/${all.length}`}</span>
        <span class="only-read">{say(words.at, { at: at + 1, of: all.length })}</span>
      </span>
      <button type="button" class="quiet" aria-label={say(words.after)} aria-disabled={at === all.length - 1} onClick={() => to(all[at + 1])}>
        <span aria-hidden="true">›</span>
      </button>
    </span>
  );
}
