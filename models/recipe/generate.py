# SPDX-License-Identifier: Apache-2.0
"""Asks a trained model in this process, without Pumasi.

python generate.py MODEL [--adapter FOLDER] "a question"
"""

import argparse
import pathlib

import peft
import transformers

from model import Tokenizer, answer


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("question", nargs="+")
    parser.add_argument("--adapter", type=pathlib.Path)
    arguments = parser.parse_args()
    model = transformers.LlamaForCausalLM.from_pretrained(arguments.model).eval()
    if arguments.adapter:
        model = peft.PeftModel.from_pretrained(model, str(arguments.adapter)).eval()
    tokenizer = Tokenizer(arguments.model / "tokenizer.model")
    for question in arguments.question:
        print(answer(model, tokenizer, [{"role": "user", "content": question}]))


if __name__ == "__main__":
    main()
