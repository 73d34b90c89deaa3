"""How scripts end."""

from pathlib import Path

import pytest
from failure import SetupError, exit_code


def test_what_was_made_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(lambda: Path("dist/made")) == 0
    assert capsys.readouterr().out.strip() == str(Path("dist/made"))


def test_nothing_is_printed_of_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(lambda: None) == 0
    assert capsys.readouterr() == ("", "")


def test_a_failure_is_two_sentences_and_a_code(capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        raise SetupError("The disk is full.", "Free some space.")

    assert exit_code(fail) == 1
    assert capsys.readouterr() == ("", "The disk is full. Free some space.\n")
