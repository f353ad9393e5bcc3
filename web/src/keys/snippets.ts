// How the usual clients are told about a key.

/** A text in the quotes of JSON, which Python and JavaScript read as well. */
const quoted = (text: string) => JSON.stringify(text);
/** A text as one word of a POSIX shell. */
const word = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

export const CLIENTS = ["python", "javascript", "curl", "environment"] as const;
export type Client = (typeof CLIENTS)[number];

export function snippet(client: Client, base: string, key: string, model: string): string {
  switch (client) {
    case "python":
      return `from openai import OpenAI

client = OpenAI(base_url=${quoted(base)}, api_key=${quoted(key)})
answer = client.chat.completions.create(
    model=${quoted(model)},
    messages=[{"role": "user", "content": "Hello"}],
)
print(answer.choices[0].message.content)`;
    case "javascript":
      return `import OpenAI from "openai";

const client = new OpenAI({ baseURL: ${quoted(base)}, apiKey: ${quoted(key)} });
const answer = await client.chat.completions.create({
  model: ${quoted(model)},
  messages: [{ role: "user", content: "Hello" }],
});
console.log(answer.choices[0].message.content);`;
    case "curl":
      return `curl ${word(`${base}/chat/completions`)} \\
  -H ${word(`Authorization: Bearer ${key}`)} \\
  -H 'Content-Type: application/json' \\
  -d ${word(JSON.stringify({ model, messages: [{ role: "user", content: "Hello" }] }))}`;
    case "environment":
      return `export OPENAI_BASE_URL=${word(base)}
export OPENAI_API_KEY=${word(key)}`;
  }
}
