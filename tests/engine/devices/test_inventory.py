import json
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from engine.config import EngineConfig
from engine.devices import inventory as module
from engine.devices.ask import LLAMA, NVML, ONNX, Asked
from engine.devices.inventory import SWITCHED_OFF, Inventory, allowed_devices, inventory_of
from engine.devices.seen.device import SeenDevice
from engine.errors import ConfigError
from engine.hardware import DeviceKind, ReachedDevice

CARD = SeenDevice(kind=DeviceKind.GPU, name="NVIDIA L4", vendor="NVIDIA", driver="nvidia 550.1", address="0000:01:00.0")
NPU = SeenDevice(kind=DeviceKind.NPU, name="Some NPU", vendor="Intel", driver="intel_vpu 6.8", shares_memory=True)
VULKAN = ReachedDevice(
    backend=LLAMA, interface="Vulkan", target="Vulkan0", kind=DeviceKind.GPU, name="NVIDIA L4", address="0000:01:00.0"
)
DETAILS = ReachedDevice(
    backend=NVML, interface=NVML, target="0", kind=DeviceKind.GPU, name="NVIDIA L4", address="0000:01:00.0",
    version="550.1", total_bytes=24 << 30,
)  # fmt: skip


class Asking:
    """Backends that answer at once; notes who was asked."""

    def __init__(self, **answers: Asked) -> None:
        self.answers = {LLAMA: Asked((VULKAN,)), NVML: Asked((DETAILS,)), ONNX: Asked(), **answers}
        self.asked: list[str] = []

    def __call__(self, backend: str, options: Mapping[str, Any], /, *, subject: str = "") -> Asked:
        self.asked.append(backend)
        return self.answers[backend]


@pytest.fixture(autouse=True)
def no_providers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is installed here is not asked unless a test says so."""
    monkeypatch.setattr(module, "_providers", list)
    monkeypatch.setattr(module, "built_in_modules", tuple)


@pytest.fixture
def modules(tmp_path: Path) -> Path:
    folder = tmp_path / "backends"
    folder.mkdir()
    (folder / "libggml-vulkan.so").write_bytes(b"not really")
    return folder


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "devices.json"


def make(cache: Path | None, modules: Path | None, asking: Asking, *seen: SeenDevice, **more: Any) -> Inventory:
    return Inventory(cache, modules, asker=asking, see=lambda: seen or (CARD,), **more)


def names(inventory: Inventory) -> list[tuple[str, bool]]:
    return [(device.id, device.is_usable) for device in inventory.devices()]


def test_before_anything_is_asked_there_is_the_processor(cache: Path, modules: Path):
    asking = Asking()
    inventory = make(cache, modules, asking)
    assert names(inventory) == [("cpu", True)]
    assert (inventory.is_probed, asking.asked, inventory.faults) == (False, [], ())
    cpu = inventory.devices()[0]
    assert [bool(route.version) for route in cpu.routes] == [True, True]


def test_a_probe_puts_together_what_is_seen_and_what_is_reached(cache: Path, modules: Path):
    inventory = make(cache, modules, Asking())
    devices = inventory.probe()
    assert devices == inventory.devices()
    assert names(inventory) == [("cpu", True), ("gpu:0", True)]
    assert devices[1].memory_bytes == 24 << 30  # which only NVML knows
    assert inventory.is_probed


def test_what_was_found_is_taken_from_the_file_next_time(cache: Path, modules: Path):
    devices = make(cache, modules, Asking()).probe()
    asking = Asking()
    inventory = make(cache, modules, asking)
    assert inventory.recall()
    assert (inventory.devices(), inventory.is_probed) == (devices, True)
    assert inventory.probe() == devices
    assert asking.asked == []


def test_it_can_be_asked_all_the_same(cache: Path, modules: Path):
    make(cache, modules, Asking()).probe()
    asking = Asking()
    make(cache, modules, asking).probe(force=True)
    assert set(asking.asked) == {LLAMA, NVML}


@pytest.mark.parametrize("change", ["module", "server", "allowed"])
def test_something_new_is_asked(cache: Path, modules: Path, change: str):
    make(cache, modules, Asking()).probe()
    if change == "module":
        (modules / "libggml-rpc.so").write_bytes(b"")
    asking = Asking()
    more = {"server": {"rpc_servers": ("localhost:1",)}, "allowed": {"allowed": ("cpu",)}}.get(change, {})
    inventory = make(cache, modules, asking, **more)
    assert not inventory.recall()
    inventory.probe()
    assert (LLAMA in asking.asked) == (change != "allowed")


def test_what_changes_while_it_runs_is_noticed_by_the_next_probe(cache: Path, modules: Path):
    asking = Asking()
    inventory = make(cache, modules, asking)
    inventory.probe()
    inventory.probe()
    assert asking.asked.count(LLAMA) == 1
    (modules / "libggml-rpc.so").write_bytes(b"")
    inventory.probe()
    assert asking.asked.count(LLAMA) == 2


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: "",
        lambda text: text[: len(text) // 2],
        lambda text: "[" * 5000,
        lambda text: json.dumps({**json.loads(text), "format": 0}),
        lambda text: json.dumps({**json.loads(text), "reached": [{"backend": 3}]}),
        lambda text: text.replace('"gpu"', '"toaster"'),
        lambda text: text.encode().decode("latin-1") + "\0",
    ],
)
def test_a_broken_file_is_written_anew(cache: Path, modules: Path, spoil: Callable[[str], str]):
    make(cache, modules, Asking()).probe()
    whole = cache.read_text()
    cache.write_text(spoil(whole))
    inventory = make(cache, modules, Asking())
    assert not inventory.recall()
    inventory.probe()
    assert names(inventory)[1] == ("gpu:0", True)
    assert {**json.loads(cache.read_text()), "asked_at": 0} == {**json.loads(whole), "asked_at": 0}


def test_a_folder_that_cannot_be_written_costs_only_the_next_start(tmp_path: Path, modules: Path):
    (tmp_path / "file").write_text("")
    inventory = make(tmp_path / "file" / "devices.json", modules, Asking())
    assert len(inventory.probe()) == 2


def test_without_a_file_nothing_is_kept(tmp_path: Path, modules: Path):
    assert len(make(None, modules, Asking()).probe()) == 2
    assert list(tmp_path.rglob("*.json")) == []


def test_where_there_is_nothing_to_ask_no_process_is_started(cache: Path):
    asking = Asking()
    other = SeenDevice(kind=DeviceKind.GPU, name="A card", vendor="AMD", driver="amdgpu 6.8", address="0000:03:00.0")
    inventory = make(cache, None, asking, other)
    _, card = inventory.probe()
    assert asking.asked == []
    assert "run `make backends`" in card.fault


def test_a_server_is_asked_for_without_modules(cache: Path):
    asking = Asking()
    make(cache, None, asking, rpc_servers=("localhost:1",)).probe()
    assert LLAMA in asking.asked


def test_providers_are_asked_where_they_are_installed(cache: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "_providers", lambda: [module.PROVIDERS[1]])
    asking = Asking()
    make(cache, None, asking).probe()
    assert set(asking.asked) == {ONNX, NVML}


# ------------------------------------------------------------------------------------------------------------ faults


def crash() -> Asking:
    return Asking(**{LLAMA: Asked(fault="llama.cpp crashes (SIGSEGV) when it is loaded.")})


def test_what_crashed_is_not_asked_at_every_start_but_some_day(cache: Path, modules: Path):
    inventory = make(cache, modules, crash())
    inventory.probe()
    assert [fault.sentence for fault in inventory.faults] == ["llama.cpp crashes (SIGSEGV) when it is loaded."]
    assert inventory.devices()[0].route(LLAMA) is None
    again = make(cache, modules, Asking())
    assert again.recall()
    assert again.faults == inventory.faults
    kept = json.loads(cache.read_text())
    cache.write_text(json.dumps({**kept, "asked_at": kept["asked_at"] - module._RETRY_S}))
    later = make(cache, modules, Asking())
    assert not later.recall()
    later.probe()
    assert names(later) == [("cpu", True), ("gpu:0", True)]


def test_a_library_of_the_driver_that_hangs_is_said(cache: Path, modules: Path):
    inventory = make(cache, modules, Asking(**{NVML: Asked(fault="NVML does not answer.")}))
    inventory.probe()
    assert [(fault.backend, fault.sentence) for fault in inventory.faults] == [(NVML, "NVML does not answer.")]
    assert names(inventory) == [("cpu", True), ("gpu:0", True)]


def test_a_device_that_failed_in_use_is_not_offered_for_a_while(modules: Path):
    now = [100.0]
    inventory = make(None, modules, Asking(), clock=lambda: now[0])
    assert inventory.failure("gpu:0") == ""
    inventory.fail("gpu:0", "It was lost.", 30.0)
    now[0] = 129.9
    assert inventory.failure("gpu:0") == "It was lost."
    assert inventory.failure("cpu") == ""
    now[0] = 130.0
    assert inventory.failure("gpu:0") == ""
    inventory.fail("gpu:0", "Once more.", 30.0)
    assert inventory.failure("gpu:0") == "Once more."


# ----------------------------------------------------------------------------------------------------- what is allowed


def test_with_the_processor_alone_nothing_is_asked(cache: Path, modules: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "_providers", lambda: [module.PROVIDERS[1]])
    asking = Asking()
    inventory = make(cache, modules, asking, CARD, NPU, allowed=("cpu",), rpc_servers=("localhost:1",))
    cpu, card, npu = inventory.probe()
    assert asking.asked == []
    assert (cpu.is_usable, card.fault, npu.fault) == (True, SWITCHED_OFF, SWITCHED_OFF)
    assert SWITCHED_OFF == "Switched off in the settings."


def test_a_run_with_the_processor_alone_leaves_the_file_to_others(cache: Path, modules: Path):
    make(cache, modules, Asking()).probe()
    make(cache, modules, Asking(), allowed=("cpu",)).probe()
    assert make(cache, modules, Asking()).recall()


@pytest.mark.parametrize(
    ("allowed", "off"),
    [
        (("cpu", "gpu"), ["npu:0"]),
        (("cpu", "gpu:0"), ["gpu:1", "npu:0"]),
        (("npu",), ["cpu", "gpu:0", "gpu:1"]),
        (None, []),
    ],
)
def test_kinds_and_ids_can_be_allowed(modules: Path, allowed: tuple[str, ...] | None, off: list[str]):
    second = SeenDevice(kind=DeviceKind.GPU, name="Another", vendor="AMD", driver="amdgpu 6", address="0000:02:00.0")
    inventory = make(None, modules, Asking(), CARD, second, NPU, allowed=allowed)
    assert [device.id for device in inventory.probe() if device.fault == SWITCHED_OFF] == off


def test_what_is_found_does_not_depend_on_what_may_be_used(cache: Path, modules: Path):
    make(cache, modules, Asking(), allowed=("gpu",)).probe()
    asking = Asking()
    assert make(cache, modules, asking).probe()[1].is_usable
    assert asking.asked == []


@pytest.mark.parametrize(
    ("configured", "variable", "expected"),
    [
        ((), "", None),
        (None, " ", None),
        (("cpu",), "", ("cpu",)),
        (("cpu",), "GPU:1, npu", ("gpu:1", "npu")),
        ((), "cpu,", ("cpu",)),
    ],
)
def test_the_environment_overrides_the_setting(
    configured: tuple[str, ...] | None, variable: str, expected: tuple[str, ...] | None
):
    assert allowed_devices(configured, {"HEARTH_DEVICES": variable}) == expected


@pytest.mark.parametrize("name", ["tpu", "gpu:", "gpu:x", "cpu:0", "gpu:1234"])
def test_what_is_no_device_is_refused(name: str):
    with pytest.raises(ConfigError, match=f"The setting devices names '{name}'. Known are cpu, gpu, npu"):
        allowed_devices((name,), {})
    with pytest.raises(ConfigError, match="HEARTH_DEVICES names"):
        allowed_devices((), {"HEARTH_DEVICES": name})


def test_an_engines_settings_say_all_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HEARTH_DEVICES", "")
    inventory = inventory_of(EngineConfig(home=tmp_path, devices=("cpu",), rpc_servers=("localhost:1",)))
    assert (inventory._allowed, inventory._rpc_servers) == (("cpu",), ("localhost:1",))
    monkeypatch.setattr(module, "modules_folder", lambda: None)
    inventory_of(EngineConfig(home=tmp_path, devices=("gpu",))).probe()
    assert (tmp_path / "cache" / "devices.json").exists()


# ------------------------------------------------------------------------------------------------------------ threads


def test_whoever_comes_while_it_is_asked_waits_and_asks_nobody(cache: Path, modules: Path):
    asking = Asking()
    is_looking, may_go_on = threading.Event(), threading.Event()

    def see() -> tuple[SeenDevice, ...]:
        is_looking.set()
        assert may_go_on.wait(30)
        return (CARD,)

    inventory = Inventory(cache, modules, asker=asking, see=see)
    threads = [threading.Thread(target=inventory.probe) for _ in range(3)]
    for thread in threads:
        thread.start()
    assert is_looking.wait(30)
    assert names(inventory) == [("cpu", True)]  # which nobody waits for
    may_go_on.set()
    for thread in threads:
        thread.join(30)
    assert names(inventory) == [("cpu", True), ("gpu:0", True)]
    assert asking.asked.count(LLAMA) == 1


def test_closing_ends_what_is_being_asked(cache: Path, modules: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    (tmp_path / "stand_in.py").write_text("import time\ndef reached(**_): time.sleep(600)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr("engine.devices.ask.FUNCTIONS", dict.fromkeys((LLAMA, ONNX, NVML), "stand_in:reached"))
    inventory = Inventory(cache, modules, see=lambda: (CARD,))
    timer = threading.Timer(0.5, inventory.close)
    timer.start()
    assert [device.id for device in inventory.probe()] == ["cpu"]
    timer.join()
    assert not inventory.is_probed
    assert not cache.exists()
    asking = Asking()
    closed = make(cache, None, asking)
    closed.close()
    assert [device.id for device in closed.probe()] == ["cpu"]
    assert asking.asked == []
