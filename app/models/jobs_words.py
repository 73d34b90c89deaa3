"""Words about work in the background; plain values, without Qt."""

from collections.abc import Sequence
from typing import Final

from app.models.hub_words import left_words, line, part_words, rate_words
from app.models.words import size_words
from app.usage import percent
from engine import BackgroundJob, HubState, JobKind, JobState, JobUnit

MUCH_BYTES: Final = 50_000_000
"""Fetched or copied so far: from here on it is asked before that is thrown away."""
_MUCH_SHARE: Final = 0.25  # likewise, of work that counts steps

_STATES: Final = {
    JobState.RUNNING: "running",
    JobState.WAITING: "waiting",
    JobState.PAUSED: "paused",
    JobState.FAILED: "failed",
    JobState.DONE: "done",
}
_DOING: Final = {
    JobKind.DOWNLOAD: "Downloading",
    JobKind.IMPORT: "Importing",
    JobKind.QUANTIZE: "Quantizing",
    JobKind.VERIFY: "Verifying",
}
_NOUNS: Final = {
    JobKind.DOWNLOAD: "Download",
    JobKind.IMPORT: "Import",
    JobKind.QUANTIZE: "Quantization",
    JobKind.VERIFY: "Check",
}


def tray_title(jobs: Sequence[BackgroundJob]) -> str:
    """What the tray is called: by the kind of its jobs, if they are of one kind."""
    kinds = {job.kind for job in jobs}
    return f"{_NOUNS[kinds.pop()]}s" if len(kinds) == 1 else "In the background"


def tray_summary(jobs: Sequence[BackgroundJob], state: HubState | None) -> str:
    """How many jobs are how far, how fast they go, and what room there is on the disk."""
    counts = {word: sum(job.state is each for job in jobs) for each, word in _STATES.items()}
    said = [", ".join(f"{count} {word}" for word, count in counts.items() if count)]
    rate = sum(job.rate_per_s for job in jobs if job.state is JobState.RUNNING and job.kind is JobKind.DOWNLOAD)
    if rate:
        limit = f" of at most {rate_words(state.bytes_per_s)}" if state is not None and state.bytes_per_s else ""
        said.append(f"{rate_words(rate)}{limit}")
    if state is not None and state.is_offline:
        said.append("offline")
    if state is not None and state.free_bytes:
        said.append(f"{size_words(state.free_bytes)} free on disk")
    return " · ".join(said)


def job_title(job: BackgroundJob) -> str:
    """What a job is about."""
    return line(job.title)


def job_detail(job: BackgroundJob) -> str:
    """What a job does, in the small line under its title."""
    said = [] if job.kind is JobKind.DOWNLOAD else [_NOUNS[job.kind]]
    said += [line(job.detail)] if job.detail else []
    if job.state is JobState.PAUSED and job.can_pause:
        said.append("goes on when you say so")
    if not said:
        said.append(_NOUNS[job.kind])
    return " · ".join(said)


def job_progress(job: BackgroundJob) -> str:
    """How far a job is, at the right of its bar."""
    far = _far(job)
    if job.state is JobState.DONE:
        return "Done"
    if job.state in {JobState.PAUSED, JobState.WAITING}:
        return " · ".join(filter(None, (_STATES[job.state].capitalize(), far)))
    left = f"{left_words(job.left_s)} left" if job.left_s is not None else ""
    return " · ".join(filter(None, (far, left))) or _DOING[job.kind]


def job_error(job: BackgroundJob) -> str:
    """Why a job failed, and what to do."""
    return " ".join(filter(None, (line(job.error), line(job.remedy)))) or "It failed, and nobody knows why."


def job_sentence(job: BackgroundJob) -> str:
    """A job in one sentence, for those who do not see it."""
    how = job_error(job) if job.state is JobState.FAILED else job_progress(job)
    return f"{_DOING[job.kind]} {job_title(job)}: {_STATES[job.state]}, {how}"


def is_much_lost(job: BackgroundJob) -> bool:
    """Whether ending a job throws away so much that it is asked first."""
    if job.is_over or job.kind is JobKind.VERIFY:
        return False
    return job.done >= MUCH_BYTES if job.unit is JobUnit.BYTES else job.share >= _MUCH_SHARE


def lost_words(job: BackgroundJob) -> str:
    """What ending a job throws away."""
    if job.unit is JobUnit.BYTES:
        done = {JobKind.DOWNLOAD: "fetched", JobKind.IMPORT: "copied"}.get(job.kind, "written")
        return f"{size_words(job.done)} have been {done} and are removed. Pausing keeps them."
    return f"{percent(job.share)} of the work is done and would be lost."


def _far(job: BackgroundJob) -> str:
    if job.unit is JobUnit.STEPS:
        return percent(job.share) if job.total else ""
    if job.total:
        return part_words(job.done, job.total)
    return size_words(job.done) if job.done else ""
