import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from engine.cli.output import Output, count_of, human_count, human_size, note, plain
from engine.types import Accepts


@dataclass(frozen=True)
class Thing:
    path: Path
    kinds: frozenset[Accepts]
    vector: np.ndarray


def test_everything_becomes_json() -> None:
    thing = Thing(Path("/x"), frozenset({Accepts.MESSAGES}), np.array([0.5, 1], np.float32))
    value = {"thing": (thing,), "count": np.int64(3), "none": None, "yes": True}
    assert json.loads(json.dumps(plain(value))) == {
        "thing": [{"path": "/x", "kinds": ["messages"], "vector": [0.5, 1.0]}],
        "count": 3,
        "none": None,
        "yes": True,
    }


def test_json_and_text_never_mix(capsys: pytest.CaptureFixture[str]) -> None:
    Output(as_json=True).line("text")
    Output(as_json=True).table("table")
    Output(as_json=False).document({"a": 1})
    assert capsys.readouterr().out == ""


def test_what_is_said_beside_moves_no_cursor_of_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    note("known are: \x1b]0;a\x07\x9b2J\n")
    assert capsys.readouterr().err == "known are: ]0;a2J\n\n"


def test_a_number_that_json_does_not_know_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        Output(as_json=True).document({"value": float("nan")})


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_a_terminal_gets_no_control_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = os.openpty()
    with os.fdopen(theirs, "w") as terminal:
        monkeypatch.setattr(sys, "stdout", terminal)
        Output().text("a\x1b]0;title\x07b\x9b1mc\tä")
        monkeypatch.undo()
        shown = os.read(ours, 100)
    os.close(ours)
    assert shown.decode() == "a]0;titleb1mc\tä"


@pytest.mark.parametrize(
    ("count", "shown"), [(5, "5 bytes"), (1400, "1.4 kB"), (1_551_200, "1.6 MB"), (123e9, "123 GB"), (5e15, "5000 TB")]
)
def test_sizes(count: float, shown: str) -> None:
    assert human_size(int(count)) == shown


@pytest.mark.parametrize(("count", "shown"), [(None, "–"), (12, "12"), (1.4e6, "1.4M"), (1.1e9, "1.1B"), (32e9, "32B")])
def test_counts(count: float | None, shown: str) -> None:
    assert human_count(count) == shown


def test_one_and_many() -> None:
    assert [count_of(count, "thread") for count in (0, 1, 2)] == ["0 threads", "1 thread", "2 threads"]
