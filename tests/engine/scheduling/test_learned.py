import itertools
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.scheduling.learned import SAVE_EVERY_S, UNKNOWN_ANSWER_TOKENS, Learned


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def within(seconds: float, is_true: Callable[[], bool]) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if is_true():
            return True
        time.sleep(0.005)
    return False


def test_nothing_is_known_of_a_model_that_has_done_nothing():
    learned = Learned()
    assert learned.expected_tokens("m", "chat", 1000) == UNKNOWN_ANSWER_TOKENS
    assert learned.expected_tokens("m", "chat", 7) == 7
    assert learned.load_s("m") is None
    assert learned.prefill_tokens_per_s("m", "cpu") is None
    assert learned.step_s("m", "cpu", 1) is None


def test_lengths_of_answers_are_learned_per_model_and_task():
    learned = Learned()
    for tokens in (90, 110, 100):
        learned.note_answer("m", "chat", tokens)
    learned.note_answer("m", "title", 6)
    assert learned.expected_tokens("m", "chat", 1000) == pytest.approx(100, abs=1)
    assert learned.expected_tokens("m", "chat", 64) == 64
    assert learned.expected_tokens("m", "title", 1000) == 6
    assert learned.expected_tokens("other", "chat", 1000) == UNKNOWN_ANSWER_TOKENS


def test_an_answer_that_was_cut_says_only_that_answers_are_at_least_so_long():
    learned = Learned()
    learned.note_answer("m", "chat", 200, is_cut=True)
    for _ in range(50):
        learned.note_answer("m", "chat", 32, is_cut=True)
    assert learned.expected_tokens("m", "chat", 1000) == 200
    for _ in range(50):
        learned.note_answer("m", "chat", 400, is_cut=True)
    assert learned.expected_tokens("m", "chat", 1000) > 390
    learned.note_answer("m", "chat", 0)
    assert learned.expected_tokens("m", "chat", 1000) < 390


def test_the_past_fades():
    learned = Learned()
    for _ in range(100):
        learned.note_load("m", 8.0)
    for _ in range(10):
        learned.note_load("m", 2.0)
    assert learned.load_s("m") == pytest.approx(2.0, rel=0.05)


def test_reading_is_learned_from_all_but_the_first_and_the_short_chunks():
    learned = Learned()
    learned.note_prefill("m", "cpu", 512, 60.0)  # a driver compiled
    learned.note_prefill("m", "cpu", 512, 5.0)
    assert learned.prefill_tokens_per_s("m", "cpu") is None
    learned.note_prefill("m", "cpu", 8, 1.0)
    assert learned.prefill_tokens_per_s("m", "cpu") is None
    for tokens in (512, 64, 256):
        learned.note_prefill("m", "cpu", tokens, tokens / 200)
    assert learned.prefill_tokens_per_s("m", "cpu") == pytest.approx(200)
    assert learned.prefill_tokens_per_s("m", "gpu:0") is None


def warmed(learned: Learned) -> Learned:
    for _ in range(2):
        learned.note_decode("m", "cpu", 1, 9.0)
    return learned


@given(fixed=st.floats(0.001, 2), share=st.floats(0, 2), rows=st.lists(st.integers(1, 16), min_size=40, max_size=80))
def test_a_step_is_a_fixed_part_and_one_per_row(fixed: float, share: float, rows: list[int]):
    learned = warmed(Learned())
    for count in (*rows, 1, 4, 8):
        learned.note_decode("m", "cpu", count, fixed * (1 + share * count))
    for count in (1, 4, 8):
        assert learned.step_s("m", "cpu", count) == pytest.approx(fixed * (1 + share * count), rel=0.12)


@given(st.lists(st.tuples(st.integers(1, 64), st.floats(1e-6, 1e3)), min_size=1, max_size=50))
def test_more_rows_never_take_less_and_nothing_takes_less_than_no_time(steps: list[tuple[int, float]]):
    learned = warmed(Learned())
    for rows, seconds in steps:
        learned.note_decode("m", "cpu", rows, seconds)
    times = [learned.step_s("m", "cpu", rows) for rows in range(1, 65)]
    assert times[0] is not None
    assert times[0] >= 0
    assert all(one <= two + 1e-9 * two for one, two in itertools.pairwise(times))


def test_while_all_steps_had_one_row_more_of_them_are_guessed_to_take_longer():
    learned = warmed(Learned())
    for _ in range(50):
        learned.note_decode("m", "cpu", 1, 0.1)
    assert learned.step_s("m", "cpu", 1) == pytest.approx(0.1)
    assert 0.2 < learned.step_s("m", "cpu", 8) < 0.8


def test_one_disturbed_step_changes_little_and_a_slower_machine_is_noticed():
    learned = warmed(Learned())
    for _ in range(40):
        learned.note_decode("m", "cpu", 1, 0.1)
        learned.note_prefill("m", "cpu", 100, 1.0)
    learned.note_decode("m", "cpu", 1, 50.0)
    learned.note_prefill("m", "cpu", 100, 500.0)
    assert learned.step_s("m", "cpu", 1) < 0.12
    assert learned.prefill_tokens_per_s("m", "cpu") > 80
    for _ in range(100):
        learned.note_decode("m", "cpu", 1, 1.0)
        learned.note_prefill("m", "cpu", 100, 10.0)
    assert learned.step_s("m", "cpu", 1) == pytest.approx(1.0, rel=0.1)
    assert learned.prefill_tokens_per_s("m", "cpu") == pytest.approx(10, rel=0.1)


def test_a_step_that_gives_several_tokens_counts_as_so_many_and_drafts_that_end_are_noticed():
    learned = warmed(Learned())
    for number in range(60):  # every third step gives one sequence nine tokens more
        learned.note_decode("m", "cpu", 2, 0.4, tokens=11 if number % 3 == 0 else 2)
    assert learned.step_s("m", "cpu", 2) == pytest.approx(0.4 / 2.5, rel=0.1)
    for _ in range(200):
        learned.note_decode("m", "cpu", 2, 0.4, tokens=2)
    assert learned.step_s("m", "cpu", 2) == pytest.approx(0.4, rel=0.02)


def test_a_step_in_which_a_sequence_failed_makes_nothing_slower_or_faster():
    learned = warmed(Learned())
    for _ in range(10):
        learned.note_decode("m", "cpu", 2, 0.4, tokens=1)
    assert learned.step_s("m", "cpu", 2) == pytest.approx(0.4)


def filled(path: Path, model: str = "m") -> Learned:
    learned = Learned(path)
    learned.note_answer(model, "chat", 50)
    learned.note_load(model, 3.0)
    for _ in range(5):
        learned.note_prefill(model, "cpu", 100, 0.5)
        learned.note_decode(model, "cpu", 2, 0.2)
    return learned


def figures(learned: Learned, model: str = "m") -> list[float | None]:
    return [
        learned.expected_tokens(model, "chat", 1000),
        learned.load_s(model),
        learned.prefill_tokens_per_s(model, "cpu"),
        learned.step_s(model, "cpu", 4),
    ]


def test_everything_is_kept_between_runs(tmp_path: Path):
    path = tmp_path / "home" / "learned.json"
    learned = filled(path)
    assert not path.exists()
    learned.close()
    assert figures(Learned(path)) == figures(learned)
    assert None not in figures(learned)
    learned.close()
    assert figures(Learned(path)) == figures(learned)


def test_two_that_share_a_file_keep_what_either_learned(tmp_path: Path):
    path = tmp_path / "learned.json"
    one, two = Learned(path), Learned(path)
    assert one.load_s("a") is two.load_s("a") is None
    one.note_load("a", 1.0)
    two.note_load("b", 2.0)
    one.close()
    two.close()
    both = Learned(path)
    assert (both.load_s("a"), both.load_s("b")) == (1.0, 2.0)


def test_it_is_saved_at_most_every_so_often_and_by_nobody_who_notes(tmp_path: Path):
    path, clock = tmp_path / "learned.json", Clock()
    learned = Learned(path, clock)
    learned.note_load("m", 1.0)
    assert "hearth-learned" not in {thread.name for thread in threading.enumerate()}
    clock.now += SAVE_EVERY_S
    learned.note_load("m", 1.0)
    assert within(5, path.exists)
    assert within(5, lambda: "hearth-learned" not in {thread.name for thread in threading.enumerate()})
    before = path.read_bytes()
    learned.note_load("m", 9.0)
    assert "hearth-learned" not in {thread.name for thread in threading.enumerate()}
    assert path.read_bytes() == before
    learned.close()
    assert path.read_bytes() != before


@pytest.mark.parametrize(
    "data",
    [
        b"", b"{", b"[]", b"\xff\xff", b'{"entries": 3}', b'{"entries": [["load", "m", "", [0, 0, 1, 0, 0]]]}',
        b'{"entries": [["load", "m", "", [1, 0, -1, 0, 0]]]}', b'{"entries": [["load", "m", "", [1, 0, NaN, 0, 0]]]}',
        b'{"entries": [["load", "m", "", [1, 0, 1e999, 0, 0]]]}', b"[" * 100_000,
    ],
)  # fmt: skip
def test_a_damaged_file_is_set_aside(tmp_path: Path, data: bytes):
    path = tmp_path / "learned.json"
    path.write_bytes(data)
    learned = filled(path)
    assert [file.read_bytes() for file in tmp_path.glob("learned.json.corrupt.*")] == [data]
    learned.close()
    assert figures(Learned(path)) == figures(learned)


def test_a_file_that_cannot_be_written_harms_nobody(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    (tmp_path / "file").write_bytes(b"")
    learned = filled(tmp_path / "file" / "learned.json")
    learned.close()
    assert "cannot be kept" in caplog.text
    assert learned.load_s("m") == 3.0


def test_many_threads_note_at_once(tmp_path: Path):
    path = tmp_path / "learned.json"
    learned = Learned(path)

    def note(model: str) -> None:
        for _ in range(200):
            learned.note_decode(model, "cpu", 1, 0.1)
            learned.note_answer("shared", "chat", 10)

    threads = [threading.Thread(target=note, args=(f"m{i}",)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    learned.close()
    again = Learned(path)
    assert all(again.step_s(f"m{i}", "cpu", 1) == pytest.approx(0.1) for i in range(4))
    assert again.expected_tokens("shared", "chat", 100) == 10
