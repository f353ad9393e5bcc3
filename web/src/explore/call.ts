// How programs ask an artifact, written out for it and for this node.

export const KEY = "YOUR_API_KEY";
export const WAYS = ["curl", "Python", "JavaScript", "CLI"] as const;
export type Way = (typeof WAYS)[number];

/** A word of a shell: quoted where it could mean something else. */
export const quoted = (text: string) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

/** The snippet for one way; `node` is the node's address, such as `http://127.0.0.1:7420`. */
export function snippet(way: Way, node: string, model: string, question: string): string {
  const text = JSON.stringify;
  const body = `{"model": ${text(model)}, "messages": [{"role": "user", "content": ${text(question)}}]}`;
  switch (way) {
    case "curl":
      return `curl ${node}/v1/chat/completions \\
  -H "Authorization: Bearer ${KEY}" \\
  -H "Content-Type: application/json" \\
  -d ${quoted(body)}`;
    case "Python":
      return `# pip install openai
from openai import OpenAI

client = OpenAI(base_url=${text(`${node}/v1`)}, api_key="${KEY}")
answer = client.chat.completions.create(
    model=${text(model)},
    messages=[{"role": "user", "content": ${text(question)}}],
)
print(answer.choices[0].message.content)
print(answer.usage.bill)`;
    case "JavaScript":
      return `const answer = await fetch(${text(`${node}/v1/chat/completions`)}, {
  method: "POST",
  headers: { authorization: "Bearer ${KEY}", "content-type": "application/json" },
  body: JSON.stringify({
    model: ${text(model)},
    messages: [{ role: "user", content: ${text(question)} }],
  }),
});
const { choices, usage } = await answer.json();
console.log(choices[0].message.content, usage.bill);`;
    case "CLI":
      return `pumasi chat ${quoted(model)} ${quoted(question)}`;
  }
}
