// What an operation did, in plain words.

import type { Said } from "../language";
import { number } from "../language";
import { credits, perMillion, pico } from "../money";
import { short } from "./names";
import { account, artifact, channel, type Pieces } from "./rich";
import type { Operation } from "./types";

/** What an operation of a kind is called. */
export const titles: Record<string, Said> = {
  issue: ["Credits issued", "크레딧 발행"],
  redeem: ["Credits redeemed", "크레딧 회수"],
  lift: ["Weight file freed", "가중치 파일 해제"],
  transfer: ["Transfer", "보내기"],
  name: ["Name taken", "이름 등록"],
  rotate: ["Key rotated", "키 교체"],
  publish: ["Published", "게시"],
  tag: ["Tag pointed", "태그 옮김"],
  retire: ["Retired", "내림"],
  register: ["Address registered", "주소 등록"],
  offer: ["Offered", "제공"],
  withdraw: ["Offer withdrawn", "제공 거둠"],
  open: ["Channel opened", "채널 열기"],
  top_up: ["Channel topped up", "채널 채우기"],
  settle: ["Settled", "정산"],
  close: ["Channel closing", "채널 닫기 시작"],
  release: ["Channel released", "채널 놓아줌"],
  finish: ["Channel finished", "채널 끝냄"],
  payout: ["Royalties paid out", "로열티 분배"],
};

const words = {
  refused: ["{who} asked for this, and the ledger refused it.", "{who|이/가} 이 작업을 냈지만 원장이 거부했습니다."],
  unknown: ["{who} did something that this page does not know.", "{who|이/가} 이 페이지가 모르는 작업을 했습니다."],
  issue: ["{who} issued {amount} credits to {to}.", "{who|이/가} {to}에게 {amount}크레딧을 발행했습니다."],
  redeem: ["{who} took {amount} credits out of circulation.", "{who|이/가} {amount}크레딧을 회수해 없앴습니다."],
  lift: ["{who} freed the weight file {weight}: whoever publishes it again owes nothing to its first publisher.", "{who|이/가} 가중치 파일 {weight|을/를} 풀어 주었습니다. 다시 게시해도 첫 게시자를 조상으로 둘 필요가 없습니다."],
  transfer: ["{who} sent {amount} credits to {to}.", "{who|이/가} {to}에게 {amount}크레딧을 보냈습니다."],
  name: ["The account {id} took the name {name}.", "계정 {id|이/가} {name|이라는/라는} 이름을 얻었습니다."],
  rotate: ["{who} changed to a new signing key.", "{who|이/가} 서명 키를 새것으로 바꿨습니다."],
  publish: ["{who} published the {kind} {artifact}.", "{who|이/가} {kind} {artifact|을/를} 게시했습니다."],
  publishOn: ["{who} published the {kind} {artifact}, built on {count} other works.", "{who|이/가} 다른 작품 {count}개 위에 {kind} {artifact|을/를} 게시했습니다."],
  publishOne: ["{who} published the {kind} {artifact}, built on {parent}.", "{who|이/가} {parent} 위에 {kind} {artifact|을/를} 게시했습니다."],
  tag: ["{who} pointed {tag} at {artifact}.", "{who|이/가} 태그 {tag|을/를} {artifact}에 달았습니다."],
  retire: ["{who} took {artifact} out of use for everything new.", "{who|이/가} {artifact|을/를} 새로 쓸 수 없게 내렸습니다."],
  register: ["{who} can be reached at {address}.", "{who|이/가} 주소를 등록했습니다: {address}"],
  offer: ["{who} offers to run {artifact} for {input} credits per million tokens in and {output} out.", "{who|이/가} {artifact|을/를} 백만 토큰당 입력 {input}, 출력 {output}크레딧으로 제공합니다."],
  withdraw: ["{who} withdrew the offer {offer}.", "{who|이/가} 제공 조건 {offer|을/를} 거두었습니다."],
  open: ["{who} locked {deposit} credits in a channel toward {provider}.", "{who|이/가} {provider|과/와} 채널을 열고 {deposit}크레딧을 예치했습니다."],
  top_up: ["{who} added {amount} credits to the channel {channel}.", "{who|이/가} 채널 {channel}에 {amount}크레딧을 더 예치했습니다."],
  settle: ["{who} settled the channel {channel} up to answer {receipts}: {total} credits, {fee} for running and {royalties} in royalties to {works} works.", "{who|이/가} 채널 {channel}의 답 {receipts}번까지 정산했습니다. 모두 {total}크레딧으로, 돌린 값이 {fee}, 작품 {works}개의 로열티가 {royalties}입니다."],
  close: ["{who} began to close the channel {channel}.", "{who|이/가} 채널 {channel|을/를} 닫기 시작했습니다."],
  release: ["{who} ended the channel {channel}; {returned} credits went back to its payer.", "{who|이/가} 채널 {channel|을/를} 놓아주어 {returned}크레딧이 내는 이에게 돌아갔습니다."],
  finish: ["{who} finished the channel {channel}; {returned} credits went back to its payer.", "{who|이/가} 채널 {channel|을/를} 끝내 {returned}크레딧이 내는 이에게 돌아갔습니다."],
  payout: ["{who} had the royalties of {count} works paid out: {total} credits to {payees} payees.", "{who|이/가} 작품 {count}개의 로열티를 분배했습니다. 받는 이 {payees}명에게 {total}크레딧이 갔습니다."],
} satisfies Record<string, Said>;

export const kinds: Record<string, Said> = {
  model: ["model", "모델"],
  adapter: ["adapter", "어댑터"],
  dataset: ["dataset", "데이터셋"],
  recipe: ["recipe", "레시피"],
  evaluation: ["evaluation", "평가"],
};

const sum = (parts: { amount: string }[] | undefined) => (parts ?? []).reduce((all, part) => all + pico(part.amount), 0n);

/** The sentence and what fills it. */
export function sentence(one: Operation, say: (said: Said) => string): { said: Said; values: Pieces } {
  const { operation: asked } = one;
  const effect = one.outcome?.effect ?? {};
  const values: Pieces = { who: account(one.account) };
  const put = (name: string, text: string | undefined | null) => {
    if (text !== undefined && text !== null) values[name] = text;
  };
  if (!one.applied) return { said: words.refused, values };
  put("amount", asked.amount && credits(pico(asked.amount)));
  put("deposit", asked.deposit && credits(pico(asked.deposit)));
  put("returned", effect.returned && credits(pico(effect.returned)));
  put("weight", asked.weight && short(asked.weight));
  put("address", asked.address);
  put("name", asked.name);
  put("offer", asked.offer && short(asked.offer));
  if (asked.to) values["to"] = account(asked.to);
  if (asked.provider) values["provider"] = account(asked.provider);
  if (asked.artifact) values["artifact"] = artifact(asked.artifact);
  const about = asked.channel ?? effect.channel;
  if (about) values["channel"] = channel(about);
  switch (asked.kind) {
    case "name":
      values["id"] = { ...account(one.account), text: short(one.account) };
      break;
    case "publish": {
      const kind = kinds[asked.artifact_kind ?? ""];
      put("kind", kind ? say(kind) : asked.artifact_kind);
      const parents = asked.parents ?? [];
      put("count", number(parents.length));
      if (parents.length === 1) values["parent"] = artifact(parents[0]!);
      return { said: parents.length === 0 ? words.publish : parents.length === 1 ? words.publishOne : words.publishOn, values };
    }
    case "tag":
      put("tag", `${asked.name}:${asked.tag}`);
      break;
    case "offer":
      put("input", perMillion(asked.fee?.input ?? 0));
      put("output", perMillion(asked.fee?.output ?? 0));
      break;
    case "settle":
      put("receipts", number(asked.receipts ?? 0));
      put("total", credits(pico(effect.total)));
      put("fee", credits(pico(effect.provider_fee)));
      put("royalties", credits(sum(effect.royalties)));
      put("works", number(effect.royalties?.length ?? 0));
      break;
    case "payout":
      put("count", number(asked.artifacts?.length ?? 0));
      put("payees", number(effect.payments?.length ?? 0));
      put("total", credits(sum(effect.payments)));
      break;
  }
  const said = asked.kind in titles ? words[asked.kind as keyof typeof words] : undefined;
  return { said: said ?? words.unknown, values };
}
