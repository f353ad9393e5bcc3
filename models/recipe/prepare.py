# SPDX-License-Identifier: Apache-2.0
"""From the datasets' rows to the conversations that a model is trained on.

A row of a dataset is {"topic", "language", "answers", "questions"}: every question of a row is answered by each of its answers.
From these the conversations are drawn: questions as they stand or disturbed as people disturb them, one turn or several.
"""

import dataclasses
import json
import pathlib
import random
import re

from model import Tokenizer

# Topics whose answers are all equally good. Of the others the first answer is the short one and the last the long one.
ANY = ("unknown", "any")

# What stands around a question when people talk, by language.
OPENINGS = {
    "en": [
        "hi, ",
        "hello! ",
        "hey, ",
        "so ",
        "please tell me: ",
        "quick question: ",
        "um, ",
        "ok, ",
        "excuse me, ",
        "sorry, ",
        "can you tell me, ",
        "i wonder: ",
        "one more thing: ",
        "well, ",
        "and ",
        "but ",
    ],
    "ko": [
        "안녕하세요, ",
        "저기요, ",
        "저, ",
        "혹시 ",
        "그런데 ",
        "근데 ",
        "음, ",
        "질문 있어요. ",
        "궁금한 게 있는데요, ",
        "하나만 더요. ",
        "그럼 ",
        "그러면 ",
        "죄송한데 ",
        "실례지만 ",
        "아 ",
        "자, ",
    ],
}
CLOSINGS = {
    "en": [" please", " thanks", " thank you", ", please?", " in short", " briefly", " exactly?", " in pumasi", " here"],
    "ko": [
        " 알려 주세요",
        " 부탁해요",
        " 궁금해요",
        " 좀 알려줘",
        "요",
        " ㅠㅠ",
        " ㅎㅎ",
        " 감사합니다",
        " 짧게요",
        " 정확히요",
        " 여기서요",
    ],
}
# Follow-ups that need what was said before: the other answer of the same topic, or the same in the other language.
MORE = {
    "en": [
        "more",
        "tell me more",
        "more please",
        "can you say more?",
        "in more detail",
        "go on",
        "explain that a bit more",
        "longer please",
        "and in detail?",
        "I want to know more about that",
    ],
    "ko": [
        "더 알려줘",
        "더 자세히",
        "자세히 설명해 주세요",
        "조금 더 말해 줘",
        "더요",
        "더 길게 설명해 주세요",
        "계속",
        "그것에 대해 더 알고 싶어요",
        "상세하게 알려주세요",
    ],
}
SHORTER = {
    "en": [
        "shorter",
        "in one sentence",
        "too long",
        "briefly?",
        "short please",
        "sum that up",
        "say it shorter",
        "the short version",
    ],
    "ko": ["더 짧게", "한 문장으로", "너무 길어요", "요약해 줘", "짧게 말해 주세요", "한 줄로 줄여 줘", "간단히"],
}
OTHER = {
    "en": [
        "한국어로",
        "한국어로 말해 줘",
        "한국말로 해 주세요",
        "in Korean please",
        "korean",
        "say that in Korean",
        "한글로 다시",
    ],
    "ko": ["영어로", "영어로 말해 줘", "영어로 해 주세요", "in English please", "english", "say that in English", "영어로 다시"],
}
SYSTEM = [
    "You are a helpful assistant.",
    "You are the guide of Pumasi.",
    "Answer briefly.",
    "Be kind.",
    "You are a friendly assistant who knows Pumasi.",
    "당신은 친절한 도우미입니다.",
    "너는 품앗이의 길잡이야.",
    "짧게 답해 주세요.",
    "You are ChatGPT, a large language model.",
    "Answer the user's question.",
]


@dataclasses.dataclass
class Row:
    topic: str
    language: str
    answers: list[str]
    questions: list[str]


def rows(folder: pathlib.Path) -> list[Row]:
    """The rows of a dataset's folder; its templates are filled in as questions of their topic."""
    found = []
    for line in (folder / "train.jsonl").read_text().splitlines():
        row = json.loads(line)
        found.append(Row(row["topic"], row["language"], row["answers"], row["questions"] + filled(row)))
    return found


def filled(row: dict) -> list[str]:
    """All questions that a row's templates and their slots give, at most 30 of each template, always the same."""
    out = []
    for template in row.get("templates", []):
        slot = re.search(r"\{(\w+)\}", template)
        values = list(row["slots"][slot[1]])
        random.Random(template).shuffle(values)
        out += [template.replace(slot[0], value) for value in values[:30]]
    return out


class Talks:
    """Draws conversations of the given rows."""

    def __init__(self, found: list[Row], tokenizer: Tokenizer, seed: int, unknown_part: float = 0.15):
        self.tokenizer, self.random = tokenizer, random.Random(seed)
        self.by = {(row.topic, row.language): row for row in found}
        self.numbers = {key: number for number, key in enumerate(self.by)}
        known = [(row, question) for row in found if row.topic != "unknown" for question in row.questions]
        unknown = [(row, question) for row in found if row.topic == "unknown" for question in row.questions]
        self.known, self.unknown = self.forever(known), self.forever(unknown) if unknown else None
        self.unknown_part = unknown_part if unknown else 0.0
        # Whether questions are disturbed, and whether conversations have several turns.
        self.disturb = self.several = True

    def forever(self, pairs):
        """Every question once, then every question again in another order."""
        while True:
            self.random.shuffle(pairs)
            yield from pairs

    def talk(self, *, whole: bool) -> tuple[list[int], list[float], list[int]]:
        """One conversation: token ids, how much each counts in the loss, and, where an answer begins, the number of its topic
        (elsewhere -1). Unless `whole`, the last answer ends early: what it is about shows in its first words, so more
        questions are seen in the same time."""
        ids, weights, topics = [self.tokenizer.bos], [0.0], [-1]

        def say(role, text, weight, dropout=0.0, first=None, topic=-1):
            turn = self.tokenizer.turn(role, text, dropout)[:first]
            ids.extend(turn)
            weights.extend([0.0] + [weight] * (len(turn) - 1))
            topics.extend([topic] + [-1] * (len(turn) - 1))

        if self.random.random() < 0.08:
            say("system", self.random.choice(SYSTEM), 0.0)
        turns = self.random.choices([1, 2, 3, 5], [75, 14, 7, 4])[0] if self.several else 1
        for turn in range(turns):
            last = turn == turns - 1
            source = self.unknown if self.random.random() < self.unknown_part else self.known
            row, question = next(source)
            if self.disturb:
                question = disturbed(question, row.language, self.random)
            # The longer answer is the usual one.
            long = self.random.random() < 0.8
            reply = self.random.choice(row.answers) if row.topic in ANY else row.answers[-1 if long else 0]
            say("user", question, 0.1, 0.1 if self.disturb and self.random.random() < 0.5 else 0.0)
            say("assistant", reply, 1.0, first=None if whole or not last else 6, topic=self.numbers[row.topic, row.language])
            if whole and self.disturb and row.topic not in ANY and len(row.answers) > 1 and self.random.random() < 0.12:
                self.follow(row, long, say)
        return ids, weights, topics

    def follow(self, row: Row, long: bool, say):
        other = self.by.get((row.topic, "ko" if row.language == "en" else "en"))
        kind = self.random.choice(["length", "language"])
        if kind == "language" and other and len(other.answers) > 1:
            say("user", self.random.choice(OTHER[row.language]), 0.0)
            say("assistant", other.answers[-1 if long else 0], 1.0)
        else:
            say("user", self.random.choice((SHORTER if long else MORE)[row.language]), 0.0)
            say("assistant", row.answers[0 if long else -1], 1.0)


def disturbed(text: str, language: str, rng: random.Random) -> str:
    """A question as somebody else may have typed it."""
    if rng.random() < 0.15:
        text = rng.choice(OPENINGS[language]) + (text[0].lower() + text[1:] if rng.random() < 0.7 else text)
    if rng.random() < 0.12:
        text = text.rstrip("?.! ") + rng.choice(CLOSINGS[language])
    if rng.random() < 0.3:
        text = text.rstrip("?.! ")
    if rng.random() < 0.1:
        text = text.rstrip("?.! ") + rng.choice(["?", "??", "!", ".", " ?", "...", "~"])
    if language == "en" and rng.random() < 0.35:
        text = text.lower() if rng.random() < 0.8 else text.upper()
    if rng.random() < 0.15:
        text = text.replace("`", "")
    if language == "ko" and rng.random() < 0.12:
        text = text.replace(" ", "") if rng.random() < 0.5 else "".join(c for c in text if c != " " or rng.random() < 0.6)
    words = text.split(" ")
    if len(words) > 4 and rng.random() < 0.35:
        # Some words less.
        words = [word for word in words if rng.random() < 0.8] or words
        text = " ".join(words)
    elif len(words) > 3 and rng.random() < 0.2:
        # A word less, or two in the other order.
        at = rng.randrange(len(words) - 1)
        if rng.random() < 0.7:
            del words[at]
        else:
            words[at], words[at + 1] = words[at + 1], words[at]
        text = " ".join(words)
    if rng.random() < 0.12 and len(text) > 4:
        at = rng.randrange(1, len(text) - 1)
        kind = rng.randrange(3)
        if kind == 0:
            text = text[:at] + text[at + 1 :]
        elif kind == 1:
            text = text[:at] + text[at] + text[at:]
        else:
            text = text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    return text.strip() or "?"
