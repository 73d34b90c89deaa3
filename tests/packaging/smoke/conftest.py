"""A program that says what Hearth says, written for the shell, so that the trial itself can be tried in no time."""

import sys
from pathlib import Path

import pytest
from smoke.program import Program

collect_ignore_glob = [] if sys.platform == "linux" else ["test_*.py"]

SCRIPT = """#!/bin/sh
case "$1" in
--version) echo "Hearth 0.1.0" ;;
doctor) echo '{"models": [1, 2], "broken": []}' ;;
demo) echo '{"problems": [], "image": {"read": "A", "shown": "A"}}' ;;
plugins) echo '{"plugins": [1]}' ;;
run)
    case "$HEARTH_CPU_VARIANT" in
    new) echo "HEARTH_CPU_VARIANT names new, which this processor cannot run. Remove it." >&2; exit 1 ;;
    odd) echo "Hearth is something else." ;;
    *) echo "Hearth is a program." ;;
    esac ;;
--window) echo window; exec sleep 60 ;;
esac
"""


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """The program, with one variant that runs here and one that does not."""
    folder = tmp_path / "hearth"
    libraries = folder / "_internal" / "llama_cpp" / "lib"
    libraries.mkdir(parents=True)
    for name in ("new", "old"):
        (libraries / f"libggml-cpu-{name}.so").touch()
    write(folder / "hearth", SCRIPT)
    (tmp_path / "home").mkdir()
    return Program(folder / "hearth", tmp_path / "home")


def write(path: Path, script: str) -> None:
    """Write a program for the shell."""
    path.write_text(script, encoding="utf-8")
    path.chmod(0o755)
