"""The quality report of a smaller model: what it kept of its source, measured on this machine, side by side."""

import os
import platform
import time
from pathlib import Path
from typing import Final

import psutil

from engine.jobs import JobControl
from engine.quality import QualityReport
from engine.quantize.held_out import HeldOutText, held_out_text
from engine.quantize.report_graph import graph_report
from engine.quantize.report_text import PAIRS, Sides, text_quality, text_speeds
from engine.quantize.stage import StageControl

_STEPS: Final = 1000
_READ, _SCORED = 0.05, 0.6  # of the progress


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
        ModelNotFoundError: one of them is gone.
        ModelFileError: one of them cannot be loaded, or the result was not made from this source.
        CapabilityError: they neither write text, nor see, nor make vectors.
        OutOfMemoryError: the machine has too little memory for the source.
        ModelError: the disk is too full.
        EngineError: a process crashed.
    """
    is_graph = source.suffix.lower() == ".onnx"
    text = text or held_out_text()
    sides = Sides(source, result, _size_bytes(source), _size_bytes(result), threads or _cores())
    digest, begun = source_sha256, 0.0
    if not digest:
        digest, begun = _digest(source, StageControl(control, 0.0, _READ)), _READ

    def tell(share: float) -> None:
        control.tell(round(_STEPS * (begun + (1 - begun) * share)), _STEPS, "Measuring")

    if is_graph:
        graph, speeds = graph_report(sides, text, pictures, control, tell, pairs=pairs)
        on, count, kept, same = graph.on, graph.count, graph.kept, graph.same_top_share
        ratio = divergence = None
        scores = (graph.result_score, graph.source_score)
    else:
        found = text_quality(sides, text, control, lambda share: tell(_SCORED * share))
        speeds = text_speeds(sides, text, control, lambda share: tell(_SCORED + (1 - _SCORED) * share), pairs)
        on, count, same = text.name, found.tokens, found.same_top_share
        ratio, divergence = found.perplexity_ratio, found.kl_nats
        kept, scores = kept_of(ratio), (None, None)
    return QualityReport(
        recipe=recipe,
        source=source.stem,
        source_sha256=digest,
        text=on,
        tokens=count,
        size_ratio=sides.result_bytes / sides.source_bytes,
        source_bytes=sides.source_bytes,
        result_bytes=sides.result_bytes,
        perplexity_ratio=ratio,
        kl_divergence=divergence,
        same_top_share=same,
        kept=kept,
        task_score=scores[0],
        source_task_score=scores[1],
        decode_speedup=speeds.writing_speedup,
        prefill_speedup=speeds.reading_speedup,
        decode_per_s=speeds.result_per_s,
        source_decode_per_s=speeds.source_per_s,
        memory_bytes=speeds.memory_bytes[1],
        source_memory_bytes=speeds.memory_bytes[0],
        machine=processor or platform.processor() or platform.machine(),
        measured_at=time.time(),
    )


def kept_of(perplexity_ratio: float) -> float:
    """How much of its quality a model kept: 1 - (perplexity ratio - 1), at most 1."""
    return min(1.0, 2.0 - perplexity_ratio)


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

    if path.suffix.lower() == ".onnx":
        from engine.models.onnx import read_onnx_header

        return read_onnx_header(path).size_bytes
    return sum(file.stat().st_size for file in files_of(path))


def _cores() -> int:
    """Physical cores, as far as this process may use them."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(psutil.cpu_count(logical=False) or 1, allowed))
