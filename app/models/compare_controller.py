"""CompareController: verdicts of two models, and one question answered by both."""

import asyncio
from contextlib import aclosing
from dataclasses import dataclass, replace

from PySide6.QtCore import QObject, QTimer, Signal

from app.models.hub_settings import reason_of
from app.models.hub_source import CompareSource
from app.tasks import Tasks
from engine import (
    CacheUse,
    EngineError,
    Finished,
    FitVerdict,
    GenerateRequest,
    Loading,
    Prefill,
    Queued,
    Sampling,
    TextDelta,
    ThinkingDelta,
    Urgency,
    user,
)

_FLUSH_MS = 33  # texts are shown at most thirty times a second
_MOST_TOKENS = 400


@dataclass(frozen=True, slots=True)
class Reply:
    """What one of the two has answered so far.

    Attributes:
        text: of the answer.
        doing: what it does now; empty once it is done.
        facts: tokens, speed and device, once it is done.
        error: why it failed; empty if it did not.
    """

    text: str = ""
    doing: str = ""
    facts: str = ""
    error: str = ""


class CompareController(QObject):
    """Asks for what a comparison needs; ends with its dialog.

    Attributes:
        replies: of the first and the second model.

    Signals:
        judged: verdicts of models are known: by their id.
        replied: `replies` are others.
        asked_or_done: a question began or ended.

    Thread: UI only.
    """

    judged = Signal()
    replied = Signal()
    asked_or_done = Signal()

    def __init__(self, engine: CompareSource, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.replies = (Reply(), Reply())
        self._engine = engine
        self._tasks = tasks
        self._verdicts: dict[str, FitVerdict] = {}
        self._reasons: dict[str, str] = {}  # why there is no verdict
        self._asking: asyncio.Task[None] | None = None
        self._flush = QTimer(self, singleShot=True, interval=_FLUSH_MS)
        self._flush.timeout.connect(self.replied)

    @property
    def is_asking(self) -> bool:
        """Whether a question is being answered."""
        return self._asking is not None

    def verdict(self, model: str) -> FitVerdict | None:
        """The verdict of a model; None before it is known."""
        return self._verdicts.get(model)

    def reason(self, model: str) -> str:
        """Why a model has no verdict; empty if it has, or is being looked at."""
        return self._reasons.get(model, "")

    def judge(self, model: str) -> None:
        """Have a model's verdict looked up, unless it is known."""
        if model not in self._verdicts:
            self._reasons.pop(model, None)
            self._tasks.start(self._judge(model), on_error=self._fail, name=f"fit {model}")

    def ask(self, models: tuple[str, str], question: str) -> None:
        """Have both models answer, one after the other, so that neither slows the other down."""
        self.stop()
        self.replies = (Reply(doing="Begins"), Reply(doing="Waits for the first"))
        self._asking = self._tasks.start(self._ask(models, question), on_error=self._fail, name="ask both")
        self.asked_or_done.emit()
        self.replied.emit()

    def stop(self) -> None:
        """Give the question up. Safe to call twice."""
        if self._asking is not None:
            self._asking.cancel()
            self._asking = None
            stopped = tuple(replace(reply, doing="", facts=reply.facts or "Stopped") for reply in self.replies)
            self.replies = (stopped[0], stopped[1])
            self.replied.emit()
            self.asked_or_done.emit()

    async def _judge(self, model: str) -> None:
        try:
            self._verdicts[model] = await self._engine.fit(model)
        except EngineError as error:
            self._reasons[model] = str(error)
        self.judged.emit()

    async def _ask(self, models: tuple[str, str], question: str) -> None:
        for at, model in enumerate(models):
            try:
                await self._answer(at, model, question)
            except EngineError as error:  # said in its place; the other one answers all the same
                self._say(at, replace(self.replies[at], doing="", error=str(error)))
        self._end()

    def _fail(self, error: Exception) -> None:
        """Say in the place of an answer what nobody expected."""
        said = " ".join(reason_of(error))
        first, second = (replace(reply, doing="", error=said if reply.doing else "") for reply in self.replies)
        self.replies = (first, second)
        self._end()

    def _end(self) -> None:
        self._asking = None
        self._flush.stop()
        self.replied.emit()
        self.asked_or_done.emit()

    async def _answer(self, at: int, model: str, question: str) -> None:
        request = GenerateRequest(
            model=model,
            messages=(user(question),),
            sampling=Sampling(temperature=0.0),
            max_tokens=_MOST_TOKENS,
            urgency=Urgency.INTERACTIVE,
            client="compare",
            cache=CacheUse.OFF,
        )
        async with aclosing(self._engine.generate(request)) as events:
            async for event in events:
                reply = self.replies[at]
                if isinstance(event, TextDelta):
                    self._say(at, replace(reply, text=reply.text + event.text, doing="Answers"))
                elif isinstance(event, Finished):
                    self._say(at, replace(reply, text=event.result.text, doing="", facts=_facts(event)))
                else:
                    self._say(at, replace(reply, doing=_doing(event)))

    def _say(self, at: int, reply: Reply) -> None:
        first, second = self.replies
        self.replies = (reply, second) if at == 0 else (first, reply)
        if not self._flush.isActive():
            self._flush.start()


def _doing(event: object) -> str:
    kinds: tuple[tuple[type, str], ...] = (
        (Queued, "Waits in the queue"),
        (Loading, "Is loaded"),
        (Prefill, "Reads the question"),
        (ThinkingDelta, "Thinks"),
    )
    return next((words for kind, words in kinds if isinstance(event, kind)), "Goes on elsewhere")


def _facts(event: Finished) -> str:
    result = event.result
    tokens, decode_s = result.usage.output_tokens, result.timings.decode_s
    speed = f"{(tokens - 1) / decode_s:,.0f}\u00a0tok/s" if tokens > 1 and decode_s > 0 else ""
    first = f"first after {1000 * result.timings.first_token_s:,.0f}\u00a0ms"
    device = result.placement.device.upper()
    return " · ".join(filter(None, (f"{tokens:,}\u00a0tokens", speed, first, device)))
