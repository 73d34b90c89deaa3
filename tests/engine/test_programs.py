"""How Hearth starts itself as another kind of process, from source and frozen."""

import subprocess
import sys
from pathlib import Path

import pytest

from engine import programs
from engine.backends import describing
from engine.backends.llama.paging import self_check
from engine.devices import ask, calibrate
from engine.gates import probe_child
from engine.programs import PROCESSES, is_windowed, module_command, own_program, process_command

ROOT = Path(__file__).parents[2]


@pytest.fixture
def windows_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with both programs, of which the windowed one runs."""
    for name in ("hearth.exe", "hearth-window.exe"):
        (tmp_path / name).touch()
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "hearth-window.exe"))
    return tmp_path


def test_from_source_a_process_finds_the_package_and_runs_its_module(tmp_path: Path) -> None:
    (tmp_path / "engine").mkdir()  # one that is not Hearth's, where somebody happens to be
    (tmp_path / "engine" / "__init__.py").write_text("raise SystemExit('not this one')\n")
    command = process_command("--describe-library", "onnxruntime")
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True)
    assert "CPUExecutionProvider" in done.stdout


def test_an_isolated_process_sees_no_environment() -> None:
    assert process_command("--try-model", "x", is_isolated=True)[1:4] == ["-I", "-B", "-X"]
    assert process_command("--try-model", "x", is_isolated=True)[-2:] == [str(ROOT), "x"]


def test_a_frozen_program_starts_itself_with_a_flag(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert process_command("--ask-devices", "a", "b") == [sys.executable, "--ask-devices", "a", "b"]
    assert process_command("--ask-devices", is_isolated=True) == [sys.executable, "--ask-devices"]


def test_modules_run_as_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    assert module_command("engine.bench.spin", "1") == [sys.executable, "-m", "engine.bench.spin", "1"]
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert module_command("engine", "run") == [sys.executable, "run"]
    assert module_command("app", "--safe") == [sys.executable, "--window", "--safe"]
    assert module_command("engine.bench.spin", "1") == [sys.executable, "--module", "engine.bench.spin", "1"]


def test_on_windows_children_have_the_console_program(windows_folder: Path) -> None:
    assert is_windowed()
    assert own_program() == str(windows_folder / "hearth.exe")
    assert process_command("--check-paging")[0] == str(windows_folder / "hearth.exe")
    assert module_command("app")[0] == str(windows_folder / "hearth-window.exe")


def test_one_program_alone_starts_itself(windows_folder: Path) -> None:
    (windows_folder / "hearth.exe").unlink()
    assert own_program() == str(windows_folder / "hearth-window.exe")


def test_nothing_is_windowed_from_source() -> None:
    assert not is_windowed()
    assert not programs.is_frozen()


def test_the_flags_of_the_starters_are_known() -> None:
    assert {module.FLAG for module in (ask, calibrate, describing, probe_child, self_check)} <= set(PROCESSES)
