"""What an application that was written for Ollama does, with OLLAMA_HOST and OLLAMA_API_KEY set. Usage: MODEL"""
import json
import sys

import ollama

import costs

(model,) = sys.argv[1:]
costs.watch()
client = ollama.Client()
options = {"temperature": 0, "num_predict": 12, "num_ctx": 2048}
messages = [{"role": "user", "content": "Once upon a time"}]

listed = client.list().models
assert model in [one.model for one in listed] and all(one.size > 0 and one.digest for one in listed), listed
# A dataset that a model is built on is no parent in Ollama's sense.
parents = {one.details.parent_model for one in listed} - {""}
assert parents and parents <= {one.model for one in listed}, parents
assert model in [one.model for one in client.ps().models]
shown = client.show(model)
assert "completion" in shown.capabilities and shown.details.quantization_level, shown
assert any(name.endswith(".context_length") for name in shown.modelinfo), shown
assert [step.status for step in client.pull(model, stream=True)][-1] == "success"
assert client.pull(model).status == "success"

whole = client.chat(model, messages, options=options)
text = whole.message.content
assert text and whole.done and whole.done_reason == "length" and whole.eval_count == 12, whole
assert whole.prompt_eval_count > 0 and whole.total_duration >= whole.eval_duration > 0, whole
pieces = list(client.chat(model, messages, options=options, stream=True))
assert "".join(piece.message.content for piece in pieces) == text and pieces[-1].eval_count == 12, pieces
assert [piece.done for piece in pieces] == [False] * (len(pieces) - 1) + [True], pieces

said = client.generate(model, "Once upon a time", options=options)
assert said.response == text, (said, text)
raw = "".join(piece.response for piece in client.generate(model, "A goblin came to the", raw=True, options=options, stream=True))
assert raw and client.generate(model, "A goblin came to the", raw=True, options=options).response == raw, raw
assert client.generate(model).done_reason == "load"

mood = {"type": "object", "properties": {"mood": {"enum": ["glad", "sad"]}}, "required": ["mood"], "additionalProperties": False}
held = client.chat(model, messages, options={"num_predict": 100}, format=mood)
assert held.done_reason == "stop" and json.loads(held.message.content)["mood"] in ("glad", "sad"), held
several = client.embed(model, ["A dog ran.", "A dog ran.", "Once upon a time"])
assert several.embeddings[0] == several.embeddings[1] != several.embeddings[2] and several.prompt_eval_count > 3, several
assert client.embeddings(model, "A dog ran.").embedding == several.embeddings[0]

for ask, status in [
    (lambda: client.chat("nobody/nothing", messages), 404),
    (lambda: client.pull("llama3.2"), 404),
    (lambda: client.embed(model, "a text", dimensions=8), 400),
    (lambda: client.chat(model, messages, format={"type": "array", "uniqueItems": True}), 400),
    (lambda: client.chat(model, [{"role": "user", "content": "see", "images": [b"\x89PNG"]}]), 400),
    (lambda: client.chat(model, messages, options={"temperature": 5.0}), 400),
    (lambda: ollama.Client(headers={"Authorization": "Bearer sk-pumasi-wrong"}).chat(model, messages), 401),
]:
    try:
        ask()
        raise SystemExit(f"what should have been {status} was answered")
    except ollama.ResponseError as caught:
        assert caught.status_code == status and len(caught.error) > 10, (status, caught.status_code, caught.error)
