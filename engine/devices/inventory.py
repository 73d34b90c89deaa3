"""Inventory: the devices of this machine as they are known now, kept between runs, found anew when that is needed."""

import logging
import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event, Lock
from typing import Any, Final

import msgspec

from engine.backends.onnx.providers import CPU, PROVIDERS, Provider, installed
from engine.config import EngineConfig
from engine.devices.ask import LLAMA, NVML, ONNX, Answers, Asked, AskedFault, Asker, ask, ask_llama, ask_onnx
from engine.devices.probe import match
from engine.devices.seen.device import SeenDevice
from engine.devices.seen.libraries import (
    Module,
    built_in_modules,
    installed_packages,
    loadable_modules,
    modules_folder,
)
from engine.devices.seen.look import see_devices
from engine.devices.seen.nvidia import with_details
from engine.devices.seen.processor import processor_device
from engine.devices.seen.signature import signature
from engine.errors import ConfigError
from engine.hardware import DeviceInfo, DeviceKind, ReachedDevice
from engine.plugins.atomic_file import exclusive, replace_file

__all__ = ["SWITCHED_OFF", "Inventory", "allowed_devices", "inventory_of", "modules_folder"]

log = logging.getLogger(__name__)

SWITCHED_OFF: Final = "Switched off in the settings."
_FORMAT: Final = 1  # of the cache file
_LARGEST_CACHE_BYTES: Final = 1 << 20
_TIMEOUTS_S: Final[Mapping[str, float]] = {LLAMA: 30.0, ONNX: 30.0, NVML: 10.0}  # guesses; a cold driver takes seconds
_RETRY_S: Final = 24 * 3600.0  # after which what crashed is asked again though nothing has changed; a guess
_DEVICE: Final = re.compile(r"cpu|(?:gpu|npu)(?::\d{1,3})?")


@dataclass(frozen=True, slots=True)
class _Found:
    """What one probe found; this is what the cache file holds."""

    format: int
    signature: str
    asked_at: float
    seen: tuple[SeenDevice, ...]
    reached: tuple[ReachedDevice, ...]
    faults: tuple[AskedFault, ...]

    def is_trusted(self, now_signature: str) -> bool:
        if self.format != _FORMAT or self.signature != now_signature:
            return False
        has_failed = any(fault.is_failure for fault in self.faults)
        return not has_failed or 0 <= time.time() - self.asked_at < _RETRY_S


def allowed_devices(
    configured: Sequence[str] | None, environment: Mapping[str, str] = os.environ
) -> tuple[str, ...] | None:
    """Devices that may be used: what `HEARTH_DEVICES` says (`cpu,gpu:0`), else the setting; None for all.

    Raises:
        ConfigError: something is neither a kind nor an id of a device.
    """
    text = environment.get("HEARTH_DEVICES", "")
    names = [name.strip().lower() for name in (text.split(",") if text.strip() else configured or ())]
    names = [name for name in names if name]
    for name in names:
        if _DEVICE.fullmatch(name) is None:
            source = "HEARTH_DEVICES" if text.strip() else "The setting devices"
            raise ConfigError(f"{source} names {name!r}.", "Known are cpu, gpu, npu, and ids as in `hearth devices`.")
    return tuple(names) or None


def inventory_of(config: EngineConfig) -> "Inventory":
    """The inventory that an engine with these settings has; what is found is kept in its cache folder.

    Raises:
        ConfigError: `devices` or `HEARTH_DEVICES` names something that is no device.
    """
    allowed = allowed_devices(config.devices)
    return Inventory(config.cache_dir / "devices.json", modules_folder(), config.rpc_servers, allowed)


class Inventory:
    """The devices of this machine.

    Nothing is asked, and no process started, before `probe`; until then there is the processor.

    Thread: any.
    """

    def __init__(
        self,
        cache_file: Path | None,
        modules: Path | None,
        rpc_servers: tuple[str, ...] = (),
        allowed: tuple[str, ...] | None = None,
        *,
        asker: Asker | None = None,
        see: Callable[[], tuple[SeenDevice, ...]] = see_devices,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Know the processor; takes a few milliseconds.

        Args:
            cache_file: where what was found is kept; None keeps nothing.
            modules: folder of llama.cpp's modules, normally `modules_folder()`.
            rpc_servers: `host:port` of llama.cpp's servers.
            allowed: ids or kinds of the devices that may be used; None for all.
            asker: asks a backend; a test gives its own.
            see: lists what the system sees, without the processor.
            clock: in seconds; never goes back.
        """
        self._cache_file = cache_file
        self._modules = modules
        self._rpc_servers = rpc_servers
        self._allowed = allowed
        self._asker = asker or self._ask
        self._see = see
        self._clock = clock
        self._closing = Event()
        self._probing = Lock()
        self._lock = Lock()
        self._found: _Found | None = None
        self._failures: dict[str, tuple[str, float]] = {}
        self._devices = self._described(_Found(_FORMAT, "", 0.0, (), (), ()))

    @property
    def is_probed(self) -> bool:
        """Whether the list is more than the processor: asked for now, or before and still true."""
        return self._found is not None

    @property
    def faults(self) -> tuple[AskedFault, ...]:
        """What could not be asked, or has nothing to offer."""
        found = self._found
        return found.faults if found is not None else ()

    def devices(self) -> tuple[DeviceInfo, ...]:
        """The devices as far as they are known, the processor first; never blocks."""
        with self._lock:
            return self._devices

    def recall(self) -> bool:
        """Take what an earlier run has found, if it is still true; takes milliseconds and starts no process.

        Returns:
            Whether it was. If not, `probe` has to ask.
        """
        return self._recall(self._signature())

    def probe(self, force: bool = False) -> tuple[DeviceInfo, ...]:
        """Find the devices, unless what is known is still true; blocks for seconds while the backends are asked.

        Args:
            force: ask in any case.
        """
        with self._probing:  # whoever comes second waits, and then has the answer
            now = self._signature()
            if not force and self._recall(now):
                return self.devices()
            found = None if self._closing.is_set() else self._find(now)
            if found is None or self._closing.is_set():
                return self.devices()
            self._take(found)
            if self._is_asking_allowed():  # else it cost nothing, and a run with all devices needs what is in the file
                self._keep(found)
            return self.devices()

    def fail(self, device_id: str, sentence: str, for_s: float) -> None:
        """Note that a device has failed in use, and is not to be offered for so many seconds."""
        with self._lock:
            self._failures[device_id] = (sentence, self._clock() + for_s)

    def failure(self, device_id: str) -> str:
        """Why a device is not to be offered for the time being, in one sentence; empty if it is."""
        with self._lock:
            sentence, until_s = self._failures.get(device_id, ("", 0.0))
            if sentence and self._clock() >= until_s:
                del self._failures[device_id]
                return ""
            return sentence

    def close(self) -> None:
        """End what is being asked; whoever waits in `probe` gets what was known before."""
        self._closing.set()

    def _recall(self, now: str) -> bool:
        found = self._found
        if found is None or not found.is_trusted(now):
            found = self._kept()
        if found is None or not found.is_trusted(now):
            return False
        self._take(found)
        return True

    def _take(self, found: _Found) -> None:
        devices = self._described(found)
        with self._lock:
            self._found = found
            self._devices = devices

    def _described(self, found: _Found) -> tuple[DeviceInfo, ...]:
        interfaces = {module.interface for module in self._all_modules()} | {row.name for row in _providers()}
        reached = (*_ways_to_the_processor(), *found.reached)
        devices = match((processor_device(), *found.seen), reached, found.faults, interfaces)
        return tuple(device if self._may_use(device) else replace(device, fault=SWITCHED_OFF) for device in devices)

    def _may_use(self, device: DeviceInfo) -> bool:
        return self._allowed is None or device.id in self._allowed or device.kind.value in self._allowed

    # ------------------------------------------------------------------------------------------------------- asking

    def _is_asking_allowed(self) -> bool:
        return self._allowed is None or any(name != DeviceKind.CPU.value for name in self._allowed)

    def _all_modules(self) -> tuple[Module, ...]:
        return (*loadable_modules(self._modules), *built_in_modules())

    def _signature(self) -> str:
        extra = (str(_FORMAT), "asked" if self._is_asking_allowed() else "not asked")
        return signature(self._modules, self._rpc_servers, extra)

    def _find(self, now: str) -> _Found:
        seen = self._see()
        answers: list[Answers] = []
        if self._is_asking_allowed():
            with ThreadPoolExecutor(3, thread_name_prefix="hearth-ask") as pool:
                details = pool.submit(self._ask_nvidia, seen)
                asked = [pool.submit(self._ask_llama), pool.submit(self._ask_onnx)]
                answers = [one.result() for one in asked]
                more = details.result()
            seen = with_details(seen, more.devices)
            answers.append(Answers(faults=more.faults))
        return _Found(
            _FORMAT,
            now,
            time.time(),
            seen,
            tuple(device for one in answers for device in one.devices),
            tuple(fault for one in answers for fault in one.faults),
        )

    def _ask_llama(self) -> Answers:
        if not self._all_modules() and not self._rpc_servers:
            return Answers()
        names = {module.name: module.interface for module in loadable_modules(self._modules)}
        return ask_llama(self._modules, names, self._rpc_servers, self._asker)

    def _ask_onnx(self) -> Answers:
        providers = _providers()
        return ask_onnx({row.name: row.title for row in providers}, self._asker) if providers else Answers()

    def _ask_nvidia(self, seen: Sequence[SeenDevice]) -> Answers:
        # Windows' registry says as much as NVML; only Linux calls the driver so, and only in WSL is it another's.
        if not any(device.driver.startswith("nvidia ") for device in seen) and not os.path.exists("/dev/dxg"):
            return Answers()
        asked = self._asker(NVML, {}, subject="NVIDIA's library NVML")
        return Answers(asked.devices, (AskedFault(backend=NVML, sentence=asked.fault),) if asked.fault else ())

    def _ask(self, backend: str, options: Mapping[str, Any], /, *, subject: str = "") -> Asked:
        return ask(backend, options, _TIMEOUTS_S[backend], subject=subject, stop=self._closing)

    # ------------------------------------------------------------------------------------------------------ keeping

    def _kept(self) -> _Found | None:
        if self._cache_file is None:
            return None
        try:
            with self._cache_file.open("rb") as file:
                return msgspec.json.decode(file.read(_LARGEST_CACHE_BYTES), type=_Found)
        except (OSError, msgspec.DecodeError, RecursionError):  # written by another version, or half
            return None

    def _keep(self, found: _Found) -> None:
        if self._cache_file is None:
            return
        try:
            self._cache_file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with exclusive(self._cache_file):
                replace_file(self._cache_file, msgspec.json.encode(found))
        except OSError as error:  # then it is asked again next time
            log.info("what devices there are is not kept: %s", error)


def _providers() -> list[Provider]:
    """Providers that are installed and reach more than ONNX Runtime does by itself."""
    return [row for row in PROVIDERS if row is not CPU and installed(row)]


def _ways_to_the_processor() -> Sequence[ReachedDevice]:
    packages = installed_packages()
    others = (packages[name] for name in sorted(packages) if name.startswith("onnxruntime-") and "-ep-" not in name)
    runtime = packages.get("onnxruntime") or next(others, "")
    ways = ((LLAMA, "CPU", packages.get("llama-cpp-python", "")), (ONNX, CPU.name, runtime))
    return [
        ReachedDevice(
            backend=backend,
            interface=interface,
            target="CPU" if backend == LLAMA else "",
            kind=DeviceKind.CPU,
            name="",
            version=version,
            shares_memory=True,
        )
        for backend, interface, version in ways
    ]
