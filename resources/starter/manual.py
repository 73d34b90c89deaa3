"""Hearth's own questions and answers: ``manual.txt`` with its phrasings spelled out."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

from resources.starter.corpus import held_out
from resources.starter.pairs import Pair

MANUAL = Path(__file__).with_name("manual.txt")
_MOST_PHRASINGS = 24
_SHORTEST_HELD = 12


def load(path: Path = MANUAL) -> tuple[list[Pair], list[Pair]]:
    """The pairs to train on and the held-out ones: one phrasing in twelve, never the first or a very short one."""
    train: list[Pair] = []
    held: list[Pair] = []
    for number, (questions, answers) in enumerate(entries(path.read_text(encoding="utf-8"))):
        phrasings = list(dict.fromkeys(p for question in questions for p in expand(question)))[:_MOST_PHRASINGS]
        for place, phrasing in enumerate(phrasings):
            hold = place > 0 and len(phrasing) >= _SHORTEST_HELD and held_out(phrasing, 12)
            side = held if hold else train
            for answer in answers:
                side.append(Pair(f"manual {number} {place}", phrasing, answer))
    return train, held


def entries(text: str) -> list[tuple[list[str], list[str]]]:
    """The entries of the manual: each is one or more ``Q:`` lines, then one or more ``A:`` answers.

    An answer goes on over the following lines; an entry ends where the next ``Q:`` follows an answer.
    """
    out: list[tuple[list[str], list[str]]] = []
    for line in text.splitlines():
        if line.startswith("Q: "):
            if not out or out[-1][1]:
                out.append(([], []))
            out[-1][0].append(line[3:].strip())
        elif line.startswith("A: "):
            out[-1][1].append(line[3:])
        elif not line.startswith("#") and out and out[-1][1]:
            out[-1][1][-1] += "\n" + line
    return [(questions, [answer.strip() for answer in answers]) for questions, answers in out]


def expand(question: str) -> list[str]:
    """All readings of a question with alternatives: ``{What is|What's} Hearth{?|}``."""
    parts = re.split(r"\{([^{}]*)\}", question)
    choices = [part.split("|") if place % 2 else [part] for place, part in enumerate(parts)]
    return ["".join(words) for words in itertools.product(*choices)]
