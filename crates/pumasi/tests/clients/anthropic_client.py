"""What an application that was written for Anthropic does, with base_url and api_key changed. Usage: BASE_URL API_KEY MODEL"""
import sys
from decimal import Decimal

import anthropic

import costs

base_url, api_key, model = sys.argv[1:]
costs.watch()
client = anthropic.Anthropic(base_url=base_url, api_key=api_key, max_retries=0)
ask = dict(
    model=model,
    max_tokens=12,
    system="Tell a story.",
    messages=[{"role": "user", "content": [{"type": "text", "text": "Once upon a time"}]}],
    # The package has no argument for it any more; the API does.
    extra_body={"temperature": 0},
)


def check(usage):
    lines = usage.bill["lines"]
    assert len(lines) >= 2 and sum(int(line["pico"]) for line in lines) == int(usage.bill["pico"]), usage
    assert Decimal(repr(usage.cost)) * 10**12 == int(usage.bill["pico"]), usage


listed = client.models.list().data
assert model in [one.id for one in listed] and listed[0].created_at.year > 2000, listed
assert client.models.retrieve(model).display_name == model

whole = client.messages.create(**ask)
text = whole.content[0].text
assert text and whole.stop_reason == "max_tokens" and whole.usage.output_tokens == 12, whole
check(whole.usage)

# Its own accumulator puts the events together; they must come in their order.
with client.messages.stream(**ask) as stream:
    pieces = "".join(stream.text_stream)
    final = stream.get_final_message()
assert pieces == text == final.content[0].text, (pieces, text, final)
assert final.stop_reason == "max_tokens" and final.usage.output_tokens == 12, final
events = list(client.messages.create(**ask, stream=True))
assert events[0].type == "message_start" and events[-1].type == "message_stop", events
check([event.usage for event in events if event.type == "message_delta"][0])

counting = {name: value for name, value in ask.items() if name not in ("max_tokens", "extra_body")}
counted = client.messages.count_tokens(**counting)
assert counted.input_tokens == whole.usage.input_tokens and counted.exact, (counted, whole.usage)

turns = [
    {"role": "user", "content": "Look."},
    {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "look", "input": {"at": "sky"}}]},
    {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "blue"}]},
]
tools = [{"name": "look", "description": "Looks.", "input_schema": {"type": "object", "properties": {}}}]
assert client.messages.create(**{**ask, "messages": turns}, tools=tools).usage.output_tokens >= 0

for change, error in [
    ({"model": "nobody/nothing"}, anthropic.NotFoundError),
    ({"messages": []}, anthropic.BadRequestError),
    ({"extra_body": {"temperature": 5}}, anthropic.BadRequestError),
    ({"tool_choice": {"type": "any"}, "tools": tools}, anthropic.BadRequestError),
    ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, anthropic.BadRequestError),
]:
    try:
        client.messages.create(**{**ask, **change})
        raise SystemExit(f"{change} was answered")
    except error as caught:
        assert caught.body["type"] == "error" and caught.body["error"]["message"], caught
        assert caught.request_id == caught.body["request_id"], caught.body
try:
    anthropic.Anthropic(base_url=base_url, api_key="sk-pumasi-wrong", max_retries=0).messages.create(**ask)
    raise SystemExit("a wrong key was answered")
except anthropic.AuthenticationError as caught:
    assert caught.body["error"]["type"] == "authentication_error", caught.body
