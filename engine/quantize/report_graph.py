"""What a smaller graph kept, and how much faster it is: both in one disposable process, on the same pictures."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from engine.backends.scores import GraphScore
from engine.jobs import JobControl
from engine.quantize.held_out import HeldOutText, held_out_pictures
from engine.quantize.report_child import MeasuringProcess, check_memory
from engine.quantize.report_text import PAIRS, TIMED_S, Sides, Speeds, turns

SCORING: Final = "engine.backends.onnx.scoring:GraphScoringWorker"
_WORKING_BYTES: Final = 2
"""Times its size: what a graph takes in memory while it runs, by rule of thumb."""
_OPENED, _COMPARED = 0.1, 0.5  # of the progress


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphQuality:
    """What a result kept of its source.

    Attributes:
        on: name of what both were tried on.
        count: of these pictures or texts.
        same_top_share: of them, for which both say the same.
        kept: share of the source's score; where nobody knows what is right, how alike both are.
        source_score: share of characters that the source reads right; None if it does not read.
        result_score: the same of the result.
    """

    on: str
    count: int
    same_top_share: float
    kept: float
    source_score: float | None = None
    result_score: float | None = None


def graph_report(
    sides: Sides,
    text: HeldOutText,
    pictures: Path | None,
    control: JobControl,
    tell: Callable[[float], None],
    *,
    pairs: int = PAIRS,
    timed_s: float = TIMED_S,
) -> tuple[GraphQuality, Speeds]:
    """Compare both, then time them in turns, changing who goes first.

    Args:
        sides: source and result.
        text: for models that make vectors of texts.
        pictures: folder of a person's own, of which the half is taken that was not calibrated with; None draws some.
        control: of the job.
        tell: told how far it is, in [0, 1].
        pairs: turns of each side.
        timed_s: of each measurement, at least.

    Raises:
        JobStopped: the job has to end.
        CapabilityError: no plugin knows how to use them, or the folder has no pictures.
        OutOfMemoryError: the machine has too little memory for both.
        EngineError: one of them fails.
    """
    check_memory(_WORKING_BYTES * (sides.source_bytes + sides.result_bytes), sides.source.name)
    with MeasuringProcess(SCORING, sides.result.name, control) as process:
        order = {"paths": [str(sides.source), str(sides.result)], "threads": sides.threads}
        found, _ = process.ask("open", order, tell=_part(tell, 0.0, _OPENED))
        compared = _part(tell, _OPENED, _COMPARED)
        if found["seeing"]:
            on, shown = held_out_pictures(pictures)
            says, files = [picture.says for picture in shown], [picture.data for picture in shown]
            answer, _ = process.ask("pictures", says, files, compared)
        else:
            on = text.name
            answer, _ = process.ask("texts", text.sentences(), tell=compared)
        times: tuple[list[float], list[float]] = ([], [])
        for side, share in turns(pairs):
            times[side].append(float(process.ask("time", {"side": side, "least_s": timed_s})[0]))
            tell(_COMPARED + (1 - _COMPARED) * share)
        # Again: what it takes to run is known only now.
        memory, _ = process.ask("memory", None)
    source_bytes, result_bytes = (int(size) for size in memory)
    speeds = Speeds(writing=tuple(zip(*times, strict=True)), reading=(), memory_bytes=(source_bytes, result_bytes))
    return _quality(on, answer), speeds


def _part(tell: Callable[[float], None], begin: float, end: float) -> Callable[[float], None]:
    """Tells how far a part of all is."""
    return lambda share: tell(begin + (end - begin) * share)


def _quality(on: str, found: Any) -> GraphQuality:
    score = msgspec.convert(found, GraphScore)
    kept = score.likeness
    if score.source_right is not None and score.result_right is not None:
        kept = min(1.0, score.result_right / score.source_right) if score.source_right else 0.0
    return GraphQuality(
        on=on,
        count=score.count,
        same_top_share=score.same / score.count,
        kept=kept,
        source_score=score.source_right,
        result_score=score.result_right,
    )
