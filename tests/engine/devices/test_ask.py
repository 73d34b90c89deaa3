import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Event, Timer
from typing import Any

import pytest

from engine.devices import ask as module
from engine.devices.ask import (
    FLAG,
    LLAMA,
    ONNX,
    Answers,
    Asked,
    AskedFault,
    ask,
    ask_llama,
    ask_onnx,
    child_command,
)
from engine.hardware import DeviceKind, ReachedDevice

DEVICE = """
from engine.hardware import DeviceKind, ReachedDevice

def device(name="Made Up", **values):
    place = {"backend": "llama.cpp", "interface": "Vulkan", "target": "Vulkan0", "kind": DeviceKind.GPU}
    return ReachedDevice(name=name, **place, **values)
"""
Stand = Callable[..., Asked]


@pytest.fixture
def stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stand:
    """Ask a function that stands in for a backend."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    def run(body: str, options: Mapping[str, Any] = {}, timeout_s: float = 60.0, **more: Any) -> Asked:
        (tmp_path / "stand_in.py").write_text(DEVICE + body)
        return ask(LLAMA, options, timeout_s, function="stand_in:reached", **more)

    return run


def test_devices_come_back_whole(stand: Stand):
    asked = stand(
        "def reached(modules, rpc_servers, only=None):\n"
        "    return [device(f'{modules!r} {rpc_servers} {only}', total_bytes=5, shares_memory=True), device()]\n",
        {"modules": "/some/folder", "rpc_servers": ["a:1"], "only": "vulkan"},
    )
    assert asked.fault == ""
    first, second = asked.devices
    assert first.name.endswith("Path('/some/folder') ('a:1',) vulkan")
    assert (first.total_bytes, first.shares_memory, first.kind) == (5, True, DeviceKind.GPU)
    assert second == ReachedDevice(
        backend=LLAMA, interface="Vulkan", target="Vulkan0", kind=DeviceKind.GPU, name="Made Up"
    )


def test_native_noise_is_no_answer(stand: Stand):
    noise = (
        "import ctypes, os, sys\n"
        "def reached():\n"
        "    os.write(1, b'ggml_vulkan: Found 1 device\\n'); print('loading'); sys.stdout.flush()\n"
        '    ctypes.CDLL(None).puts(b\'{"devices": [], "fault": "from C"}\'); ctypes.CDLL(None).fflush(None)\n'
        "    return [device()]\n"
    )
    assert [device.name for device in stand(noise).devices] == ["Made Up"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals")
@pytest.mark.parametrize(("code", "name"), [("os.abort()", "SIGABRT"), ("os.kill(os.getpid(), 11)", "SIGSEGV")])
def test_a_crash_is_one_sentence(stand: Stand, code: str, name: str):
    asked = stand(f"import os\ndef reached(): {code}\n", subject="llama.cpp's Vulkan module")
    assert asked == Asked(fault=f"llama.cpp's Vulkan module crashes ({name}) when it is loaded.")


def test_a_crash_after_the_answer_does_no_harm(stand: Stand):
    assert stand("import atexit, os\natexit.register(os.abort)\ndef reached(): return [device()]\n").devices


def test_a_hang_is_ended_with_all_that_it_has_started(stand: Stand, tmp_path: Path):
    body = (
        "import subprocess, sys, time\n"
        "def reached():\n"
        "    child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        f"    open({str(tmp_path / 'pid')!r}, 'w').write(str(child.pid))\n"
        "    time.sleep(600)\n"
    )
    asked = stand(body, timeout_s=3.0)
    assert asked == Asked(fault="llama.cpp does not answer within 3 s when it is asked for its devices.")
    if sys.platform != "win32":
        pid = int((tmp_path / "pid").read_text())
        deadline = time.monotonic() + 20
        while _runs(pid):
            assert time.monotonic() < deadline
            time.sleep(0.01)


def _runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"  # ended, and whoever adopted it has not noticed yet


def test_asking_can_be_stopped(stand: Stand):
    stop = Event()
    timer = Timer(0.5, stop.set)
    timer.start()
    started = time.monotonic()
    asked = stand("import time\ndef reached(): time.sleep(600)\n", stop=stop)
    timer.join()
    assert "Hearth closes" in asked.fault
    assert time.monotonic() - started < 30


def test_endless_noise_takes_no_memory(stand: Stand, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "_KEPT_BYTES", 1000)
    kept: list[int] = []
    text = module._Kept.text
    monkeypatch.setattr(module._Kept, "text", lambda self: (kept.append(len(text(self))), text(self))[1])
    noise = "import os\ndef reached():\n    for _ in range(5000): os.write(1, b'x' * 1000)\n    raise SystemExit(3)\n"
    assert "ends with code 3" in stand(noise).fault
    assert max(kept) <= 1000


@pytest.mark.parametrize(
    "code",
    [
        # Written to where the answer goes, whichever descriptor that is.
        "import os\n"
        "def reached():\n"
        "    for descriptor in range(3, 20):\n"
        "        try: os.write(descriptor, b'nonsense')\n"
        "        except OSError: pass\n"
        "    return []\n",
        "def reached(): return ['no device']",
    ],
)
def test_rubbish_is_said(stand: Stand, code: str):
    assert stand(code) == Asked(fault="llama.cpp gives an answer that is no list of devices.")


def test_errors_of_python_are_said(stand: Stand):
    assert stand("def reached(): raise OSError('no\\nluck.')\n").fault == (
        "llama.cpp cannot be asked for its devices: OSError: no luck."
    )
    assert stand("import no_such_thing\n").fault == (
        "llama.cpp cannot be asked for its devices: ModuleNotFoundError: No module named 'no_such_thing'."
    )
    own = "from engine.errors import EngineError\ndef reached(): raise EngineError('It is old.', 'Make a new one.')\n"
    assert stand(own).fault == "llama.cpp cannot be asked for its devices: It is old. Make a new one."
    assert stand("def reached(): raise SystemExit('enough.')\n").fault == (
        "llama.cpp ends with code 1 when it is asked for its devices: enough."
    )


def test_a_process_that_does_not_start_is_said(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "child_command", lambda *_: ["/no/such/program"])
    assert "cannot be asked for its devices" in ask(LLAMA).fault


def test_a_process_that_nobody_waits_for_ends_itself(tmp_path: Path):
    (tmp_path / "stand_in.py").write_text("import time\ndef reached(): time.sleep(600)\n")
    command = child_command("stand_in:reached", {}, 0.5 - module._GRACE_S)
    process = subprocess.Popen(
        command, env={**os.environ, "PYTHONPATH": str(tmp_path)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.communicate(timeout=60)
    assert process.returncode == 1


def test_the_folder_that_one_happens_to_be_in_is_not_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "stand_in.py").write_text("def reached(): return []\n")
    monkeypatch.chdir(tmp_path)
    assert "No module named 'stand_in'" in ask(LLAMA, function="stand_in:reached").fault


def test_a_frozen_program_starts_itself(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert child_command("m:f", {"only": "x"}, 10.0) == [sys.executable, FLAG, "m:f", '{"only": "x"}', "15.0"]


def test_windows_codes_of_crashes_are_named():
    assert module._outcome("It", 0xC0000005, b"", b"").fault == "It crashes (0xC0000005) when it is loaded."
    assert module._outcome("It", -250, b"", b"").fault == "It crashes (signal 250) when it is loaded."


# ------------------------------------------------------------------------------------------------------ part by part


def reached(interface: str, target: str, backend: str = LLAMA, fault: str = "") -> ReachedDevice:
    return ReachedDevice(
        backend=backend, interface=interface, target=target, kind=DeviceKind.GPU, name=interface, fault=fault
    )


class Asking:
    """Answers by what is asked; notes the questions."""

    def __init__(self, answer: Callable[[Mapping[str, Any]], Asked]) -> None:
        self.answer = answer
        self.questions: list[Mapping[str, Any]] = []

    def __call__(self, backend: str, options: Mapping[str, Any], /, *, subject: str = "") -> Asked:
        self.questions.append(options)
        asked = self.answer(options)
        return Asked(asked.devices, f"{subject or backend} {asked.fault}" if asked.fault else "")


def test_one_answer_is_enough():
    devices = (reached("Vulkan", "Vulkan0"),)
    asking = Asking(lambda options: Asked(devices))
    assert ask_llama(Path("m"), {"vulkan": "Vulkan"}, ("h:1",), asking) == Answers(devices)
    assert asking.questions == [{"modules": "m", "rpc_servers": ["h:1"]}]


def test_a_broken_module_does_not_hide_the_others():
    built_in, vulkan = reached("CUDA", "CUDA0"), reached("Vulkan", "Vulkan0")

    def answer(options: Mapping[str, Any]) -> Asked:
        only = options.get("only")
        if only == "rpc":
            return Asked((built_in,))
        broken = options["modules"] and only in {None, "sycl"}
        return Asked(fault="crashes.") if broken else Asked((built_in, vulkan) if only == "vulkan" else (built_in,))

    names = {"rpc": "RPC", "sycl": "SYCL", "vulkan": "Vulkan"}
    assert ask_llama(Path("m"), names, (), Asking(answer)) == Answers(
        (built_in, vulkan),
        (AskedFault(backend=LLAMA, interface="SYCL", sentence="llama.cpp's SYCL module crashes."),),
    )


def test_a_build_that_is_broken_itself_is_not_blamed_on_a_module():
    asking = Asking(lambda options: Asked(fault="crashes."))
    assert ask_llama(Path("m"), {"vulkan": "Vulkan"}, (), asking) == Answers(
        faults=(AskedFault(backend=LLAMA, interface="CPU", sentence="llama.cpp crashes."),)
    )
    assert len(asking.questions) == 2


def test_a_server_that_ends_the_process_is_a_device_with_a_fault():
    def answer(options: Mapping[str, Any]) -> Asked:
        servers = options["rpc_servers"]
        return (
            Asked(fault="crashes.") if "bad:1" in servers else Asked(tuple(reached("RPC", f"{it}#0") for it in servers))
        )

    answers = ask_llama(Path("m"), {"rpc": "RPC"}, ("good:1", "bad:1"), Asking(answer))
    assert answers.faults == ()
    assert [(device.target, device.fault) for device in answers.devices] == [
        ("good:1#0", ""),
        ("bad:1#0", "llama.cpp's RPC module with the server bad:1 crashes."),
    ]


def test_what_fails_only_together_is_said():
    asking = Asking(
        lambda options: Asked(fault="crashes.") if options["modules"] and "only" not in options else Asked()
    )
    (fault,) = ask_llama(Path("m"), {"vulkan": "Vulkan"}, (), asking).faults
    assert (fault.interface, fault.sentence) == ("modules", "llama.cpp crashes.")


def test_a_broken_provider_does_not_hide_the_others():
    def answer(options: Mapping[str, Any]) -> Asked:
        only = options.get("only")
        if only == "Good":
            return Asked((reached("Good", "Good|gpu", ONNX), reached("Good", "", ONNX, "has none.")))
        return Asked() if only == "" else Asked(fault="crashes.")

    assert ask_onnx({"Bad": "the bad one", "Good": "the good one"}, Asking(answer)) == Answers(
        (reached("Good", "Good|gpu", ONNX),),
        (
            AskedFault(backend=ONNX, interface="Good", sentence="has none.", is_failure=False),
            AskedFault(backend=ONNX, interface="Bad", sentence="ONNX Runtime's provider the bad one crashes."),
        ),
    )


def test_a_runtime_that_is_broken_itself_is_not_blamed_on_a_provider():
    answers = ask_onnx({"Bad": "the bad one"}, Asking(lambda options: Asked(fault="crashes.")))
    assert answers.faults == (
        AskedFault(backend=ONNX, interface="CPUExecutionProvider", sentence="onnxruntime crashes."),
    )


def test_providers_without_devices_are_no_devices():
    asking = Asking(lambda options: Asked((reached("Good", "", ONNX, "finds no device."),)))
    assert ask_onnx({"Good": "it"}, asking) == Answers(
        faults=(AskedFault(backend=ONNX, interface="Good", sentence="finds no device.", is_failure=False),)
    )


def test_signals_are_named_by_the_system():
    assert module._signal_name(-signal.SIGABRT) == "SIGABRT"
