"""`hearth bench quantize`: what each recipe keeps of a model, and how much smaller and faster it makes one.

What is kept is measured on the starter, a model that was trained (random weights have no quality to lose), and the
speed on random weights of a usual size, because the starter is so small that nothing of it waits for memory. All is
measured side by side: each result takes turns with its source. The reader stands for graphs.
"""

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from engine.bench.measure import BenchOptions
from engine.bench.quantize_choice import Candidate, best_of
from engine.bench.random_model import RECIPES, SHAPES, write_random_gguf
from engine.bench.report import BenchReport, Figure, machine_facts
from engine.devices.machine import physical_cores
from engine.errors import OutOfMemoryError
from engine.jobs import JobControl
from engine.models.ggml import FILE_TYPES
from engine.models.random_model import tensors_of
from engine.quality import Recipe
from engine.quantize.gguf import quantize_gguf
from engine.quantize.held_out import held_out_text
from engine.quantize.onnx import quantize_onnx
from engine.quantize.onnx_recipes import INT8_STATIC
from engine.quantize.planning import forecast_bytes
from engine.quantize.recipes import recipes_for
from engine.quantize.report import kept_of
from engine.quantize.report_child import MeasuringProcess
from engine.quantize.report_graph import graph_report
from engine.quantize.report_text import Sides, Speeds, TextQuality, text_quality, text_speeds
from resources import models_dir

SHAPE: Final = "1b"
_QUICK_SHAPE: Final = "100m"
_QUANTIZER: Final = "engine.backends.llama.quantizing:QuantizingWorker"
_PAIRS, _QUICK_PAIRS = 7, 3
_TIMED_S, _QUICK_TIMED_S = 1.5, 0.2


@dataclass(frozen=True, slots=True)
class _Setting:
    """How everything is measured."""

    folder: Path
    threads: int
    pairs: int
    timed_s: float

    @property
    def control(self) -> JobControl:
        """Of a job that nobody watches."""
        return JobControl(lambda *_: None, lambda _spec: None)

    def sides(self, source: Path, result: Path) -> Sides:
        """A source and its result, of one file each."""
        return Sides(source, result, source.stat().st_size, result.stat().st_size, self.threads)


def run(options: BenchOptions) -> BenchReport:
    """Make and measure every recipe; what it makes is gone afterwards.

    Raises:
        OutOfMemoryError: the disk or the memory has no room for the random model.
        EngineError: something could not be made or measured.
    """
    machine = machine_facts()
    shape = options.shape or (_QUICK_SHAPE if options.quick else SHAPE)
    recipes = recipes_for("gguf")
    options.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="random-quantize-", dir=options.folder) as folder:
        setting = _Setting(
            folder=Path(folder),
            threads=options.config.threads or physical_cores(),
            pairs=_QUICK_PAIRS if options.quick else _PAIRS,
            timed_s=_QUICK_TIMED_S if options.quick else _TIMED_S,
        )
        kept = {recipe.id: _kept(recipe, setting) for recipe in recipes}
        fast = dict(_fast(recipes, shape, setting))
        reader = _reader(setting)
    figures: dict[str, Figure] = {}
    samples: dict[str, Sequence[float]] = {}
    candidates = []
    for recipe in recipes:
        ratio, quality = kept[recipe.id]
        random_ratio, speeds = fast[recipe.id]
        candidate = Candidate(
            recipe=recipe.id,
            size_ratio=max(ratio, random_ratio),
            kept=kept_of(quality.perplexity_ratio),
            decode_speedup=speeds.writing_speedup,
        )
        candidates.append(candidate)
        figures |= _figures(recipe.id, shape, candidate, quality, speeds) | {
            f"{recipe.id}_size_ratio_starter": ratio,
            f"{recipe.id}_size_ratio_{shape}": random_ratio,
        }
        samples |= _samples(recipe.id, speeds)
    samples |= {f"reader_{side}_per_s": values for side, values in _columns(reader[1]).items()}
    return BenchReport(
        bench="quantize", figures=_of_best(candidates) | reader[0] | figures, samples=samples, machine=machine
    )


def _kept(recipe: Recipe, setting: _Setting) -> tuple[float, TextQuality]:
    """Size of the starter in a recipe, over its own, and what it keeps; made as a person's models are."""
    source = models_dir() / "starter.gguf"
    result = setting.folder / f"starter.{recipe.id}.gguf"
    quantize_gguf(source, result, recipe.id, None, setting.control, cache=setting.folder, source_digest=source.stem)
    sides = setting.sides(source, result)
    quality = text_quality(sides, held_out_text(), setting.control, lambda _share: None)
    result.unlink()
    return sides.result_bytes / sides.source_bytes, quality


def _fast(recipes: Sequence[Recipe], shape: str, setting: _Setting) -> list[tuple[str, tuple[float, Speeds]]]:
    """Size and speed of random weights in each recipe, against the same in F16."""
    _check_disk(setting.folder, shape)
    with _passing(setting, shape, "f16") as source:
        write_random_gguf(source, shape, "f16")
        return [(recipe.id, _speed(source, recipe, shape, setting)) for recipe in recipes]


def _speed(source: Path, recipe: Recipe, shape: str, setting: _Setting) -> tuple[float, Speeds]:
    with _passing(setting, shape, recipe.id) as result:
        _quantize_plainly(source, result, recipe, setting)
        sides = setting.sides(source, result)
        speeds = text_speeds(
            sides, held_out_text(), setting.control, lambda _share: None, setting.pairs, setting.timed_s
        )
        return sides.result_bytes / sides.source_bytes, speeds


@contextmanager
def _passing(setting: _Setting, shape: str, kind: str) -> Iterator[Path]:
    """A file that goes again; `hearth bench --clean` finds what a killed run has left."""
    path = setting.folder.parent / f"random-quantize-{shape}-{kind}.gguf"
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def _check_disk(folder: Path, shape: str) -> None:
    """Make sure that the random model and its largest result fit onto the disk."""
    needed = sum(
        sum(tensor.size_bytes for tensor in tensors_of(SHAPES[shape], RECIPES[kind])) for kind in ("f16", "q8_0")
    )
    if (free := shutil.disk_usage(folder).free) < needed * 1.05:
        raise OutOfMemoryError(
            f"The random {shape} model and what is made of it need {needed / 1e9:.1f} GB, "
            f"but {folder} has {free / 1e9:.1f} GB free.",
            "Free some space, or choose a smaller --shape.",
        )


def _quantize_plainly(source: Path, result: Path, recipe: Recipe, setting: _Setting) -> None:
    """Quantize without importances: of random weights none matters more than others, and finding out takes minutes."""
    forecast_bytes(source, recipe)
    kind = next(number for number, name in FILE_TYPES.items() if name == recipe.id.upper())
    order = {"source": str(source), "target": str(result), "type": kind, "threads": setting.threads, "importances": ""}
    with MeasuringProcess(_QUANTIZER, source.name, setting.control) as process:
        process.ask("quantize", order)


def _reader(setting: _Setting) -> tuple[dict[str, Figure], Speeds]:
    """The reader in 8-bit integers, against itself in floats."""
    source = models_dir() / "reader.onnx"
    place = setting.folder / "reader"
    place.mkdir()
    result = place / f"reader.{INT8_STATIC}.onnx"
    quantize_onnx(source, result, INT8_STATIC, None, setting.control)
    sides = setting.sides(source, result)
    quality, speeds = graph_report(
        sides, held_out_text(), None, setting.control, lambda _share: None,
        pairs=setting.pairs, timed_s=min(0.5, setting.timed_s),
    )  # fmt: skip
    return {
        "reader_kept": quality.kept,
        "reader_size_ratio": sides.result_bytes / sides.source_bytes,
        "reader_speedup": speeds.writing_speedup,
        "reader_characters_right": quality.result_score,
        "reader_source_characters_right": quality.source_score,
        "reader_same_share": quality.same_top_share,
    }, speeds


def _of_best(candidates: Sequence[Candidate]) -> dict[str, Figure]:
    best = best_of(candidates)
    return {
        "best": best.recipe,
        "best_size_ratio": best.size_ratio,
        "best_kept": best.kept,
        "best_decode_speedup": best.decode_speedup,
    }


def _figures(recipe: str, shape: str, candidate: Candidate, quality: TextQuality, speeds: Speeds) -> dict[str, Figure]:
    return {
        f"{recipe}_kept": candidate.kept,
        f"{recipe}_perplexity_ratio": quality.perplexity_ratio,
        f"{recipe}_kl_nats": quality.kl_nats,
        f"{recipe}_same_top_share": quality.same_top_share,
        f"{recipe}_decode_speedup_{shape}": speeds.writing_speedup,
        f"{recipe}_prefill_speedup_{shape}": speeds.reading_speedup,
        f"{recipe}_decode_per_s_{shape}": speeds.result_per_s,
        f"{recipe}_source_decode_per_s_{shape}": speeds.source_per_s,
        f"{recipe}_memory_ratio_{shape}": speeds.memory_bytes[1] / max(1, speeds.memory_bytes[0]),
    }


def _samples(recipe: str, speeds: Speeds) -> dict[str, Sequence[float]]:
    found = {f"{recipe}_{side}_decode_per_s": values for side, values in _columns(speeds).items()}
    reading = Speeds(writing=speeds.reading, reading=(), memory_bytes=(0, 0))
    return found | {f"{recipe}_{side}_prefill_per_s": values for side, values in _columns(reading).items()}


def _columns(speeds: Speeds) -> Mapping[str, Sequence[float]]:
    return {side: [pair[index] for pair in speeds.writing] for index, side in enumerate(("source", "result"))}
