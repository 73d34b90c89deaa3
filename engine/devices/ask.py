"""Asks a backend what it reaches, in a process of its own: a driver that crashes or hangs takes that one only.

The process is told what to call (`module:function`), sends whatever native libraries print to standard error, prints
one JSON document, and ends at once, so that a library that crashes while it is unloaded spoils nothing.
"""

import faulthandler
import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from threading import Event, Thread
from types import MappingProxyType
from typing import IO, Any, Final, Protocol

import msgspec

from engine.errors import EngineError
from engine.hardware import DeviceKind, ReachedDevice
from engine.programs import NO_WINDOW, process_command

log = logging.getLogger(__name__)

LLAMA: Final = "llama.cpp"
ONNX: Final = "onnxruntime"
NVML: Final = "NVML"
FUNCTIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        LLAMA: "engine.backends.llama.devices:reached",
        ONNX: "engine.backends.onnx.devices:reached",
        NVML: "engine.devices.seen.nvidia:reached",
    }
)
FLAG: Final = "--ask-devices"
"""First argument of the process that asks; what follows is for `main`."""

_KEPT_BYTES: Final = 1 << 20  # of what the process prints; a driver in a loop may print without end
_GRACE_S: Final = 5.0  # then a process that nobody has ended, because we were killed, ends itself
_POLL_S: Final = 0.02


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of asking.

    Attributes:
        devices: what the backend reaches.
        fault: what happened instead of an answer, in one sentence; empty if there is one.
    """

    devices: tuple[ReachedDevice, ...] = ()
    fault: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedFault:
    """Something that could not be asked what it reaches.

    Attributes:
        backend: `llama.cpp` or `onnxruntime`.
        interface: what failed of it, as in `Route`; empty for all of it.
        sentence: what happened.
        is_failure: whether it crashed, hung or talked nonsense; else it has answered that it has nothing to offer.
    """

    backend: str
    interface: str = ""
    sentence: str
    is_failure: bool = True


@dataclass(frozen=True, slots=True)
class Answers:
    """What came of asking a backend, part by part if need be.

    Attributes:
        devices: what it reaches.
        faults: what of it could not be asked.
    """

    devices: tuple[ReachedDevice, ...] = ()
    faults: tuple[AskedFault, ...] = ()


class Asker(Protocol):
    """How a backend is asked: `ask`, or what a test puts into its place."""

    def __call__(self, backend: str, options: Mapping[str, Any], /, *, subject: str = "") -> Asked:
        """Ask one backend for its devices."""


def ask_llama(modules: Path | None, names: Mapping[str, str], rpc_servers: Sequence[str], asker: Asker) -> Answers:
    """Ask llama.cpp; if that fails, ask again without modules, then for each module and server alone.

    Args:
        modules: folder of the modules.
        names: interfaces of the modules in it, by the modules' names.
        rpc_servers: `host:port` of servers.
        asker: asks once.
    """
    folder = str(modules) if modules is not None else None
    first = asker(LLAMA, {"modules": folder, "rpc_servers": list(rpc_servers)})
    if not first.fault:
        return Answers(first.devices)
    bare = asker(LLAMA, {"modules": None, "rpc_servers": []})
    if bare.fault:
        return Answers(faults=(AskedFault(backend=LLAMA, interface="CPU", sentence=bare.fault),))
    devices, faults = list(bare.devices), []
    for name, interface in names.items():
        subject = f"llama.cpp's {interface} module"
        one = asker(LLAMA, {"modules": folder, "rpc_servers": [], "only": name}, subject=subject)
        devices += [device for device in one.devices if device not in devices]
        if one.fault:
            faults.append(AskedFault(backend=LLAMA, interface=interface, sentence=one.fault))
    for server in rpc_servers:
        devices += _ask_server(folder, server, asker)
    if not faults and not any(device.fault for device in devices):
        # It happened once, or only when all modules are loaded together.
        faults.append(AskedFault(backend=LLAMA, interface="modules", sentence=first.fault))
    return Answers(tuple(devices), tuple(faults))


def ask_onnx(titles: Mapping[str, str], asker: Asker) -> Answers:
    """Ask ONNX Runtime; if that fails, ask again without providers, then for each provider alone.

    Args:
        titles: names for people of the providers that are installed, by the names that ONNX Runtime has for them.
        asker: asks once.
    """
    first = asker(ONNX, {})
    if not first.fault:
        return _sorted_out(first.devices)
    bare = asker(ONNX, {"only": ""})
    if bare.fault:
        return Answers(faults=(AskedFault(backend=ONNX, interface="CPUExecutionProvider", sentence=bare.fault),))
    devices: list[ReachedDevice] = []
    faults = []
    for name, title in titles.items():
        one = asker(ONNX, {"only": name}, subject=f"ONNX Runtime's provider {title}")
        devices += one.devices
        if one.fault:
            faults.append(AskedFault(backend=ONNX, interface=name, sentence=one.fault))
    answers = _sorted_out(devices)
    return Answers(answers.devices, (*answers.faults, *faults))


def _sorted_out(devices: Sequence[ReachedDevice]) -> Answers:
    """A provider without devices answers with an entry that has no target, and says why; that is no device."""
    lacking = [device for device in devices if device.fault and not device.target]
    return Answers(
        tuple(device for device in devices if device not in lacking),
        tuple(
            AskedFault(backend=it.backend, interface=it.interface, sentence=it.fault, is_failure=False)
            for it in lacking
        ),
    )


def _ask_server(folder: str | None, server: str, asker: Asker) -> list[ReachedDevice]:
    options = {"modules": folder, "rpc_servers": [server], "only": "rpc"}
    asked = asker(LLAMA, options, subject=f"llama.cpp's RPC module with the server {server}")
    if not asked.fault:
        return [device for device in asked.devices if device.interface == "RPC"]
    lost = ReachedDevice(
        backend=LLAMA,
        interface="RPC",
        target=f"{server}#0",
        kind=DeviceKind.GPU,
        name=f"RPC server {server}",
        fault=asked.fault,
    )
    return [lost]


def ask(
    backend: str,
    options: Mapping[str, Any] = MappingProxyType({}),
    timeout_s: float = 30.0,
    *,
    function: str = "",
    subject: str = "",
    stop: Event | None = None,
) -> Asked:
    """Ask one backend for its devices; blocks until it answers, dies or is ended.

    Args:
        backend: a key of `FUNCTIONS`.
        options: keyword arguments of the function, as JSON knows them.
        timeout_s: after which the process is ended.
        function: another one than that of the backend.
        subject: who is to blame if it fails; the backend, if empty.
        stop: ends it early when it is set.
    """
    subject = subject or backend
    command = child_command(function or FUNCTIONS[backend], options, timeout_s)
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "GGML_NO_BACKTRACE": "1"},  # or llama.cpp starts a debugger when it aborts
            start_new_session=sys.platform != "win32",  # Ctrl-C is for Hearth, which ends its processes itself
            creationflags=NO_WINDOW,
        )
    except OSError as error:
        return Asked(fault=f"{subject} cannot be asked for its devices: {error}.")
    out, errors = _Kept(process.stdout), _Kept(process.stderr)
    try:
        reason = _wait(process, timeout_s, stop or Event())
    finally:
        _end(process)
    if reason:
        return Asked(fault=f"{subject} {reason}.")
    return _outcome(subject, process.returncode, out.text(), errors.text())


def child_command(function: str, options: Mapping[str, Any], timeout_s: float) -> list[str]:
    """The command that asks."""
    return process_command(FLAG, function, json.dumps(dict(options)), str(timeout_s + _GRACE_S))


def main(arguments: Sequence[str]) -> None:
    """Ask, print the answer, end.

    Args:
        arguments: `module:function`, its keyword arguments as JSON, and seconds after which the process ends itself.
    """
    function, options, limit_s = arguments
    answer = os.dup(1)  # before anything native is loaded, which prints where it likes
    os.dup2(2, 1)
    faulthandler.dump_traceback_later(float(limit_s), exit=True, file=2)
    _die_quietly()
    data = msgspec.json.encode(_call(function, json.loads(options)))
    while data:
        data = data[os.write(answer, data) :]
    os._exit(0)


def _call(function: str, options: dict[str, Any]) -> Asked:
    module, _, name = function.partition(":")
    if "modules" in options:
        options["modules"] = Path(options["modules"]) if options["modules"] else None
        options["rpc_servers"] = tuple(options.get("rpc_servers", ()))
    try:
        return Asked(devices=tuple(getattr(import_module(module), name)(**options)))
    except EngineError as error:
        return Asked(fault=f"cannot be asked for its devices: {error}")
    except Exception as error:  # the process's top level: Hearth must hear of it
        log.exception("asking failed")
        return Asked(fault=f"cannot be asked for its devices: {' '.join(f'{type(error).__name__}: {error}'.split())}")


def _die_quietly() -> None:
    """A crash here is expected: no core file, and no window of Windows' that waits for somebody to close it."""
    if sys.platform == "win32":
        import ctypes

        ctypes.windll.kernel32.SetErrorMode(0x0001 | 0x0002)  # SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX
    else:
        import resource

        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _wait(process: "subprocess.Popen[bytes]", timeout_s: float, stop: Event) -> str:
    """Wait for the end of the process; returns why it has to be ended, if it has to."""
    until_s = time.monotonic() + timeout_s
    while process.poll() is None:
        if stop.wait(_POLL_S):
            return "was not asked to the end, because Hearth closes"
        if time.monotonic() > until_s:
            return f"does not answer within {timeout_s:g} s when it is asked for its devices"
    return ""


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End the process and what it has started; a driver can make that take longer than anybody should wait."""
    if process.poll() is not None:
        return
    if sys.platform != "win32":
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    with suppress(subprocess.TimeoutExpired):
        process.wait(1.0)


def _outcome(subject: str, code: int, out: bytes, errors: bytes) -> Asked:
    if code < 0 or code > 0xFF:  # Windows' codes of crashes are large
        return Asked(fault=f"{subject} crashes ({_signal_name(code)}) when it is loaded.")
    if code:
        lines = errors.decode(errors="replace").strip().splitlines()
        said = f": {lines[-1].strip().rstrip('.')}" if lines else ""
        return Asked(fault=f"{subject} ends with code {code} when it is asked for its devices{said}.")
    try:
        asked = msgspec.json.decode(out, type=Asked)
    except (msgspec.DecodeError, RecursionError):
        return Asked(fault=f"{subject} gives an answer that is no list of devices.")
    return Asked(asked.devices, f"{subject} {asked.fault.rstrip('.')}." if asked.fault else "")


def _signal_name(code: int) -> str:
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"0x{code & 0xFFFFFFFF:08X}" if code > 0 else f"signal {-code}"


class _Kept:
    """Reads a pipe to its end, and keeps the last part."""

    def __init__(self, stream: IO[bytes] | None) -> None:
        assert stream is not None
        self._stream = stream
        self._kept = bytearray()
        self._thread = Thread(target=self._read, name="hearth-ask-read", daemon=True)
        self._thread.start()

    def text(self) -> bytes:
        """All of it, if the process has ended; without what a process that it has left behind may still print."""
        self._thread.join(1.0)
        return bytes(self._kept)

    def _read(self) -> None:
        with self._stream, suppress(OSError, ValueError):
            while part := os.read(self._stream.fileno(), 1 << 16):
                self._kept += part
                del self._kept[:-_KEPT_BYTES]


if __name__ == "__main__":
    main(sys.argv[1:])
