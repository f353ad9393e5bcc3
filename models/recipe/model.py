# SPDX-License-Identifier: Apache-2.0
"""The architecture, the tokenizer and the chat format of the guide and its adapters."""

import pathlib

import sentencepiece
import torch
import transformers

# Pieces that no text contains. A conversation is BOS, then turns; each turn is its mark, its text, and END.
SYSTEM, USER, GUIDE, END = "<|system|>", "<|user|>", "<|guide|>", "<|end|>"
MARKS = {"system": SYSTEM, "user": USER, "assistant": GUIDE}

# The same format in Jinja, as the GGUF file carries it.
TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}"
    "{% if message.role == 'assistant' %}<|guide|>{% elif message.role == 'system' %}<|system|>{% else %}<|user|>{% endif %}"
    "{{ message.content | trim }}<|end|>{% endfor %}{% if add_generation_prompt %}<|guide|>{% endif %}"
)

VOCABULARY = 5120
CONTEXT = 1024


def new_model(seed: int) -> transformers.LlamaForCausalLM:
    """A model with random weights."""
    torch.manual_seed(seed)
    return transformers.LlamaForCausalLM(
        transformers.LlamaConfig(
            vocab_size=VOCABULARY,
            hidden_size=256,
            intermediate_size=640,
            num_hidden_layers=3,
            num_attention_heads=4,
            num_key_value_heads=4,
            max_position_embeddings=CONTEXT,
            rms_norm_eps=1e-5,
            tie_word_embeddings=False,
            bos_token_id=1,
            eos_token_id=6,
            pad_token_id=6,
            initializer_range=0.03,
        )
    )


class Tokenizer:
    """Byte-pair encoding by SentencePiece, with bytes for what it never saw."""

    def __init__(self, path: pathlib.Path):
        self.pieces = sentencepiece.SentencePieceProcessor(model_file=str(path))
        self.bos = self.pieces.bos_id()
        self.marks = {role: self.pieces.piece_to_id(mark) for role, mark in MARKS.items()}
        self.end = self.pieces.piece_to_id(END)

    @staticmethod
    def train(texts: list[str], path: pathlib.Path) -> "Tokenizer":
        """Learns the pieces from `texts` and writes them to `path`."""
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(texts),
            model_prefix=str(path.with_suffix("")),
            vocab_size=VOCABULARY,
            model_type="bpe",
            byte_fallback=True,
            character_coverage=0.9999,
            # llama.cpp does not normalize, so neither do we.
            normalization_rule_name="identity",
            add_dummy_prefix=False,
            remove_extra_whitespaces=False,
            split_digits=True,
            bos_id=1,
            eos_id=2,
            unk_id=0,
            pad_id=-1,
            control_symbols=[SYSTEM, USER, GUIDE, END],
            minloglevel=2,
            num_threads=1,
        )
        return Tokenizer(path)

    def encode(self, text: str, dropout: float = 0.0) -> list[int]:
        """Token ids of a text. With `dropout` (BPE-dropout) some merges are left out, so that a word is seen in several ways."""
        if dropout:
            return self.pieces.encode(text, enable_sampling=True, alpha=dropout, nbest_size=-1)
        return self.pieces.encode(text)

    def turn(self, role: str, text: str, dropout: float = 0.0) -> list[int]:
        return [self.marks[role], *self.encode(text, dropout), self.end]

    def prompt(self, messages: list[dict]) -> list[int]:
        """Token ids of a conversation that the guide is to answer."""
        ids = [self.bos]
        for message in messages:
            ids += self.turn(message["role"], message["content"].strip())
        return [*ids, self.marks["assistant"]]

    def decode(self, ids: list[int]) -> str:
        return self.pieces.decode(ids)


def answer(model, tokenizer: Tokenizer, messages: list[dict], tokens_max: int = 160) -> str:
    """The likeliest answer, token by token."""
    ids = tokenizer.prompt(messages)
    out = model.generate(
        torch.tensor([ids]), max_new_tokens=tokens_max, do_sample=False, eos_token_id=tokenizer.end, pad_token_id=tokenizer.end
    )[0, len(ids) :].tolist()
    return tokenizer.decode([i for i in out if i != tokenizer.end])
