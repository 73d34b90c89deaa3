import os
from pathlib import Path

import pytest


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


def test_a_backend_that_cannot_be_loaded_is_said(hearth, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object) -> str:
        raise OSError("libllama.so: cannot open")

    monkeypatch.setattr("engine.backends.llama.LlamaBackend.version", property(broken))
    ended = hearth("doctor")
    assert ended.code == 1
    assert "libllama.so: cannot open" in ended.err
