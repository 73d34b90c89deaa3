"""Speeds learned from steps."""

import pytest

from engine.scheduling.observations import Observations
from engine.scheduling.steps import TextStep


def test_the_first_steps_are_not_believed():
    seen = Observations()
    for _ in range(2):
        seen.note_text("a", "gpu:0", TextStep(rows=1, tokens=1, decode_s=9.0))
    assert seen.of("a", "gpu:0").token_s is None
    seen.note_text("a", "gpu:0", TextStep(rows=1, tokens=1, decode_s=0.02))
    assert seen.of("a", "gpu:0").token_s == pytest.approx(0.02)
    assert seen.of("a", "cpu").token_s is None


def test_a_speed_follows_what_is_seen_but_not_every_outlier():
    seen = Observations()
    for _ in range(40):
        seen.note_text("a", "cpu", TextStep(rows=1, tokens=1, decode_s=0.1))
    seen.note_text("a", "cpu", TextStep(rows=1, tokens=1, decode_s=1.0))
    assert 0.1 < (seen.of("a", "cpu").token_s or 0) < 0.3
    for _ in range(40):
        seen.note_text("a", "cpu", TextStep(rows=1, tokens=1, decode_s=0.5))
    assert seen.of("a", "cpu").token_s == pytest.approx(0.5, rel=0.01)


def test_batches_say_nothing_about_one_answer_and_short_chunks_nothing_about_reading():
    seen = Observations()
    for _ in range(5):
        seen.note_text("a", "cpu", TextStep(rows=4, tokens=4, decode_s=0.1))
        seen.note_text("a", "cpu", TextStep(read_tokens=4, read_s=0.1))
    assert (seen.of("a", "cpu").token_s, seen.of("a", "cpu").prefill_tokens_per_s) == (None, None)
    seen.note_text("a", "cpu", TextStep(read_tokens=256, read_s=0.5))
    assert seen.of("a", "cpu").prefill_tokens_per_s == pytest.approx(512)


def test_drafts_make_tokens_faster_than_steps():
    seen = Observations()
    for number in range(60):
        seen.note_text("a", "cpu", TextStep(rows=1, tokens=9 if number % 2 else 1, decode_s=0.5))
    assert seen.of("a", "cpu").token_s == pytest.approx(0.1, rel=0.15)
    seen.note_text("a", "cpu", TextStep(rows=1, tokens=0, decode_s=9.0))  # it failed
    assert seen.of("a", "cpu").token_s == pytest.approx(0.1, rel=0.15)


def test_images_are_counted_each():
    seen = Observations()
    for _ in range(3):
        seen.note_images("eyes", "npu:0", 4, 0.2)
    seen.note_images("eyes", "npu:0", 0, 5.0)
    assert seen.of("eyes", "npu:0").image_s == pytest.approx(0.05)


def test_a_device_that_is_measured_anew_is_learned_anew():
    seen = Observations()
    for device in ("cpu", "gpu:0"):
        for _ in range(3):
            seen.note_images("eyes", device, 1, 0.1)
    seen.forget("gpu:0")
    assert set(seen.all()) == {("eyes", "cpu")}
    seen.forget()
    assert seen.all() == {}
