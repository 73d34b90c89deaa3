"""Which build this is."""

import json
import sys
from pathlib import Path

import pytest

from engine import BuildInfo, build
from engine.build import build_info

NOTED = {
    "version": "1.2.3",
    "commit": "0123456789abcdef0123456789abcdef01234567",
    "built": "2026-11-30T08:00:00Z",
    "llama_cpp": "0.3.36",
    "update_url": "https://example.org/latest.json",
}


@pytest.fixture
def frozen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A frozen program whose resources are in this folder."""
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(build, "files", lambda _package: tmp_path)
    build_info.cache_clear()
    return tmp_path


@pytest.fixture(autouse=True)
def forgotten():
    yield
    build_info.cache_clear()


def test_from_source_little_is_known() -> None:
    info = build_info()
    assert info.version == info.title != ""
    assert info.llama_cpp
    assert (info.commit, info.built, info.update_url) == ("", "", "")


def test_a_frozen_program_says_what_was_noted(frozen: Path) -> None:
    (frozen / "build.json").write_text(json.dumps(NOTED))
    assert build_info() == BuildInfo(**NOTED)
    assert build_info().title == "1.2.3 (0123456789, llama.cpp 0.3.36)"


@pytest.mark.parametrize("text", [None, "", "{", "[]", '{"version": 1}'])
def test_a_note_that_is_gone_or_damaged_costs_what_it_said(frozen: Path, text: str | None) -> None:
    if text is not None:
        (frozen / "build.json").write_text(text)
    assert build_info().commit == ""
    assert build_info().version


def test_the_command_line_shows_it(frozen: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    from engine.cli.main import run_arguments

    (frozen / "build.json").write_text(json.dumps(NOTED))
    assert run_arguments(["--version"]) == 0
    assert capsys.readouterr().out == "Hearth 1.2.3 (0123456789, llama.cpp 0.3.36)\n"
