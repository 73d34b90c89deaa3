"""`hearth bench library`: how long a library of 2,000 models takes to open."""

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Final

from engine.bench.children import BenchProgramError, json_lines, run_module
from engine.bench.measure import BenchOptions
from engine.bench.random_model import RECIPES, SHAPES
from engine.bench.report import BenchReport, machine_facts
from engine.models.random_model import write_hollow_model

MODELS: Final = 2000
_QUICK_MODELS: Final = 100
_PER_FOLDER: Final = 10  # as where each repository has a folder with its files
_TEMPLATES: Final = 40  # different ones; most models have that of their family
_TOKENS: Final = 2000
_TIMES: Final = 7
_TEMPLATE: Final = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"
_CHILD: Final = "engine.bench.library_child"


def run(options: BenchOptions) -> BenchReport:
    """Write the models, open them without an index, then several times with it, each time in a process of its own."""
    machine = machine_facts()
    samples: dict[str, list[float]] = {"cold_ms": [], "usable_ms": [], "again_ms": []}
    with tempfile.TemporaryDirectory(prefix="hearth-bench-") as folder:
        home, count = Path(folder), _QUICK_MODELS if options.quick else MODELS
        write_models(home / "models", count)
        samples["cold_ms"].append(_opened(home, count)["opened_ms"])
        for _ in range(2 if options.quick else _TIMES):
            times = _opened(home, count)
            samples["usable_ms"].append(times["opened_ms"])
            samples["again_ms"].append(times["again_ms"])
    figures = {name: median(values) for name, values in samples.items()}
    return BenchReport(bench="library", figures=figures, samples=samples, machine=machine)


def write_models(folder: Path, count: int) -> None:
    """Write files that say what models say, with nothing where the weights would be."""
    shape = replace(SHAPES["tiny"], vocabulary=_TOKENS)
    for number in range(count):
        place = folder / f"owner-{number // _PER_FOLDER // 10}" / f"repository-{number // _PER_FOLDER}"
        place.mkdir(parents=True, exist_ok=True)
        template = _TEMPLATE + "{# #}" * (number % _TEMPLATES)
        write_hollow_model(
            place / f"model-{number:05}.gguf", shape, RECIPES["q8_0"], name=f"Model {number}",
            extra={"tokenizer.chat_template": template},
        )  # fmt: skip


def _opened(home: Path, count: int) -> Mapping[str, float]:
    found: dict[str, float] = {}
    for line in json_lines(run_module(_CHILD, str(home))):
        found.update({name: float(value) for name, value in line.items() if isinstance(value, int | float)})
    if found.get("models", 0) < count:
        raise BenchProgramError(f"Only {found.get('models', 0):.0f} of {count:,} models were found.")
    return found
