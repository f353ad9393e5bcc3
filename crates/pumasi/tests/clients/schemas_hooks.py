"""What a description cannot know of the node that is asked: a model that is there, and that short answers are enough."""
import os

import schemathesis

# How each path says how long an answer may be.
LIMITS = {
    "/chat/completions": "max_completion_tokens",
    "/completions": "max_tokens",
    "/responses": "max_output_tokens",
    "/messages": "max_tokens",
}


@schemathesis.hook
def map_body(context, body):
    if not isinstance(body, dict) or "model" not in body:
        return body
    body["model"] = os.environ["MODEL"]
    if isinstance(body.get("n"), int):
        body["n"] = min(body["n"], 2)
    for path, limit in LIMITS.items():
        if context.operation.path.endswith(path):
            if limit not in body and "max_tokens" not in body:
                body[limit] = 8
            break
    for limit in ("max_tokens", "max_completion_tokens", "max_output_tokens"):
        if isinstance(body.get(limit), int):
            body[limit] = min(body[limit], 8)
    if context.operation.path.startswith("/api/") and isinstance(body.get("options", {}), dict):
        body.setdefault("options", {})["num_predict"] = 8
    return body


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    if isinstance(path_parameters, dict) and "model" in path_parameters:
        path_parameters["model"] = os.environ["MODEL"]
    return path_parameters
