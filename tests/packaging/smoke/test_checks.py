from pathlib import Path

import pytest
from smoke.checks import CheckFailedError, folder_is_untouched, without_window
from smoke.program import Program
from smoke.report import Check


def made(program: Program, source: Path | None = None) -> dict[str, Check]:
    return {check.name: check for check in without_window(program, source)}


def changed(program: Program, old: str, new: str) -> Program:
    text = program.path.read_text(encoding="utf-8")
    assert old in text
    program.path.write_text(text.replace(old, new), encoding="utf-8")
    return program


def test_a_good_program_passes(program: Program):
    checks = made(program, program.path)
    assert {check.outcome for check in checks.values()} == {"ok"}
    assert checks["the same on every variant that runs here"].detail == "1 of 2: old; not here: new"
    assert "the same as from source" in checks


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        ("Hearth 0.1.0", "nothing", "hearth --version"),
        ('"broken": []', '"broken": [1]', "hearth doctor"),
        ('"read": "A"', '"read": "B"', "hearth demo"),
        ("Hearth is a program.", "", "answer of the starter"),
        ("new)", "newer)", "the same on every variant that runs here"),  # as if it ran, and crashed
        ('"plugins": [1]', '"plugins": []', "hearth plugins list"),
        ("demo)", "demo) exit 1;;\nnothing)", "hearth demo"),
    ],
)
def test_what_is_wrong_is_noticed(program: Program, old: str, new: str, name: str):
    if old == "new)":
        changed(program, "new) echo", "new) kill -9 $$; echo")
    else:
        changed(program, old, new)
    assert made(program)[name].outcome == "failed"


def test_another_text_on_another_variant_is_noticed(program: Program):
    (program.folder / "_internal" / "llama_cpp" / "lib" / "libggml-cpu-odd.so").touch()
    check = made(program)["the same on every variant that runs here"]
    assert check.outcome == "failed"
    assert check.detail.startswith("odd: ")


def test_another_text_from_source_is_noticed(program: Program, tmp_path: Path):
    source = tmp_path / "source"
    source.write_text("#!/bin/sh\necho Hearth is another program.\n", encoding="utf-8")
    source.chmod(0o755)
    assert made(program, source)["the same as from source"].outcome == "failed"


def test_files_that_come_change_or_go_are_named():
    assert folder_is_untouched({"a": "1"}, {"a": "1"}) == "1 files and folders"
    with pytest.raises(CheckFailedError, match="a, b, c"):
        folder_is_untouched({"a": "1", "c": "1"}, {"a": "2", "b": "1"})
