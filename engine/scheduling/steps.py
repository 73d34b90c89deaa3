"""One step of each kind of model: at most one call into a backend, and its results handed on."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engine.backends.base import EmbeddingModel, TextModel, TextSequence, VisionModel
from engine.errors import OutOfMemoryError, RequestError
from engine.scheduling.job import Job
from engine.scheduling.jobs import EmbedJob, GenerateJob, RecognizeJob
from engine.scheduling.queue import ModelWork
from engine.types import Placement

SHARED_PREFILL_S = 0.15
"""Longest prefill chunk while other answers run: a pause in the flow that a reader does not mind. A guess."""

LEAST_PREFILL_TOKENS = 16
"""Smaller chunks cost nearly as much as this one, because every step reads all weights once."""


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


@dataclass(frozen=True, slots=True)
class TextStep:
    """What a step of a text model did.

    Attributes:
        tokens: generated, over all sequences.
        decode_s: how long it took, if it did nothing but decode; else 0.
        read_tokens: of prompts.
        read_s: how long it took, if it read prompts; else 0.
    """

    tokens: int = 0
    decode_s: float = 0.0
    read_tokens: int = 0
    read_s: float = 0.0


PowerMeter = Callable[[], float | None]
"""Watts that a device takes now; None if unknown."""


def text_step(
    work: ModelWork,
    model: TextModel,
    prefill_tokens: int,
    rate: PrefillRate,
    placement: Placement,
    power_w: PowerMeter,
) -> TextStep:
    """Admit what fits and decode once for all running sequences.

    Returns:
        What it did.
    """
    _admit(work, model)
    jobs: dict[int, GenerateJob] = {}
    sequences: list[TextSequence] = []
    for job in work.running:
        assert isinstance(job, GenerateJob)
        assert job.sequence is not None
        jobs[id(job.sequence)] = job
        sequences.append(job.sequence)
    if not sequences:
        return TextStep()
    unread = sum(s.prompt_tokens - s.prefilled_tokens for s in sequences if s.is_prefilling)
    began_s = time.monotonic()
    steps = model.step(sequences, prefill_tokens)
    duration_s = time.monotonic() - began_s
    read = 0
    if unread:
        left = sum(s.prompt_tokens - s.prefilled_tokens for s in sequences if s.is_prefilling)
        read = unread - left
        rate.learn(read, duration_s)
    _charge([jobs[id(step.sequence)] for step in steps], duration_s, power_w)
    tokens = 0
    for step in steps:
        job = jobs[id(step.sequence)]
        tokens += step.token_count
        job.advance(step, placement)
        if step.finish is not None or step.error is not None:
            model.release(step.sequence)
            work.running.remove(job)
    return TextStep(tokens, 0.0 if unread else duration_s, read, duration_s if unread else 0.0)


def _admit(work: ModelWork, model: TextModel) -> None:
    while work.waiting:
        job = work.waiting[0]
        assert isinstance(job, GenerateJob)
        job.sequence = model.admit(job.prompt, job.written)
        if job.sequence is None:
            if work.running:
                return
            # Nothing runs and still there is no room: waiting would be for ever.
            work.waiting.popleft()
            job.fail(
                OutOfMemoryError(
                    f"The request needs {len(job.prompt.tokens) + job.prompt.max_tokens:,} tokens of context,"
                    f" more than {model.info.id} has.",
                    "Ask for fewer tokens, or load the model with a larger context.",
                )
            )
            continue
        work.waiting.popleft()
        work.running.append(job)
        job.clock.start()


def vision_step(work: ModelWork, model: VisionModel, placement: Placement, power_w: PowerMeter) -> int:
    """Recognise as many waiting images as fit into one run; returns how many."""
    jobs: list[RecognizeJob] = []
    while work.waiting and len(jobs) < model.max_batch:
        job = work.waiting.popleft()
        assert isinstance(job, RecognizeJob)
        job.clock.start()
        jobs.append(job)
    work.running.extend(jobs)
    began_s = time.monotonic()
    outcomes = model.run([job.image for job in jobs])
    _charge(jobs, time.monotonic() - began_s, power_w)
    for job, outcome in zip(jobs, outcomes, strict=True):
        if isinstance(outcome, RequestError):
            job.fail(outcome)
        else:
            job.finish(outcome, placement)
    work.running.clear()
    return len(jobs)


def embed_step(work: ModelWork, model: EmbeddingModel, placement: Placement, power_w: PowerMeter) -> None:
    """Embed the next batch of texts of the oldest job."""
    if not work.running:
        work.running.append(work.waiting.popleft())
    job = work.running[0]
    assert isinstance(job, EmbedJob)
    job.clock.start()
    began_s = time.monotonic()
    try:
        vectors, tokens = model.embed(job.next_texts())
    except RequestError as error:
        job.fail(error)
        work.running.clear()
        return
    _charge([job], time.monotonic() - began_s, power_w)
    job.advance(vectors, tokens, placement)
    if job.is_done:
        work.running.clear()


def _charge(jobs: Sequence[Job], duration_s: float, power_w: PowerMeter) -> None:
    """Share the cost of a step among the jobs that were in it."""
    if not jobs:
        return
    watts = power_w()
    for job in jobs:
        job.cost.add(duration_s / len(jobs), watts)
