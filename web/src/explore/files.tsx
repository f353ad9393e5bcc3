// The files of an artifact, by the digest of their bytes.

import { useState } from "preact/hooks";
import { session } from "../api";
import { bytes, number, say, type Said } from "../language";
import { credits } from "../money";
import { Copy, Id } from "../parts";
import type { Artifact } from "./types";
import { blob } from "./words";

const words = {
  away: ["Its files are not on this node. Fetch them with:", "파일이 이 노드에 없습니다. 이렇게 받아 옵니다."],
  sum: ["{count} files, {size}", "파일 {count}개, {size}"],
  table: ["Files", "파일"],
  path: ["File", "파일"],
  size: ["Size", "크기"],
  digest: ["SHA-256", "SHA-256"],
  fee: [
    "This gateway asks an API key {fee} credits for each GB of the weight files that it serves; all else is free.",
    "이 게이트웨이는 가중치 파일을 1GB 내려받을 때마다 API 키에서 {fee} 크레딧을 받습니다. 나머지는 무료입니다.",
  ],
  get: ["Download {path}", "{path} 내려받기"],
  bom: ["Bill of materials (CycloneDX)", "자재 명세서 (CycloneDX)"],
  card: ["Card (Markdown)", "카드 (마크다운)"],
  all: ["Show all {count} files", "파일 {count}개 모두 보기"],
} satisfies Record<string, Said>;

const SHORT = 50;
const GB = 1_000_000_000n;

export function Files({ of }: { of: Artifact }) {
  const [whole, show] = useState(false);
  if (!of.files)
    return (
      <p class="soft">
        {say(words.away)} <code>pumasi pull {of.name}</code>
      </p>
    );
  const shown = whole ? of.files : of.files.slice(0, SHORT);
  // A link sends no key: whoever has to pay downloads with a tool that does.
  const paid = (digest: string) => of.file_fee > 0 && session.value !== "open" && of.weights.includes(digest);
  const size = of.files.reduce((sum, file) => sum + file.size, 0);
  return (
    <>
      <p class="soft">
        {say(words.sum, { count: number(of.files.length), size: bytes(size) })} · <a href={`/artifacts/${of.id}?format=bom`}>{say(words.bom)}</a> ·{" "}
        <a href={`/artifacts/${of.id}?format=card`}>{say(words.card)}</a>
      </p>
      {of.file_fee > 0 && of.weights.length > 0 && <p class="soft">{say(words.fee, { fee: credits(BigInt(of.file_fee) * GB) })}</p>}
      <div class="scroll" tabIndex={0} role="region" aria-label={say(words.table)}>
        <table class="artifact-files">
          <thead>
            <tr>
              <th scope="col">{say(words.path)}</th>
              <th scope="col" class="right">{say(words.size)}</th>
              <th scope="col">{say(words.digest)}</th>
            </tr>
          </thead>
          <tbody>
            {shown.map((file) => (
              <tr key={file.path}>
                <th scope="row">
                  {paid(file.digest) ? (
                    file.path
                  ) : (
                    <a href={blob(file.digest)} download={file.path.split("/").at(-1)} aria-label={say(words.get, { path: file.path })}>
                      {file.path}
                    </a>
                  )}
                </th>
                <td class="right">{bytes(file.size)}</td>
                <td class="artifact-digest">
                  <Id id={file.digest} /> <Copy text={file.digest} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {shown.length < of.files.length && (
        <button type="button" class="artifact-after" onClick={() => show(true)}>
          {say(words.all, { count: number(of.files.length) })}
        </button>
      )}
    </>
  );
}
