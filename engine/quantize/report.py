"""The quality report of a smaller model: what it kept of its source, measured on this machine, side by side."""

import os
import platform
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

import psutil

from engine.jobs import JobControl
from engine.quality import QualityReport
from engine.quantize.held_out import HeldOutText, held_out_text
from engine.quantize.report_graph import graph_report
from engine.quantize.report_text import PAIRS, Sides, Speeds, text_quality, text_speeds
from engine.quantize.stage import StageControl

_STEPS: Final = 1000
_READ, _SCORED = 0.05, 0.6  # of the progress


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """What of a report is not about speed or size; names as there."""

    text: str
    tokens: int
    same_top_share: float
    kept: float
    perplexity_ratio: float | None = None
    kl_divergence: float | None = None
    task_score: float | None = None
    source_task_score: float | None = None


def measure(
    source: Path,
    result: Path,
    recipe: str,
    control: JobControl,
    *,
    text: HeldOutText | None = None,
    pictures: Path | None = None,
    source_sha256: str = "",
    threads: int = 0,
    processor: str = "",
    pairs: int = PAIRS,
) -> QualityReport:
    """Measure what a smaller model kept, how fast it is and what memory it takes, each against its source.

    Takes a minute for a model of a billion weights on two cores. Nothing of it happens in this process.

    Args:
        source: file of the source.
        result: file of the result, wherever it lies now.
        recipe: id of the recipe.
        control: of the job; told how far it is, and heard four times a second.
        text: to score on; None takes what comes with Hearth.
        pictures: a person's own, of which the half is taken that was not calibrated with; None draws some.
        source_sha256: digest of the source if it is known; it is computed otherwise.
        threads: of the processor, for both sides; 0 takes its physical cores.
        processor: its name; empty asks Python.
        pairs: how often each side is timed.

    Raises:
        JobStopped: the job has to end.
        ModelError: one of them is gone or damaged, is of no kind that can be measured, or the disk is too full.
        OutOfMemoryError: the machine has too little memory for the source.
        EngineError: a process crashed.
    """
    sides = Sides(source, result, _size_bytes(source), _size_bytes(result), threads or _cores())
    begun = 0.0 if source_sha256 else _READ
    digest = source_sha256 or _digest(source, StageControl(control, 0.0, _READ))
    stage = StageControl(control, begun, 1.0, "Measuring")
    text = text or held_out_text()
    if _is_graph(source):
        kept, speeds = _graph(sides, text, pictures, stage, pairs)
    else:
        kept, speeds = _text(sides, text, stage, pairs)
    report = _report(sides, kept, speeds)
    name = processor or platform.processor() or platform.machine()
    return replace(report, recipe=recipe, source_sha256=digest, machine=name)


def _text(sides: Sides, text: HeldOutText, stage: StageControl, pairs: int) -> tuple[_Kept, Speeds]:
    found = text_quality(sides, text, stage, _tell(stage, 0.0, _SCORED))
    speeds = text_speeds(sides, text, stage, _tell(stage, _SCORED, 1.0), pairs)
    kept = _Kept(
        text=text.name,
        tokens=found.tokens,
        same_top_share=found.same_top_share,
        kept=kept_of(found.perplexity_ratio),
        perplexity_ratio=found.perplexity_ratio,
        kl_divergence=found.kl_nats,
    )
    return kept, speeds


def _graph(
    sides: Sides, text: HeldOutText, pictures: Path | None, stage: StageControl, pairs: int
) -> tuple[_Kept, Speeds]:
    found, speeds = graph_report(sides, text, pictures, stage, _tell(stage, 0.0, 1.0), pairs=pairs)
    kept = _Kept(
        text=found.on,
        tokens=found.count,
        same_top_share=found.same_top_share,
        kept=found.kept,
        task_score=found.result_score,
        source_task_score=found.source_score,
    )
    return kept, speeds


def _report(sides: Sides, kept: _Kept, speeds: Speeds) -> QualityReport:
    return QualityReport(
        recipe="",
        source=sides.source.stem,
        source_sha256="",
        size_ratio=sides.result_bytes / sides.source_bytes,
        source_bytes=sides.source_bytes,
        result_bytes=sides.result_bytes,
        **asdict(kept),
        decode_speedup=speeds.writing_speedup,
        prefill_speedup=speeds.reading_speedup,
        decode_per_s=speeds.result_per_s,
        source_decode_per_s=speeds.source_per_s,
        memory_bytes=speeds.memory_bytes[1],
        source_memory_bytes=speeds.memory_bytes[0],
        machine="",
        measured_at=time.time(),
    )


def _tell(stage: StageControl, begin: float, end: float) -> Callable[[float], None]:
    """Say how far a part of the stage is, as a share of the stage."""

    def tell(share: float) -> None:
        stage.tell(round(_STEPS * (begin + (end - begin) * share)), _STEPS)

    return tell


def kept_of(perplexity_ratio: float) -> float:
    """How much of its quality a model kept: 1 - (perplexity ratio - 1), at most 1."""
    return min(1.0, 2.0 - perplexity_ratio)


def _is_graph(path: Path) -> bool:
    return path.suffix.lower() == ".onnx"


def _digest(source: Path, control: JobControl) -> str:
    from engine.quantize.places import digest
    from engine.quantize.work import files_of

    return digest(files_of(source), control)


def _size_bytes(path: Path) -> int:
    """Size of a model, all its files together.

    Raises:
        ModelNotFoundError: there is none.
        ModelFileError: it is damaged.
    """
    from engine.quantize.work import files_of

    if _is_graph(path):
        from engine.models.onnx import read_onnx_header

        return read_onnx_header(path).size_bytes
    return sum(file.stat().st_size for file in files_of(path))


def _cores() -> int:
    """Physical cores, as far as this process may use them."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(psutil.cpu_count(logical=False) or 1, allowed))
