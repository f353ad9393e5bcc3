// Hashes the files and sends them, with progress. Stopped or cut, it goes on where it was.

import { useEffect, useState } from "preact/hooks";
import { bytes, number, say, type Said } from "../language";
import { Wrong } from "../parts";
import type { DraftFile } from "./draft";
import type { Gathered } from "./files";
import { digest } from "./hash";
import { upload } from "./upload";

const words = {
  title: ["Storing the files", "파일 저장"],
  about: ["They go into this node's store. Nobody else sees them before you publish.", "이 노드의 저장소로 들어갑니다. 게시하기 전에는 아무도 볼 수 없습니다."],
  reading: ["Reading {path}", "{path} 읽는 중"],
  sending: ["Sending {path}", "{path} 보내는 중"],
  done: ["{at} of {count} files, {done} of {all}", "파일 {count}개 가운데 {at}개, {all} 가운데 {done}"],
  progress: ["Progress", "진행"],
  stop: ["Stop", "멈추기"],
  on: ["Go on", "이어서 하기"],
  other: ["Choose other files", "다른 파일 고르기"],
  stopped: ["Stopped. What was sent is kept for a day.", "멈췄습니다. 보낸 데까지는 하루 동안 남아 있습니다."],
} satisfies Record<string, Said>;

interface Told {
  at: number;
  path: string;
  sending: boolean;
  /** Bytes that were read and bytes that were sent. */
  done: number;
}

export function Taking({ of: gathered, taken, cancel }: { of: Gathered; taken: (files: DraftFile[]) => void; cancel: () => void }) {
  const [told, tell] = useState<Told>({ at: 0, path: "", sending: false, done: 0 });
  const [problem, fail] = useState<unknown>();
  const [running, run] = useState(true);
  const all = gathered.files.reduce((sum, { file }) => sum + file.size, 0);

  useEffect(() => {
    if (!running) return;
    const control = new AbortController();
    fail(undefined);
    take(gathered, tell, control.signal).then(taken, (error: unknown) => {
      if (control.signal.aborted) return;
      fail(error);
      run(false);
    });
    // Leaving in the middle of it loses the way back to these files.
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    addEventListener("beforeunload", ask);
    return () => {
      control.abort();
      removeEventListener("beforeunload", ask);
    };
  }, [running]);

  return (
    <section class="card" aria-labelledby="publish-taking">
      <h2 id="publish-taking" class="publish-first">{say(words.title)}</h2>
      <p class="soft">{say(words.about)}</p>
      <progress class="publish-progress" max={1000} value={all === 0 ? 0 : Math.round((told.done * 500) / all)} aria-label={say(words.progress)} />
      <p class="number">{say(words.done, { at: number(told.at), count: number(gathered.files.length), done: bytes(told.done / 2), all: bytes(all) })}</p>
      {running && told.path && <p class="soft">{say(told.sending ? words.sending : words.reading, { path: told.path })}</p>}
      <div role="status">{!running && problem === undefined && <p>{say(words.stopped)}</p>}</div>
      {problem !== undefined && <Wrong problem={problem} />}
      <div class="row">
        <button type="button" class={running ? "" : "main"} onClick={() => run(!running)}>{say(running ? words.stop : words.on)}</button>
        {!running && <button type="button" onClick={cancel}>{say(words.other)}</button>}
      </div>
    </section>
  );
}

async function take({ files }: Gathered, tell: (told: Told) => void, signal: AbortSignal): Promise<DraftFile[]> {
  const taken: DraftFile[] = [];
  let before = 0;
  for (const [at, { path, file }] of files.entries()) {
    const step = (sending: boolean, done: number) => tell({ at, path, sending, done: before + done });
    step(false, 0);
    const found = await digest(file, (read) => step(false, read), signal);
    await upload(found, file, (sent) => step(true, file.size + sent), signal);
    before += 2 * file.size;
    taken.push({ path, digest: found, size: file.size });
  }
  return taken;
}
