// How open an artifact is: the classes of the Model Openness Framework, computed by the node from the stored files.

import { say, type Said } from "../language";
import { shortName } from "../parts/name";
import { parts, questions } from "./components";
import type { Artifact, Component } from "./types";
import { classes, className, runs } from "./words";

const words = {
  what: ["Computed from the stored files and their licenses, not from what anybody claims.", "누구의 말이 아니라, 저장된 파일과 그 라이선스로 계산한 결과입니다."],
  none: ["No class is reached yet.", "아직 이른 등급이 없습니다."],
  unclassed: ["Only models and adapters have a class. These parts of it count for what is built on it:", "등급은 모델과 어댑터에만 있습니다. 이 아티팩트에서 다음 구성 요소가 이것으로 만든 작품에 쓰입니다."],
  nothing: ["Only models and adapters have a class.", "등급은 모델과 어댑터에만 있습니다."],
  missing: ["Missing: {parts}", "없는 것: {parts}"],
  complete: ["Everything is there.", "모두 갖추었습니다."],
  components: ["All components", "구성 요소 모두 보기"],
  component: ["Component", "구성 요소"],
  license: ["License", "라이선스"],
  files: ["Files", "파일"],
  optional: ["optional", "선택"],
  fit: ["Open", "열림"],
  open: ["Open, made for something else", "열림(다른 종류용)"],
  closed: ["Not an open license", "열린 라이선스 아님"],
  unsaid: ["No license stated", "라이선스 없음"],
  lacking: ["None for {names}", "{names}에 없음"],
  absent: ["Not there", "없음"],
  more: ["and {count} more", "외 {count}개"],
  osaid: ["Open Source AI Definition 1.0", "오픈 소스 AI 정의 1.0"],
  yes: ["Yes", "예"],
  no: ["No", "아니요"],
  away: ["Not looked into, as their files are not on this node: {names}", "파일이 이 노드에 없어 살펴보지 못했습니다: {names}"],
} satisfies Record<string, Said>;

const partName = (part: string) => (parts[part] ? say(parts[part]) : part);
const list = (names: string[]) => names.join(", ");

function worth(of: Component): string {
  if (of.lacking && of.lacking.length > 0) return say(words.lacking, { names: list(of.lacking.map(shortName)) });
  if (of.grade === null) return say(words.absent);
  return say({ fit: words.fit, open: words.open, closed: words.closed, none: words.unsaid }[of.grade]);
}

function Components({ of }: { of: Component[] }) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={say(words.components)}>
      <table class="artifact-components">
        <thead>
          <tr>
            <th scope="col">{say(words.component)}</th>
            <th scope="col">{say(words.license)}</th>
            <th scope="col">{say(words.files)}</th>
          </tr>
        </thead>
        <tbody>
          {of.map((one) => (
            <tr key={one.part}>
              <th scope="row">
                {partName(one.part)} {!one.required && <span class="soft">({say(words.optional)})</span>}
              </th>
              <td class={one.grade === "fit" || one.grade === "open" ? "" : "soft"}>{worth(one)}</td>
              <td class="soft">
                {one.files.slice(0, 3).map((file) => (
                  <div key={file.artifact + file.path}>
                    <code>{file.path}</code> {file.license}
                  </div>
                ))}
                {one.count > 3 && say(words.more, { count: one.count - 3 })}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function Open({ of }: { of: Artifact }) {
  const { class: reached, classes: toward, components, osaid, absent, notes } = of.openness_detail;
  if (!runs(of.kind)) {
    const some = components.length > 0;
    return (
      <>
        <p class="soft">{say(some ? words.unclassed : words.nothing)}</p>
        {some && <Components of={components} />}
      </>
    );
  }
  return (
    <>
      <p class="soft">{say(words.what)} {reached ? "" : say(words.none)}</p>
      <ul class="artifact-classes">
        {toward.map((one) => (
          <li key={one.class}>
            <p>
              <strong>{one.class in classes ? className(one.class) : one.class}</strong> <span class="number soft">{one.percent}%</span>
            </p>
            <div class="artifact-progress" aria-hidden="true">
              <span style={{ width: `${one.percent}%` }} />
            </div>
            <p class="soft artifact-small">{one.missing.length > 0 ? say(words.missing, { parts: list(one.missing.map(partName)) }) : say(words.complete)}</p>
          </li>
        ))}
      </ul>
      {osaid.length > 0 && (
        <>
          <h3>{say(words.osaid)}</h3>
          <dl class="facts">
            {osaid.map((one) => (
              <>
                <dt>{questions[one.question] ? say(questions[one.question]!) : one.question}</dt>
                <dd>
                  {say(one.yes ? words.yes : words.no)}
                  {!one.yes && <span class="soft"> · {say(words.missing, { parts: list(one.missing.map(partName)) })}</span>}
                </dd>
              </>
            ))}
          </dl>
        </>
      )}
      {absent.length > 0 && <p class="soft artifact-small">{say(words.away, { names: list(absent.map(shortName)) })}</p>}
      {notes.map((note) => <p key={note} class="soft artifact-small">{note}</p>)}
      <details class="artifact-list">
        <summary>{say(words.components)}</summary>
        <Components of={components} />
      </details>
    </>
  );
}
