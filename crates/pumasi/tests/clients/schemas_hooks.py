"""What a description cannot know of the node that is asked: a model that is there, and that answers may be short."""
import os

import schemathesis

LIMITS = ("max_tokens", "max_completion_tokens", "max_output_tokens")


@schemathesis.hook
def map_body(context, body):
    if isinstance(body, dict) and "model" in body:
        body["model"] = os.environ["MODEL"]
        for limit in LIMITS:
            if isinstance(body.get(limit), int) and body[limit] > 8:
                body[limit] = 8
    return body


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    if isinstance(path_parameters, dict) and "model" in path_parameters:
        path_parameters["model"] = os.environ["MODEL"]
    return path_parameters
