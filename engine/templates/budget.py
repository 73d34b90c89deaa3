"""TemplateBudget: how much time and memory one rendering of a chat template may take."""

import math
import time
from collections.abc import Iterable, Iterator
from typing import Final

from engine.errors import TemplateError

TIME_S: Final = 1.5
MEMORY_BYTES: Final = 64 << 20
MEMORY_BYTES_PER_CHAR: Final = 64  # of the conversation; templates copy it a few times
MAX_INTEGER: Final = 1 << 60  # below 2^61 - 1, so that no two integers have the same hash
MAX_OPERAND_UNITS: Final = 32 << 20  # most that one comparison or conversion may look at; about 0.1 s
ITEM_BYTES: Final = 64  # a small object and its place in a list
CONTAINER_BYTES: Final = 256  # an empty list or dictionary, generously

_REMEDY: Final = "Choose another model file, or one with a repaired template."


def too_much(what: str) -> TemplateError:
    """An error for a template that wants more than it may have."""
    return TemplateError(f"The model's chat template {what}.", _REMEDY)


class TemplateBudget:
    """Counts what a rendering uses; every operation of a template that can be large asks here first.

    Thread: one at a time.
    """

    def __init__(self, input_chars: int) -> None:
        """Start the clock.

        Args:
            input_chars: length of the conversation; longer ones may use more memory.
        """
        self._memory_bytes = MEMORY_BYTES + MEMORY_BYTES_PER_CHAR * input_chars
        self._deadline_s = time.monotonic() + TIME_S

    def check_time(self) -> None:
        """Raise TemplateError once the time is up."""
        if time.monotonic() > self._deadline_s:
            raise too_much(f"ran for more than {TIME_S:g} seconds")

    def take(self, size: int) -> None:
        """Take bytes from the budget; nothing is ever given back, which bounds work as well as memory.

        Raises:
            TemplateError: memory or time is used up.
        """
        self._memory_bytes -= size
        if self._memory_bytes < 0:
            raise too_much("builds texts or lists that are too large")
        self.check_time()

    def count(self, items: Iterable[object], item_bytes: int = 0) -> Iterator[object]:
        """Pass items on, checking the time and taking bytes for each."""
        for item in items:
            self.take(item_bytes)
            yield item

    def measure(self, value: object) -> int:
        """Units that comparing, hashing or printing a value would look at: characters, and 64 per item.

        Lists can contain the same list many times over, so that a small object is exponentially large to look at;
        hence the value is walked here, where the walk can be stopped.

        Raises:
            TemplateError: it is too large to look at.
        """
        if isinstance(value, str):
            return len(value)
        units, pending = 0, [value]
        while pending:
            item = pending.pop()
            units += len(item) if isinstance(item, str) else ITEM_BYTES
            if isinstance(item, dict):
                units += ITEM_BYTES * 2 * len(item)
                pending.extend(item.keys())
                pending.extend(item.values())
            elif isinstance(item, (list, tuple)):
                units += ITEM_BYTES * len(item)
                pending.extend(item)
            elif isinstance(item, range):
                units += ITEM_BYTES * len(item)
            if units > MAX_OPERAND_UNITS:
                raise too_much("builds values that are too large to compare or print")
        self.check_time()
        return units


def number(value: object) -> object:
    """Pass a value on, unless it is an integer that is too large.

    Raises:
        TemplateError: it is.
    """
    if isinstance(value, int) and abs(value) > MAX_INTEGER:
        raise too_much("computes with numbers that are too large")
    return value


def power(base: object, exponent: object) -> object:
    """`base ** exponent` for numbers, refused before it gets large.

    Raises:
        TemplateError: it would.
        TypeError: these are not numbers.
    """
    if not isinstance(base, (int, float)) or not isinstance(exponent, (int, float)):
        raise TypeError("powers need numbers")
    if abs(base) > 1 and abs(exponent) * math.log2(abs(base)) > 1000:
        raise too_much("computes with numbers that are too large")
    return number(base**exponent)
