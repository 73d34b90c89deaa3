"""Models that are being timed: one that decodes and nothing else, and one that answers as it would for a person.

Thread: one, but for the reader of the answers.
"""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Final

import llama_cpp.llama_cpp as llama

from engine.backends.base import DeviceTarget, LoadOptions, SequenceStep
from engine.backends.llama.batch import BATCH_TOKENS
from engine.backends.llama.context import DecodeContext
from engine.backends.llama.loading import Surroundings, load_model
from engine.backends.llama.text_model import LlamaTextModel
from engine.backends.llama.weights import open_context, open_weights
from engine.errors import DeviceError, EngineError
from engine.models.gguf import read_header
from engine.models.gguf_info import describe
from engine.plugins.bundled import bundled_registry
from engine.stream import OutputStream
from engine.types import GenerateRequest, Sampling, TextDelta

NEAR_TOKENS: Final = 16
FAR_TOKENS: Final = 2 * BATCH_TOKENS
CELLS: Final = 2048
VOCABULARY: Final = 512
_PROMPTS: Final = (256, 64)  # tokens; the first that does not take too long
_LONGEST_PROMPT_S: Final = 0.6
_TURN_S: Final = 0.15  # other programs' use is counted in hundredths of a second
_MOST_STEPS: Final = 200
_LEAST_STEPS: Final = 3
_QUIET_CORES: Final = 0.2  # a guess: so much of a core may others use in a turn that counts
_PROMPTS_WANTED: Final = 2
_WORD: Final = 300  # any token that is no control token
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"

Clock = Callable[[], float]
"""Seconds."""


@dataclass(slots=True)
class Turn:
    """What was timed without a break.

    Attributes:
        near: seconds of each step; `far` likewise.
        prompt_s: of a prompt; 0 if none was read.
        later_s: how much longer the second half of a prompt of `FAR_TOKENS` took than the first; 0 if none was read.
        others: cores that other programs used meanwhile.
    """

    near: list[float] = field(default_factory=list)
    far: list[float] = field(default_factory=list)
    prompt_s: float = 0.0
    later_s: float = 0.0
    others: float = 0.0


@dataclass(frozen=True, slots=True)
class Times:
    """What the turns of a model have shown; 0 for what was not timed.

    Attributes:
        token_s: of a step with few tokens before it; the median.
        prompt_s: of a prompt; the median.
        far_s: of a step with many tokens before it; the median.
        later_s: how much longer the second half of a long prompt takes than the first; the median.
    """

    token_s: float
    prompt_s: float = 0.0
    far_s: float = 0.0
    later_s: float = 0.0


def times_of(turns: list[Turn]) -> Times:
    """Sum up the turns: those that nobody disturbed, or else the least disturbed one."""
    limit = max(_QUIET_CORES, min(turn.others for turn in turns))
    best = [turn for turn in turns if turn.others <= limit]
    return Times(
        token_s=median(s for turn in best for s in turn.near),
        prompt_s=_median_of([turn.prompt_s for turn in best], [turn.prompt_s for turn in turns]),
        far_s=_median_of([s for turn in best for s in turn.far], [s for turn in turns for s in turn.far]),
        later_s=_median_of([turn.later_s for turn in best], [turn.later_s for turn in turns]),
    )


def _median_of(best: list[float], others: list[float]) -> float:
    """Median of the first ones that were timed, or else of the second; 0 for none."""
    timed = [value for value in best if value] or [value for value in others if value]
    return median(timed) if timed else 0.0


def added_s(answering: list[Turn], raw: list[Turn]) -> float:
    """Seconds per token that an answer takes beyond decoding; pair by pair, because both drift together.

    Args:
        answering: turns of a model that answers.
        raw: turns of the same model that only decodes, each beside one of the others.
    """
    pairs = [(a, b) for a, b in zip(answering, raw, strict=False) if max(a.others, b.others) <= _QUIET_CORES]
    if not pairs:
        return times_of(answering).token_s - times_of(raw).token_s
    return median(median(a.near) - median(b.near) for a, b in pairs)


def are_enough(turns: list[Turn], wanted: int = 1) -> bool:
    """Whether so many of the turns were undisturbed."""
    return sum(turn.others <= _QUIET_CORES for turn in turns) >= wanted


@contextmanager
def raw_probe(
    path: Path, devices: tuple[int, ...], threads: int, clock: Clock, *, is_prompted: bool, is_far: bool
) -> Iterator["RawProbe"]:
    """Open a model that decodes and nothing else.

    Args:
        path: its file.
        devices: ggml's handles of the device; none for the processor.
        threads: of the processor.
        clock: for timing.
        is_prompted: whether a prompt is timed as well.
        is_far: whether steps with many tokens before them are timed as well.

    Raises:
        OutOfMemoryError: it does not fit.
        DeviceError: the device cannot run it.
    """
    _read_through(path)
    options = LoadOptions(context_tokens=CELLS, max_sequences=1, threads=threads)
    began_s = clock()
    weights = open_weights(describe(read_header(path), path.stem), options, lambda _fraction: True, devices)
    open_s = clock() - began_s
    try:
        params = llama.llama_context_default_params()
        params.n_ctx, params.n_seq_max = CELLS, 1
        params.n_batch = params.n_ubatch = BATCH_TOKENS
        params.n_threads = params.n_threads_batch = threads
        params.no_perf = True
        context = DecodeContext(open_context(weights, params), VOCABULARY, threads)
        try:
            probe = RawProbe(name=path.stem, context=context, open_s=open_s, clock=clock, is_far=is_far)
            probe.warm_up(is_prompted=is_prompted)
            yield probe
        finally:
            context.free()
    finally:
        weights.free()


def _read_through(path: Path) -> None:
    """Bring a file into the system's memory."""
    with path.open("rb") as file:
        while file.read(8 << 20):
            pass


@dataclass(slots=True, kw_only=True, eq=False)
class RawProbe:
    """A model that decodes.

    Attributes:
        name: of its file.
        context: in which it runs.
        open_s: seconds that opening took.
        clock: for timing.
        is_far: whether steps with many tokens before them are timed.
        prompt_tokens: length of the prompt that is timed; 0 if none is.
        turns: that it had.
    """

    name: str
    context: DecodeContext
    open_s: float
    clock: Clock
    is_far: bool = False
    prompt_tokens: int = 0
    turns: list[Turn] = field(default_factory=list)

    @property
    def was_quiet(self) -> bool:
        """Whether nobody disturbed one of its turns, or enough of them where it reads prompts."""
        return are_enough(self.turns, _PROMPTS_WANTED if self.prompt_tokens else 1)

    def warm_up(self, *, is_prompted: bool) -> None:
        """Run it, and choose a prompt that this device reads in reasonable time."""
        self._read(NEAR_TOKENS)
        token_s = sum(self._read(NEAR_TOKENS)) / NEAR_TOKENS
        if is_prompted:
            fitting = [tokens for tokens in _PROMPTS if tokens * token_s < _LONGEST_PROMPT_S]
            self.prompt_tokens = fitting[0] if fitting else NEAR_TOKENS

    def take_turn(self) -> None:
        """Time it once more; what takes longer than a few tokens, only until it has been timed undisturbed."""
        is_enough, turn = self.was_quiet, Turn()
        if self.prompt_tokens and not is_enough:
            turn.prompt_s = sum(self._read(self.prompt_tokens))
        self._read(NEAR_TOKENS)
        turn.near = self._steps(NEAR_TOKENS)
        if self.is_far and not is_enough:
            first_s, second_s = self._read(FAR_TOKENS)
            turn.later_s = second_s - first_s
            turn.far = self._steps(FAR_TOKENS)
        self.turns.append(turn)

    def _read(self, tokens: int) -> list[float]:
        """Begin anew and read a prompt; returns the seconds of each batch."""
        self.context.kv.clear(0)
        batch, taken = self.context.batch, list[float]()
        for start in range(0, tokens, BATCH_TOKENS):
            batch.clear()
            count = min(BATCH_TOKENS, tokens - start)
            batch.add_chunk([_WORD + index % 100 for index in range(count)], start, 0, last=start + count == tokens)
            began_s = self.clock()
            self._decode()
            taken.append(self.clock() - began_s)
        return taken

    def _steps(self, position: int) -> list[float]:
        """Seconds of some single steps."""
        taken: list[float] = []
        end_s = self.clock() + _TURN_S
        while len(taken) < _LEAST_STEPS or (len(taken) < _MOST_STEPS and self.clock() < end_s):
            self.context.batch.clear()
            self.context.batch.add_token(_WORD, position + len(taken), 0)
            began_s = self.clock()
            self._decode()
            taken.append(self.clock() - began_s)
        return taken

    def _decode(self) -> None:
        """Run the batch to its end: on a device, `decode` returns before that."""
        try:
            if not self.context.decode():
                raise DeviceError("llama.cpp found no room for a few tokens.")
        except EngineError as error:
            raise DeviceError(f"{self.name} does not run there: {error.cause}") from error
        llama.llama_synchronize(self.context.handle)


@contextmanager
def answering_probe(
    path: Path, target: DeviceTarget, modules: Path | None, threads: int, clock: Clock
) -> Iterator["AnsweringProbe"]:
    """Open a model as requests find it: in a process of its own if it is on a device, with words and sampling.

    Args:
        path: its file.
        target: where it runs.
        modules: folder of llama.cpp's modules.
        threads: of the processor.
        clock: for timing.

    Raises:
        EngineError: it cannot be loaded there.
    """
    options = LoadOptions(context_tokens=CELLS, max_sequences=1, threads=threads, target=target)
    info = describe(read_header(path), path.stem)
    around = Surroundings(registry=bundled_registry(), modules=modules)
    model = load_model(info, options, lambda _fraction: True, around)
    try:
        assert isinstance(model, LlamaTextModel)
        with _reader_loop() as loop:
            probe = AnsweringProbe(model=model, loop=loop, clock=clock)
            probe.take_turn()  # warms up
            probe.turns.clear()
            yield probe
    finally:
        model.close()


@dataclass(slots=True, kw_only=True, eq=False)
class AnsweringProbe:
    """A model that answers, to somebody who reads along on another thread, as in the window.

    Attributes:
        model: which.
        loop: of the reader.
        clock: for timing.
        turns: that it had.
    """

    model: LlamaTextModel
    loop: asyncio.AbstractEventLoop
    clock: Clock
    turns: list[Turn] = field(default_factory=list)
    _number: int = 0

    @property
    def was_quiet(self) -> bool:
        """Whether nobody disturbed one of its turns."""
        return are_enough(self.turns)

    def take_turn(self) -> None:
        """Time one more answer, from each token to the next."""
        self._number += 1
        turn, stream = Turn(), OutputStream(self.loop)
        reading = asyncio.run_coroutine_threadsafe(_read_along(stream), self.loop)
        # Another prompt each time: a known one would be found in the KV cache.
        letters = "".join(_LETTERS[(self._number + index * index) % len(_LETTERS)] for index in range(NEAR_TOKENS))
        request = GenerateRequest(model="", prompt=letters, sampling=Sampling(temperature=0.0), max_tokens=_MOST_STEPS)
        sequence = self.model.admit(self.model.prepare(request))
        assert sequence is not None, "nobody else uses the model"
        end_s, latest_s = self.clock() + _TURN_S, 0.0
        is_ended = False
        while not is_ended and (len(turn.near) < _LEAST_STEPS or self.clock() < end_s):
            steps = self.model.step([sequence], BATCH_TOKENS)
            for step in steps:
                is_ended = self._hand_over(step, stream)
            now_s = self.clock()
            if latest_s:
                turn.near.append(now_s - latest_s)
            latest_s = now_s
        self.model.release(sequence)
        stream.fail(EOFError())
        reading.result()
        self.turns.append(turn)

    @staticmethod
    def _hand_over(step: SequenceStep, stream: OutputStream) -> bool:
        """Pass on what a step gave; whether that was the end."""
        if step.token_count:
            stream.put(TextDelta(step.text, step.token_count))
        return step.finish is not None or step.error is not None


async def _read_along(stream: OutputStream) -> None:
    """Take what comes, until the end."""
    with suppress(EOFError):
        async for _event in stream.events():
            pass


@contextmanager
def _reader_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """An event loop on a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="hearth-measure-reader", daemon=True)
    thread.start()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
