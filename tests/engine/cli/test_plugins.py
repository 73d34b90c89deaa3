"""`hearth plugins ...` and `hearth task ...`, with plugins in their own processes."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

TASK = """id = "shout"
name = "Shout"
version = "1.0.0"
api = "1.0"
summary = "Writes in capitals."
author = "Ann"
licence = "MIT"
provides = ["task:shout"]

[[permissions]]
kind = "models"
reason = "Asks nobody, but wants to."

[[settings]]
name = "mark"
title = "Mark"
default = "!"
"""
CODE = '''"""Shout."""

from engine.plugins.api import Field, InvalidRequestError, Kind, Table


class Shout:
    """Shouts."""

    id = "shout"
    title = "Shout"
    summary = "Writes a text in capitals."
    inputs = (
        Field(name="text", title="Text", multiline=True),
        Field(name="times", title="Times", kind=Kind.INTEGER, default=1, least=1, most=3),
        Field(name="file", title="File", kind=Kind.FILE, required=False),
        Field(name="twice", title="Twice", kind=Kind.FLAG, default=False),
    )
    outputs = (Field(name="loud", title="Loud"), Field(name="words", title="Words", kind=Kind.TABLE))

    def __init__(self, mark):
        self._mark = mark

    def run(self, inputs, context):
        """Shout."""
        if inputs["text"] == "refuse":
            raise InvalidRequestError("That cannot be shouted.", "Write something else.")
        text = inputs["text"] + (inputs["file"].text() if "file" in inputs else "")
        loud = " ".join([text.upper() + self._mark] * inputs["times"] * (2 if inputs["twice"] else 1))
        context.progress(0.5, "shouting")
        context.emit("loud", loud[:3])
        return {"loud": loud, "words": Table(("word",), tuple((word,) for word in loud.split()))}


def register(registrar):
    """Offer it."""
    registrar.add_task(Shout(registrar.settings["mark"]))
'''


@pytest.fixture
def shout(tmp_path: Path) -> Path:
    """A plugin's folder, not installed."""
    folder = tmp_path / "mine" / "shout"
    folder.mkdir(parents=True)
    (folder / "plugin.toml").write_text(TASK)
    (folder / "__init__.py").write_text(CODE)
    return folder


@pytest.fixture
def enabled(hearth, shout: Path) -> Path:
    assert hearth("plugins", "install", shout, "--yes").code == 0
    return shout


class TestPlugins:
    def test_bundled_plugins_are_listed(self, hearth) -> None:
        ended = hearth("plugins", "list", "--json")
        assert {"chat", "embed"} <= {info["id"] for info in ended.document["plugins"] if info["is_bundled"]}
        assert "family chat" in hearth("plugins", "list").out

    def test_what_a_plugin_wants_is_shown_before_it_runs(self, hearth, shout: Path) -> None:
        ended = hearth("plugins", "install", shout, "--yes")
        digest = hearth("plugins", "info", "shout", "--json").document["digest"]
        for said in ("Shout 1.0.0", "Ann", digest, "own process", "ask your models: Asks nobody, but wants to."):
            assert said in ended.err
        assert ended.out == "shout: It runs from now on.\n"

    @pytest.mark.parametrize("command", ["install", "enable"])
    def test_nobody_is_asked_without_a_terminal(self, hearth, shout: Path, home: Path, command: str) -> None:
        if command == "enable":
            hearth("plugins", "install", shout, "--yes")
            hearth("plugins", "disable", "shout")
        ended = hearth("plugins", command, shout if command == "install" else "shout")
        assert (ended.code, ended.out) == (2, "")
        assert "--yes" in ended.err
        assert (home / "plugins").exists() == (command == "enable")

    @pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
    @pytest.mark.parametrize(("answer", "state"), [(b"y\n", "active"), (b"\n", "needs consent")])
    def test_a_person_is_asked(self, hearth, shout: Path, home: Path, answer: bytes, state: str) -> None:
        import pty  # not on Windows

        ours, theirs = pty.openpty()
        os.write(ours, answer)
        command = [sys.executable, "-m", "engine", "plugins", "install", str(shout)]
        environment = {**os.environ, "HEARTH_HOME": str(home)}
        ended = subprocess.run(command, env=environment, stdin=theirs, capture_output=True, text=True, check=True)
        os.close(ours)
        os.close(theirs)
        assert "Allow it to run? [y/N]" in ended.stderr
        assert hearth("plugins", "info", "shout", "--json").document["state"] == state

    def test_one_changed_byte_asks_again(self, hearth, enabled: Path, home: Path) -> None:
        code = home / "plugins" / "shout" / "__init__.py"
        code.write_text(code.read_text() + "\n")
        assert hearth("plugins", "info", "shout", "--json").document["state"] == "needs consent"
        ended = hearth("task", "shout", "--text", "hi")
        assert ended.code == 1
        assert "changed since you allowed it" in ended.err
        assert hearth("plugins", "enable", "shout", "--yes").code == 0
        assert hearth("task", "shout", "--text", "hi").out.startswith("HI!")

    def test_a_plugin_is_disabled_enabled_and_removed(self, hearth, enabled: Path, home: Path) -> None:
        assert hearth("plugins", "disable", "shout", "--json").document["state"] == "disabled"
        assert hearth("task").out.count("shout") == 0
        assert hearth("plugins", "enable", "shout", "--yes", "--json").document["state"] == "active"
        assert hearth("plugins", "reload", "shout").code == 0
        assert hearth("plugins", "remove", "shout").out == "shout is removed.\n"
        assert not (home / "plugins" / "shout").exists()
        assert hearth("plugins", "info", "shout").code == 1

    def test_a_bundled_plugin_needs_no_consent(self, hearth) -> None:
        assert hearth("plugins", "disable", "embed", "--json").document["state"] == "disabled"
        assert hearth("embed", "vectors", "text").code == 1
        assert hearth("plugins", "enable", "embed", "--json").document["state"] == "active"
        assert hearth("plugins", "remove", "embed").code == 1

    def test_settings_are_shown_and_changed(self, hearth, enabled: Path) -> None:
        assert hearth("plugins", "settings", "shout").out.startswith("mark = !")
        assert hearth("plugins", "settings", "shout", "mark=?", "--json").document["settings"] == {"mark": "?"}
        assert hearth("task", "shout", "--text", "hi").out.startswith("HI?")
        for wrong in ("mark", "colour=red"):
            assert hearth("plugins", "settings", "shout", wrong).code == 2

    def test_safe_leaves_strangers_out(self, hearth, enabled: Path) -> None:
        assert "safe mode" in hearth("--safe", "task", "shout", "--text", "hi").err
        states = {
            info["id"]: info["state"] for info in hearth("--safe", "plugins", "list", "--json").document["plugins"]
        }
        assert (states["shout"], states["chat"]) == ("disabled", "active")

    def test_a_plugin_that_cannot_start_is_told_at_once(self, hearth, shout: Path) -> None:
        (shout / "__init__.py").write_text("import nothing_of_this_name\n")
        ended = hearth("plugins", "install", shout, "--yes")
        assert ended.code == 1
        assert "nothing_of_this_name" in ended.err
        assert "nothing_of_this_name" in hearth("task", "shout", "--text", "hi").err

    def test_a_broken_plugin_is_refused_in_a_sentence(self, hearth, tmp_path: Path) -> None:
        (tmp_path / "bad.zip").write_bytes(b"PK no zip")
        for path in (tmp_path / "bad.zip", tmp_path / "nothing", tmp_path):
            ended = hearth("plugins", "install", path, "--yes")
            assert (ended.code, ended.out) == (1, "")
            assert len(ended.err.splitlines()) == 1

    def test_what_a_stranger_writes_moves_no_cursor(self, hearth, shout: Path) -> None:
        (shout / "plugin.toml").write_text(TASK.replace("Asks nobody", "[red]\\u202e[/red] Asks nobody"))
        ended = hearth("plugins", "install", shout, "--yes")
        assert "\u202e" not in ended.out + ended.err


class TestTasks:
    def test_tasks_are_listed(self, hearth, enabled: Path) -> None:
        assert "Writes a text in capitals." in hearth("task").out
        [task] = [task for task in hearth("task", "--json").document["tasks"] if task["id"] == "shout"]
        assert [field["name"] for field in task["inputs"]] == ["text", "times", "file", "twice"]

    def test_help_of_a_task_shows_its_options(self, hearth, enabled: Path) -> None:
        out = hearth("task", "shout", "--help").out
        for said in ("--text", "--times", "from 1 to 3", "--file", "--twice", "must be given", "loud"):
            assert said in out
        assert "NAME" in hearth("task", "--help").out

    def test_a_task_prints_its_outputs(self, hearth, enabled: Path, tmp_path: Path) -> None:
        (tmp_path / "more.txt").write_text(" all")
        ended = hearth("task", "shout", "--text", "hi", "--times=2", "--file", tmp_path / "more.txt")
        assert ended.code == 0
        assert ended.out.startswith("HI ALL! HI ALL!\n")
        assert "word" in ended.out
        assert ended.err == ""

    def test_json_is_one_document_with_all_outputs(self, hearth, enabled: Path) -> None:
        document = hearth("task", "shout", "--text", "-", "--twice", "--json", stdin="ho").document
        assert document["outputs"] == {"loud": "HO! HO!", "words": {"columns": ["word"], "rows": [["HO!"], ["HO!"]]}}
        assert document["task"] == "shout"
        assert document["total_s"] > 0

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (("whisper",), "no task called whisper"),
            (("shout",), "Text is missing"),
            (("shout", "--colour", "red"), "no option '--colour'"),
            (("shout", "hello"), "no option 'hello'"),
            (("shout", "--text"), "no value"),
            (("shout", "--text", "a", "--text", "b"), "given twice"),
            (("shout", "--text", "hi", "--times", "many"), "Times is 'many'"),
            (("shout", "--text", "hi", "--times", "-4"), "from 1 to 3"),
            (("shout", "--text", "hi", "--twice=perhaps"), "neither yes nor no"),
            (("shout", "--text", "hi", "--file", "/nothing/here"), "cannot be read"),
            (("shout", "--text", "hi", "--file", "/"), "is no file"),
            (("shout", "--text", "-", "--file", "-"), "Standard input"),
            (("shout", "--text", "refuse"), "cannot be shouted"),
        ],
    )
    def test_wrong_use_is_a_sentence(self, hearth, enabled: Path, arguments: tuple[str, ...], said: str) -> None:
        for more in ((), ("--json",)):
            ended = hearth("task", *arguments, *more)
            assert (ended.code, ended.out) == (2, "")
            assert said in ended.err
            assert len(ended.err.splitlines()) == 1


class TestAuthors:
    def test_a_new_plugin_passes_the_test(self, hearth, tmp_path: Path) -> None:
        assert hearth("plugins", "new", "word-count", "--into", tmp_path, "--json").document["plugin"] == "word-count"
        ended = hearth("plugins", "test", tmp_path / "word_count")
        assert ended.code == 0, ended.out
        assert "its own tests" in ended.out
        assert "p95 ms" in ended.out

    def test_a_broken_plugin_fails_with_the_reason(self, hearth, shout: Path) -> None:
        code = CODE.replace('return {"loud": loud,', 'return {"quiet": loud,')
        (shout / "__init__.py").write_text(code)
        ended = hearth("plugins", "test", shout, "--no-tests", "--json")
        assert ended.code == 1
        document = json.loads(ended.out)
        assert document["passed"] is False
        assert [check["name"] for check in document["checks"] if check["problem"]] == ["task:shout run"]

    def test_a_model_file_can_be_brought(self, hearth, tmp_path: Path, model_files) -> None:
        hearth("plugins", "new", "mine", "--kind", "family", "--into", tmp_path)
        code = tmp_path / "mine" / "family.py"
        code.write_text(
            code.read_text().replace('"mine.version" not in facts.metadata', 'facts.file_name != "plain.gguf"')
        )
        ended = hearth("plugins", "test", tmp_path / "mine", "--no-tests", "--json", "--model", model_files["plain"])
        names = [check["name"] for check in ended.document["checks"]]
        assert "family:mine compose" in names
        assert ended.code == 0

    def test_wrong_use_is_a_sentence(self, hearth, tmp_path: Path) -> None:
        assert hearth("plugins", "new", "Not An Id", "--into", tmp_path).code == 2
        assert hearth("plugins", "test", tmp_path).code == 1


@pytest.mark.skipif(sys.platform == "win32", reason="there is no Ctrl-C to send")
def test_a_cancelled_task_ends_the_command(enabled: Path, home: Path) -> None:
    code = home / "plugins" / "shout" / "__init__.py"
    code.write_text(CODE.replace('context.progress(0.5, "shouting")', 'context.emit("loud", "begun\\n")\n' + WAIT))
    environment = {**os.environ, "HEARTH_HOME": str(home)}
    command = [sys.executable, "-m", "engine"]
    subprocess.run([*command, "plugins", "enable", "shout", "--yes"], env=environment, check=True, capture_output=True)
    with subprocess.Popen(
        [*command, "task", "shout", "--text", "x"], env=environment, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"begun\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130


WAIT = """        import time

        while True:
            time.sleep(0.01)
            context.progress(0.5, "waiting")
"""
