import os
import sys
from pathlib import Path

import pytest

from engine.cli.probe import probe_libraries
from engine.config import EngineConfig
from engine.devices.ask import LLAMA, Answers, Asked, AskedFault
from engine.devices.inventory import Inventory
from engine.devices.seen.device import SeenDevice
from engine.hardware import DeviceKind


def test_doctor_says_what_is_here(hearth, home: Path) -> None:
    ended = hearth("doctor")
    assert ended.code == 0
    for word in (
        "llama.cpp",
        "onnxruntime",
        "memory",
        "caches",
        "llama.cpp modules",
        "reached through",
        str(home.name),
    ):
        assert word in ended.out
    document = hearth("doctor", "--json").document
    assert document.keys() == {
        "versions", "build", "libraries", "machine", "processor", "display", "devices", "modules", "packages", "faults",
        "folders", "models", "broken", "problems",
    }  # fmt: skip
    assert document["versions"].keys() == {"hearth", "python", "qt", "llama.cpp", "onnxruntime"}
    assert document["machine"]["memory_bytes"] > 0
    assert document["processor"]["usable_cores"] >= 1
    assert {folder["role"] for folder in document["folders"]} == {"home", "models", "cache"}
    assert "plain" in {model["id"] for model in document["models"]}
    assert document["problems"] == []


def with_inventory(monkeypatch: pytest.MonkeyPatch, llama: Asked, *seen: SeenDevice) -> None:
    """Give the command these devices, and llama.cpp's answer."""

    def ask(backend: str, options: object, /, *, subject: str = "") -> Asked:
        return llama

    def make(config: EngineConfig) -> Inventory:
        servers = ("localhost:1",) if llama.fault else ()
        return Inventory(None, None, servers, asker=ask, see=lambda: seen)

    monkeypatch.setattr("engine.devices.inventory._providers", list)
    monkeypatch.setattr("engine.cli.doctor.inventory_of", make)


def test_a_device_that_cannot_be_used_is_no_problem(hearth, monkeypatch: pytest.MonkeyPatch) -> None:
    card = SeenDevice(kind=DeviceKind.GPU, name="A card", vendor="NVIDIA", address="0000:01:00.0")
    with_inventory(monkeypatch, Asked(), card)
    ended = hearth("doctor", "--json")
    assert (ended.code, ended.document["problems"]) == (0, [])
    assert {device["id"]: device["is_usable"] for device in ended.document["devices"]} == {"cpu": True, "gpu:0": False}
    assert "gpu:0: NVIDIA GPU seen, but no driver runs it" in hearth("doctor").out


def test_a_backend_that_crashes_when_it_is_asked_is_a_problem(hearth, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "engine.devices.inventory.ask_llama",
        lambda *_: Answers(faults=(AskedFault(backend=LLAMA, interface="Vulkan", sentence="Vulkan crashes."),)),
    )
    with_inventory(monkeypatch, Asked(fault="It crashes."))
    ended = hearth("doctor", "--json")
    assert ended.code == 1
    assert ended.document["problems"] == ["Vulkan crashes."]
    assert ended.err == "Vulkan crashes.\n"


def test_doctor_looks_anew(hearth, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEARTH_DEVICES", "")
    monkeypatch.setattr("engine.devices.inventory._providers", list)
    monkeypatch.setattr("engine.devices.inventory.modules_folder", lambda: None)
    file = home / "cache" / "devices.json"
    hearth("devices")
    before = file.stat().st_mtime_ns
    hearth("devices")
    assert file.stat().st_mtime_ns == before
    hearth("doctor")
    assert file.stat().st_mtime_ns > before


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
    commands = {"broken": [sys.executable, "-c", code]}
    monkeypatch.setattr("engine.cli.doctor.probe_libraries", lambda: probe_libraries(commands))
    ended = hearth("doctor", "--json")
    assert ended.code == 1
    assert f"broken cannot be used: {fault}." in ended.err
    assert ended.document["libraries"]["broken"] == {"build": "", "fault": fault}
