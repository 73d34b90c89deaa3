"""The guide for plugins in the README, followed to the letter: its files are installed and run by the real program."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from engine.bench.random_model import write_random_gguf

ROOT = Path(__file__).resolve().parents[1]
GUIDE = ROOT / "README.md"
SECTION = re.compile(r"^## Write a plugin\n(.*?)(?=^## |\Z)", re.DOTALL | re.MULTILINE)
BLOCK = re.compile(r"^<!-- file: (\S+) -->\n```\w+\n(.*?)^```", re.DOTALL | re.MULTILINE)
EXAMPLE = re.compile(r"`hearth (task shout [^`]*)` prints `([^`]*)`")
TESTED = re.compile(r"`hearth (plugins test [^`]*)`")

pytestmark = pytest.mark.models

Hearth = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def guide() -> str:
    found = SECTION.search(GUIDE.read_text(encoding="utf-8"))
    assert found, f"{GUIDE.name} has no section about writing plugins"
    return found[1]


@pytest.fixture(scope="module")
def files(guide: str) -> Mapping[str, str]:
    return dict(BLOCK.findall(guide))


@pytest.fixture
def hearth(tmp_path: Path, files: Mapping[str, str]) -> Hearth:
    """Run the program in a folder that holds the guide's files, with a fresh home."""
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content, encoding="utf-8")
    (tmp_path / "home" / "models").mkdir(parents=True)
    env = {**os.environ, "HEARTH_HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT)}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "engine", *arguments]
        return subprocess.run(
            command,
            cwd=tmp_path,
            env=env,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=100,
            check=False,
        )

    return run


@pytest.fixture
def parrot_file(hearth: Hearth, tmp_path: Path) -> Path:
    """A model of the new family, with random weights."""
    path = tmp_path / "home" / "models" / "polly.gguf"
    write_random_gguf(path, "tiny", "q8_0", extra={"parrot.version": 1})
    return path


def install(hearth: Hearth, plugin: str) -> None:
    ended = hearth("plugins", "install", plugin, "--yes")
    assert ended.returncode == 0, ended.stderr
    assert "runs from now on" in ended.stdout


def test_the_guide_needs_nothing_but_the_plugins_folders(files: Mapping[str, str]):
    assert sorted(files) == ["parrot/__init__.py", "parrot/plugin.toml", "shout/__init__.py", "shout/plugin.toml"]


def test_the_new_task_runs_as_the_guide_says(hearth: Hearth, guide: str):
    install(hearth, "shout")
    [(command, printed)] = EXAMPLE.findall(guide)
    ended = hearth(*shlex.split(command))
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, f"{printed}\n", "")


def test_the_new_task_asks_a_model(hearth: Hearth):
    install(hearth, "shout")
    ended = hearth("task", "shout", "--text", "We have cake.", "--model", "starter", "--json")
    assert ended.returncode == 0, ended.stderr
    loud = json.loads(ended.stdout)["outputs"]["loud"]
    assert len(loud) > 10
    assert loud == loud.upper()
    assert "CAKE.!" not in loud  # as it would be without a model


def test_a_file_of_the_new_family_is_served_by_it(hearth: Hearth, parrot_file: Path):
    ask = ("run", "polly", "Hello", "--system", "Be brief.", "--max-tokens", "8", "--seed", "1", "--json")
    assert "chat template" in hearth(*ask).stderr  # the bundled plugins do not know how to talk to it
    install(hearth, "parrot")
    models = json.loads(hearth("models", "list", "--json").stdout)["models"]
    [polly] = [model for model in models if model["id"] == "polly"]
    assert polly["plugins"][0] == "parrot"
    assert polly["tasks"][0] == "chat"
    ended = hearth(*ask)
    assert ended.returncode == 0, ended.stderr
    answer = json.loads(ended.stdout)
    # The vocabulary has a token per byte, one that begins a text, and writes a space as U+2581.
    prompt = "system: Be brief.\nuser: Hello\nassistant:".replace(" ", "\u2581")
    assert answer["usage"]["prompt_tokens"] == 1 + len(prompt.encode())
    assert answer["usage"]["output_tokens"] > 0


def test_the_examples_keep_the_contract(hearth: Hearth, guide: str, parrot_file: Path):
    commands = TESTED.findall(guide)
    assert len(commands) == 2
    for command in commands:
        ended = hearth(*shlex.split(command.replace("FILE", f'"{parrot_file}"')), "--no-tests", "--json")
        assert ended.returncode == 0, ended.stdout
        assert [check["name"] for check in json.loads(ended.stdout)["checks"] if check["note"].startswith("none")] == []


def test_the_examples_are_written_as_everything_here(hearth: Hearth, tmp_path: Path):
    ruff = shutil.which("ruff", path=str(Path(sys.executable).parent))
    assert ruff
    for check in (["check"], ["format", "--check"]):
        command = [ruff, *check, "--no-cache", "--config", str(ROOT / "pyproject.toml"), "shout", "parrot"]
        ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stdout
