"""What a smaller text model kept, and how much faster it is: each side in a disposable process."""

import math
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Final

import msgspec

from engine.backends.scores import ResultOrder, SourceOrder, TextScore
from engine.errors import ModelError
from engine.jobs import JobControl
from engine.quantize.held_out import HeldOutText
from engine.quantize.report_child import MeasuringProcess, check_memory, fits

SCORING: Final = "engine.backends.llama.scoring:ScoringWorker"
SPEED: Final = "engine.backends.llama.speed_meter:SpeedWorker"
PAIRS: Final = 7
"""Turns of each side; medians of them count."""
_PAIRS_ONE_BY_ONE: Final = 3
PROMPTS: Final = (256, 64, 16)
"""Tokens of the prompt that is timed: the longest that the source reads in about two seconds."""
_PROMPT_S: Final = 2.0
TIMED_S: Final = 0.4
"""Of each measurement, at least."""
_OPENED: Final = 0.2  # of the progress of timing
MOST_KEPT_BYTES: Final = 512 << 20
"""Of the source's expectations, on disk; the same text takes 40 times as much room for 150,000 words as for 4,000."""
LIMIT_S: Final = 240.0
"""For scoring the source: a large model on a slow machine is scored on less text."""

Tell = Callable[[float], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class TextQuality:
    """What a result kept of its source.

    Attributes:
        tokens: that both were scored on.
        perplexity_ratio: of the result over the source.
        kl_nats: mean Kullback-Leibler divergence.
        same_top_share: of tokens, for which both prefer the same.
    """

    tokens: int
    perplexity_ratio: float
    kl_nats: float
    same_top_share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Speeds:
    """What was timed of two models, in turns.

    Attributes:
        writing: of the source and of the result, tokens per second, pair by pair; pictures of vision models.
        reading: likewise, of reading a prompt; empty for models that read none.
        memory_bytes: of the source and of the result, loaded.
    """

    writing: tuple[tuple[float, float], ...]
    reading: tuple[tuple[float, float], ...]
    memory_bytes: tuple[int, int]

    @property
    def writing_speedup(self) -> float:
        """Median of the pairs: what slows the machine for a while slows both of a pair."""
        return median(result / source for source, result in self.writing)

    @property
    def reading_speedup(self) -> float | None:
        """The same of reading; None if nothing was read."""
        return median(result / source for source, result in self.reading) if self.reading else None

    @property
    def source_per_s(self) -> float:
        """Median speed of the source at writing."""
        return median(source for source, _ in self.writing)

    @property
    def result_per_s(self) -> float:
        """Median speed of the result at writing."""
        return median(result for _, result in self.writing)


@dataclass(frozen=True, slots=True)
class Sides:
    """A source and what was made of it, with the threads that both get.

    Attributes:
        source: file of the source.
        result: file of the result.
        source_bytes: size of the source, all its files together.
        result_bytes: size of the result.
        threads: of the processor.
    """

    source: Path
    result: Path
    source_bytes: int
    result_bytes: int
    threads: int


def text_quality(sides: Sides, text: HeldOutText, control: JobControl, tell: Tell) -> TextQuality:
    """Score source and result on a text, one after the other.

    Raises:
        JobStopped: the job has to end.
        CapabilityError: they write no text.
        OutOfMemoryError: the machine has too little memory for the source.
        EngineError: one of them fails.
    """
    check_memory(sides.source_bytes, sides.source.name)
    with _scratch() as folder:
        rows = folder / "expected.f16"
        with MeasuringProcess(SCORING, sides.source.name, control) as process:
            order = SourceOrder(
                path=str(sides.source), threads=sides.threads, text=text.text, rows=str(rows),
                most_bytes=MOST_KEPT_BYTES, limit_s=LIMIT_S,
            )  # fmt: skip
            found, _ = process.ask("source", asdict(order), tell=lambda share: tell(0.5 * share))
        source, windows = msgspec.convert(found["score"], TextScore), found["windows"]
        with MeasuringProcess(SCORING, sides.result.name, control) as process:
            compared = ResultOrder(path=str(sides.result), threads=sides.threads, windows=windows, rows=str(rows))
            found, _ = process.ask("result", asdict(compared), tell=lambda share: tell(0.5 + 0.5 * share))
        result = msgspec.convert(found["score"], TextScore)
    return TextQuality(
        tokens=result.tokens,
        perplexity_ratio=math.exp(result.nats - source.nats),
        kl_nats=result.kl_nats,
        same_top_share=result.same_top / result.tokens,
    )


def text_speeds(
    sides: Sides, text: HeldOutText, control: JobControl, tell: Tell, pairs: int = PAIRS, timed_s: float = TIMED_S
) -> Speeds:
    """Time both in turns, changing who goes first; both stay loaded if memory allows it.

    Raises:
        JobStopped: the job has to end.
        CapabilityError: they write no text.
        OutOfMemoryError: the machine has too little memory for the source.
        EngineError: one of them fails.
    """
    check_memory(sides.source_bytes, sides.source.name)
    stay = fits(sides.source_bytes + sides.result_bytes)
    rounds = pairs if stay else min(pairs, _PAIRS_ONE_BY_ONE)
    timer = _Timer(sides, text, control, timed_s, stay)
    opened = _OPENED if stay else 0.0
    with timer.open_both(lambda share: tell(opened * share)):
        for side, share in turns(rounds):
            timer.take_turn(side)
            tell(opened + (1 - opened) * share)
    return Speeds(
        writing=tuple(zip(*timer.writing, strict=True)),
        reading=tuple(zip(*timer.reading, strict=True)),
        memory_bytes=(timer.memory_bytes[0], timer.memory_bytes[1]),
    )


@dataclass(slots=True)
class _Timer:
    """Times a source (0) and a result (1)."""

    sides: Sides
    text: HeldOutText
    control: JobControl
    timed_s: float
    stay: bool
    writing: tuple[list[float], list[float]] = field(default_factory=lambda: ([], []))
    reading: tuple[list[float], list[float]] = field(default_factory=lambda: ([], []))
    memory_bytes: list[int] = field(default_factory=lambda: [0, 0])
    prompt: int = 0  # its tokens; the source, which is opened first, decides
    _open: dict[int, MeasuringProcess] = field(default_factory=dict)

    @contextmanager
    def open_both(self, tell: Tell) -> Iterator[None]:
        """Load both models, if both stay loaded."""
        with ExitStack() as stack:
            if self.stay:
                self._open[0] = stack.enter_context(self._opened(0, lambda share: tell(0.5 * share)))
                self._open[1] = stack.enter_context(self._opened(1, lambda share: tell(0.5 + 0.5 * share)))
            yield

    def take_turn(self, side: int) -> None:
        """Time one side once."""
        if self.stay:
            self._time(side, self._open[side])
            return
        with self._opened(side) as process:
            self._time(side, process)

    @contextmanager
    def _opened(self, side: int, tell: Tell = lambda _share: None) -> Iterator[MeasuringProcess]:
        path = self.sides.result if side else self.sides.source
        with MeasuringProcess(SPEED, path.name, self.control) as process:
            order = {"path": str(path), "threads": self.sides.threads, "text": self.text.text}
            found, _ = process.ask("open", order, tell=tell)
            self.memory_bytes[side] = int(found["memory_bytes"])
            self.prompt = self.prompt or prompt_tokens(float(found["token_s"]))
            yield process

    def _time(self, side: int, process: MeasuringProcess) -> None:
        read = {"least_s": self.timed_s, "tokens": self.prompt}
        self.reading[side].append(float(process.ask("read", read)[0]))
        self.writing[side].append(float(process.ask("write", {"least_s": self.timed_s})[0]))


def turns(pairs: int) -> Iterator[tuple[int, float]]:
    """Whose turn it is, the source's (0) or the result's (1), and how much of all is done after it, in [0, 1]."""
    for pair in range(pairs):
        for turn, side in enumerate((0, 1) if pair % 2 == 0 else (1, 0), 1):
            yield side, (2 * pair + turn) / (2 * pairs)


def prompt_tokens(token_s: float) -> int:
    """Length of the prompt to time with a model that takes so long for each of its tokens."""
    return next((tokens for tokens in PROMPTS if tokens * token_s <= _PROMPT_S), PROMPTS[-1])


@contextmanager
def _scratch() -> Iterator[Path]:
    """A folder for what the source expects.

    Raises:
        ModelError: the disk is full.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="hearth-quality-", ignore_cleanup_errors=True) as folder:
            yield Path(folder)
    except OSError as error:
        raise ModelError(f"There is no room to measure a model: {error.strerror}.", "Free some space.") from error
