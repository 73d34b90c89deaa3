"""`hearth bench fit`: what the fit verdict says that a model takes, against the most that it takes."""

import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from engine.backends.onnx.measuring import GraphSize, write_measured_graph
from engine.bench.children import run_module
from engine.bench.fit_child import Found, Order
from engine.bench.measure import BenchOptions
from engine.bench.random_model import write_random_gguf
from engine.bench.report import BenchReport, machine_facts
from engine.errors import CapabilityError

GRAPH: Final = "graph"
_GRAPH: Final = GraphSize(side=32, channels=1024, layers=6)
"""Its weights are of a size that the allocator always gives back, so that equal runs take equal memory."""
_LIMIT_S: Final = 1200.0
_TRAINED_TOKENS: Final = 32_768
"""Context that the made models say they were trained for."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A model and a context.

    Attributes:
        shape: of the model; `graph` is a classifier of pictures.
        kind: type of its weights.
        context: in tokens.
        sequences: answered together.
        architecture: that the file claims; all of them have the same tensors.
    """

    shape: str
    kind: str = ""
    context: int = 0
    sequences: int = 4
    architecture: str = "llama"

    @property
    def name(self) -> str:
        """For figures: `1b_q8_0_1024`."""
        kind = "" if self.architecture == "llama" else f"_{self.architecture}"
        return self.shape if self.shape == GRAPH else f"{self.shape}_{self.kind}{kind}_{self.context}"


PAIRS: Final = (
    Pair("tiny", "f16", 16_384, 8),
    Pair("100m", "q8_0", 512),
    Pair("100m", "q8_0", 4096, 2),
    Pair("100m", "q4_k_m", 2048, 8),
    Pair("100m", "f16", 1024, 8, "smollm3"),
    Pair("120m", "q4_0", 2048, 8),
    Pair("120m", "q6_k", 8192, 4, "internlm2"),
    Pair("120m", "iq4_nl", 4096, 4, "minicpm"),
    Pair("1b", "q8_0", 1024, 2),
    Pair("1b", "q4_k_m", 2048, 2),
    Pair("1b", "q5_k_m", 512, 2),
    Pair(GRAPH),
)
_QUICK: Final = (PAIRS[0], Pair("100m", "q4_k_m", 512))


def run(options: BenchOptions) -> BenchReport:
    """Load each model in a process of its own, fill its context with several sequences, and compare.

    What counts is the most that the process ever had in memory, pages of the file included, less what it had before
    the load, the library being loaded already. No verdict is corrected by any load.

    Raises:
        CapabilityError: the most that a process had in memory cannot be measured here.
        BenchProgramError: a load failed.
    """
    if sys.platform != "linux":
        raise CapabilityError("What a process had in memory at most is measured on Linux only.")
    machine = machine_facts()
    samples: dict[str, Sequence[float]] = {}
    figures: dict[str, float | None] = {"error_min": None, "error_max": None}
    pairs = _pairs(options)
    for pair in pairs:
        with _made(pair, options.folder) as path, tempfile.TemporaryDirectory(prefix="hearth-bench-") as home:
            found = _measured(pair, path, Path(home))
        figures[f"error_{pair.name}"] = found.needed_bytes / max(1, found.peak_bytes) - 1
        samples[f"needed_bytes_{pair.name}"] = [found.needed_bytes]
        samples[f"peak_bytes_{pair.name}"] = [found.peak_bytes]
        for line, size in found.lines.items():
            samples[f"{line.lower().replace(' ', '_')}_bytes_{pair.name}"] = [size]
    errors = [error for name, error in figures.items() if error is not None and name.startswith("error_")]
    figures["error_min"], figures["error_max"] = min(errors), max(errors)
    return BenchReport(bench="fit", figures=figures, samples=samples, machine=machine)


def _pairs(options: BenchOptions) -> Sequence[Pair]:
    if options.shape is not None:
        return (Pair(options.shape, options.kind, options.config.context_tokens, options.config.max_sequences),)
    return _QUICK if options.quick else PAIRS


def _measured(pair: Pair, path: Path, home: Path) -> Found:
    order = Order(
        model=str(path), home=str(home), context=pair.context, sequences=pair.sequences, is_graph=pair.shape == GRAPH
    )
    lines = run_module("engine.bench.fit_child", json.dumps(asdict(order)), limit_s=_LIMIT_S).splitlines()
    return Found(**json.loads(lines[-1]))


@contextmanager
def _made(pair: Pair, folder: Path) -> Iterator[Path]:
    """The model, which goes again: together they would take gigabytes of the disk."""
    folder.mkdir(parents=True, exist_ok=True)
    ending = "onnx" if pair.shape == GRAPH else "gguf"
    path = folder / f"random-fit-{pair.name}.{ending}"
    try:
        if pair.shape == GRAPH:
            write_measured_graph(path, _GRAPH)
            path.with_suffix(".json").write_text('{"task": "classification"}', encoding="utf-8")
        else:
            trained = {f"{pair.architecture}.context_length": _TRAINED_TOKENS}
            write_random_gguf(path, pair.shape, pair.kind, architecture=pair.architecture, extra=trained)
        yield path
    finally:
        path.unlink(missing_ok=True)
        path.with_suffix(".json").unlink(missing_ok=True)
