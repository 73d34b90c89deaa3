import os
import socket
from pathlib import Path
from time import perf_counter

import pytest

from engine.devices.seen import signature as module
from engine.devices.seen.signature import signature


@pytest.fixture
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("modules")
    (folder / "libggml-vulkan.so").write_bytes(b"1")
    return folder


def test_nothing_new_is_the_same(tree, modules: Path):
    tree.add("0000:01:00.0", "10de:2684", "030000", "nvidia")
    assert signature(modules, (), root=tree.root) == signature(modules, (), root=tree.root)


def test_whatever_decides_what_is_found_changes_it(tree, modules: Path, monkeypatch: pytest.MonkeyPatch):
    found = [signature(modules, (), root=tree.root)]

    def changes() -> bool:
        found.append(signature(modules, (), root=tree.root))
        return found[-1] not in found[:-1]

    folder = tree.add("0000:01:00.0", "10de:2684", "030000")
    assert changes()
    tree.bind(str(folder.relative_to(tree.root)), "nvidia")
    assert changes()
    tree.write({"sys/module/nvidia/version": "550.54.14"})
    assert changes()
    tree.write({"usr/share/vulkan/icd.d/lvp_icd.json": "{}"})
    assert changes()
    os.utime(modules / "libggml-vulkan.so", ns=(1, 1))
    assert changes()
    (modules / "libggml-rpc.so").write_bytes(b"")
    assert changes()
    monkeypatch.setenv("GGML_VK_VISIBLE_DEVICES", "0")
    assert changes()
    monkeypatch.setattr(module, "installed_packages", lambda: {"onnxruntime": "9.9"})
    assert changes()


def test_what_does_not_compute_does_not_count(tree):
    before = signature(None, (), root=tree.root)
    tree.add("0000:09:00.0", "8086:1533", "020000", "igb")  # a network card
    assert signature(None, (), root=tree.root) == before


def test_a_server_that_comes_or_goes_changes_it(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        with_server = signature(None, (address,), root=tmp_path)
    assert with_server != signature(None, (address,), root=tmp_path)
    assert signature(None, ("nowhere",), root=tmp_path)  # an address that is none is said when it is asked


def test_what_else_decides_is_part_of_it(tmp_path: Path):
    assert signature(None, (), ("a",), tmp_path) != signature(None, (), ("b",), tmp_path)


def test_it_takes_milliseconds():
    signature(None, ())
    started = perf_counter()
    signature(None, ())
    assert perf_counter() - started < 0.25  # 3 ms on a quiet machine
