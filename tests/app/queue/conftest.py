"""The Queue page over a queue whose every state can be reached."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication, QLabel, QMainWindow, QWidget

from app.queue import QueueController, QueuePage
from app.theme import Appearance
from engine.errors import EngineClosedError, EngineError
from engine.queueing import (
    FACTORS,
    EndedRequest,
    FactorPart,
    LaneWork,
    Outcome,
    QueuedRequest,
    QueueSnapshot,
    RequestState,
)
from engine.requests import Urgency
from tests.app.page_bench import PageBench

NOW_S = 1_790_000_000.0
WEIGHTS = (0.27, 0.10, 0.08, 0.26, 0.07, 0.04, 0.05, 0.04, 0.03, 0.04, 0.02, 1 / 240)
WORDS = (
    "interactive, level 2", "about 21 s of work", "none", "9.1 GB would have to be loaded", "nothing to share with",
    "0 of 1,840 tokens are held", "its client had the least", "its model answers in time", "no step is overdue",
    "1.2 GB would have to leave", "the processor is cool", "74 s",
)  # fmt: skip
LANES = (
    LaneWork(name="cpu", device="cpu", threads=6, model="starter-15m"),
    LaneWork(name="gpu:0", device="gpu:0", model="coder-7b"),
    LaneWork(name="npu:0", device="npu:0", model="reader-4m"),
)


def parts_of(*values: float) -> tuple[FactorPart, ...]:
    """Twelve factors with these values, in the order of `FACTORS`; the last one is the seconds waited."""
    return tuple(FactorPart(*entry) for entry in zip(FACTORS, values, WEIGHTS, WORDS, strict=True))


def queued(number: int, title: str = "", **changes: Any) -> QueuedRequest:
    """One that waits."""
    parts = changes.pop("parts", parts_of(0.5, 0.4, 0, 0.9, 0.1, 0.3, 0.5, 0.2, 0.1, 0.6, 0.8, 2.0))
    known: dict[str, Any] = {
        "id": f"r{number}",
        "title": title or f"Request {number}",
        "form": "text",
        "model": "starter",
        "client": "Chat window",
        "urgency": Urgency.INTERACTIVE,
        "level": 2,
        "state": RequestState.WAITING,
        "lane": "cpu",
        "position": number,
        "waited_s": 2.0,
        "parts": parts,
        "score": sum(part.points for part in parts),
        "reason": "You are looking at it, and its model is already loaded.",
        "starts_in_s": 0.9,
        "ends_in_s": 8.0,
        "prompt_tokens": 1840,
        "output_expected": 400,
    }
    return QueuedRequest(**{**known, **changes})


def running(number: int, title: str, **changes: Any) -> QueuedRequest:
    """One that runs."""
    known = {
        "state": RequestState.RUNNING,
        "position": 0,
        "starts_in_s": None,
        "ends_in_s": 0.5,
        "waited_s": 12.0,
        "started_s": 11.2,
        "prefilled_s": 10.0,
        "prompt_done": 1840,
        "output_tokens": 320,
        "reason": "",
    }
    return queued(number, title, **{**known, **changes})


def ended(number: int, title: str, age_s: float = 30.0, **changes: Any) -> EndedRequest:
    """One that has ended so many seconds ago."""
    known: dict[str, Any] = {
        "id": f"r{number}",
        "title": title,
        "form": "text",
        "model": "llama-3.2-3b",
        "client": "Chat window",
        "urgency": Urgency.INTERACTIVE,
        "outcome": Outcome.DONE,
        "ended_at": NOW_S - age_s,
        "lane": "cpu",
        "waited_s": 0.4,
        "prefill_s": 0.8,
        "first_token_s": 1.2,
        "total_s": 9.2,
        "prompt_tokens": 320,
        "output_tokens": 400,
    }
    return EndedRequest(**{**known, **changes})


RUNNING = (
    running(1, "Merge overlapping intervals", model="starter-15m"),
    running(2, "Sample names", model="starter-15m", started_s=9.5, prefilled_s=8.5, ends_in_s=9.0, output_tokens=180),
    running(3, "Explain this stack trace", model="coder-7b", lane="gpu:0", started_s=14.9, prefilled_s=13.6,
            ends_in_s=0.2, client="Editor", output_tokens=512, output_expected=520),
    running(4, "Regex for ISO dates", model="coder-7b", lane="gpu:0", started_s=8.0, prefilled_s=7.2, ends_in_s=5.5,
            client="Editor", output_tokens=64),
    *(
        running(100 + at, f"scan-{at:03}.png", model="reader-4m", lane="npu:0", form="image", client="Recognize",
                urgency=Urgency.BATCH, started_s=2.2, prefilled_s=None, ends_in_s=0.35, prompt_tokens=0,
                prompt_done=0, output_tokens=0, output_expected=1)
        for at in range(16)
    ),
)  # fmt: skip
WAITING = (
    queued(11, "Reply in Ideas for a herb garden", model="llama-3.2-3b", position=1, waited_s=2, ends_in_s=14,
           parts=parts_of(1.0, 0.9, 0, 0.98, 0.4, 0.6, 0.9, 0.1, 0.2, 0.9, 0.85, 2)),
    queued(12, "Complete line 42 of main.py", model="qwen2.5-coder-7b", lane="gpu:0", client="Editor", position=2,
           waited_s=1, starts_in_s=0.4, ends_in_s=3.2, reason="Short, and it can join the batch that runs on the GPU.",
           parts=parts_of(0.74, 0.9, 0.4, 0.98, 0.7, 0.9, 0.4, 0.4, 0.1, 0.9, 0.85, 1)),
    queued(13, "Summarise minutes.pdf", model="qwen2.5-14b", client="Chat", urgency=Urgency.NORMAL, position=3,
           waited_s=74, starts_in_s=21, ends_in_s=48, reason="Its model must be loaded first, but it has waited 74 s.",
           parts=parts_of(0.62, 0.16, 0, 0.33, 0, 0, 1, 0.1, 0, 0.35, 0.9, 74)),
    queued(14, "Commit message for docs", model="qwen2.5-coder-7b", client="hearth commit", lane="gpu:0", position=4,
           waited_s=6, starts_in_s=6, ends_in_s=12.9, reason="Same model as what runs; this client had its share.",
           parts=parts_of(0.5, 0.7, 0, 0.98, 0.7, 0.1, 0.1, 0.2, 0.1, 0.8, 0.85, 6)),
    queued(15, "Captions for 428 pictures", model="reader-4m", client="Recognize", urgency=Urgency.BATCH, form="image",
           lane="npu:0", position=5, waited_s=31, starts_in_s=0.8, ends_in_s=24, output_expected=412,
           reason="Batch work: it fills the NPU when nobody waits for it.",
           parts=parts_of(0.1, 0.1, 0, 0.98, 0.9, 0, 0.4, 0, 0.1, 0.9, 0.85, 31)),
    queued(16, "Embed the notes folder", model="minilm-l6", client="Plugin", urgency=Urgency.BATCH, form="texts",
           lane="cpu", position=6, waited_s=12, starts_in_s=None, ends_in_s=None,
           reason="Batch work: a small model, quick to load again.",
           parts=parts_of(0.1, 0.05, 0, 0.95, 0.1, 0.2, 0.6, 0.1, 0.1, 0.9, 0.85, 12)),
)  # fmt: skip
ENDED = (
    *(
        ended(300 + at, f"scan-{at:03}.png", 2.4 + 2.9 * (at // 16), model="reader-4m", lane="npu:0", form="image",
              client="Recognize", urgency=Urgency.BATCH, total_s=3.0, waited_s=0.5,
              prefill_s=0, first_token_s=3.0, prompt_tokens=0, output_tokens=1)
        for at in range(96)
    ),
    ended(401, "Letter to the landlord", 11.3, total_s=9.0, waited_s=0.2),
    ended(402, "Translate the menu", 16.0, total_s=1.1, waited_s=0.1, prefill_s=0.2, output_tokens=40),
    ended(403, "Rename the variables", 40, model="qwen2.5-coder-7b", client="Editor", lane="gpu:0", load_s=5.1,
          waited_s=5.4, total_s=9.9, first_token_s=5.9, output_tokens=212),
    ended(404, "A story about a lighthouse keeper who never slept", 75, outcome=Outcome.CANCELLED, total_s=3.1,
          output_tokens=41),
    ended(405, "Summarise report-2025.pdf", 130, outcome=Outcome.FAILED, client="Summarize a file", model="qwen2.5-14b",
          urgency=Urgency.NORMAL, first_token_s=None, total_s=12.4, waited_s=12.4, prefill_s=0, output_tokens=0,
          lane="",
          error="The prompt is longer than the context: 9,214 of 8,192 tokens."),
    ended(406, "Embed 40 notes", 200, form="texts", client="Plugin", model="minilm-l6", urgency=Urgency.BATCH,
          total_s=0.38, waited_s=0.02, prefill_s=0, first_token_s=0.38, output_tokens=40),
)  # fmt: skip
ENDED = tuple(sorted(ENDED, key=lambda request: -request.ended_at))


class FakeSource:
    """A queue that does as it is told. `calls` is what was asked of it; `error` fails the next action."""

    def __init__(self, *, has_scores: bool = True, **changes: Any) -> None:
        requests = (*RUNNING, *WAITING)
        known = {
            "requests": requests if has_scores else tuple(replace(it, parts=(), score=0.0) for it in requests),
            "ended": ENDED,
            "ended_today": 214,
            "lanes": LANES,
            "overtaken_at_most_s": 240.0,
        }
        self.snapshot = QueueSnapshot(**{**known, **changes})
        self.calls: list[tuple[Any, ...]] = []
        self.looks = 0
        self.now_s = NOW_S
        self.is_closed = False
        self.error: EngineError | None = None

    def now(self) -> float:
        return self.now_s

    def change(self, **changes: Any) -> None:
        self.snapshot = replace(self.snapshot, **changes)

    def change_request(self, request: str, **changes: Any) -> None:
        self.change(requests=tuple(replace(it, **changes) if it.id == request else it for it in self.snapshot.requests))

    def remove(self, request: str) -> None:
        self.change(requests=tuple(it for it in self.snapshot.requests if it.id != request))

    def queue(self) -> QueueSnapshot:
        self.looks += 1
        if self.is_closed:
            raise EngineClosedError("The engine is not open.")
        return self.snapshot

    def cancel_request(self, request: str) -> bool:
        self._note("cancel", request)
        self.remove(request)
        return True

    def move_up(self, request: str) -> bool:
        self._note("move_up", request)
        return True

    def set_urgency(self, request: str, urgency: Urgency, level: int | None = None) -> bool:
        self._note("set_urgency", request, urgency, level)
        known = {"urgency": urgency} if level is None else {"urgency": urgency, "level": level}
        self.change_request(request, **known)
        return True

    def set_order(self, policy: str) -> None:
        self._note("set_order", policy)
        self.change(order=policy)

    def pause_queue(self, paused: bool) -> None:
        self._note("pause_queue", paused)
        self.change(is_paused=paused)

    def _note(self, *call: Any) -> None:
        self.calls.append(call)
        error, self.error = self.error, None
        if error is not None:
            raise error


class Bench(PageBench):
    """A page with everything behind it, in a window; enter it on Qt's loop."""

    def __init__(self, source: FakeSource) -> None:
        self.source = source
        self.controller = QueueController(source, source.now)
        self.appearance = Appearance("light")
        self.page = QueuePage(self.appearance, self.controller)
        self.window = QMainWindow()
        self.window.setCentralWidget(self.page)
        self.window.resize(1208, 768)

    @property
    def board(self):
        assert self.page.board is not None
        return self.page.board

    @property
    def table(self):
        return self.board.list.table

    @property
    def titles(self) -> list[str]:
        """Titles of the requests that are listed."""
        return [request.title for request in self.board.list.model.rows]

    @staticmethod
    def said(widget: QWidget) -> str:
        """All words of labels that can be seen in a widget, and the accessible names of its parts."""
        parts = [child for child in widget.findChildren(QWidget) if child.isVisibleTo(widget)]
        words = [part.text() if isinstance(part, QLabel) else part.accessibleName() for part in parts]
        words += [part.accessibleDescription() for part in parts]
        return "\n".join(filter(None, words)).replace("\u00a0", " ")

    def look(self, seconds: float = 0.25) -> None:
        """Let time pass, and look."""
        self.source.now_s += seconds
        self.controller.refresh()

    async def __aenter__(self) -> "Bench":
        self.controller.open()
        self.window.show()
        self.window.activateWindow()
        await self.until(self.window.isActiveWindow)
        await self.until(lambda: self.page.board is not None and self.controller.snapshot is not None)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.controller.close()
        self.window.hide()
        self.window.deleteLater()
        self.controller.deleteLater()


@pytest.fixture
def make_bench(qapp: QApplication) -> Callable[..., Bench]:
    def make(**changes: Any) -> Bench:
        return Bench(FakeSource(**changes))

    return make


@pytest.fixture
def shown(run: Callable[..., None], make_bench: Callable[..., Bench]) -> Callable[..., None]:
    """Run a check on a page that is built and shown."""

    def show(check: Callable[[Bench], Any], **changes: Any) -> None:
        async def body() -> None:
            async with make_bench(**changes) as bench:
                result = check(bench)
                if result is not None:
                    await result

        run(body())

    return show
