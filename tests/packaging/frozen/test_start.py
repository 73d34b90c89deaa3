"""The first moments of a frozen program."""

import importlib.util
import io
import sys
from pathlib import Path

import pytest

START = Path(__file__).parents[3] / "packaging" / "frozen" / "start.py"


@pytest.fixture(scope="module")
def start():
    spec = importlib.util.spec_from_file_location("frozen_start", START)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"LD_LIBRARY_PATH": "/h/_internal"}, {}),
        ({"LD_LIBRARY_PATH": "/h/_internal:/own", "LD_LIBRARY_PATH_ORIG": "/own"}, {"LD_LIBRARY_PATH": "/own"}),
        ({"LD_LIBRARY_PATH": "/own"}, {"LD_LIBRARY_PATH": "/own"}),
        ({"DYLD_LIBRARY_PATH": "/h/_internal:/own"}, {"DYLD_LIBRARY_PATH": "/own"}),
        ({"QT_PLUGIN_PATH": "/h/_internal/PySide6/Qt/plugins", "QML2_IMPORT_PATH": "/h/_internal/q"}, {}),
        ({"_PYI_ARCHIVE_FILE": "/h/hearth", "_PYI_PARENT_PROCESS_LEVEL": "1"}, {}),
        ({"QT_PLUGIN_PATH": "/usr/lib/qt"}, {"QT_PLUGIN_PATH": "/usr/lib/qt"}),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="there it is a matter of other separators, and of no library paths")
def test_other_programs_get_the_environment_that_was_there_before(start, before, after) -> None:
    environment = {**before, "HOME": "/me"}
    start.give_back_environment(environment, "/h/_internal")
    assert environment == {**after, "HOME": "/me"}


@pytest.mark.parametrize(
    ("arguments", "is_windowed", "has_display", "told"),
    [
        ([], False, True, []),
        ([], False, False, None),
        ([], True, False, []),
        (["--window"], False, False, []),
        (["--window", "a.gguf"], False, True, ["a.gguf"]),
        (["a.gguf"], True, True, ["a.gguf"]),
        (["--window", "--safe"], True, True, ["--safe"]),
        (["run", "starter"], False, True, None),
        (["--ask-devices", "x"], False, True, None),
    ],
)
def test_window_or_command(start, arguments, is_windowed, has_display, told) -> None:
    assert start.window_arguments(arguments, is_windowed=is_windowed, has_display=has_display) == told


def test_a_program_without_a_console_can_be_written_to(start, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = io.StringIO()
    monkeypatch.setattr(sys, "stdin", None)
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", kept)
    start.give_streams()
    assert sys.stdin.read() == ""
    assert sys.stdout.write("nobody reads this") == 17
    sys.stdout.close()
    sys.stdin.close()
    assert sys.stderr is kept
