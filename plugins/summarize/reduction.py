"""Map and reduce: notes about every part of a text, notes about the notes, until what is left fits a model."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from engine.plugins.api import (
    EngineError,
    GenerateRequest,
    GenerateResult,
    InvalidRequestError,
    Message,
    RequestError,
    TaskContext,
)
from plugins.summarize import prompts
from plugins.summarize.splitting import parts_of

AT_ONCE: Final = 8  # parts per call; the engine reads as many of them together as it has places
MOST_LEVELS: Final = 16  # every level is less than half as long as the one before: enough for gigabytes
MOST_PART_TOKENS: Final = 6_000  # longer parts lose details in the middle, even where the context would hold them
MOST_NOTE_TOKENS: Final = 400
LEAST_PART_TOKENS: Final = 64
TEMPLATE_SHARE: Final = 16  # a sixteenth of the context is kept free for what the chat template adds


@dataclass(frozen=True, slots=True)
class Room:
    """How the context of a model is divided.

    Attributes:
        part: most tokens of a part of the text.
        whole: most tokens of what the last summary is made of.
        note: most tokens of the notes about a part.
        answer: most tokens of the last summary.
    """

    part: int
    whole: int
    note: int
    answer: int


def room_of(context: TaskContext, model: str, answer: int) -> Room:
    """Divide a model's context.

    Args:
        context: of the task.
        model: id.
        answer: tokens that the last summary may take, if there is room for them.

    Raises:
        InvalidRequestError: the context is too small for anything.
    """
    window = context.models.context_tokens(model)
    asked = (
        prompts.joined("", "medium", "the language of the text"),
        prompts.part("", 99, 99, "the language of the text"),
    )
    told = max(context.models.count_tokens(model, "\n".join(turn.content for turn in turns)) for turns in asked)
    free = window - told - window // TEMPLATE_SHARE - 32
    answer = min(answer, free // 3)
    note = min(MOST_NOTE_TOKENS, free // 6)
    part = min(MOST_PART_TOKENS, free - note)
    if part < LEAST_PART_TOKENS:
        raise InvalidRequestError(
            f"The context of {model} holds {window:,} tokens, which is too little for summaries.", "Pick another model."
        )
    return Room(part=part, whole=free - answer, note=note, answer=answer)


class Reduction:
    """Shortens one text.

    Thread: that of the task.
    """

    def __init__(self, context: TaskContext, model: str, room: Room, language: str) -> None:
        self._context = context
        self._model = model
        self._room = room
        self._language = language

    def shortened(self, text: str) -> tuple[str, bool]:
        """A text that fits the last request, and whether it is notes about the one that was given.

        Raises:
            EngineError: a part cannot be read, or the notes do not become shorter.
            TaskCancelledError: the user has cancelled it.
        """
        level = 0
        while self._is_too_long(text):
            if level == MOST_LEVELS:
                raise InvalidRequestError("The notes about the text do not become shorter.", "Pick another model.")
            notes = [note for note in self._level(text, level) if note]
            if not notes:
                raise InvalidRequestError(f"{self._model} wrote nothing about the text.", "Pick another model.")
            text = "\n\n".join(notes)
            level += 1
        return text, level > 0

    def request(self, messages: tuple[Message, ...], most_tokens: int) -> GenerateRequest:
        """A request without thoughts, which would take the room of the answer."""
        return GenerateRequest(model=self._model, messages=messages, max_tokens=most_tokens, thinking=False)

    def _is_too_long(self, text: str) -> bool:
        # No token has more than some tens of characters on average: what is that long need not be counted.
        return len(text) > 40 * self._room.whole or self._count(text) > self._room.whole

    def _count(self, text: str) -> int:
        return self._context.models.count_tokens(self._model, text)

    def _level(self, text: str, level: int) -> list[str]:
        """Notes about every part of a text."""
        parts: list[str] = []
        seen = 0
        for piece in parts_of(text, self._room.part, self._count):
            parts.append(piece)
            seen += len(piece)
            self._tell(level, 0.1 * seen / len(text), f"Splitting: {len(parts)} parts")
        groups = range(0, len(parts), AT_ONCE)
        return [note for start in groups for note in self._notes(parts, start, level)]

    def _notes(self, parts: Sequence[str], start: int, level: int) -> list[str]:
        """Notes about a group of parts."""
        numbers = range(start + 1, min(start + AT_ONCE, len(parts)) + 1)
        what = f"Reading {'parts' if level == 0 else 'notes'} {start + 1} to {numbers[-1]} of {len(parts)}"
        begun: set[int] = set()

        def on_text(place: int, _text: str) -> None:
            if place not in begun:  # a part whose notes have begun is read: half of its work is done
                begun.add(place)
                self._tell(level, 0.1 + 0.9 * (start + len(begun) / 2) / len(parts), what)

        self._tell(level, 0.1 + 0.9 * start / len(parts), what)
        requests = [self._part_request(parts[number - 1], number, len(parts)) for number in numbers]
        notes = []
        for number, result in zip(numbers, self._context.models.generate_all(requests, on_text), strict=True):
            if isinstance(result, RequestError) and len(parts[number - 1]) > 1:
                notes.append(self._in_halves(parts[number - 1], number, len(parts)))
            else:
                notes.append(_text_of(result))
        return notes

    def _in_halves(self, text: str, number: int, parts: int) -> str:
        """Notes about a part that did not fit after all."""
        middle = len(text) // 2
        requests = [self._part_request(half, number, parts) for half in (text[:middle], text[middle:])]
        return " ".join(_text_of(result) for result in self._context.models.generate_all(requests))

    def _part_request(self, text: str, number: int, parts: int) -> GenerateRequest:
        return self.request(prompts.part(text.strip(), number, parts, self._language), self._room.note)

    def _tell(self, level: int, fraction: float, note: str) -> None:
        """The first level gets four fifths of the bar, and every later one half of what is left up to nine tenths."""
        start, width = (0.0, 0.8) if level == 0 else (0.9 - 0.1 * 0.5 ** (level - 1), 0.1 * 0.5**level)
        self._context.progress(start + width * fraction, note)


def _text_of(result: GenerateResult | EngineError) -> str:
    if isinstance(result, EngineError):
        raise result
    return result.text.strip()
