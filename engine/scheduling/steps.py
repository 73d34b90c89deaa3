"""One step of each kind of model: at most one call into a backend, and its results handed on."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engine.backends.base import EmbeddingModel, TextModel, TextSequence, VisionModel
from engine.errors import RequestError
from engine.scheduling.job import Job
from engine.scheduling.jobs import EmbedJob, GenerateJob, RecognizeJob
from engine.scheduling.lane_queue import Progress
from engine.types import Placement

SHARED_PREFILL_S = 0.15
"""Longest prefill chunk while other answers run: a pause in the flow that a reader does not mind. A guess."""

ALONE_PREFILL_S = 0.5
"""Longest one while none do: whoever comes meanwhile waits for its end."""

LEAST_PREFILL_TOKENS = 16
"""Smaller chunks cost nearly as much as this one, because every step reads all weights once."""


_PAGED_PAUSE = 1.5


class PrefillRate:
    """Learns how many prompt tokens per second a model reads, from the steps it takes."""

    def __init__(self) -> None:
        self._tokens_per_s: float | None = None

    def learn(self, tokens: int, duration_s: float) -> None:
        """Add a step that read this many prompt tokens."""
        if tokens < LEAST_PREFILL_TOKENS or duration_s <= 0:
            return
        rate = tokens / duration_s
        self._tokens_per_s = rate if self._tokens_per_s is None else 0.7 * self._tokens_per_s + 0.3 * rate

    def tokens_within(self, duration_s: float, most: int) -> int:
        """How many tokens fit into a duration; a cautious few while nothing is known."""
        if self._tokens_per_s is None:
            return min(most, 4 * LEAST_PREFILL_TOKENS)
        return max(LEAST_PREFILL_TOKENS, min(most, int(self._tokens_per_s * duration_s)))


def paged_pause_s(model: TextModel) -> float:
    """How long a step of a model whose weights are paged takes in any case, and a half more; 0 for other models.

    The prompt is read while the disk is: fewer tokens would make the step no shorter, only the prompt's steps more.
    """
    paging = model.paging
    return _PAGED_PAUSE * paging.sweep_s if paging is not None else 0.0


@dataclass(frozen=True, slots=True)
class TextStep:
    """What a step of a text model did.

    Attributes:
        rows: sequences that wrote, each of them one token or, with a draft, several.
        tokens: generated, over all sequences.
        decode_s: how long it took, if it did nothing but decode; else 0.
        read_tokens: of prompts.
        read_s: how long it took, if it read prompts; else 0.
        progress: of each request.
    """

    rows: int = 0
    tokens: int = 0
    decode_s: float = 0.0
    read_tokens: int = 0
    read_s: float = 0.0
    progress: tuple[Progress, ...] = ()


PowerMeter = Callable[[], float | None]
"""Watts that a device takes now; None if unknown."""


def text_step(
    model: TextModel,
    jobs: Sequence[GenerateJob],
    prefill_tokens: int,
    rate: PrefillRate,
    placement: Placement,
    power_w: PowerMeter,
) -> TextStep:
    """Decode once for all these requests, and read prompts of those that have not begun to write.

    Args:
        model: of all of them.
        jobs: that have a place, the most urgent first.
        prefill_tokens: of prompts, at most.
        rate: learns how fast prompts are read.
        placement: where it runs.
        power_w: of the device.
    """
    by_sequence: dict[int, GenerateJob] = {}
    sequences: list[TextSequence] = []
    for job in jobs:
        assert job.sequence is not None
        by_sequence[id(job.sequence)] = job
        sequences.append(job.sequence)
    before = {id(sequence): sequence.prefilled_tokens for sequence in sequences if sequence.is_prefilling}
    began_s = time.monotonic()
    steps = model.step(sequences, prefill_tokens)
    duration_s = time.monotonic() - began_s
    read = {key: by_sequence[key].sequence.prefilled_tokens - known for key, known in before.items()}  # type: ignore[union-attr]
    if before:
        rate.learn(sum(read.values()), duration_s)
    touched = {id(step.sequence): by_sequence[id(step.sequence)] for step in steps}
    _charge(list(touched.values()), duration_s, power_w)
    written, over = dict.fromkeys(touched, 0), set()
    for step in steps:  # several for a sequence that wrote several tokens
        key, job = id(step.sequence), touched[id(step.sequence)]
        written[key] += step.token_count
        job.advance(step, placement)
        if step.finish is not None or step.error is not None:
            over.add(key)
            job.leave()
    progress = [Progress(job, read.get(key, 0), written[key], key in over) for key, job in touched.items()]
    return TextStep(
        rows=len(sequences) - len(before),
        tokens=sum(step.token_count for step in steps),
        decode_s=0.0 if before else duration_s,
        read_tokens=sum(read.values()),
        read_s=duration_s if before else 0.0,
        progress=tuple(progress),
    )


def vision_step(
    model: VisionModel, jobs: Sequence[RecognizeJob], placement: Placement, power_w: PowerMeter
) -> tuple[Progress, ...]:
    """Recognise images, all in one run."""
    began_s = time.monotonic()
    outcomes = model.run([job.image for job in jobs])
    _charge(jobs, time.monotonic() - began_s, power_w)
    for job, outcome in zip(jobs, outcomes, strict=True):
        if isinstance(outcome, RequestError):
            job.fail(outcome)
        else:
            job.finish(outcome, placement)
    return tuple(Progress(job, written=1, is_over=True) for job in jobs)


def embed_step(model: EmbeddingModel, job: EmbedJob, placement: Placement, power_w: PowerMeter) -> tuple[Progress, ...]:
    """Embed the next batch of texts of a request."""
    began_s = time.monotonic()
    try:
        vectors, tokens = model.embed(job.next_texts())
    except RequestError as error:
        job.fail(error)
        return (Progress(job, is_over=True),)
    _charge([job], time.monotonic() - began_s, power_w)
    job.advance(vectors, tokens, placement)
    return (Progress(job, written=1, is_over=job.is_done),)


def _charge(jobs: Sequence[Job], duration_s: float, power_w: PowerMeter) -> None:
    """Share the cost of a step among the jobs that were in it."""
    if not jobs:
        return
    watts = power_w()
    for job in jobs:
        job.cost.add(duration_s / len(jobs), watts)
