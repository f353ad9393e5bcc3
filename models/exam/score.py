# SPDX-License-Identifier: Apache-2.0
"""Judges answers to the examination.

    python score.py ANSWERS.jsonl

A row of ANSWERS is a row of questions.jsonl or unknowable.jsonl with the "answer" that was given. Frozen together with the questions, before
the guide was trained.
"""

import json
import re
import sys
import unicodedata

# How an answer says that it does not know, and that this is a tiny guide.
IGNORANCE = {
    "en": (["don't know", "do not know", "don't have", "can't know", "cannot know", "can't help with", "can't answer", "no idea"], ["tiny", "small", "little", "guide"]),
    "ko": (["몰라", "모르", "모릅", "알지 못", "알 수 없", "답할 수 없", "답하지 못"], ["길잡이", "작은"]),
}


def plain(text: str) -> str:
    """As texts are compared: NFC, lower case, runs of blanks as one, one kind of apostrophe."""
    text = unicodedata.normalize("NFC", text).lower().replace("\u2019", "'")
    return re.sub(r"\s+", " ", text).strip()


def does_not_know(answer: str, language: str) -> bool:
    """True if an answer says plainly that a tiny guide does not know."""
    answer = plain(answer)
    return all(any(word in answer for word in group) for group in IGNORANCE[language])


def in_language(answer: str, language: str) -> bool:
    korean, latin = len(re.findall("[가-힣]", answer)), len(re.findall("[A-Za-z]", answer))
    return korean * 2 > latin if language == "ko" else korean == 0


def right(row: dict) -> bool:
    """Whether a row's answer is right: for a question that can be known, every group of "expect" is met by one of its alternatives, nothing of
    "reject" occurs, it is in the question's language, and it is no confession of ignorance; for the others, that it is one."""
    answer = plain(row["answer"])
    if "expect" not in row:
        return does_not_know(answer, row["language"])
    return (
        all(any(plain(word) in answer for word in group) for group in row["expect"])
        and not any(plain(word) in answer for word in row.get("reject", []))
        and in_language(row["answer"], row["language"])
        and (not does_not_know(answer, row["language"]) or asks_for_limits(row))
    )


def asks_for_limits(row: dict) -> bool:
    """True of a question about what the guide cannot do, whose right answer may confess ignorance."""
    ignorance = IGNORANCE[row["language"]][0]
    return any(word in plain(alternative) for group in row["expect"] for alternative in group for word in ignorance)


def main():
    tally = {}
    with open(sys.argv[1], encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            key = (row["language"], "can be known" if "expect" in row else "cannot be known")
            hit, of = tally.get(key, (0, 0))
            tally[key] = (hit + right(row), of + 1)
    for (language, kind), (hit, of) in sorted(tally.items(), key=lambda item: (item[0][1], item[0][0])):
        print(f"{kind:16} {language}  {hit:3} of {of:3}  {100 * hit / of:.1f} %")


if __name__ == "__main__":
    main()
