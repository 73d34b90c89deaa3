"""How well the dispatcher predicts decoding speeds: predictions from calibrations, speeds through the engine's door.

The speed of memory drifts within minutes where a machine is shared, by a fifth and more. So calibrations and real runs
take turns, and a run is compared with the mean of what the calibrations before and after it predict.

Neither side says anything while other programs compute. So each waits for a quiet moment, for some seconds at most, and
a run beside which others used more than a fifth of a core is done again, a few times; the least disturbed one counts.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import fmean, median
from time import monotonic
from typing import Final

from engine.bench.measure import GREEDY, BenchOptions, letters, watch
from engine.bench.random_model import cached_random_model
from engine.devices.calibrate import LLAMA, CalibrationOrder, calibrate
from engine.devices.cpu_load import CpuLoadMeter
from engine.devices.machine import physical_cores
from engine.devices.prediction import Rates, predict
from engine.engine import Engine
from engine.models.shape import ModelShape, shape_of_gguf
from engine.types import GenerateRequest

SHAPES: Final = ("100m", "1b")
KINDS: Final = ("q8_0", "q4_k_m", "q6_k")
_PROMPT_TOKENS: Final = 16
_QUIET_CORES: Final = 0.2
_MOST_TRIES: Final = 5
_WAIT_S: Final = 10.0
_LOOK_S: Final = 0.3
_RUN_S: Final = 1.5
_LEAST_TOKENS: Final = 16
_MOST_TOKENS: Final = 400


@dataclass(slots=True)
class Measured:
    """A model, and what was found about it.

    Attributes:
        path: its file.
        shape: what it costs.
        predicted: tokens per second, one per calibration.
        real: tokens per second, one per round.
        others: cores that other programs used during each of these.
        tokens: written in the last run.
    """

    path: Path
    shape: ModelShape
    predicted: list[float] = field(default_factory=list)
    real: list[float] = field(default_factory=list)
    others: list[float] = field(default_factory=list)
    tokens: int = 8

    @property
    def past_tokens(self) -> float:
        """How many tokens a new one looked back at, on average."""
        return _PROMPT_TOKENS + self.tokens / 2

    @property
    def error(self) -> float:
        """Predicted over real speed, less 1: the median of the rounds."""
        return median(ratio - 1 for ratio in self._ratios())

    def _ratios(self) -> list[float]:
        around = zip(self.predicted, self.predicted[1:], strict=False)
        return [fmean(pair) / real for pair, real in zip(around, self.real, strict=True)]


async def prediction_errors(options: BenchOptions) -> Mapping[str, Measured]:
    """Predict and measure each model, by its name (`100m-q8_0`).

    Raises:
        DeviceError: the processor could not be measured.
        OutOfMemoryError: the disk has no room for the models.
    """
    shapes = (options.shape,) if options.shape else SHAPES
    models = {f"{shape}-{kind}": cached_random_model(options.folder, shape, kind) for shape in shapes for kind in KINDS}
    found = {name: Measured(path=path, shape=shape_of_gguf(path)) for name, path in models.items()}
    threads, rounds = physical_cores(), 1 if options.quick else 3
    async with Engine(replace(options.config, threads=threads, max_sequences=1)) as engine:
        for measured in found.values():  # loads and warms up
            await _tokens_per_s(engine, measured.path, 99, 4)
        rates = [await _calibrated(options, threads)]
        for number in range(rounds):
            for measured in list(found.values())[:: 1 if number % 2 == 0 else -1]:
                await _measure(engine, measured, options, number)
            rates.append(await _calibrated(options, threads))
    for measured in found.values():
        speeds = [predict(measured.shape, one, past_tokens=measured.past_tokens) for one in rates]
        measured.predicted += [1 / speed.token_s for speed in speeds]
    return found


async def _calibrated(options: BenchOptions, threads: int) -> Rates:
    order = CalibrationOrder(
        device="cpu",
        backend=LLAMA,
        interface="CPU",
        folder=str(options.config.cache_dir / "calibration"),
        threads=threads,
        is_quick=options.quick,
    )
    await quiet_moment(CpuLoadMeter(), 0.0 if options.quick else 3 * _WAIT_S)
    return calibrate(order)  # the loop has nothing else to do


async def _measure(engine: Engine, measured: Measured, options: BenchOptions, number: int) -> None:
    """Let a model write for a second or two, undisturbed if possible."""

    async def run(attempt: int) -> float:
        salt = 20 * number + 2 * attempt
        short = await _tokens_per_s(engine, measured.path, salt, 8)
        if options.quick:
            return short
        measured.tokens = max(_LEAST_TOKENS, min(_MOST_TOKENS, int(short * _RUN_S)))
        return await _tokens_per_s(engine, measured.path, salt + 1, measured.tokens)

    speed, others = await least_disturbed(run, CpuLoadMeter(), 1 if options.quick else _MOST_TRIES)
    measured.real.append(speed)
    measured.others.append(others)


async def _tokens_per_s(engine: Engine, model: Path, salt: int, tokens: int) -> float:
    request = GenerateRequest(
        model=str(model), prompt=letters(_PROMPT_TOKENS, salt), sampling=GREEDY, max_tokens=tokens, device="cpu"
    )
    result = (await watch(engine, request)).result
    assert result is not None, "nobody stops it"
    return (result.usage.output_tokens - 1) / result.timings.decode_s


async def least_disturbed(
    run: Callable[[int], Awaitable[float]], meter: CpuLoadMeter, most: int = _MOST_TRIES
) -> tuple[float, float]:
    """Measure until other programs leave the processor alone; returns what was measured, and cores that they used.

    Args:
        run: measures once; given the number of the attempt.
        meter: says who uses the processor.
        most: attempts.
    """
    attempts: list[tuple[float, float]] = []
    while len(attempts) < most and not (attempts and attempts[-1][1] <= _QUIET_CORES):
        await quiet_moment(meter, _WAIT_S if most > 1 else 0.0)
        meter.sample()
        speed = await run(len(attempts))
        attempts.append((speed, meter.sample().others))
    return min(attempts, key=lambda attempt: attempt[1])


async def quiet_moment(meter: CpuLoadMeter, most_s: float) -> None:
    """Wait until other programs leave the processor alone, but not for ever."""
    until_s = monotonic() + most_s
    while monotonic() < until_s:
        meter.sample()
        await asyncio.sleep(_LOOK_S)
        if meter.sample().others <= _QUIET_CORES:
            return


def summary(found: Mapping[str, Measured]) -> tuple[dict[str, float | None], dict[str, Sequence[float]]]:
    """Figures and samples for the report."""
    figures: dict[str, float | None] = {"median_error": median(abs(measured.error) for measured in found.values())}
    samples: dict[str, Sequence[float]] = {}
    for name, measured in found.items():
        figures[f"error_{name}"] = measured.error
        samples[f"predicted_tokens_per_s_{name}"] = measured.predicted
        samples[f"tokens_per_s_{name}"] = measured.real
        samples[f"others_cores_{name}"] = measured.others
    return figures, samples
