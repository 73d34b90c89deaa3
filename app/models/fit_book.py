"""FitBook: verdicts on whether models fit, looked up one after another while nobody waits for them."""

import asyncio
import logging
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QObject, Signal

from app.models.source import ModelsSource
from app.models.words import is_text
from app.tasks import Tasks
from engine import EngineError, Fit, FitVerdict, ModelCard

log = logging.getLogger(__name__)

_MOST_WANTED: Final = 64  # as many as a tall window has rows; who scrolls past does not wait for what was above
_LEAST_CONTEXT: Final = 512
_NOTICEABLE: Final = 0.04  # of the budget; memory that is free never stands still


@dataclass(frozen=True, slots=True)
class Advice:
    """A shorter context with which a model fits that does not.

    Attributes:
        context_tokens: longest prompt plus answer.
        verdict: of the model with that.
    """

    context_tokens: int
    verdict: FitVerdict


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was found out about a model.

    Attributes:
        key: of what it is about: another one makes it stale.
        verdict: None if there is none.
        fault: why there is none; empty if there is one.
        advice: what would make it fit; None if it fits, or nothing would.
    """

    key: tuple[object, ...]
    verdict: FitVerdict | None
    fault: str = ""
    advice: Advice | None = None


class FitBook(QObject):
    """Asks the engine for verdicts, the newest wish first, and keeps them until the memory is another.

    A stale verdict is shown until there is a new one: a word that comes and goes says less than an old one.

    Signals:
        judged: id of a model with a new judgement.

    Thread: UI only; the engine computes on threads of its own.
    """

    judged = Signal(str)

    def __init__(self, source: ModelsSource, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._source = source
        self._tasks = tasks
        self._found: dict[str, Judgement] = {}
        self._wanted: dict[str, ModelCard] = {}  # the newest last
        self._asking: asyncio.Task[None] | None = None
        self._epoch = 0
        self._memory: tuple[int, frozenset[str]] = (0, frozenset())
        self._is_open = False

    def open(self) -> None:
        """Begin to ask: the engine is open now."""
        self._is_open = True
        self._go_on()

    def close(self) -> None:
        """Ask no more."""
        self._is_open = False
        self._wanted.clear()

    def known(self, model: str) -> Judgement | None:
        """What was found out about a model, as long ago as it may be."""
        return self._found.get(model)

    def want(self, card: ModelCard) -> None:
        """Find out about a model, before all that were wanted earlier; nothing is done for what is known."""
        model = card.info.id
        found = self._found.get(model)
        if found is not None and found.key == self._key(card):
            return
        self._wanted.pop(model, None)
        self._wanted[model] = card
        if len(self._wanted) > _MOST_WANTED:
            del self._wanted[next(iter(self._wanted))]
        self._go_on()

    def note_memory(self, budget_bytes: int, loaded: frozenset[str]) -> bool:
        """Say what models may take, and which are loaded; return whether verdicts are stale now."""
        before_bytes, before = self._memory
        is_other = loaded != before or abs(budget_bytes - before_bytes) > _NOTICEABLE * before_bytes
        if is_other:
            self._memory = (budget_bytes, loaded)
            self._epoch += 1
        return is_other

    def _key(self, card: ModelCard) -> tuple[object, ...]:
        info, set_here = card.info, card.defaults
        return (self._epoch, info.path, info.size_bytes, set_here.context_tokens, set_here.memory_budget_bytes)

    def _go_on(self) -> None:
        if self._is_open and self._wanted and self._asking is None:
            self._asking = self._tasks.start(self._ask(), name="judge models")
            self._asking.add_done_callback(self._on_asked)

    def _on_asked(self, task: asyncio.Task[None]) -> None:
        self._asking = None
        if not task.cancelled():
            self._go_on()

    async def _ask(self) -> None:
        while self._wanted and self._is_open:
            model, card = self._wanted.popitem()
            self._found[model] = await self._judge(card)
            self.judged.emit(model)

    async def _judge(self, card: ModelCard) -> Judgement:
        key, set_here = self._key(card), card.defaults
        try:
            verdict = await self._source.fit(card.info.id, set_here.context_tokens, set_here.memory_budget_bytes)
            advice = await self._advise(card, verdict) if verdict.fit is not Fit.FITS else None
        except EngineError as error:
            return Judgement(key, None, str(error))
        except Exception as error:
            log.warning("%s cannot be judged", card.info.id, exc_info=error)
            return Judgement(key, None, f"It cannot be judged: {type(error).__name__}.")
        return Judgement(key, verdict, "", advice)

    async def _advise(self, card: ModelCard, verdict: FitVerdict) -> Advice | None:
        """The longest context, of those that are halves of each other, with which a model fits."""
        if not is_text(card.info.accepts):
            return None
        context = 1 << max(0, verdict.context_tokens - 1).bit_length() - 1 if verdict.context_tokens > 1 else 0
        while context >= _LEAST_CONTEXT:
            shorter = await self._source.fit(card.info.id, context, card.defaults.memory_budget_bytes)
            if shorter.fit is Fit.FITS:
                return Advice(context, shorter)
            context //= 2
        return None
