"""StopScanner: stop strings across piece borders, with as little held back as possible."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.backends.llama.stops import StopScanner
from engine.errors import InvalidRequestError

stop_lists = st.lists(st.text("ab\n", min_size=1, max_size=5), max_size=4)


def run(stops: list[str], pieces: list[str]) -> tuple[str, bool]:
    scanner = StopScanner(stops)
    shown = ""
    for piece in pieces:
        text, stopped = scanner.push(piece)
        shown += text
        if stopped:
            return shown, True
    return shown + scanner.flush(), False


def before_first_stop(stops: list[str], text: str) -> tuple[str, bool]:
    """The plain definition: the stop that is complete first; of those complete together, the longest."""
    for end in range(1, len(text) + 1):
        starts = [end - len(stop) for stop in stops if text[:end].endswith(stop)]
        if starts:
            return text[: min(starts)], True
    return text, False


@given(stop_lists, st.lists(st.text("ab\nc", max_size=4), max_size=20))
def test_any_cutting_gives_the_text_before_the_first_stop(stops, pieces):
    assert run(stops, pieces) == before_first_stop(stops, "".join(pieces))


@given(stop_lists, st.text("ab\nc", max_size=30))
def test_no_more_is_held_back_than_could_become_a_stop(stops, text):
    scanner = StopScanner(stops)
    shown = ""
    for index, char in enumerate(text):
        piece, stopped = scanner.push(char)
        shown += piece
        if stopped:
            break
        held = text[: index + 1][len(shown) :]
        longest = max(
            (size for size in range(index + 2) for stop in stops if len(stop) > size > 0
             and text[: index + 1].endswith(stop[:size])),
            default=0,
        )  # fmt: skip
        assert len(held) == longest


def test_text_passes_through_when_there_are_no_stops():
    scanner = StopScanner(())
    assert scanner.push("any </s> text") == ("any </s> text", False)
    assert scanner.flush() == ""


def test_nothing_comes_out_after_a_stop():
    scanner = StopScanner(["END"])
    assert scanner.push("xEN") == ("x", False)
    assert scanner.push("D more") == ("", True)
    assert scanner.push("more") == ("", True)
    assert scanner.flush() == ""


def test_held_text_comes_out_when_it_cannot_become_a_stop_any_more():
    scanner = StopScanner(["\n\nUser:"])
    assert scanner.push("Hi\n\nUs") == ("Hi", False)
    assert scanner.push("ual") == ("\n\nUsual", False)
    assert scanner.push(" \n") == (" ", False)
    assert scanner.flush() == "\n"


@pytest.mark.parametrize("stops", [[""], ["a", ""], ["x" * 1025], [str(number) for number in range(257)]])
def test_impossible_stops_are_refused_with_a_reason(stops):
    with pytest.raises(InvalidRequestError, match="stop string"):
        StopScanner(stops)


def test_repetitive_text_and_long_stops_stay_cheap():
    scanner = StopScanner(["a" * 1000 + str(number) for number in range(16)])
    start = time.perf_counter()
    for _ in range(200):
        scanner.push("a")
    assert time.perf_counter() - start < 1.0
