"""Converter: Markdown conversions under way, advanced a little at a time."""

from collections.abc import Iterator
from time import perf_counter

from app.markdown.highlight import LanguageShelf
from app.markdown.render import Block, Step, render_steps


class Converter:
    """Finished answers on their way from Markdown to blocks.

    Attributes:
        is_waiting: there was nothing to do when `advance` was called last; try again a little later.

    Thread: UI only.
    """

    def __init__(self) -> None:
        self._jobs: dict[int, tuple[Iterator[Block | Step], list[Block]]] = {}
        self._languages = LanguageShelf()
        self.is_waiting = False

    @property
    def is_busy(self) -> bool:
        """Whether there is something to advance."""
        return bool(self._jobs)

    def start(self, turn: int, text: str) -> None:
        """Begin to convert a turn's text; nothing happens if that is under way already."""
        if turn not in self._jobs:
            self._jobs[turn] = (render_steps(text, self._languages.find), [])

    def forget(self, turn: int) -> None:
        """Give a conversion up."""
        self._jobs.pop(turn, None)

    def clear(self) -> None:
        """Give all conversions up."""
        self._jobs.clear()

    def advance(self, deadline: float) -> list[tuple[int, list[Block]]]:
        """Work until a time of `perf_counter`, the newest turn first, and return the turns that got finished."""
        finished: list[tuple[int, list[Block]]] = []
        self.is_waiting = bool(self._jobs)
        for turn in sorted(self._jobs, reverse=True):
            steps, blocks = self._jobs[turn]
            for step in steps:
                if step is Step.WAITS:
                    break
                self.is_waiting = False
                if not isinstance(step, Step):
                    blocks.append(step)
                if perf_counter() >= deadline:
                    return finished
            else:
                del self._jobs[turn]
                finished.append((turn, blocks))
        return finished
