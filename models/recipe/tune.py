# SPDX-License-Identifier: Apache-2.0
"""Trains an adapter (LoRA) on the guide.

    python tune.py BASE OUT DATASET... [--rank 8]

The first DATASET holds the adapter's own answers. Rows without questions take those of the same topic and language from the
datasets named after it.
"""

import argparse
import pathlib

import peft
import transformers

from model import Tokenizer
from prepare import Row, Talks, rows
from train import options, train

# With the output layer: tales use words that the guide hardly says.
TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj", "lm_head"]


def lessons(folders: list[pathlib.Path]) -> list[Row]:
    """The first folder's rows. One without questions gets those of its topic; one of the topic `any` an eighth of all."""
    own, *others = [rows(folder) for folder in folders]
    asked: dict[tuple[str, str], list[str]] = {}
    for row in (row for found in others for row in found):
        asked.setdefault((row.topic, row.language), []).extend(row.questions)
        asked.setdefault(("any", row.language), []).extend(row.questions[::8])
    for row in own:
        if row.topic == "any" or not row.questions:
            row.questions = row.questions + asked.get((row.topic, row.language), [])
    return own


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("base", type=pathlib.Path)
    parser.add_argument("--rank", type=int, default=8)
    parser.add_argument("--unknown-part", type=float, default=0.15)
    parser.add_argument("--name", default="Pumasi guide")
    arguments = options(parser, steps=700, rate=3e-3)
    tokenizer = Tokenizer(arguments.base / "tokenizer.model")
    base = transformers.LlamaForCausalLM.from_pretrained(arguments.base)
    config = peft.LoraConfig(
        r=arguments.rank,
        lora_alpha=2 * arguments.rank,
        target_modules=TARGETS,
        task_type="CAUSAL_LM",
        base_model_name_or_path=arguments.name,
    )
    model = peft.get_peft_model(base, config)
    model.print_trainable_parameters()
    talks = Talks(lessons(arguments.datasets), tokenizer, arguments.seed, unknown_part=arguments.unknown_part)
    train(model, talks, steps=arguments.steps, rate=arguments.rate, out=None, whole=0.8)
    model.peft_config["default"].base_model_name_or_path = arguments.name
    # The output layer is adapted too, not replaced.
    model.half().save_pretrained(arguments.out, save_embedding_layers=False)


if __name__ == "__main__":
    main()
