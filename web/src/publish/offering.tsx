// What was just published, and offering it if that was asked for: it is loaded and tried, and then it answers for others.

import { useEffect, useState } from "preact/hooks";
import { get, send } from "../api";
import { number, say, type Said } from "../language";
import { Wrong } from "../parts";
import { link } from "../router";
import type { Rates } from "./draft";

const words = {
  published: ["Published: {name}", "게시했습니다: {name}"],
  to: ["Go to its page", "작품 페이지로 가기"],
  again: ["Publish something else", "다른 것 게시하기"],
  loading: ["It is being loaded and tried on this machine… {seconds} s", "이 컴퓨터에 올려 시험하는 중… {seconds}초"],
  running: ["It is offered, and answers from now on.", "이제 제공합니다. 지금부터 답합니다."],
  gone: ["It was withdrawn.", "거두었습니다."],
  retry: ["It is published, but not offered:", "게시는 되었지만 제공하지 못했습니다:"],
} satisfies Record<string, Said>;

interface Offer {
  number: number;
  state: "loading" | "running" | "failed" | "withdrawn";
  message: string | null;
  notes: string[];
}

export function Offering({ id, name, fee, again }: { id: string; name: string; fee: Rates | null; again: () => void }) {
  const [offer, set] = useState<Offer>();
  const [problem, fail] = useState<unknown>();
  const [round, turn] = useState(0);
  const [seconds, count] = useState(0);

  useEffect(() => {
    if (!fee) return;
    let here = true;
    let timer: ReturnType<typeof setTimeout>;
    const began = Date.now();
    fail(undefined);
    set(undefined);
    const watch = async (asked: Offer): Promise<void> => {
      if (!here) return;
      set(asked);
      count(Math.floor((Date.now() - began) / 1000));
      if (asked.state !== "loading") return;
      await new Promise((wait) => { timer = setTimeout(wait, 1000); });
      const { data } = await get<{ data: Offer[] }>("/offers");
      return watch(data.find((one) => one.number === asked.number) ?? { ...asked, state: "withdrawn" });
    };
    send<Offer>("POST", "/offers", { artifact: id, fee }).then(watch).catch((error: unknown) => here && fail(error));
    return () => {
      here = false;
      clearTimeout(timer);
    };
  }, [round]);

  const failed = offer?.state === "failed" ? new Error(offer.message ?? "") : problem;
  return (
    <section class="card" aria-labelledby="publish-done">
      <h2 id="publish-done" class="publish-first">{say(words.published, { name })}</h2>
      <div role="status">
        {fee && failed === undefined && (!offer || offer.state === "loading") && (
          <>
            <progress class="publish-progress" aria-label={say(words.loading, { seconds: "" })} />
            <p aria-hidden="true">{say(words.loading, { seconds: number(seconds) })}</p>
          </>
        )}
        {offer?.state === "running" && <p>{say(words.running)}</p>}
        {offer?.state === "withdrawn" && <p>{say(words.gone)}</p>}
        {offer?.notes.map((note) => <p key={note} class="soft">{note}</p>)}
      </div>
      {failed !== undefined && (
        <>
          <p>{say(words.retry)}</p>
          <Wrong problem={failed} again={() => turn(round + 1)} />
        </>
      )}
      <div class="row">
        <a class="publish-link" href={link(["artifact", id])}>{say(words.to)}</a>
        <button type="button" class="quiet" onClick={again}>{say(words.again)}</button>
      </div>
    </section>
  );
}
