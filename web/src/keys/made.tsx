// A key that was just made: its secret, this once, and how to use it.

import { useEffect, useId, useRef, useState } from "preact/hooks";
import { get } from "../api";
import { say, type Said } from "../language";
import { useLoad } from "../load";
import { Snippet } from "../parts";
import type { Key } from "./shapes";
import { CLIENTS, snippet, type Client } from "./snippets";

const words = {
  title: ["The key “{name}” is made", "‘{name}’ 키를 만들었습니다"],
  once: [
    "This is the only time that its secret is shown: the node keeps no copy of it. Whoever has it can spend its budget.",
    "비밀 값은 지금 한 번만 보입니다. 노드에도 남지 않습니다. 이 값을 가진 사람은 누구나 예산만큼 쓸 수 있습니다.",
  ],
  secret: ["The secret", "비밀 값"],
  use: ["Use it with", "쓰는 곳"],
  kept: ["I have kept it", "잘 보관했습니다"],
  python: ["Python", "Python"],
  javascript: ["JavaScript", "JavaScript"],
  curl: ["curl", "curl"],
  environment: ["Environment variables", "환경 변수"],
} satisfies Record<string, Said>;

export function Made({ made, close }: { made: Key; close: () => void }) {
  const [client, choose] = useState<Client>("python");
  const models = useLoad((signal) => get<{ data: { id: string }[] }>("/v1/models", signal), []);
  const title = useRef<HTMLHeadingElement>(null);
  const name = useId();
  useEffect(() => title.current?.focus(), []);
  const secret = made.key ?? "";
  return (
    <section class="card keys-made" aria-labelledby={`${name}-title`}>
      <h2 id={`${name}-title`} ref={title} tabIndex={-1}>{say(words.title, { name: made.name || made.id })}</h2>
      <p>{say(words.once)}</p>
      <Snippet text={secret} label={say(words.secret)} wrapped />
      <fieldset class="keys-clients">
        <legend>{say(words.use)}</legend>
        {CLIENTS.map((one) => (
          <label key={one}>
            <input type="radio" name={name} checked={client === one} onChange={() => choose(one)} />
            {say(words[one])}
          </label>
        ))}
      </fieldset>
      <Snippet text={snippet(client, `${location.origin}/v1`, secret, models.value?.data[0]?.id ?? "MODEL")} label={say(words[client])} />
      <button type="button" onClick={close}>{say(words.kept)}</button>
    </section>
  );
}
