# SPDX-License-Identifier: Apache-2.0
"""Sits an examination through the API of a running node, as any client does.

    python evaluate.py MODEL ANSWERS.jsonl QUESTIONS.jsonl... [--url http://127.0.0.1:7420/v1] [--key FILE]

writes each question with its answer; `score.py` of the examination judges them. Needs nothing but Python.
"""

import argparse
import json
import pathlib
import time
import urllib.request


def ask(url: str, key: str, model: str, question: str) -> str:
    body = {"model": model, "seed": 1, "max_tokens": 200, "messages": [{"role": "user", "content": question}]}
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{url}/chat/completions", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request) as reply:
        return json.load(reply)["choices"][0]["message"]["content"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("answers", type=pathlib.Path)
    parser.add_argument("questions", type=pathlib.Path, nargs="+")
    parser.add_argument("--url", default="http://127.0.0.1:7420/v1")
    parser.add_argument("--key", type=pathlib.Path, default=pathlib.Path.home() / ".local/share/pumasi/api-key")
    arguments = parser.parse_args()
    key, slowest, begin, count = arguments.key.read_text().strip(), 0.0, time.time(), 0
    with open(arguments.answers, "w", encoding="utf-8") as out:
        for file in arguments.questions:
            for line in file.read_text(encoding="utf-8").splitlines():
                row, asked = json.loads(line), time.time()
                row["answer"] = ask(arguments.url, key, arguments.model, row["question"])
                slowest, count = max(slowest, time.time() - asked), count + 1
                out.write(json.dumps(row, ensure_ascii=False) + "\n")
    print(f"{count} answers in {time.time() - begin:.1f} s, the slowest in {slowest:.2f} s")


if __name__ == "__main__":
    main()
