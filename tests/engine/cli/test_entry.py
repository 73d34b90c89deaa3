"""The first moments of the program."""

import os
import subprocess
import sys

import pytest


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT to send to one process")
def test_ctrl_c_while_the_program_is_still_being_imported_is_quiet() -> None:
    # The interrupt arrives inside the import of the command line, wherever that is just then.
    code = (
        "import builtins, os, signal, sys\n"
        "real = builtins.__import__\n"
        "def interrupting(name, *rest):\n"
        "    if name == 'typer': os.kill(os.getpid(), signal.SIGINT)\n"
        "    return real(name, *rest)\n"
        "from engine.cli.entry import main\n"
        "builtins.__import__ = interrupting\n"
        "main()\n"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert process.returncode == 130
    assert process.stderr == ""


def test_the_entry_point_imports_nothing_heavy() -> None:
    code = "import sys, engine.cli.entry; print(sorted({'numpy', 'typer', 'psutil', 'PIL'} & sys.modules.keys()))"
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True, env=environment
    )
    assert process.stdout.strip() == "[]"


@pytest.mark.parametrize("name", ["Engine", "GenerateRequest", "EngineError", "EngineConfig"])
def test_public_names_are_imported_when_they_are_used(name: str) -> None:
    import engine

    assert getattr(engine, name).__name__ == name


def test_every_public_name_exists_and_no_other() -> None:
    import engine

    assert [name for name in engine.__all__ if not hasattr(engine, name)] == []
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = engine.nonsense
