"""AnswerProgress: what the events of one answer add up to while it is being written."""

import math
from collections.abc import Callable
from dataclasses import replace
from time import perf_counter

from app.chat.conversation import AnswerFacts
from engine.types import Event, Finished, Loading, Prefill, Queued, SteppedDown, TextDelta, ThinkingDelta

_NBSP = "\u00a0"
_MINUTES_FROM_S = 120


def waiting_words(queued: Queued) -> str:
    """Place in the queue, predicted start and reason: `3rd in the queue, starts in about 4 s. Its model is busy.`"""
    place = "Next in the queue" if queued.position <= 1 else f"{_ordinal(queued.position)} in the queue"
    start = f", starts in about {_time(queued.starts_in_s)}" if queued.starts_in_s is not None else ""
    reason = queued.reason.strip()
    return f"{place}{start}. {reason}" if reason else f"{place}{start}"


def _ordinal(number: int) -> str:
    teens = 10 <= number % 100 <= 20
    return f"{number:,}{'th' if teens else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"


def _time(seconds: float) -> str:
    """Rounded so that it does not pretend: whole seconds, and minutes from two on."""
    if seconds >= _MINUTES_FROM_S:
        return f"{seconds / 60:.0f}{_NBSP}min"
    return f"{max(1, math.ceil(seconds))}{_NBSP}s"


class AnswerProgress:
    """Counts tokens and times; knows nothing of Qt.

    Attributes:
        words: what goes on, for the line under the answer; empty once text comes.
        facts: what is known so far; exact once the answer is finished.
    """

    def __init__(self, model: str, clock: Callable[[], float] = perf_counter) -> None:
        self.words = "Starting"
        self.facts = AnswerFacts()
        self._model = model
        self._clock = clock
        self._begin_s = clock()
        self._first_token_s = 0.0
        self._thinking_since_s = self._thinking_until_s = 0.0
        self._first_tokens = 0  # that came with the first delta; the speed is that of the later ones

    @property
    def used_tokens(self) -> int:
        """Tokens of the context in use: prompt and answer so far."""
        return self.facts.prompt_tokens + self.facts.output_tokens

    def begin(self) -> None:
        """Count from now: the engine is asked. What came before was this program's own, such as saving the question."""
        self._begin_s = self._clock()

    def take(self, event: Event, device: str = "") -> None:
        """Add one event.

        Args:
            event: from the engine.
            device: where the model lives, if the caller knows.
        """
        match event:
            case Queued():
                self.words = waiting_words(event)
            case Loading(fraction):
                self.words = f"Loading {self._model} {fraction * 100:.0f}{_NBSP}%"
            case Prefill(done, total):
                self.words = f"Reading the prompt, {done:,} of {total:,}{_NBSP}tokens"
                if not self.facts.moved:  # an answer that goes on elsewhere reads its prompt a second time
                    self.facts = AnswerFacts(prompt_tokens=total)
            case SteppedDown(to_device=to, sentence=sentence):
                self.words = "Going on elsewhere"
                self.facts = replace(self.facts, device=to, moved=sentence)
            case TextDelta() | ThinkingDelta():
                self._count(event, device)
            case Finished(result):
                self.words = ""
                answered_s = self._clock() - self._begin_s if result.cached is not None else 0.0
                self.facts = replace(AnswerFacts.of(result), thinking_s=self.thinking_s, answered_s=answered_s)

    @property
    def thinking_s(self) -> float:
        """Seconds from the first thought until the answer began, or until now; 0 where nothing was thought."""
        if not self._thinking_since_s:
            return 0.0
        return (self._thinking_until_s or self._clock()) - self._thinking_since_s

    def _count(self, delta: TextDelta | ThinkingDelta, device: str) -> None:
        now = self._clock()
        self.words = ""
        if isinstance(delta, ThinkingDelta):
            self._thinking_since_s = self._thinking_since_s or now
        elif self._thinking_since_s:
            self._thinking_until_s = self._thinking_until_s or now
        tokens = self.facts.output_tokens + delta.token_count
        if not self._first_token_s:
            self._first_token_s = now
            self._first_tokens = delta.token_count
        writing_s = now - self._first_token_s
        # AnswerFacts counts the speed from the second token on; scale what came merged with the first.
        later = tokens - self._first_tokens
        decode_s = writing_s * (tokens - 1) / later if later > 0 else 0.0
        self.facts = AnswerFacts(
            device=device or self.facts.device,
            prompt_tokens=self.facts.prompt_tokens,
            output_tokens=tokens,
            first_token_s=self._first_token_s - self._begin_s,
            decode_s=decode_s,
            thinking_s=self.thinking_s,
            moved=self.facts.moved,
        )
