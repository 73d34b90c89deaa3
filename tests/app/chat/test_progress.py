import pytest

from app.chat.progress import AnswerProgress
from engine.types import (
    Event,
    Finished,
    FinishReason,
    GenerateResult,
    Loading,
    Placement,
    Prefill,
    Queued,
    TextDelta,
    Timings,
    Usage,
)


class Clock:
    now = 10.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (Queued(1), "Next in the queue"),
        (Queued(3), "3rd in the queue"),
        (Queued(11, 0.2), "11th in the queue, starts in about 1 s"),
        (Queued(22, 300.0), "22nd in the queue, starts in about 5 min"),
        (Queued(3, 3.4, "Waits for code-7b."), "3rd in the queue, starts in about 4 s. Waits for code-7b."),
        (Queued(2, None, "New work is paused."), "2nd in the queue. New work is paused."),
        (Loading(0.62), "Loading starter 62 %"),
        (Prefill(512, 1204), "Reading the prompt, 512 of 1,204 tokens"),
        (TextDelta("x", 1), ""),
    ],
)
def test_words(event: Event, words: str) -> None:
    progress = AnswerProgress("starter")
    progress.take(event)
    assert progress.words.replace("\u00a0", " ") == words


def test_live_speed_counts_tokens_after_the_first_delta() -> None:
    clock = Clock()
    progress = AnswerProgress("starter", clock)
    progress.take(Prefill(100, 100))
    clock.now = 10.5
    progress.take(TextDelta("ab", 2), "cpu")
    assert (progress.facts.first_token_s, progress.facts.tokens_per_s) == (0.5, 0)
    clock.now = 12.5
    progress.take(TextDelta("c" * 40, 40))
    assert progress.facts.tokens_per_s == pytest.approx(20)
    assert (progress.facts.device, progress.used_tokens) == ("cpu", 142)


def test_the_result_has_the_last_word() -> None:
    progress = AnswerProgress("starter")
    progress.take(TextDelta("ab", 2))
    result = GenerateResult(
        text="ab",
        finish_reason=FinishReason.STOP,
        usage=Usage(prompt_tokens=5, output_tokens=3),
        timings=Timings(queued_s=0, load_s=0, prefill_s=0, first_token_s=1, decode_s=1, total_s=2),
        placement=Placement(device="gpu:0", backend="fake", threads=1, reason=""),
        seed=0,
    )
    progress.take(Finished(result))
    assert (progress.used_tokens, progress.facts.device, progress.facts.tokens_per_s) == (8, "gpu:0", 2)
