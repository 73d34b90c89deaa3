"""Real backends asked for real devices: llama.cpp's servers, Mesa's Vulkan in software, modules that are broken."""

import json
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.devices import inventory as module
from engine.devices.inventory import Inventory, modules_folder
from engine.devices.probe import is_software
from engine.hardware import DeviceKind

MODULES = modules_folder()
LAVAPIPE = Path("/usr/share/vulkan/icd.d/lvp_icd.x86_64.json")
SERVE = "import sys, pathlib; from engine.backends.llama.devices import serve_rpc as s; s({!r}, pathlib.Path({!r}), 2)"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="modules are built and broken here as on Linux")


def has(name: str) -> bool:
    return MODULES is not None and (MODULES / f"libggml-{name}.so").exists()


needs_rpc = pytest.mark.skipif(not has("rpc"), reason="there is no RPC module; `make backends` builds it")


class Server:
    """llama.cpp's server in a process of its own, which shares the processor as two devices."""

    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.address = f"127.0.0.1:{free.getsockname()[1]}"
        self.process = subprocess.Popen([sys.executable, "-c", SERVE.format(self.address, str(MODULES))])
        until_s = time.monotonic() + 60
        while not self.answers():
            assert self.process.poll() is None
            assert time.monotonic() < until_s
            time.sleep(0.05)

    def answers(self) -> bool:
        host, _, port = self.address.rpartition(":")
        try:
            socket.create_connection((host, int(port)), timeout=1).close()
        except OSError:
            return False
        return True

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.end()


@pytest.fixture(autouse=True)
def only_llama(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_providers", list)


@pytest.fixture
def broken(tmp_path: Path) -> Callable[[str, str], Path]:
    """A folder with a module whose code does something as soon as it is loaded, beside the real ones."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler")

    def make(name: str, code: str) -> Path:
        folder = tmp_path / "backends"
        folder.mkdir()
        source = tmp_path / "broken.c"
        source.write_text(
            f"#include <stdlib.h>\n#include <unistd.h>\n__attribute__((constructor)) void f(void) {{ {code} }}"
        )
        subprocess.run([compiler, "-shared", "-fPIC", "-o", folder / f"libggml-{name}.so", source], check=True)
        if has("rpc") and MODULES is not None:
            (folder / "libggml-rpc.so").symlink_to(MODULES / "libggml-rpc.so")
        return folder

    return make


@needs_rpc
def test_a_servers_devices_are_reached_and_lost_with_it(server: Server, tmp_path: Path):
    cache = tmp_path / "devices.json"
    inventory = Inventory(cache, MODULES, (server.address,), see=tuple)
    remote = [device for device in inventory.probe() if device.name == f"RPC server {server.address}"]
    assert len(remote) == 2
    for number, device in enumerate(remote):
        (route,) = device.routes
        assert (route.backend, route.interface, route.target) == ("llama.cpp", "RPC", f"{server.address}#{number}")
        assert device.is_usable
        assert device.memory_bytes
    assert Inventory(cache, MODULES, (server.address,), see=tuple).recall()
    server.end()
    assert not Inventory(cache, MODULES, (server.address,), see=tuple).recall()
    (lost,) = [device for device in inventory.probe() if device.name == f"RPC server {server.address}"]
    assert not lost.is_usable
    assert "does not answer" in lost.fault


@needs_rpc
def test_a_server_that_hangs_hides_nobody(server: Server, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "_TIMEOUTS_S", {"llama.cpp": 8.0})
    server.process.send_signal(signal.SIGSTOP)  # the system still takes connections for it
    other = Server()
    try:
        inventory = Inventory(None, MODULES, (other.address, server.address), see=tuple)
        devices = {device.name: device for device in inventory.probe()}
    finally:
        other.end()
    assert devices[f"RPC server {other.address}"].is_usable
    hanging = devices[f"RPC server {server.address}"]
    assert not hanging.is_usable
    assert "does not answer" in hanging.fault  # when it is connected to, or later, as its queue has room


@needs_rpc
def test_a_module_that_crashes_hides_nobody(server: Server, broken: Callable[[str, str], Path], tmp_path: Path):
    folder = broken("sycl", "abort();")
    cache = tmp_path / "devices.json"
    inventory = Inventory(cache, folder, (server.address,), see=tuple)
    remote = [device for device in inventory.probe() if device.name == f"RPC server {server.address}"]
    assert [device.is_usable for device in remote] == [True, True]
    assert [fault.sentence for fault in inventory.faults] == [
        "llama.cpp's SYCL module crashes (SIGABRT) when it is loaded."
    ]
    assert json.loads(cache.read_text())["faults"][0]["interface"] == "SYCL"


@pytest.mark.skipif(not has("vulkan") or not LAVAPIPE.exists(), reason="needs the Vulkan module and Mesa's lavapipe")
def test_vulkan_in_software_is_a_device_and_marked(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GGML_VK_VISIBLE_DEVICES", "0")
    monkeypatch.setenv("VK_DRIVER_FILES", str(LAVAPIPE))
    (device,) = [device for device in Inventory(None, MODULES, see=tuple).probe() if is_software(device.name)]
    assert (device.kind, device.vendor, device.shares_memory) == (DeviceKind.GPU, "Mesa", True)
    assert [(route.interface, route.target) for route in device.routes] == [("Vulkan", "Vulkan0")]


@pytest.mark.skipif(not has("vulkan"), reason="needs the Vulkan module")
def test_vulkan_without_a_driver_has_no_device(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("VK_DRIVER_FILES", "/nonexistent.json")
    inventory = Inventory(None, MODULES, see=tuple)
    assert not any(route.interface == "Vulkan" for device in inventory.probe() for route in device.routes)
    assert inventory.faults == ()
