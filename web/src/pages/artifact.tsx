// `#/artifact/ID-OR-NAME`: everything about one artifact. No session is needed.

import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { artifactPath, get } from "../api";
import { Call } from "../explore/call-tabs";
import { CardText } from "../explore/card-text";
import { Earned } from "../explore/earned";
import { Files } from "../explore/files";
import { History } from "../explore/history";
import { Lineage } from "../explore/lineage";
import { Offers } from "../explore/offers";
import { Open } from "../explore/openness";
import { Own } from "../explore/own";
import { Price } from "../explore/price-table";
import { Facts, Top } from "../explore/top";
import type { Artifact } from "../explore/types";
import { runs, titleOf } from "../explore/words";
import { say, type Said } from "../language";
import { useLoad } from "../load";
import { Empty, Shown } from "../parts";
import { link, place } from "../router";
import "../style/artifact.css";

const words = {
  facts: ["At a glance", "한눈에"],
  unit: ["Price and royalty are credits per million tokens, in / out.", "값과 로열티는 백만 토큰당 크레딧, 입력 / 출력입니다."],
  card: ["Card", "카드"],
  lineage: ["Lineage", "계보"],
  price: ["Who is paid", "누가 얼마를 받나"],
  offers: ["Offers", "제공 조건"],
  openness: ["Openness", "개방도"],
  earned: ["Earned", "수입"],
  files: ["Files", "파일"],
  call: ["Use it", "쓰는 법"],
  history: ["In the ledger", "원장에 남은 기록"],
  parts: ["On this page", "이 페이지에서"],
  nothing: ["There is no artifact {name} on this ledger.", "이 원장에는 {name|이라는/라는} 아티팩트가 없습니다."],
  explore: ["See what there is", "둘러보기"],
  which: ["Name an artifact, or look for one.", "아티팩트를 골라 주세요."],
} satisfies Record<string, Said>;

type Part = { id: string; name: Said; shown: ComponentChildren };

function parts(of: Artifact): Part[] {
  const all: (Part | false)[] = [
    { id: "card", name: words.card, shown: <CardText of={of} /> },
    { id: "price", name: words.price, shown: <Price of={of} /> },
    { id: "lineage", name: words.lineage, shown: <Lineage of={of} /> },
    { id: "call", name: words.call, shown: <Call of={of} /> },
    runs(of.kind) && { id: "offers", name: words.offers, shown: <Offers of={of} /> },
    { id: "openness", name: words.openness, shown: <Open of={of} /> },
    { id: "earned", name: words.earned, shown: <Earned of={of} /> },
    { id: "files", name: words.files, shown: <Files of={of} /> },
    { id: "history", name: words.history, shown: <History key={`${of.retired} ${of.tags.join()}`} id={of.id} /> },
  ];
  return all.filter((one) => one !== false);
}

/** Goes to a part of the page; the address stays, as it says where the page is. */
function Contents({ of }: { of: Part[] }) {
  const jump = (id: string) => (event: Event) => {
    event.preventDefault();
    const heading = document.getElementById(`artifact-${id}`);
    heading?.scrollIntoView({ behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
    heading?.focus({ preventScroll: true });
  };
  return (
    <nav class="artifact-contents" aria-label={say(words.parts)}>
      {of.map((part) => (
        <a key={part.id} href={link(place.value.path)} onClick={jump(part.id)}>
          {say(part.name)}
        </a>
      ))}
    </nav>
  );
}

function Whole({ of, again }: { of: Artifact; again: () => void }) {
  const all = parts(of);
  useEffect(() => {
    document.title = `${titleOf(of)} · Pumasi`;
  });
  return (
    <article class="artifact">
      <Top of={of} />
      <Own of={of} again={again} />
      <div class="artifact-body">
        <aside aria-label={say(words.facts)}>
          <Facts of={of} />
          <p class="soft artifact-small">{say(words.unit)}</p>
          <Contents of={all} />
        </aside>
        <div class="artifact-parts">
          {all.map((part) => (
            <section key={part.id}>
              <h2 id={`artifact-${part.id}`} tabIndex={-1}>
                {say(part.name)}
              </h2>
              {part.shown}
            </section>
          ))}
        </div>
      </div>
    </article>
  );
}

function Named({ name }: { name: string }) {
  const found = useLoad((signal) => get<Artifact>(artifactPath(name), signal), [name]);
  const top = useRef(false);
  useEffect(() => {
    // From far down in a list one comes to the top of this.
    if (!top.current) scrollTo(0, 0);
    top.current = true;
  }, []);
  if (found.problem?.code === "artifact_not_found")
    return (
      <Empty>
        <h1>{say(words.nothing, { name })}</h1>
        {found.problem.message.includes(" can be ") && <p>{found.problem.message}</p>}
        <p>
          <a href={link(["explore"], { q: name.split(/[/:]/).slice(-2, -1)[0] ?? "" })}>{say(words.explore)}</a>
        </p>
      </Empty>
    );
  return <Shown of={found}>{(artifact) => <Whole of={artifact} again={found.again} />}</Shown>;
}

export default function Page() {
  const name = place.value.path.slice(1).join("/").normalize("NFC");
  if (name === "")
    return (
      <Empty>
        <h1>{say(words.which)}</h1>
        <a href={link(["explore"])}>{say(words.explore)}</a>
      </Empty>
    );
  return <Named key={name} name={name} />;
}
