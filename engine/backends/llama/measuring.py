"""Times a few random-weight models on one device, for `engine/devices/calibrate.py` to make rates of.

What is timed, and why:

- a model with hardly any weights, once with two layers and once with many: what a step and a layer cost by themselves;
- one with longer keys, close to its beginning and far into a text: what looking back costs, in answers and prompts;
- per type of weights a model as wide as real ones and for some a narrow one, all too large for the last-level cache:
  what reading the weights costs, by bytes and by rows, and on the wide one what a prompt costs;
- one of them once more as requests find it, with words, sampling and a reader on another thread: what Hearth costs.

All are open at the same time and take turns, because what disturbs a machine comes and goes within seconds; so each is
timed in several moments. Turns in which other programs compute do not count if there are better ones: llama.cpp's
threads wait for each other after every product, so one busy program can make a step ten times as long, and says nothing
about the device. Of the steps of all turns that count, the median is taken.

Thread: one, in a process of its own.
"""

import logging
import shutil
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Final

from engine.backends.base import CPU_TARGET, DeviceTarget
from engine.backends.llama.devices import find_devices
from engine.backends.llama.probes import (
    CELLS,
    VOCABULARY,
    AnsweringProbe,
    Clock,
    RawProbe,
    added_s,
    answering_probe,
    raw_probe,
    times_of,
)
from engine.errors import OutOfMemoryError
from engine.models.gguf_writer import WeightType
from engine.models.random_model import RandomRecipe, RandomShape, tensors_of, write_random_model
from engine.models.shape import ModelShape, shape_of_gguf

log = logging.getLogger(__name__)

TYPES: Final = (WeightType.Q4_K, WeightType.Q8_0, WeightType.Q6_K, WeightType.F16)
"""Types of weights that are timed; what the others cost is estimated from the most similar one of these."""

ANSWERING_TYPE: Final = WeightType.Q8_0
"""Of the narrow model that is timed once more as requests find it."""

_BEYOND_CACHE: Final = 4.0  # at 2.5 times the cache, models were a tenth faster than much larger ones
_MOST_BYTES: Final = 512 << 20  # for one model, however large the cache
_ALONE_SHARE: Final = 0.25  # of the time limit, for an answer that is timed alone
_LATE: Final = 2.0  # times the limit, if there was no quiet turn until then

_TINY: Final = RandomShape(2, 64, 64, 1, 1, VOCABULARY, CELLS)
_DEEP: Final = RandomShape(48, 64, 64, 1, 1, VOCABULARY, CELLS)
_KEYS: Final = RandomShape(24, 256, 64, 4, 4, VOCABULARY, CELLS)
_WIDE: Final = RandomShape(1, 2048, 5632, 32, 4, VOCABULARY, CELLS)
_NARROW: Final = RandomShape(1, 768, 2048, 12, 12, VOCABULARY, CELLS)


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuringOrder:
    """What to time.

    Attributes:
        folder: for the models; they are written there once.
        target: the device.
        modules: folder of llama.cpp's modules; None if there is none.
        threads: of the processor.
        cache_bytes: of the last-level cache, which the weights must not fit into.
        types: of weights to time.
        narrow_types: those among them that are timed on a narrow model as well; `ANSWERING_TYPE` is one.
        limit_s: how long it should take once the models are written; a slow device takes longer.
    """

    folder: Path
    target: DeviceTarget = CPU_TARGET
    modules: Path | None = None
    threads: int = 1
    cache_bytes: int = 32 << 20
    types: tuple[WeightType, ...] = TYPES
    narrow_types: tuple[WeightType, ...] = TYPES[1:3]
    limit_s: float = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelTiming:
    """What one model took; 0 for what was not timed.

    Attributes:
        shape: of the model.
        open_s: to open it, from a file that the system has in memory.
        token_s: per token, with few tokens before it.
        prompt_tokens: length of the prompt that was timed.
        prompt_s: to read it.
        far_s: per token, with `FAR_TOKENS` before it.
        later_s: how much longer the second half of a prompt of `FAR_TOKENS` takes than the first.
        added_s: what Hearth adds per token, from the request to the reader; None if that was not timed.
    """

    shape: ModelShape
    open_s: float
    token_s: float
    prompt_tokens: int = 0
    prompt_s: float = 0.0
    far_s: float = 0.0
    later_s: float = 0.0
    added_s: float | None = None


def time_models(
    order: MeasuringOrder, others: Callable[[], float], clock: Clock = perf_counter
) -> tuple[ModelTiming, ...]:
    """Time all models.

    Args:
        order: which, and where.
        others: says how many cores other programs have used, on average, since it was last asked.
        clock: in seconds.

    Raises:
        OutOfMemoryError: the disk has no room for the models, or the device for a single one.
        DeviceError: the device could not run one of them.
        DeviceLostError: there is no such device.
    """
    models, target = _models(order), order.target
    found = find_devices(target.targets, order.modules, target.interface) if target.targets else ()
    devices = tuple(device.handle for device in found)
    _write(order.folder, models)
    began_s = clock()

    def elapsed() -> float:
        return (clock() - began_s) / order.limit_s

    with ExitStack() as opened:
        answering: dict[Path, AnsweringProbe] = {}
        for model in (model for model in models if model.is_answering):
            probe = answering_probe(model.path, order.target, order.modules, order.threads, clock)
            if devices:
                # In a process of its own, which some devices (a server's) do not serve beside another: so alone, first.
                with probe as answering[model.path]:
                    _take_turns([answering[model.path]], others, lambda: elapsed() / _ALONE_SHARE)
            else:
                answering[model.path] = opened.enter_context(probe)
        raw = _open_raw(order, models, devices, opened, clock)
        in_turn: list[Probe] = []
        for path, raw_one in raw.items():
            both = path in answering and not devices
            # Beside each other, to be compared, and twice, since it is a small difference of large numbers.
            in_turn += [raw_one, answering[path]] * 2 if both else [raw_one]
        _take_turns(in_turn, others, elapsed)
        return tuple(_timing(path, raw_one, answering.get(path)) for path, raw_one in raw.items())


def _open_raw(
    order: MeasuringOrder, models: Sequence["_Model"], devices: tuple[int, ...], opened: ExitStack, clock: Clock
) -> dict[Path, RawProbe]:
    """Open the models, but not those that a small device has no room for beside the others."""
    probes: dict[Path, RawProbe] = {}
    for model in models:
        wanted = {"is_prompted": model.is_prompted, "is_far": model.shape is _KEYS}
        try:
            probes[model.path] = opened.enter_context(raw_probe(model.path, devices, order.threads, clock, **wanted))
        except OutOfMemoryError:
            if not any(probe.prompt_tokens for probe in probes.values()):
                raise
            log.info("%s does not fit beside the others; it is not timed", model.path.stem)
    return probes


def remove_measuring_models(folder: Path) -> int:
    """Delete the models; returns the bytes freed."""
    freed = 0
    for path in folder.glob("measuring-*.gguf*"):
        freed += path.stat().st_size
        path.unlink()
    return freed


Probe = RawProbe | AnsweringProbe


def _take_turns(probes: list[Probe], others: Callable[[], float], elapsed: Callable[[], float]) -> None:
    """Let each have its turn, again and again; `elapsed` says how much of the time limit has gone."""
    number = 0
    while number == 0 or _goes_on(probes, elapsed()):
        for probe in probes if number % 2 == 0 else reversed(probes):
            others()
            probe.take_turn()
            probe.turns[-1].others = others()
        number += 1


def _goes_on(probes: list[Probe], elapsed: float) -> bool:
    return elapsed < 1 or (elapsed < _LATE and not all(probe.was_quiet for probe in probes))


def _timing(path: Path, probe: RawProbe, answering: AnsweringProbe | None) -> ModelTiming:
    times = times_of(probe.turns)
    return ModelTiming(
        shape=shape_of_gguf(path),
        open_s=probe.open_s,
        token_s=times.token_s,
        prompt_tokens=probe.prompt_tokens,
        prompt_s=times.prompt_s,
        far_s=times.far_s,
        later_s=times.later_s,
        added_s=added_s(answering.turns, probe.turns) if answering is not None else None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Model:
    """A model to time.

    Attributes:
        path: its file.
        shape: its sizes.
        recipe: how its weights are stored.
        is_prompted: whether a prompt is timed on it.
        is_answering: whether it is timed as requests find it as well.
    """

    path: Path
    shape: RandomShape
    recipe: RandomRecipe
    is_prompted: bool = False
    is_answering: bool = False


def _models(order: MeasuringOrder) -> list[_Model]:
    """The models of an order."""
    found = [
        _Model(path=order.folder / f"measuring-{name}.gguf", shape=shape, recipe=_recipe(WeightType.Q8_0))
        for name, shape in (("tiny", _TINY), ("deep", _DEEP), ("keys", _KEYS))
    ]
    for name, basis, kinds in (("wide", _WIDE, order.types), ("narrow", _NARROW, order.narrow_types)):
        for kind in kinds:
            shape = _beyond_cache(basis, _recipe(kind), order.cache_bytes)
            model = _Model(
                path=order.folder / f"measuring-{name}-{shape.layers}-{kind.name.lower()}.gguf",
                shape=shape,
                recipe=_recipe(kind),
                is_prompted=name == "wide",
                is_answering=name == "narrow" and kind is ANSWERING_TYPE,
            )
            found.append(model)
    return found


def _recipe(kind: WeightType) -> RandomRecipe:
    return RandomRecipe(1024, kind, kind)  # a number that llama.cpp reads as "guessed"


def _beyond_cache(shape: RandomShape, recipe: RandomRecipe, cache_bytes: int) -> RandomShape:
    """The same with so many layers that the weights have to come from memory, at each token anew."""
    one = sum(tensor.size_bytes for tensor in tensors_of(shape, recipe) if tensor.name.startswith("blk."))
    wanted = min(int(_BEYOND_CACHE * cache_bytes), _MOST_BYTES)
    layers = max(2, -(-wanted // one))
    return replace(shape, layers=layers)


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
