import shutil
import subprocess
import sys
from pathlib import Path

import bootstrap
import pytest
import supported_python

PACKAGING = Path(bootstrap.__file__).parent


def run_bootstrap(*arguments: str, folder: Path = PACKAGING) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(folder / "bootstrap.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_help_names_every_command():
    result = run_bootstrap("--help")
    assert result.returncode == 0
    assert [name for name in bootstrap.COMMANDS if f"  {name} " not in result.stdout] == []


@pytest.mark.parametrize(
    "arguments", [[], ["fly"], ["check", "now"], ["clean", "all"], ["install", "--fast"], ["backends", "x"]]
)
def test_wrong_use_ends_with_2_and_no_traceback(arguments: list[str]):
    result = run_bootstrap(*arguments)
    assert result.returncode == 2
    assert "Traceback" not in result.stderr
    assert result.stderr


def test_a_failure_is_one_sentence_and_ends_with_1(tmp_path: Path):
    shutil.copytree(PACKAGING, tmp_path / "packaging", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "pyproject.toml").write_text("[project]\n", encoding="utf-8")
    result = run_bootstrap("install", folder=tmp_path / "packaging")
    assert result.returncode == 1
    assert result.stderr.startswith("pyproject.toml pins no version of llama-cpp-python.")
    assert "Traceback" not in result.stderr


def test_clean_removes_what_can_be_made_again_and_nothing_else(tmp_path: Path):
    shutil.copytree(PACKAGING, tmp_path / "packaging", ignore=shutil.ignore_patterns("__pycache__"))
    for made in (".venv/bin", ".cache", "screenshots", "engine/__pycache__", "engine/models"):
        (tmp_path / made).mkdir(parents=True)
        (tmp_path / made / "file").touch()
    (tmp_path / ".coverage").touch()
    result = run_bootstrap("clean", folder=tmp_path / "packaging")
    assert result.returncode == 0, result.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["engine", "packaging"]
    assert (tmp_path / "engine" / "models" / "file").exists()
    assert not (tmp_path / "engine" / "__pycache__").exists()


@pytest.mark.parametrize(
    ("version", "expected"), [((3, 10), False), ((3, 11), True), ((3, 13), True), ((3, 14), False), ((2, 7), False)]
)
def test_supported_versions(version: tuple[int, int], expected: bool):
    assert supported_python.is_supported(version) is expected


def test_supported_versions_are_those_of_pyproject():
    pyproject = (PACKAGING.parent / "pyproject.toml").read_text(encoding="utf-8")
    oldest, newest = supported_python.OLDEST, supported_python.NEWEST
    assert f'requires-python = ">={oldest[0]}.{oldest[1]},<{newest[0]}.{newest[1] + 1}"' in pyproject


@pytest.mark.skipif(sys.platform == "win32", reason="stands in for programs with shell scripts")
def test_programs_that_do_not_start_are_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name, code in (("python3.13", 127), ("python3.12", 0), ("python3.11", 0)):
        (tmp_path / name).write_text(f"#!/bin/sh\nexit {code}\n", encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert supported_python.find_supported() == str(tmp_path / "python3.12")


def test_without_a_supported_python_there_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SystemExit, match=r"3\.11 to 3\.13, but this is Python 3\.9\. Install one"):
        supported_python.require_supported((3, 9), ["bootstrap.py"])
