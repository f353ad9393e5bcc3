// Where files come in: dropped, or chosen as files or as a folder.

import { useEffect, useRef, useState } from "preact/hooks";
import { say, type Said } from "../language";
import { Wrong } from "../parts";
import { ofDrop, ofInput, type Gathered } from "./files";

const words = {
  drop: ["Drop a folder or files here", "폴더나 파일을 여기에 놓으세요"],
  about: [
    "Everything that belongs together: weights (GGUF, safetensors), data, code, and a README.md that says what it is and what it is built on.",
    "함께 게시할 것을 모두 넣으세요. 가중치(GGUF, safetensors), 데이터, 코드를 넣고, 무엇이며 무엇을 바탕으로 했는지 README.md에 적어 주세요.",
  ],
  folder: ["Choose a folder", "폴더 고르기"],
  files: ["Choose files", "파일 고르기"],
} satisfies Record<string, Said>;

export function Choose({ chosen }: { chosen: (gathered: Gathered) => void }) {
  const [over, hover] = useState(false);
  const [problem, fail] = useState<unknown>();
  const [folder, files] = [useRef<HTMLInputElement>(null), useRef<HTMLInputElement>(null)];
  // Preact's types do not know it as an attribute.
  useEffect(() => {
    if (folder.current) folder.current.webkitdirectory = true;
  }, []);
  const took = (gathered: Promise<Gathered>) => {
    fail(undefined);
    gathered.then(chosen, fail);
  };
  const input = (event: { currentTarget: HTMLInputElement }) => {
    const { files: list } = event.currentTarget;
    if (list && list.length > 0) took(ofInput(list));
  };
  return (
    <>
      {problem !== undefined && <Wrong problem={problem} />}
      <div
        class={`publish-drop${over ? " publish-over" : ""}`}
        onDragOver={(event) => { event.preventDefault(); hover(true); }}
        onDragLeave={() => hover(false)}
        onDrop={(event) => {
          event.preventDefault();
          hover(false);
          if (event.dataTransfer) took(ofDrop(event.dataTransfer));
        }}
      >
        <p class="publish-here">{say(words.drop)}</p>
        <p class="soft">{say(words.about)}</p>
        <div class="row publish-choose">
          <button type="button" class="main" onClick={() => folder.current?.click()}>{say(words.folder)}</button>
          <button type="button" onClick={() => files.current?.click()}>{say(words.files)}</button>
        </div>
        <input ref={folder} type="file" hidden onChange={input} />
        <input ref={files} type="file" multiple hidden onChange={input} />
      </div>
    </>
  );
}
