"""What the documents say exists, and what exists is in the documents."""

import dataclasses
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
import typer

from engine.bench.catalogue import BENCHES
from engine.cli.main import app
from engine.config import EngineConfig

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md")
README = (ROOT / "README.md").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
PROGRAM = typer.main.get_command(app)
# Files in the tree, as the documents name them: with a folder, or with an ending that only files have.
PATH = re.compile(r"`((?:app|engine|resources|packaging|tests|\.ci|\.github)/[\w./-]*)`")


def text_of(document: str) -> str:
    return (ROOT / document).read_text(encoding="utf-8")


def code_spans(text: str) -> list[str]:
    return re.findall(r"`([^`\n]+)`", text)


def leaves(command: click.Command, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], click.Command]:
    """Commands that do something, by the words that call them."""
    children = getattr(command, "commands", None)
    if children is None:
        return {path: command}
    itself = {path: command} if path and command.invoke_without_command else {}
    return itself | {k: leaf for name, child in children.items() for k, leaf in leaves(child, (*path, name)).items()}


COMMANDS = leaves(PROGRAM)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_make_targets_in_the_documents_exist(document: str):
    named = {match[1] for span in code_spans(text_of(document)) if (match := re.match(r"make ([a-z-]+)", span))}
    assert named - TARGETS == set()


def test_every_make_target_is_in_the_readme():
    assert {target for target in TARGETS - {"help"} if f"`make {target}`" not in README} == set()


@pytest.mark.parametrize("document", DOCUMENTS)
def test_commands_in_the_documents_exist(document: str):
    calls = [span for span in code_spans(text_of(document)) if re.match(r"hearth [a-z]", span)]
    unknown = [call for call in calls if not any(call.split()[1:][: len(path)] == list(path) for path in COMMANDS)]
    assert unknown == []


def test_every_command_is_in_the_readme():
    assert [path for path in COMMANDS if f"| `hearth {' '.join(path)}" not in README] == []


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_options_of_a_command_are_in_the_readme(path: tuple[str, ...]):
    row = next(line for line in README.splitlines() if line.startswith(f"| `hearth {' '.join(path)}"))
    named = set(re.findall(r"--[a-z-]+", row))
    names = {name for parameter in COMMANDS[path].params for name in (*parameter.opts, *parameter.secondary_opts)}
    options = {name for name in names if name.startswith("--")}
    assert named - options == set()
    everywhere = {"--json", "--help"}
    assert options - named - everywhere - {"--quick"} == set()


def test_every_command_speaks_json():
    assert [path for path, command in COMMANDS.items() if not any("--json" in p.opts for p in command.params)] == []


def test_every_bench_is_in_the_readme():
    row = next(line for line in README.splitlines() if line.startswith("| `hearth bench"))
    assert [name for name in BENCHES if f"`{name}`" not in row] == []


@pytest.mark.parametrize("field", dataclasses.fields(EngineConfig), ids=lambda field: field.name)
def test_every_setting_is_in_the_readme_with_its_default(field: dataclasses.Field):
    row = next((line for line in README.splitlines() if line.startswith(f"| `{field.name}` |")), "")
    assert row
    if isinstance(field.default, int):
        assert f"| {str(field.default).lower()} |" in row  # as TOML writes it


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_and_paths_in_the_documents_lead_somewhere(document: str):
    text = text_of(document)
    named = [*re.findall(r"\]\((?!https?:)([^)#]+)\)", text), *PATH.findall(text)]
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_documents_speak_of_no_machine(document: str):
    assert re.findall(r"/(?:home|work|root|Users)/\S*", text_of(document)) == []


def test_settings_example_is_accepted(tmp_path: Path):
    file = tmp_path / "engine.toml"
    file.write_text(re.findall(r"```toml\n(.*?)```", README, re.DOTALL)[0], encoding="utf-8")
    assert EngineConfig.load(file).context_tokens == 8192


@pytest.mark.models
def test_notebook_example_answers(tmp_path: Path):
    code = re.findall(r"```python\n(.*?)```", README, re.DOTALL)[0]
    env = {**os.environ, "HEARTH_HOME": str(tmp_path)}
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)
    assert result.returncode == 0, result.stderr
    assert len(result.stdout.split()) > 3


def test_command_of_the_test_run_is_the_documented_one():
    run = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    calls = [shlex.split(line) for line in run.splitlines() if line.startswith("make ")]
    assert calls == [["make", "check"], ["make", "test"]]
