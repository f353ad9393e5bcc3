# SPDX-License-Identifier: Apache-2.0
"""Trains the guide from random weights.

    python train.py OUT DATASET...

writes the tokenizer, a checkpoint at half of the way, and the model into OUT.
"""

import argparse
import json
import math
import pathlib
import time

import numpy
import torch
from torch.nn import functional

from model import Tokenizer, new_model
from prepare import Talks, rows

TOKENS = 4096  # of a step, padding included
LATE, WHOLE_LATE = 0.85, 0.7  # toward the end most answers are whole
PLAIN, ALONE = 0.1, 0.4  # so long questions come as they were written, and one by one
WORDS_FASTER = 8
POOL = 1024  # conversations that are sorted by length, so that little is padding


def batches(talks: Talks, whole):
    """Batches for ever: token ids, what follows each, how much that counts, and the topics of answers where they begin. A row is
    one conversation, padded at its end; `whole()` tells which part of them has whole answers at the moment."""
    while True:
        pool = sorted((talks.talk(whole=talks.random.random() < whole()) for _ in range(POOL)), key=lambda talk: len(talk[0]))
        found, begin = [], 0
        while begin < len(pool):
            end = begin + 1
            while end < len(pool) and (end + 1 - begin) * len(pool[end][0]) <= TOKENS:
                end += 1
            found.append(pool[begin:end])
            begin = end
        talks.random.shuffle(found)
        for rows_of in found:
            # Lengths in steps, so that few shapes occur.
            length = -(-max(len(ids) for ids, _, _ in rows_of) // 8) * 8
            ids = torch.full((len(rows_of), length + 1), talks.tokenizer.end)
            weights = torch.zeros(len(rows_of), length + 1)
            topics = torch.full((len(rows_of), length + 1), -1)
            for row, (one, weight, topic) in enumerate(rows_of):
                ids[row, : len(one)] = torch.tensor(one)
                weights[row, : len(one)] = torch.tensor(weight)
                topics[row, : len(one)] = torch.tensor(topic)
            yield ids[:, :-1], ids[:, 1:], weights[:, 1:], topics[:, :-1]


def train(model, talks: Talks, *, steps: int, rate: float, out: pathlib.Path | None, whole=0.25):
    """Trains what of a model can be trained: all from nothing, of which `out` gets a checkpoint, or without `out` an adapter.
    Gives what was lost in each step: over all tokens, and over the topics."""
    # Guesses an answer's topic where it begins, only to teach: what an answer is about is decided at its first word, and this
    # says so at once.
    head = torch.nn.Linear(model.config.hidden_size, len(talks.numbers))
    parameters = [*(p for p in model.parameters() if p.requires_grad), *head.parameters()]
    # A word is seen now and then only, so its embedding moves further each time.
    words = [p for name, p in model.named_parameters() if "embed_tokens" in name and p.requires_grad]
    others = [p for p in parameters if all(p is not word for word in words)]
    groups = [
        {"params": words, "rate": WORDS_FASTER * rate, "weight_decay": 0.0},
        {"params": [p for p in others if p.ndim >= 2], "rate": rate, "weight_decay": 0.1},
        {"params": [p for p in others if p.ndim < 2], "rate": rate, "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW([group for group in groups if group["params"]], lr=rate, betas=(0.9, 0.98), fused=True)
    from_nothing = out is not None
    begin, history, progress, seen = time.time(), [], 0.0, 0
    stream = batches(talks, lambda: whole if progress < LATE else max(whole, WHOLE_LATE))
    for step in range(steps):
        progress = step / steps
        # Warm up, then down along a cosine; toward the end answers are whole.
        scale = min(1.0, (step + 1) / 60) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * progress)))
        for group in optimizer.param_groups:
            group["lr"] = group["rate"] * scale
        # First plain questions alone, then disturbed ones, then conversations.
        talks.disturb, talks.several = progress >= PLAIN or not from_nothing, progress >= ALONE or not from_nothing
        x, y, w, topics = next(stream)
        seen += x.numel()
        with torch.autocast("cpu", torch.bfloat16):
            out_of = model(input_ids=x, use_cache=False, output_hidden_states=True)
            logits, decided = out_of.logits, topics >= 0
            guesses = head(out_of.hidden_states[-1][decided])
        losses = functional.cross_entropy(logits.flatten(0, 1).float(), y.flatten(), reduction="none").view_as(w)
        guess = functional.cross_entropy(guesses.float(), topics[decided])
        loss = (losses * w).sum() / w.sum() + guess
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        history.append((float((loss - guess).detach()), float(guess.detach())))
        if step % 50 == 49:
            passed = time.time() - begin
            mean = numpy.mean(history[-50:], axis=0)
            speed = f"{seen / passed:.0f} tokens/s {passed / 60:.1f} min"
            print(f"step {step + 1}/{steps} loss {mean[0]:.4f} topic {mean[1]:.4f} {speed}", flush=True)
        if out and step + 1 == steps // 2:
            model.save_pretrained(out / "checkpoint")
    return history


def options(parser: argparse.ArgumentParser, *, steps: int, rate: float) -> argparse.Namespace:
    """What every training is told, beside what `parser` has already."""
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("datasets", type=pathlib.Path, nargs="+")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=steps)
    parser.add_argument("--rate", type=float, default=rate)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_intermixed_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)
    return arguments


def main():
    arguments = options(argparse.ArgumentParser(), steps=6400, rate=1e-3)
    arguments.out.mkdir(parents=True, exist_ok=True)
    found = [row for folder in arguments.datasets for row in rows(folder)]
    texts = [text for row in found for text in row.answers * 4 + row.questions]
    tokenizer = Tokenizer.train(texts, arguments.out / "tokenizer.model")
    talks = Talks(found, tokenizer, arguments.seed)
    model = new_model(arguments.seed)
    print(
        f"{sum(p.numel() for p in model.parameters()):,} parameters, {sum(len(row.questions) for row in found):,} questions",
        flush=True,
    )
    history = train(model, talks, steps=arguments.steps, rate=arguments.rate, out=arguments.out)
    model.save_pretrained(arguments.out)
    (arguments.out / "losses.json").write_text(json.dumps([round(loss, 4) for loss, _ in history]))


if __name__ == "__main__":
    main()
