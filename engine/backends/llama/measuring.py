"""Times a few random-weight models on one device, for `engine/devices/calibrate.py` to make rates of.

What is timed, and why:

- a model with hardly any weights, once with two layers and once with many: what a step and a layer cost by themselves;
- one with longer keys, close to its beginning and far into a text: what looking back costs;
- per type of weights a model as wide as real ones and a narrow one, both too large for the last-level cache: what
  reading the weights costs, by bytes and by rows, and on the wide one what a prompt costs.

All are open at the same time and take turns, because what disturbs a machine comes and goes within seconds; so each is
timed in several moments. Turns in which other programs compute do not count if there are better ones: llama.cpp's
threads wait for each other after every product, so one busy program can make a step ten times as long, and says nothing
about the device. Of the steps of all turns that count, the lower quartile is taken, since nothing makes a step shorter.

Thread: one, in a process of its own.
"""

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles
from time import perf_counter
from typing import Final

import llama_cpp.llama_cpp as llama

from engine.backends.base import DeviceTarget, LoadOptions
from engine.backends.llama.batch import BATCH_TOKENS
from engine.backends.llama.context import DecodeContext
from engine.backends.llama.weights import open_context, open_weights
from engine.errors import DeviceError, EngineError, OutOfMemoryError
from engine.models.gguf import read_header
from engine.models.gguf_info import describe
from engine.models.gguf_writer import WeightType
from engine.models.random_model import RandomRecipe, RandomShape, tensors_of, write_random_model
from engine.models.shape import ModelShape, shape_of_gguf

TYPES: Final = (WeightType.Q4_K, WeightType.Q8_0, WeightType.Q6_K, WeightType.F16)
"""Types of weights that are timed; what the others cost is estimated from the most similar one of these."""

FAR_TOKENS: Final = 1024
NEAR_TOKENS: Final = 16
_PROMPTS: Final = (256, 64)  # tokens; the first that does not take too long
_LONGEST_PROMPT_S: Final = 0.6
_VOCABULARY: Final = 512
_CELLS: Final = 2048
_TURN_S: Final = 0.15  # other programs' use is counted in hundredths of a second
_QUIET_CORES: Final = 0.2  # a guess: so much of a core may others use in a turn that counts
_PROMPTS_WANTED: Final = 2
_LATE: Final = 2.0  # times the limit, if there was no quiet turn until then
_MOST_STEPS: Final = 200
_LEAST_STEPS: Final = 3
_BEYOND_CACHE: Final = 4.0  # at 2.5 times the cache, models were a tenth faster than much larger ones
_MOST_BYTES: Final = 512 << 20  # for one model, however large the cache
_WORD: Final = 300  # any token that is no control token

_TINY: Final = RandomShape(2, 64, 64, 1, 1, _VOCABULARY, _CELLS)
_DEEP: Final = RandomShape(48, 64, 64, 1, 1, _VOCABULARY, _CELLS)
_KEYS: Final = RandomShape(24, 256, 64, 4, 4, _VOCABULARY, _CELLS)
_WIDE: Final = RandomShape(1, 2048, 5632, 32, 4, _VOCABULARY, _CELLS)
_NARROW: Final = RandomShape(1, 768, 2048, 12, 12, _VOCABULARY, _CELLS)


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuringOrder:
    """What to time.

    Attributes:
        folder: for the models; they are written there once.
        devices: ggml's handles of the device; none for the processor.
        threads: of the processor.
        cache_bytes: of the last-level cache, which the weights must not fit into.
        types: of weights to time.
        narrow_types: those among them that are timed on a narrow model as well.
        limit_s: how long it should take once the models are written; a slow device takes longer.
    """

    folder: Path
    devices: tuple[int, ...] = ()
    threads: int = 1
    cache_bytes: int = 32 << 20
    types: tuple[WeightType, ...] = TYPES
    narrow_types: tuple[WeightType, ...] = TYPES[1:3]
    limit_s: float = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelTiming:
    """What one model took.

    Attributes:
        shape: of the model.
        open_s: to open it, from a file that the system has in memory.
        token_s: per token, with few tokens before it.
        prompt_tokens: length of the prompt that was timed; 0 if none was.
        prompt_s: to read it.
        far_s: per token, with `FAR_TOKENS` before it; 0 if that was not timed.
    """

    shape: ModelShape
    open_s: float
    token_s: float
    prompt_tokens: int = 0
    prompt_s: float = 0.0
    far_s: float = 0.0


def time_models(
    order: MeasuringOrder, others: Callable[[], float], clock: Callable[[], float] = perf_counter
) -> tuple[ModelTiming, ...]:
    """Time all models.

    Args:
        order: which.
        others: says how many cores other programs have used, on average, since it was last asked.
        clock: in seconds.

    Raises:
        OutOfMemoryError: the disk has no room for the models, or the device for one of them.
        DeviceError: the device could not run one of them.
    """
    models = _models(order)
    _write(order.folder, models)
    began_s = clock()
    with ExitStack() as opened:
        probes = [opened.enter_context(_probe(order, model, clock)) for model in models]
        number = 0
        while number == 0 or _goes_on(probes, (clock() - began_s) / order.limit_s):
            for probe in probes if number % 2 == 0 else reversed(probes):
                others()
                probe.take_turn()
                probe.end_turn(others())
            number += 1
        return tuple(probe.timing() for probe in probes)


def _goes_on(probes: Sequence["_Probe"], elapsed: float) -> bool:
    """Whether there is another turn, after this many times the limit."""
    return elapsed < 1 or (elapsed < _LATE and not all(probe.was_quiet for probe in probes))


def remove_measuring_models(folder: Path) -> int:
    """Delete the models; returns the bytes freed."""
    freed = 0
    for path in folder.glob("measuring-*.gguf*"):
        freed += path.stat().st_size
        path.unlink()
    return freed


@dataclass(frozen=True, slots=True, kw_only=True)
class _Model:
    """A model to time: its file and what is timed on it beside single tokens."""

    path: Path
    shape: RandomShape
    recipe: RandomRecipe
    is_prompted: bool = False
    is_far: bool = False


def _models(order: MeasuringOrder) -> list[_Model]:
    """The models of an order."""
    q8_0 = _recipe(WeightType.Q8_0)
    found = [
        _Model(path=order.folder / f"measuring-{name}.gguf", shape=shape, recipe=q8_0, is_far=shape is _KEYS)
        for name, shape in (("tiny", _TINY), ("deep", _DEEP), ("keys", _KEYS))
    ]
    for name, basis, kinds in (("wide", _WIDE, order.types), ("narrow", _NARROW, order.narrow_types)):
        for kind in kinds:
            shape = _beyond_cache(basis, _recipe(kind), order.cache_bytes)
            path = order.folder / f"measuring-{name}-{shape.layers}-{kind.name.lower()}.gguf"
            found.append(_Model(path=path, shape=shape, recipe=_recipe(kind), is_prompted=name == "wide"))
    return found


def _recipe(kind: WeightType) -> RandomRecipe:
    return RandomRecipe(1024, kind, kind)  # a number that llama.cpp reads as "guessed"


def _beyond_cache(shape: RandomShape, recipe: RandomRecipe, cache_bytes: int) -> RandomShape:
    """The same with so many layers that the weights have to come from memory, at each token anew."""
    one = sum(tensor.size_bytes for tensor in tensors_of(shape, recipe) if tensor.name.startswith("blk."))
    wanted = min(int(_BEYOND_CACHE * cache_bytes), _MOST_BYTES)
    layers = max(2, -(-wanted // one))
    return RandomShape(
        layers, shape.width, shape.feed_forward, shape.heads, shape.kv_heads, shape.vocabulary, shape.context
    )


def _write(folder: Path, models: list[_Model]) -> None:
    """Write the models that are not there yet."""
    folder.mkdir(parents=True, exist_ok=True)
    missing = [model for model in models if not model.path.exists()]
    needed = sum(tensor.size_bytes for model in missing for tensor in tensors_of(model.shape, model.recipe))
    if (free := shutil.disk_usage(folder).free) < needed * 1.05:
        raise OutOfMemoryError(
            f"Measuring needs {needed / 1e9:.1f} GB on the disk, but {free / 1e9:.1f} GB are free.",
            "Free some space.",
        )
    for model in missing:
        write_random_model(model.path, model.shape, model.recipe, name=model.path.stem)


@contextmanager
def _probe(order: MeasuringOrder, model: _Model, clock: Callable[[], float]) -> Iterator["_Probe"]:
    """A model that is open, and warm."""
    _read_through(model.path)
    info = describe(read_header(model.path), model.path.stem)
    options = LoadOptions(context_tokens=_CELLS, max_sequences=1, threads=order.threads, target=DeviceTarget())
    started_s = clock()
    weights = open_weights(info, options, lambda _fraction: True, order.devices)
    open_s = clock() - started_s
    try:
        params = llama.llama_context_default_params()
        params.n_ctx, params.n_seq_max = _CELLS, 1
        params.n_batch = params.n_ubatch = BATCH_TOKENS
        params.n_threads = params.n_threads_batch = order.threads
        params.no_perf = True
        context = DecodeContext(open_context(weights, params), _VOCABULARY, order.threads)
        try:
            probe = _Probe(model=model, context=context, open_s=open_s, clock=clock)
            probe.warm_up()
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


@dataclass(slots=True)
class _Turn:
    """What was timed without a break.

    Attributes:
        near: seconds of each step; `far` likewise.
        prompt_s: of a prompt; 0 if none was read.
        others: cores that other programs used meanwhile.
    """

    near: list[float] = field(default_factory=list)
    far: list[float] = field(default_factory=list)
    prompt_s: float = 0.0
    others: float = 0.0


@dataclass(slots=True, kw_only=True, eq=False)
class _Probe:
    """A model that is being timed.

    Attributes:
        model: which.
        context: in which it runs.
        open_s: seconds that opening took.
        clock: in seconds.
        prompt_tokens: length of the prompt that is timed; 0 if none is.
        turns: that it had.
    """

    model: _Model
    context: DecodeContext
    open_s: float
    clock: Callable[[], float]
    prompt_tokens: int = 0
    turns: list[_Turn] = field(default_factory=list)

    @property
    def was_quiet(self) -> bool:
        """Whether nobody else disturbed one of its turns, or enough of them where it reads prompts."""
        quiet = [turn for turn in self.turns if turn.others <= _QUIET_CORES]
        return len(quiet) >= (_PROMPTS_WANTED if self.prompt_tokens else 1)

    def warm_up(self) -> None:
        """Run it, and choose a prompt that this device reads in reasonable time."""
        self._read(NEAR_TOKENS)
        token_s = self._read(NEAR_TOKENS) / NEAR_TOKENS
        if self.model.is_prompted:
            fitting = [tokens for tokens in _PROMPTS if tokens * token_s < _LONGEST_PROMPT_S]
            self.prompt_tokens = fitting[0] if fitting else NEAR_TOKENS

    def take_turn(self) -> None:
        """Time it once more; what takes longer than a few tokens, only until it has been timed undisturbed."""
        is_enough, turn = self.was_quiet, _Turn()
        if self.prompt_tokens and not is_enough:
            turn.prompt_s = self._read(self.prompt_tokens)
        self._read(NEAR_TOKENS)
        turn.near = self._steps(NEAR_TOKENS)
        if self.model.is_far and not is_enough:
            self._read(FAR_TOKENS)
            turn.far = self._steps(FAR_TOKENS)
        self.turns.append(turn)

    def end_turn(self, others: float) -> None:
        """Note how many cores other programs used in the last turn."""
        self.turns[-1].others = others

    def timing(self) -> ModelTiming:
        """What was found."""
        limit = max(_QUIET_CORES, min(turn.others for turn in self.turns))
        best = [turn for turn in self.turns if turn.others <= limit]
        far = [s for turn in best for s in turn.far] or [s for turn in self.turns for s in turn.far]
        prompts = [turn.prompt_s for turn in best if turn.prompt_s] or [t.prompt_s for t in self.turns if t.prompt_s]
        return ModelTiming(
            shape=shape_of_gguf(self.model.path),
            open_s=self.open_s,
            token_s=_lower_quartile([s for turn in best for s in turn.near]),
            prompt_tokens=self.prompt_tokens,
            prompt_s=min(prompts, default=0.0),  # there are few, and the first may be the first of its kind
            far_s=_lower_quartile(far) if far else 0.0,
        )

    def _read(self, tokens: int) -> float:
        """Begin anew and read a prompt; returns seconds."""
        self.context.kv.clear(0)
        started_s, batch = self.clock(), self.context.batch
        for start in range(0, tokens, BATCH_TOKENS):
            batch.clear()
            count = min(BATCH_TOKENS, tokens - start)
            batch.add_chunk([_WORD + index % 100 for index in range(count)], start, 0, last=start + count == tokens)
            self._decode()
        return self.clock() - started_s

    def _steps(self, position: int) -> list[float]:
        """Seconds of some single steps."""
        taken: list[float] = []
        end_s = self.clock() + _TURN_S
        while len(taken) < _LEAST_STEPS or (len(taken) < _MOST_STEPS and self.clock() < end_s):
            self.context.batch.clear()
            self.context.batch.add_token(_WORD, position + len(taken), 0)
            started_s = self.clock()
            self._decode()
            taken.append(self.clock() - started_s)
        return taken

    def _decode(self) -> None:
        """Run the batch to its end: on a device, `decode` returns before that."""
        try:
            if not self.context.decode():
                raise DeviceError("llama.cpp found no room for a few tokens.")
        except EngineError as error:
            raise DeviceError(f"{self.model.path.stem} does not run there: {error.cause}") from error
        llama.llama_synchronize(self.context.handle)


def _lower_quartile(values: list[float]) -> float:
    return quantiles(values, n=4)[0]
