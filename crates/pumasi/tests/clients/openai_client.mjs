// What an application that was written for OpenAI in JavaScript does, with baseURL and apiKey changed. Usage: BASE_URL API_KEY
import assert from "node:assert/strict";
import { appendFileSync } from "node:fs";
import OpenAI from "openai";

const [baseURL, apiKey] = process.argv.slice(2);

// Every cost that the package sees, for the check against the ledger. What is only read again costs nothing again.
const seen = [];
const watched = async (address, options) => {
  const answer = await fetch(address, options);
  if (options?.method?.toUpperCase() === "POST") seen.push(answer.clone().text());
  return answer;
};
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0, fetch: watched });

const model = (await client.models.list()).data[0].id;
assert.equal((await client.models.retrieve(model)).id, model);
const ask = { model, messages: [{ role: "user", content: "Once upon a time" }], temperature: 0, max_tokens: 12 };

const paid = (usage) => {
  assert.ok(usage.cost > 0 && usage.bill.lines.length >= 2, JSON.stringify(usage));
};

const whole = await client.chat.completions.create(ask);
const text = whole.choices[0].message.content;
assert.ok(text && whole.choices[0].finish_reason === "length" && whole.usage.completion_tokens === 12);
paid(whole.usage);

let pieces = "";
let usage;
for await (const chunk of await client.chat.completions.create({ ...ask, stream: true, stream_options: { include_usage: true } })) {
  pieces += chunk.choices[0]?.delta.content ?? "";
  usage = chunk.usage ?? usage;
}
assert.equal(pieces, text);
paid(usage);

// Its own accumulator puts the pieces together.
const runner = client.chat.completions.stream(ask);
assert.equal((await runner.finalChatCompletion()).choices[0].message.content, text);

const mood = { type: "object", properties: { mood: { enum: ["glad", "sad"] } }, required: ["mood"], additionalProperties: false };
const parsed = await client.chat.completions.parse({
  ...ask,
  max_tokens: 100,
  response_format: { type: "json_schema", json_schema: { name: "mood", strict: true, schema: mood } },
});
assert.ok(["glad", "sad"].includes(JSON.parse(parsed.choices[0].message.content).mood), JSON.stringify(parsed.choices[0]));

// The package asks for base64 by itself, and reads it.
const vectors = await client.embeddings.create({ model, input: ["a dog", "a cat"] });
const length = (vector) => Math.sqrt(vector.reduce((sum, x) => sum + x * x, 0));
assert.ok(vectors.data.length === 2 && Math.abs(length(vectors.data[1].embedding) - 1) < 1e-3);

const response = await client.responses.create({ model, input: "Once upon a time", temperature: 0, max_output_tokens: 12 });
assert.equal(response.output_text, text);
const next = await client.responses.create({ model, input: "And then?", previous_response_id: response.id, max_output_tokens: 5 });
assert.ok(next.usage.input_tokens > response.usage.input_tokens && next.previous_response_id === response.id);
assert.equal((await client.responses.retrieve(response.id)).output_text, text);
await client.responses.delete(response.id);
await assert.rejects(client.responses.retrieve(response.id), OpenAI.NotFoundError);

await assert.rejects(client.chat.completions.create({ ...ask, model: "nobody/nothing" }), OpenAI.NotFoundError);
await assert.rejects(client.chat.completions.create({ ...ask, response_format: { type: "xml" } }), (error) => {
  return error instanceof OpenAI.BadRequestError && error.param === "response_format";
});
await assert.rejects(new OpenAI({ baseURL, apiKey: "wrong", maxRetries: 0 }).chat.completions.create(ask), OpenAI.AuthenticationError);

const costs = (await Promise.all(seen)).flatMap((body) => [...body.matchAll(/"cost":([-+.0-9eE]+)/g)].map((found) => `${found[1]}\n`));
appendFileSync(process.env.COSTS, costs.join(""));
