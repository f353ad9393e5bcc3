"""What an application that was written for OpenAI does, with base_url and api_key changed. Usage: BASE_URL API_KEY"""
import sys
from decimal import Decimal
from typing import Literal

import openai
import pydantic

import costs

base_url, api_key = sys.argv[1:]
costs.watch()
client = openai.OpenAI(base_url=base_url, api_key=api_key, max_retries=0)

model = client.models.list().data[0].id
assert client.models.retrieve(model).id == model
ask = dict(model=model, messages=[{"role": "user", "content": "Once upon a time"}], temperature=0, max_tokens=12)


def code(caught):
    """What an error is called; below OpenRouter's prefix its number stands there."""
    body = caught.body
    assert isinstance(body["code"], str) or body["code"] == caught.status_code, body
    return body["code"] if isinstance(body["code"], str) else body["metadata"]["code"]


def check(usage):
    lines = usage.bill["lines"]
    assert len(lines) >= 2 and sum(int(line["pico"]) for line in lines) == int(usage.bill["pico"]), usage
    assert Decimal(repr(usage.cost)) * 10**12 == int(usage.bill["pico"]), usage


whole = client.chat.completions.create(**ask)
text = whole.choices[0].message.content
assert text and whole.choices[0].finish_reason == "length" and whole.usage.completion_tokens == 12, whole
check(whole.usage)

# Without asking for the usage, as most programs stream: every chunk has a choice.
pieces, usage = "", None
for chunk in client.chat.completions.create(**ask, stream=True):
    pieces += chunk.choices[0].delta.content or ""
    usage = chunk.usage or usage
assert pieces == text, (pieces, text)
check(usage)

# Asking for it: the last chunk has none.
chunks = list(client.chat.completions.create(**ask, stream=True, stream_options={"include_usage": True}))
assert chunks[-1].choices == [] and all(chunk.usage is None for chunk in chunks[:-1]), chunks[-1]
assert all("usage" in chunk.model_fields_set for chunk in chunks), "all others have null"
check(chunks[-1].usage)

raw = client.chat.completions.with_raw_response.create(**ask)
assert int(raw.headers["x-ratelimit-remaining-requests"]) > 0 and raw.headers["ratelimit"]
assert raw.headers["x-pumasi-receipt"] and Decimal(raw.headers["x-pumasi-cost"]) > 0 and raw.headers["x-request-id"]

logprobs = client.chat.completions.create(**ask, logprobs=True, top_logprobs=2).choices[0].logprobs.content
assert len(logprobs) == 12 and all(len(token.top_logprobs) == 2 for token in logprobs), logprobs
assert not logprobs[0].top_logprobs[0].model_extra, logprobs[0]

several = client.chat.completions.create(**{**ask, "temperature": 1}, n=2, seed=1)
assert len(several.choices) == 2 and several.usage.completion_tokens <= 24 and len(several.usage.bills) == 2, several
assert Decimal(repr(several.usage.cost)) * 10**12 == sum(int(bill["pico"]) for bill in several.usage.bills), several

goes_on = dict(model=model, prompt="A goblin came to the", temperature=0, max_tokens=6)
whole = client.completions.create(**goes_on, logprobs=2)
first = whole.choices[0]
assert len(first.logprobs.tokens) == len(first.logprobs.top_logprobs) == whole.usage.completion_tokens, whole
assert "".join(first.logprobs.tokens) == first.text, first
check(whole.usage)
assert "".join(piece.choices[0].text for piece in client.completions.create(**goes_on, stream=True)) == first.text
echoed = client.completions.create(**{**goes_on, "prompt": ["A goblin came to the", "I am a"]}, echo=True)
assert [choice.index for choice in echoed.choices] == [0, 1] and echoed.choices[0].text == "A goblin came to the" + first.text, echoed
tokens = client.completions.create(**{**goes_on, "prompt": [[5, 6, 7], [8, 9]]})
assert len(tokens.choices) == 2 and tokens.usage.prompt_tokens == 5, tokens

response = client.responses.create(model=model, input="Once upon a time", temperature=0, max_output_tokens=12)
assert response.output_text == text and response.status == "incomplete" and response.usage.output_tokens == 12, response
check(response.usage)
# Its accumulator takes only a response that was completed.
entire = client.responses.create(model=model, input="Once upon a time", temperature=0)
with client.responses.stream(model=model, input="Once upon a time", temperature=0) as stream:
    pieces = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
    assert pieces == stream.get_final_response().output_text == entire.output_text, pieces
next = client.responses.create(model=model, input="And then?", previous_response_id=response.id, max_output_tokens=5)
assert next.usage.input_tokens > response.usage.input_tokens and next.previous_response_id == response.id, next
assert client.responses.retrieve(response.id).output_text == text
client.responses.delete(response.id)
unkept = client.responses.create(model=model, input="Hello", max_output_tokens=1, store=False)
for gone in [response.id, unkept.id]:
    try:
        client.responses.retrieve(gone)
        raise SystemExit("an answer that is not kept was told")
    except openai.NotFoundError as caught:
        assert code(caught) == "response_not_found", caught.body


class Mood(pydantic.BaseModel):
    mood: Literal["glad", "sad"]
    why: Literal["sun", "rain"]


# The package turns the class into a schema, and reads the answer with it.
parsed = client.chat.completions.parse(**{**ask, "max_tokens": 300}, response_format=Mood).choices[0]
assert parsed.finish_reason == "stop" and parsed.message.parsed.mood in ("glad", "sad"), parsed
parsed = client.responses.parse(model=model, input="How are you?", max_output_tokens=300, text_format=Mood)
assert parsed.output_parsed.mood in ("glad", "sad"), parsed

# The package asks for base64 by itself, and reads it.
vectors = client.embeddings.create(model=model, input=["A dog ran.", "A dog ran.", "Once upon a time"])
assert vectors.data[0].embedding == vectors.data[1].embedding != vectors.data[2].embedding, vectors
assert abs(sum(x * x for x in vectors.data[2].embedding) - 1) < 1e-4 and vectors.usage.prompt_tokens > 3, vectors.usage
floats = client.embeddings.create(model=model, input="A dog ran.", encoding_format="float").data[0].embedding
assert max(abs(a - b) for a, b in zip(floats, vectors.data[0].embedding, strict=True)) < 1e-6

# How likely a text is, as lm-eval asks for it.
likely = client.completions.create(model=model, prompt=[[5, 6, 7, 8]], echo=True, logprobs=1, max_tokens=1, temperature=0)
logprobs = likely.choices[0].logprobs
assert len(logprobs.tokens) in (4, 5) and logprobs.token_logprobs[0] is None and logprobs.token_logprobs[1] <= 0, likely
alone = client.completions.create(model=model, prompt="A goblin", echo=True, logprobs=0, max_tokens=0)
assert alone.choices[0].text == "A goblin" and alone.usage.completion_tokens == 0, alone

for absent in [
    lambda: client.files.list(),
    lambda: client.fine_tuning.jobs.create(model=model, training_file="file-1"),
]:
    try:
        absent()
        raise SystemExit("what is not offered was answered")
    except openai.NotFoundError as caught:
        assert code(caught) == "not_offered" and caught.request_id, caught.body

for change, error in [
    ({"model": "nobody/nothing"}, openai.NotFoundError),
    ({"messages": []}, openai.BadRequestError),
    ({"temperature": 5}, openai.BadRequestError),
    ({"response_format": {"type": "xml"}}, openai.BadRequestError),
    # The guide's template knows no tools, so none can be required.
    ({"tools": [{"type": "function", "function": {"name": "look"}}], "tool_choice": "required"}, openai.BadRequestError),
]:
    try:
        client.chat.completions.create(**{**ask, **change})
        raise SystemExit(f"{change} was answered")
    except error as caught:
        assert caught.body["message"], caught
try:
    openai.OpenAI(base_url=base_url, api_key="sk-pumasi-wrong", max_retries=0).chat.completions.create(**ask)
    raise SystemExit("a wrong key was answered")
except openai.AuthenticationError:
    pass
