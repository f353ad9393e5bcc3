"""What an application that was written for OpenRouter does, with server_url and api_key changed. Usage: SERVER_URL API_KEY"""
import sys
from decimal import Decimal

from openrouter import OpenRouter, errors

import costs

server_url, api_key = sys.argv[1:]
costs.watch()
client = OpenRouter(api_key=api_key, server_url=server_url)

# The package checks every field of every answer against OpenRouter's description.
listed = client.models.list().result
model = listed.data[0]
assert listed.total_count == len(listed.data) and model.top_provider.context_length == model.context_length, listed
assert Decimal(model.pricing.prompt) > 0 and Decimal(model.pricing.completion) > 0, model.pricing
author, slug = model.id.split("/")
offers = client.endpoints.list(author=author, slug=slug).data.endpoints
assert offers[0].pricing.prompt == model.pricing.prompt and offers[0].model_id == model.id, offers
ask = dict(model=model.id, messages=[{"role": "user", "content": "Once upon a time"}], temperature=0, max_tokens=12)

before = client.credits.get_credits().data
whole = client.chat.send(**ask)
text = whole.choices[0].message.content
assert text and whole.usage.completion_tokens == 12 and whole.system_fingerprint.startswith("fp_"), whole
details = whole.usage.cost_details
parts = details.upstream_inference_prompt_cost + details.upstream_inference_completions_cost
assert 0 < details.upstream_inference_cost < whole.usage.cost and abs(parts - details.upstream_inference_cost) < 1e-12, whole.usage

pieces, streamed = "", None
for chunk in client.chat.send(**ask, stream=True):
    pieces += (chunk.choices[0].delta.content or "") if chunk.choices else ""
    streamed = chunk.usage or streamed
assert pieces == text and streamed.cost == whole.usage.cost, (pieces, streamed)

told = client.generations.get_generation(id=whole.id).data
assert told.total_cost == told.usage == whole.usage.cost and told.native_tokens_completion == 12, told
after = client.credits.get_credits().data
assert abs(after.total_usage - before.total_usage - 2 * whole.usage.cost) < 1e-12, (before, after)
key = client.api_keys.get_current_key_metadata().data
assert key.usage == key.usage_daily == key.usage_monthly == after.total_usage and key.limit == after.total_credits, key
assert abs(key.limit_remaining - (key.limit - key.usage)) < 1e-9, key

vectors = client.embeddings.generate(model=model.id, input="A dog ran.").data
assert len(vectors[0].embedding) > 1, vectors
response = client.responses.send(model=model.id, input="Once upon a time", temperature=0, max_output_tokens=12)
assert response.output[0].content[0].text == text, response

for change, error in [
    ({"model": "nobody/nothing"}, errors.NotFoundResponseError),
    ({"temperature": 5}, errors.BadRequestResponseError),
]:
    try:
        client.chat.send(**{**ask, **change})
        raise SystemExit(f"{change} was answered")
    except error as caught:
        assert caught.data.error.message, caught
try:
    OpenRouter(api_key="sk-or-wrong", server_url=server_url).chat.send(**ask)
    raise SystemExit("a wrong key was answered")
except errors.UnauthorizedResponseError:
    pass
