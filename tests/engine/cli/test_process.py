"""What only a real process shows: pipes, signals, start-up."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

pytestmark = pytest.mark.models


@pytest.fixture
def environment(home: Path) -> Mapping[str, str]:
    hidden = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    return {name: value for name, value in os.environ.items() if name not in hidden} | {"HEARTH_HOME": str(home)}


def _start(environment: Mapping[str, str], *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "engine", *arguments],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment,
    )  # fmt: skip


def test_a_closed_pipe_ends_it_quietly(environment: Mapping[str, str]) -> None:
    process = _start(environment, "run", "plain", "hello", "--max-tokens", "2000")
    assert process.stdout is not None
    assert process.stdout.read(1)
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == b""
    assert process.wait(30) == 0
    process.stderr.close()


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_ctrl_c_while_it_answers_is_130(environment: Mapping[str, str]) -> None:
    process = _start(environment, "run", "plain", "hello", "--max-tokens", "2000")
    assert process.stdout is not None
    assert process.stdout.read(1)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert b"Traceback" not in errors


def test_help_loads_no_inference_library(environment: Mapping[str, str]) -> None:
    code = (
        "import sys, json; from engine.cli.main import run_arguments; run_arguments(['--help']);"
        "print(json.dumps([name for name in ('llama_cpp', 'onnxruntime', 'PIL', 'PySide6') if name in sys.modules]))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, env=environment, check=True)
    assert json.loads(ended.stdout.splitlines()[-1]) == []


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="always has a display")
def test_without_a_display_it_says_how_to_use_it(environment: Mapping[str, str]) -> None:
    process = _start(environment)
    out, errors = process.communicate(timeout=30)
    assert process.returncode == 0
    assert b"no display" in errors
    assert b"Usage: " in out


def test_a_fault_in_a_thread_is_logged_not_shown(environment: Mapping[str, str], home: Path) -> None:
    code = (
        "import logging, sys; from engine.cli.logs import log_to_file; log_to_file();"
        "logging.getLogger('engine.x').warning('something odd')"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, env=environment, check=True)
    assert ended.stderr == b""
    assert "something odd" in (home / "logs" / "cli.log").read_text()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_a_sentence(environment: Mapping[str, str]) -> None:
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "engine", "models", "list"],
            stdout=full, stderr=subprocess.PIPE, env=environment, check=False,
        )  # fmt: skip
    assert ended.returncode == 1
    assert b"No space left" in ended.stderr
    assert b"Traceback" not in ended.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="a shell's way to close a stream")
def test_closed_streams_are_no_fault(environment: Mapping[str, str]) -> None:
    command = f"{sys.executable} -m engine run plain hello --max-tokens 2"
    for closed in (">&-", "2>&-"):
        ended = subprocess.run(["sh", "-c", f"{command} {closed}"], capture_output=True, env=environment, check=False)
        assert (ended.returncode, ended.stderr) == (0, b"")
