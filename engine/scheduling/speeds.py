"""What requests that have ended show about the speed of their models, for people; and what people want of sampling."""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Final

from engine.scheduling.tickets import Ticket
from engine.types import GenerateRequest, ModelInfo, RecognizeResult

NoteSpeed = Callable[[Path, float, str], None]
"""Takes the file of a model, tokens (or images) per second, and the device."""

LEAST_TOKENS: Final = 8
"""Shorter answers say little."""


def with_sampling(request: GenerateRequest, info: ModelInfo) -> GenerateRequest:
    """A request that says how to sample: as it was asked, else as is set for the model now, loaded or not."""
    return request if request.sampling is not None else replace(request, sampling=info.sampling)


def note_answer(ticket: Ticket, note: NoteSpeed) -> None:
    """Note how fast an answer was written that has just ended."""
    job, clock = ticket.job, ticket.clock
    if job is None or job.output_count < LEAST_TOKENS or clock.first_token_s is None:
        return
    decode_s = clock.timings().decode_s
    if decode_s > 0:
        note(ticket.way.info.path, (job.output_count - 1) / decode_s, job.model.device)


def note_image(ticket: Ticket, done: "Future[RecognizeResult]", note: NoteSpeed) -> None:
    """Note how fast an image was recognised, by the time of the device that it took."""
    if done.cancelled() or done.exception() is not None or not ticket.ways:
        return
    placement = done.result().placement
    if placement.device_s > 0:
        note(ticket.way.info.path, 1 / placement.device_s, placement.device)
