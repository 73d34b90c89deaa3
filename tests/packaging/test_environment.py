"""A tiny Hearth is really set up with venv and pip, then changed and broken in turn."""

import shutil
import sys
from pathlib import Path

import environment
import pytest

DONE = "Hearth is set up"


def test_set_up_installs_hearth_and_the_wheel(checkout):
    health = environment.examine(checkout.venv)
    assert health == environment.Health(f"3.{sys.version_info.minor}", checkout.index.version)
    assert not (checkout.venv / environment.INCOMPLETE).exists()


def test_run_passes_arguments_and_exit_code_on(checkout):
    result = checkout.bootstrap("run", "models", "list")
    assert result.stdout.endswith("hearth models list\n")
    assert result.returncode == 7


@pytest.mark.skipif(sys.platform != "linux", reason="other systems always have a display")
def test_run_without_a_display_is_the_demo(checkout):
    assert checkout.bootstrap("run").stdout.endswith("hearth demo\n")


def test_second_set_up_does_nothing(checkout):
    before = (checkout.venv / environment.STAMP).stat().st_mtime_ns
    result = checkout.bootstrap("install")
    assert result.returncode == 0
    assert DONE not in result.stdout
    assert (checkout.venv / environment.STAMP).stat().st_mtime_ns == before


def test_changed_dependencies_are_installed_without_compiling_again(checkout):
    installs = checkout.installs
    with (checkout.folder / "pyproject.toml").open("a", encoding="utf-8") as pyproject:
        pyproject.write("# changed\n")
    assert DONE in checkout.bootstrap("install").stdout
    assert checkout.installs == installs + 1
    assert len(checkout.index.builds) == 1


def test_tools_for_tests_stay_once_they_are_there(checkout):
    assert DONE in checkout.bootstrap("install", "--dev").stdout
    assert DONE not in checkout.bootstrap("install").stdout
    assert environment.read_stamp(checkout.venv).dev


def break_python(venv: Path) -> None:
    environment.venv_program(venv, "python").unlink()
    (venv / environment.STAMP).unlink()


def break_off(venv: Path) -> None:
    shutil.move(venv / environment.STAMP, venv / environment.INCOMPLETE)


@pytest.mark.parametrize("damage", [break_python, break_off])
def test_damaged_environment_is_made_anew_from_the_kept_wheel(checkout, damage):
    mark = checkout.venv / "old"
    mark.touch()
    damage(checkout.venv)
    assert DONE in checkout.bootstrap("install").stdout
    assert not mark.exists()
    assert len(checkout.index.builds) == 1
    assert checkout.bootstrap("run", "x").returncode == 7


def test_environment_made_by_hand_is_completed_not_replaced(checkout):
    mark = checkout.venv / "mine"
    mark.touch()
    (checkout.venv / environment.STAMP).unlink()
    assert DONE in checkout.bootstrap("install").stdout
    assert mark.exists()


@pytest.mark.parametrize("content", ["", "[]", '{"dev": true}', "{"])
def test_unreadable_stamp_counts_as_none(tmp_path: Path, content: str):
    (tmp_path / environment.STAMP).write_text(content, encoding="utf-8")
    assert environment.read_stamp(tmp_path) is None


def test_missing_environment_is_not_healthy(tmp_path: Path):
    assert environment.examine(tmp_path / "absent") is None


def test_python_without_venv_is_told_the_package():
    error = environment.venv_failure("The virtual environment was not created because ensurepip is not available.")
    assert f"python3.{sys.version_info.minor}-venv" in error.remedy


def test_pip_failure_names_the_last_error(tmp_path: Path):
    error = environment.pip_failure("ERROR: one\nfine\nERROR: No matching distribution\n", tmp_path / "a.log")
    assert "No matching distribution" in error.cause
    assert "a.log" in error.remedy
