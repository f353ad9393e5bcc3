// What a publisher may do with a work of their own: point a tag at it, and retire it.

import { useState } from "preact/hooks";
import { get, send, session } from "../api";
import { say, type Said } from "../language";
import { useLoad } from "../load";
import { Confirm } from "../parts/confirm";
import { Field } from "../parts/field";
import { shortName } from "../parts/name";
import type { Artifact } from "./types";

const words = {
  yours: ["You published this.", "내가 게시한 작품입니다."],
  tag: ["Point a tag at it", "태그 붙이기"],
  tagTitle: ["Point a tag at this version", "이 버전에 태그 붙이기"],
  tagWhat: [
    "Whoever asks for {name} gets this version from then on. If the tag points at another version now, it moves. You can move it again at any time; that it was moved stays in the ledger for good.",
    "이제부터 {name|을/를} 찾으면 이 버전이 나옵니다. 다른 버전에 붙어 있던 태그라면 옮겨집니다. 언제든 다시 옮길 수 있지만, 옮긴 기록은 원장에 영원히 남습니다.",
  ],
  tagField: ["Tag", "태그"],
  tagRule: ["1 to 64 of a-z, 0-9, dot, dash and underscore, beginning with a letter or digit.", "소문자, 숫자, 점, 줄표, 밑줄로 64자까지. 소문자나 숫자로 시작합니다."],
  retire: ["Retire it", "내리기"],
  retireTitle: ["Retire {name}?", "{name|을/를} 내릴까요?"],
  retireWhat: ["This is for good: nobody can undo it, not even you.", "되돌릴 수 없습니다. 게시자 자신도 되살리지 못합니다."],
  stops: ["Nobody can offer it anew, or publish anything that names it as a parent.", "아무도 새로 제공하거나, 이것을 바탕으로 새 작품을 게시할 수 없습니다."],
  stays: ["Its record, its name and its files stay. Offers and works that stand on it already go on, and pay its royalty.", "기록과 이름과 파일은 그대로 남습니다. 이미 있는 제공과 이것으로 만든 작품은 이어지고, 로열티도 계속 들어옵니다."],
  retireDo: ["Retire it for good", "내리기"],
} satisfies Record<string, Said>;

const TAG = /^[a-z0-9][a-z0-9._-]{0,63}$/;

interface Wallet {
  accounts: { role: string; id: string }[];
}

function Tag({ of, done, close }: { of: Artifact; done: () => void; close: () => void }) {
  const [tag, set] = useState("");
  const wrong = tag !== "" && !TAG.test(tag);
  const own = shortName(of.tags[0] ?? of.versions.flatMap((version) => version.tags)[0] ?? of.by.name).replace(/:.*$/, "");
  const act = async () => {
    if (!TAG.test(tag)) throw new Error(say(words.tagRule));
    await send("POST", `/artifacts/${encodeURIComponent(of.id)}/tags`, { tag });
    done();
  };
  return (
    <Confirm title={say(words.tagTitle)} action={say(words.tag)} act={act} close={close}>
      <Field label={say(words.tagField)} value={tag} onInput={set} maxLength={64} placeholder="v2" focus hint={wrong ? undefined : say(words.tagRule)} fault={wrong ? say(words.tagRule) : null} />
      <p>{say(words.tagWhat, { name: `${own}:${tag && !wrong ? tag : "…"}` })}</p>
    </Confirm>
  );
}

function Retire({ of, done, close }: { of: Artifact; done: () => void; close: () => void }) {
  const act = async () => {
    await send("POST", `/artifacts/${encodeURIComponent(of.id)}/retire`);
    done();
  };
  return (
    <Confirm title={say(words.retireTitle, { name: shortName(of.name) })} action={say(words.retireDo)} danger act={act} close={close}>
      <p>
        <strong>{say(words.retireWhat)}</strong>
      </p>
      <ul>
        <li>{say(words.stops)}</li>
        <li>{say(words.stays)}</li>
      </ul>
    </Confirm>
  );
}

export function Own({ of, again }: { of: Artifact; again: () => void }) {
  const open = session.value === "open";
  const wallet = useLoad((signal) => (open ? get<Wallet>("/wallet", signal) : Promise.resolve({ accounts: [] })), [open]);
  const [asking, ask] = useState<"tag" | "retire" | null>(null);
  // What the folder's other accounts published ships with the program, and the node lets nobody change it.
  const mine = wallet.value?.accounts.some((account) => account.role === "payer" && account.id === of.by.id);
  if (!open || !mine) return null;
  const close = () => ask(null);
  return (
    <div class="artifact-own row">
      <span class="soft grow">{say(words.yours)}</span>
      <button type="button" onClick={() => ask("tag")}>
        {say(words.tag)}
      </button>
      {!of.retired && (
        <button type="button" class="danger" onClick={() => ask("retire")}>
          {say(words.retire)}
        </button>
      )}
      {asking === "tag" && <Tag of={of} done={again} close={close} />}
      {asking === "retire" && <Retire of={of} done={again} close={close} />}
    </div>
  );
}
