"""Words about work in the background."""

import pytest

from app.models.jobs_words import (
    MUCH_BYTES,
    is_much_lost,
    job_detail,
    job_error,
    job_progress,
    job_sentence,
    lost_words,
    tray_summary,
    tray_title,
)
from engine import HubState, JobKind, JobState, JobUnit
from tests.app.models.finds import GB, MB, job

STATE = HubState(is_offline=False, url="https://hub.example", free_bytes=212 * GB)


def quantizing(**other):
    facts = {"kind": JobKind.QUANTIZE, "unit": JobUnit.STEPS, "done": 12, "total": 40, "rate_per_s": 0.1, "detail": ""}
    return job(**{**facts, "left_s": None, "can_pause": False, **other})


def test_the_head_says_how_many_how_fast_and_what_room_there_is():
    jobs = (job(1), job(2, JobState.PAUSED))
    assert tray_title(jobs) == "Downloads"
    assert tray_summary(jobs, STATE) == "1 running, 1 paused · 31\u00a0MB/s · 212\u00a0GB free on disk"
    limited = HubState(is_offline=True, url="", bytes_per_s=5 * MB)
    assert tray_summary(jobs, limited) == "1 running, 1 paused · 31\u00a0MB/s of at most 5.0\u00a0MB/s · offline"
    assert tray_summary((), None) == ""


def test_jobs_of_several_kinds_are_not_called_downloads():
    assert tray_title((job(1), quantizing())) == "In the background"
    assert tray_title((quantizing(),)) == "Quantizations"
    assert tray_summary((quantizing(),), STATE) == "1 running · 212\u00a0GB free on disk"  # steps are no bytes


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (job(), "1.46 of 2.39\u00a0GB · 30\u00a0s left"),
        (job(state=JobState.PAUSED), "Paused · 1.46 of 2.39\u00a0GB"),
        (job(state=JobState.WAITING, done=0), "Waiting · 0.00 of 2.39\u00a0GB"),
        (job(state=JobState.DONE), "Done"),
        (job(total=0, left_s=None), "1.46\u00a0GB"),
        (job(total=0, done=0, left_s=None), "Downloading"),
        (quantizing(), "30\u00a0%"),
        (quantizing(total=0), "Quantizing"),
    ],
)
def test_how_far_a_job_is(given, words):
    assert job_progress(given) == words


def test_what_a_job_does_stands_under_its_title():
    assert job_detail(job()) == "Q4_K_M · verified to 61 %"
    assert job_detail(job(state=JobState.PAUSED, detail="Q5_K_M")) == "Q5_K_M · goes on when you say so"
    assert job_detail(quantizing(detail="measuring")) == "Quantization · measuring"
    assert job_detail(job(detail="")) == "Download"


def test_a_failure_says_why_and_what_to_do():
    failed = job(state=JobState.FAILED, error="The disk is full.", remedy="Free some space.")
    assert job_error(failed) == "The disk is full. Free some space."
    assert job_error(job(state=JobState.FAILED)) == "It failed, and nobody knows why."
    assert job_sentence(failed) == "Downloading Phi-3.5 mini Instruct: failed, The disk is full. Free some space."


def test_it_is_asked_before_much_is_thrown_away():
    assert is_much_lost(job())
    assert not is_much_lost(job(done=MUCH_BYTES - 1))
    assert not is_much_lost(job(state=JobState.DONE))
    assert is_much_lost(quantizing())
    assert not is_much_lost(quantizing(done=9))
    assert not is_much_lost(job(kind=JobKind.VERIFY))
    assert lost_words(job()) == "1.46\u00a0GB have been fetched and are removed. Pausing keeps them."
    assert lost_words(quantizing()) == "30\u00a0% of the work is done and would be lost."
