import os
from pathlib import Path

import pytest

from engine.cli.probe import probe_libraries


def test_doctor_says_what_is_here(hearth, home: Path) -> None:
    ended = hearth("doctor")
    assert ended.code == 0
    for word in ("llama.cpp", "onnxruntime", "memory", "not used: this version", str(home.name)):
        assert word in ended.out
    document = hearth("doctor", "--json").document
    assert document["versions"].keys() == {"hearth", "python", "qt", "llama.cpp", "onnxruntime"}
    assert document["machine"]["memory_bytes"] > 0
    assert {device["name"]: device["usable"] for device in document["devices"]} == {
        "cpu": True, "gpu": False, "npu": False,
    }  # fmt: skip
    assert {folder["role"] for folder in document["folders"]} == {"home", "models", "cache"}
    assert "plain" in {model["id"] for model in document["models"]}
    assert document["problems"] == []


def test_a_home_that_cannot_be_written_is_a_failure(hearth, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: home not in (Path(path), *Path(path).parents))
    ended = hearth("doctor", "--json")
    assert ended.code == 1
    assert "cannot be written" in ended.err
    assert len(ended.document["problems"]) == 1


def test_libraries_say_how_they_were_built(hearth) -> None:
    libraries = hearth("doctor", "--json").document["libraries"]
    assert "CPU" in libraries["llama.cpp"]["build"]
    assert "CPUExecutionProvider" in libraries["onnxruntime"]["build"]


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("raise OSError('libllama.so: cannot open.')", "OSError: libllama.so: cannot open"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGILL)", "it was built for another processor (SIGILL)"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "it crashes (SIGSEGV)"),
        ("raise SystemExit(3)", "it ends with code 3"),
    ],
)
def test_a_library_that_does_not_load_is_said(hearth, monkeypatch: pytest.MonkeyPatch, code: str, fault: str) -> None:
    monkeypatch.setattr("engine.cli.doctor.probe_libraries", lambda: probe_libraries({"broken": code}))
    ended = hearth("doctor", "--json")
    assert ended.code == 1
    assert f"broken cannot be used: {fault}." in ended.err
    assert ended.document["libraries"]["broken"] == {"build": "", "fault": fault}
