import sys
from pathlib import Path

import pytest

from engine.devices.seen import libraries
from engine.devices.seen.libraries import (
    built_in_modules,
    installed_packages,
    loadable_modules,
    modules_folder,
    provider_files,
)


def touch(folder: Path, *names: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(b"x" * 7)


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of packages of its own."""
    monkeypatch.setattr(libraries, "_package_folders", lambda name: [tmp_path / name])
    monkeypatch.setattr(sys, "path", ["", str(tmp_path)])
    return tmp_path


def test_modules_are_named_by_what_they_go_through(tmp_path: Path):
    touch(
        tmp_path, "libggml-vulkan.so", "ggml-cuda.dll", "libggml-cpu-haswell.so", "made-for.json", "libggml-new.dylib"
    )
    found = loadable_modules(tmp_path)
    assert [(module.name, module.interface) for module in found] == [
        ("cuda", "CUDA"), ("new", "NEW"), ("vulkan", "Vulkan"),
    ]  # fmt: skip
    assert all(module.is_loadable and module.size_bytes == 7 and module.modified_ns > 0 for module in found)


def test_no_folder_has_no_modules(tmp_path: Path):
    assert loadable_modules(None) == loadable_modules(tmp_path / "none") == ()


def test_a_build_may_contain_more_than_the_processors_part(packages: Path):
    touch(
        packages / "llama_cpp/lib",
        "libggml.so",
        "libggml-base.so.0",
        "libggml-base.so",
        "libggml-cpu.so",
        "libllama.so",
    )
    assert built_in_modules() == ()
    touch(packages / "llama_cpp/lib", "libggml-cuda.so", "libggml-cuda.so.0")
    (cuda,) = built_in_modules()
    assert (cuda.interface, cuda.is_loadable) == ("CUDA", False)


def test_modules_are_looked_for_in_one_folder(packages: Path):
    assert modules_folder() is None
    touch(packages / "llama_cpp/lib/backends", "libggml-rpc.so")
    assert modules_folder() == packages / "llama_cpp/lib/backends"


def test_providers_beside_the_runtime(packages: Path):
    touch(packages / "onnxruntime/capi", "libonnxruntime_providers_shared.so", "_ld_preload.py")
    assert provider_files() == ()
    touch(packages / "onnxruntime/capi", "libonnxruntime_providers_cuda.so", "DirectML.dll")
    assert [file.name for file in provider_files()] == ["DirectML.dll", "libonnxruntime_providers_cuda.so"]


def test_versions_of_packages(packages: Path):
    for name in ("onnxruntime_ep_openvino-1.8.1", "llama_cpp_python-0.3.36", "numpy-2.4.6", "onnxruntime-1.31.1"):
        (packages / f"{name}.dist-info").mkdir()
    assert installed_packages() == {
        "onnxruntime-ep-openvino": "1.8.1", "llama-cpp-python": "0.3.36", "onnxruntime": "1.31.1",
    }  # fmt: skip


def test_this_installation():
    packages = installed_packages()
    assert packages["llama-cpp-python"]
    assert packages["onnxruntime"]


def test_a_package_that_is_not_there_is_nowhere(monkeypatch: pytest.MonkeyPatch):
    assert libraries._package_folders("no_such_package") == []
    monkeypatch.setitem(sys.modules, "odd", None)
    assert libraries._package_folders("odd") == []
