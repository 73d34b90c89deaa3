"""The task context inside a plugin's process: everything it does is asked of Hearth."""

import queue
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, Literal, Protocol

from engine.errors import EngineError, InvalidRequestError, TaskCancelledError
from engine.plugins.contract.tasks import OnText
from engine.plugins.process.failures import error_of, read_failure
from engine.plugins.process.shapes import convert, send_request
from engine.plugins.process.wire import Attached, WireError, long_text
from engine.types import (
    Accepts,
    EmbedResult,
    GenerateRequest,
    GenerateResult,
    ModelInfo,
    RecognizeRequest,
    RecognizeResult,
)

INTERVAL_S: Final = 0.02
"""Least time between two reports: nobody sees more, and a loop that reports every turn stays quick."""
_PIECE_CHARS: Final = 64 << 10


class Line(Protocol):
    """The way to Hearth."""

    def ask(self, name: str, body: object, on_text: OnText | None = None) -> Any:
        """Call something in Hearth and wait for the plain value; raises what it raised."""

    def tell(self, call_id: int, name: str, body: object) -> None:
        """Say something about a call, without waiting for an answer."""


class ChildContext:
    """What a running task can reach.

    Thread: any.
    """

    def __init__(self, line: Line, call_id: int) -> None:
        self._line = line
        self._call_id = call_id
        self._lock = threading.Lock()
        self._is_cancelled = False
        self._texts: dict[str, list[str]] = {}  # guarded by _lock
        self._sent_text_s = 0.0  # guarded by _lock
        self._sent_progress_s = 0.0
        self._models = ChildModels(line, call_id, self.flush)

    @property
    def models(self) -> "ChildModels":
        """The models."""
        return self._models

    def progress(self, fraction: float, note: str = "") -> None:
        """Say how far it is."""
        self._check()
        now_s = time.monotonic()
        if fraction < 1 and now_s - self._sent_progress_s < INTERVAL_S:
            return
        self._sent_progress_s = now_s
        self._line.tell(self._call_id, "progress", [float(fraction), str(note)[:400]])

    def emit(self, output: str, text: str) -> None:
        """Append text to an output."""
        self._check()
        with self._lock:
            self._texts.setdefault(str(output), []).append(str(text))
            is_early = time.monotonic() - self._sent_text_s < INTERVAL_S
        if not is_early:
            self.flush()

    def flush(self) -> None:
        """Send the text that waits."""
        with self._lock:
            texts, self._texts = self._texts, {}
            for output, parts in texts.items():
                text = "".join(parts)
                for start in range(0, len(text), _PIECE_CHARS):
                    self._line.tell(self._call_id, "emit", [output, text[start : start + _PIECE_CHARS]])
            self._sent_text_s = time.monotonic()

    def cancel(self) -> None:
        """From now on, whatever the task asks for raises `TaskCancelledError`."""
        self._is_cancelled = True

    def _check(self) -> None:
        if self._is_cancelled:
            raise TaskCancelledError


class ChildModels:
    """The models, as a plugin's process sees them.

    Thread: any.
    """

    def __init__(self, line: Line, call_id: int, flush: Callable[[], None]) -> None:
        self._line = line
        self._call_id = call_id
        self._flush = flush

    def available(self, accepts: Accepts | None = None) -> tuple[ModelInfo, ...]:
        """Models on disk, those only that take this form of request."""
        return convert(self._ask("available", accepts), tuple[ModelInfo, ...])

    def count_tokens(self, model: str, text: str) -> int:
        """Number of tokens that a text has for a model; loads the model if it must."""
        return convert(self._ask("count_tokens", [model, Attached(text)]), int)

    def context_tokens(self, model: str) -> int:
        """Longest prompt plus answer that one request to a model may have."""
        return convert(self._ask("context_tokens", model), int)

    def generate(self, request: GenerateRequest, on_text: Callable[[str], None] | None = None) -> GenerateResult:
        """Answer one request; `on_text` gets the answer, on this thread, while it is being written."""
        [outcome] = self.generate_all([request], None if on_text is None else lambda _index, text: on_text(text))
        if isinstance(outcome, EngineError):
            raise outcome
        return outcome

    def generate_all(
        self, requests: Sequence[GenerateRequest], on_text: OnText | None = None
    ) -> list[GenerateResult | EngineError]:
        """Answer several requests at once; `on_text` is called on this thread."""
        plain = self._ask(
            "generate_all", [[send_request(request) for request in requests], on_text is not None], on_text
        )
        return [_outcome_of(*item) for item in plain]

    def recognize(self, request: RecognizeRequest) -> RecognizeResult:
        """Say what is in an image. A path is read here, so that a plugin sees nothing that it may not read."""
        image = request.image.read_bytes() if isinstance(request.image, Path) else request.image
        return convert(self._ask("recognize", [request.model, Attached(image), request.top_k]), RecognizeResult)

    def embed(
        self, model: str, texts: Sequence[str], purpose: Literal["document", "query"] = "document"
    ) -> EmbedResult:
        """Turn texts into vectors."""
        return convert(self._ask("embed", [model, [long_text(text) for text in texts], purpose]), EmbedResult)

    def _ask(self, name: str, body: object, on_text: OnText | None = None) -> Any:
        self._flush()
        try:
            return self._line.ask(name, [self._call_id, body], on_text)
        except WireError as error:
            raise InvalidRequestError(f"The models were to be given {error}.", "Ask for less at once.") from error


class Answer:
    """The place where a thread of a plugin waits for Hearth's answer, and for texts on the way."""

    def __init__(self) -> None:
        self._items: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()

    def put(self, name: str, value: Any) -> None:
        """Add something: `text`, `result` or `error`."""
        self._items.put((name, value))

    def wait(self, on_text: OnText | None) -> Any:
        """Return the plain result.

        Raises:
            EngineError: Hearth's.
        """
        while True:
            name, value = self._items.get()
            if name == "result":
                return value
            if name == "error":
                raise error_of(read_failure(value), "", is_trusted=True)
            if on_text is not None:
                on_text(*value)


def _outcome_of(is_result: bool, plain: Any) -> GenerateResult | EngineError:
    return convert(plain, GenerateResult) if is_result else error_of(read_failure(plain), "", is_trusted=True)
