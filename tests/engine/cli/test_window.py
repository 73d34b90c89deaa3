import subprocess
import sys

import pytest

from engine.cli import window


@pytest.mark.parametrize("name", ["DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"])
def test_a_display_is_where_the_environment_names_one(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    for variable in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(variable, raising=False)
    assert window.has_display() == (sys.platform in ("win32", "darwin"))
    monkeypatch.setenv(name, "x")
    assert window.has_display()


def test_without_a_command_the_process_becomes_the_window(hearth, monkeypatch: pytest.MonkeyPatch) -> None:
    started = []
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(window.os, "execv", lambda _, command: started.append(command))
    monkeypatch.setattr(subprocess, "call", lambda command: started.append(command) or 0)
    assert hearth("--model-dir", "more").code == 0
    assert hearth("--safe", "--dev-plugins").code == 0
    command = [sys.executable, "-m", "app"]
    assert started == [[*command, "--model-dir", "more"], [*command, "--safe", "--dev-plugins"]]


def test_an_installed_hearth_becomes_its_window(hearth, monkeypatch: pytest.MonkeyPatch) -> None:
    started = []
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(window.os, "execv", lambda program, command: started.append((program, command)))
    assert hearth("--safe").code == 0
    assert started == [(sys.executable, [sys.executable, "--window", "--safe"])]


def test_an_installed_hearth_on_windows_does_not_wait_for_its_window(hearth, monkeypatch: pytest.MonkeyPatch) -> None:
    started = []
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(window.sys, "platform", "win32")
    monkeypatch.setattr(subprocess, "Popen", lambda command, **_streams: started.append(command))
    assert hearth("--safe").code == 0
    assert [command[1:] for command in started] == [["--window", "--safe"]]


def test_an_engine_without_a_window_says_so(hearth, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(window, "find_spec", lambda _: None)
    ended = hearth()
    assert ended.code == 1
    assert "not installed" in ended.err


@pytest.mark.parametrize("flag", [["--window"], []])
def test_files_go_to_the_window(hearth, home, monkeypatch: pytest.MonkeyPatch, flag: list[str]) -> None:
    started = []
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(window.os, "execv", lambda _, command: started.append(command))
    monkeypatch.setattr(subprocess, "call", lambda command: started.append(command) or 0)
    model = str(home / "models" / "plain.gguf")
    assert hearth("--safe", *flag, model).code == 0
    assert started == [[sys.executable, "-m", "app", "--safe", "--", model]]


def test_a_word_that_is_neither_a_command_nor_a_file_is_wrong_use(hearth) -> None:
    ended = hearth("nonsense")
    assert ended.code == 2
    assert "nonsense" in ended.err


def test_a_data_folder_that_was_named_comes_before_portable_mode(hearth, home) -> None:
    ended = hearth("--portable", "cache", "--json")
    assert ended.code == 0
    assert "HEARTH_HOME" in ended.err
