"""What a task sees of Hearth, without an engine."""

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np

from engine.errors import EngineError, TaskCancelledError
from engine.plugins.contract.tasks import OnText
from engine.types import (
    Accepts,
    EmbedResult,
    FinishReason,
    GenerateRequest,
    GenerateResult,
    ModelInfo,
    Placement,
    RecognizeRequest,
    RecognizeResult,
    Timings,
    Usage,
    VisionOutput,
)

_PLACEMENT = Placement(device="cpu", backend="fake", threads=1, reason="a test")
_TIMINGS = Timings(queued_s=0.0, load_s=0.0, prefill_s=0.0, first_token_s=0.01, decode_s=0.09, total_s=0.1)

Answer = Callable[[GenerateRequest], str | EngineError]


class FakeModels:
    """Models that answer with a function; a text has one token per word.

    Attributes:
        requests: every generate request so far.
        images: every recognize request so far.
        embedded: every text that was embedded so far.
        sees: what every image shows.
    """

    def __init__(
        self,
        answer: Answer = lambda request: "fine",
        infos: Sequence[ModelInfo] = (),
        context_tokens: int = 4096,
        sees: VisionOutput | None = None,
    ) -> None:
        self.requests: list[GenerateRequest] = []
        self.images: list[RecognizeRequest] = []
        self.embedded: list[str] = []
        self.sees = sees if sees is not None else VisionOutput(task="fake", image_size=(1, 1), labels=())
        self._answer = answer
        self._infos = tuple(infos)
        self._context_tokens = context_tokens

    def available(self, accepts: Accepts | None = None) -> tuple[ModelInfo, ...]:
        """The infos that were given, those only that take this form of request."""
        return tuple(info for info in self._infos if accepts is None or accepts in info.accepts)

    def count_tokens(self, model: str, text: str) -> int:
        """Count words."""
        return len(text.split())

    def context_tokens(self, model: str) -> int:
        """The same for every model."""
        return self._context_tokens

    def generate(self, request: GenerateRequest, on_text: Callable[[str], None] | None = None) -> GenerateResult:
        """Answer with the function; the text arrives word by word."""
        self.requests.append(request)
        answer = self._answer(request)
        if isinstance(answer, EngineError):
            raise answer
        for part in _words(answer):
            if on_text is not None:
                on_text(part)
        said = [message.content for message in request.messages] or [request.prompt or ""]
        return GenerateResult(
            text=answer,
            finish_reason=FinishReason.STOP,
            usage=Usage(prompt_tokens=sum(len(text.split()) for text in said), output_tokens=len(answer.split())),
            timings=_TIMINGS,
            placement=_PLACEMENT,
            seed=0,
        )

    def generate_all(
        self, requests: Sequence[GenerateRequest], on_text: OnText | None = None
    ) -> list[GenerateResult | EngineError]:
        """Answer one after the other; a failure stands in the place of its result."""
        results: list[GenerateResult | EngineError] = []
        for index, request in enumerate(requests):
            try:
                results.append(self.generate(request, _to(on_text, index)))
            except TaskCancelledError:
                raise
            except EngineError as error:
                results.append(error)
        return results

    def recognize(self, request: RecognizeRequest) -> RecognizeResult:
        """See `sees` in every image."""
        self.images.append(request)
        return RecognizeResult(output=self.sees, timings=_TIMINGS, placement=_PLACEMENT)

    def embed(
        self, model: str, texts: Sequence[str], purpose: Literal["document", "query"] = "document"
    ) -> EmbedResult:
        """Count first letters: vectors of shape (texts, 26), length 1."""
        self.embedded += texts
        vectors = np.zeros((len(texts), 26), np.float32)
        for row, text in zip(vectors, texts, strict=True):
            for letter in text.lower():
                if "a" <= letter <= "z":
                    row[ord(letter) - ord("a")] += 1
            row /= max(1e-9, float(np.linalg.norm(row)))
        tokens = sum(len(text.split()) for text in texts)
        usage = Usage(prompt_tokens=tokens)
        return EmbedResult(vectors=vectors, usage=usage, timings=_TIMINGS, placement=_PLACEMENT)


class FakeTaskContext:
    """Notes what a task says.

    Attributes:
        models: answers its requests.
        progress_log: fraction and note of every call.
        emitted: text per output, joined.
        cancel_after: cancel the task at this call of `progress` or `emit`, counted from 1; None never does.
    """

    def __init__(self, models: FakeModels | None = None, cancel_after: int | None = None) -> None:
        self.models = models if models is not None else FakeModels()
        self.progress_log: list[tuple[float, str]] = []
        self.emitted: dict[str, str] = {}
        self.cancel_after = cancel_after
        self._calls = 0

    def progress(self, fraction: float, note: str = "") -> None:
        """Note it."""
        self._count()
        self.progress_log.append((fraction, note))

    def emit(self, output: str, text: str) -> None:
        """Append it."""
        self._count()
        self.emitted[output] = self.emitted.get(output, "") + text

    def _count(self) -> None:
        self._calls += 1
        if self._calls == self.cancel_after:
            raise TaskCancelledError


def _words(text: str) -> list[str]:
    head, *rest = text.split(" ")
    return [head, *(f" {word}" for word in rest)]


def _to(on_text: OnText | None, index: int) -> Callable[[str], None] | None:
    return None if on_text is None else lambda text: on_text(index, text)
