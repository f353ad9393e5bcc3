"""What an application that was written for OpenAI does, with base_url and api_key changed. Usage: BASE_URL API_KEY"""
import sys
from decimal import Decimal

import openai

base_url, api_key = sys.argv[1:]
client = openai.OpenAI(base_url=base_url, api_key=api_key, max_retries=0)

model = client.models.list().data[0].id
assert client.models.retrieve(model).id == model
ask = dict(model=model, messages=[{"role": "user", "content": "Once upon a time"}], temperature=0, max_tokens=12)


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
check(chunks[-1].usage)

raw = client.chat.completions.with_raw_response.create(**ask)
assert raw.headers["x-pumasi-receipt"] and Decimal(raw.headers["x-pumasi-cost"]) > 0 and raw.headers["x-request-id"]

logprobs = client.chat.completions.create(**ask, logprobs=True, top_logprobs=2).choices[0].logprobs.content
assert len(logprobs) == 12 and all(len(token.top_logprobs) == 2 for token in logprobs), logprobs

for change, error in [
    ({"model": "nobody/nothing"}, openai.NotFoundError),
    ({"messages": []}, openai.BadRequestError),
    ({"temperature": 5}, openai.BadRequestError),
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
