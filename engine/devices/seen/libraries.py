"""What is installed that could reach a device: llama.cpp's modules and ONNX Runtime's providers. Loads none of it."""

import os
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Final

_LIBRARY: Final = re.compile(r"(?:lib)?ggml-([a-z0-9_]+)(?:-[\w.-]+)?\.(?:so|dylib|dll)")
_OTHER: Final = {"base", "cpu", "blas", "zendnn"}  # parts of every build, and what only helps the processor
_INTERFACES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "cann": "CANN", "cuda": "CUDA", "hexagon": "Hexagon", "hip": "HIP", "metal": "Metal", "musa": "MUSA",
        "opencl": "OpenCL", "openvino": "OpenVINO", "rpc": "RPC", "sycl": "SYCL", "vulkan": "Vulkan",
        "webgpu": "WebGPU",
    }
)  # fmt: skip
_PACKAGE: Final = re.compile(
    r"((?:onnxruntime|windowsml|llama[_.-]cpp[_.-]python)[\w.]*?)-(\d[^-]*)\.(?:dist|egg)-info"
)
_PROVIDER: Final = re.compile(r"(?:lib)?(?:onnxruntime_providers_(?!shared)\w+|DirectML)\.(?:so|dylib|dll)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """A library of llama.cpp that reaches devices.

    Attributes:
        name: as the file is called, without prefix and suffix: `vulkan`.
        interface: for people, and as routes spell it: `Vulkan`.
        path: of the file.
        size_bytes: of the file.
        modified_ns: when it was written, in nanoseconds since 1970.
        is_loadable: whether it is loaded when it is wanted; else it comes with llama.cpp, like it or not.
    """

    name: str
    interface: str
    path: Path
    size_bytes: int
    modified_ns: int
    is_loadable: bool


def modules_folder() -> Path | None:
    """The only folder that modules of llama.cpp are loaded from; `make backends` fills it. None before that."""
    for folder in _package_folders("llama_cpp"):
        if (folder / "lib" / "backends").is_dir():
            return folder / "lib" / "backends"
    return None


def loadable_modules(folder: Path | None) -> tuple[Module, ...]:
    """The modules in a folder, by name; none in none."""
    return tuple(_modules(folder, is_loadable=True)) if folder is not None else ()


def built_in_modules() -> tuple[Module, ...]:
    """What this build of llama.cpp always loads beside the processor's part, as a build for CUDA does."""
    return tuple(
        module for folder in _package_folders("llama_cpp") for module in _modules(folder / "lib", is_loadable=False)
    )


def provider_files() -> tuple[Path, ...]:
    """Libraries of providers that lie beside ONNX Runtime, which its larger packages bring."""
    files = (file for folder in _package_folders("onnxruntime") for file in _files(folder / "capi"))
    return tuple(file for file in files if _PROVIDER.fullmatch(file.name))


def installed_packages() -> Mapping[str, str]:
    """Versions of the packages that bring inference libraries, plugin providers included, by name.

    Looks at names of folders only: a millisecond, where reading what all packages say of themselves takes a hundred.
    """
    found = {}
    for folder in reversed([Path(entry) for entry in sys.path if entry]):  # the first one on the path wins
        for name in _names(folder):
            if match := _PACKAGE.fullmatch(name):
                found[re.sub(r"[_.]+", "-", match[1]).lower()] = match[2]
    return MappingProxyType(found)


def _modules(folder: Path, *, is_loadable: bool) -> Iterator[Module]:
    for file in _files(folder):
        found = _LIBRARY.fullmatch(file.name)
        if found is None or found[1] in _OTHER:
            continue
        try:
            status = file.stat()
        except OSError:  # it went away meanwhile
            continue
        yield Module(
            name=found[1],
            interface=_INTERFACES.get(found[1], found[1].upper()),
            path=file,
            size_bytes=status.st_size,
            modified_ns=status.st_mtime_ns,
            is_loadable=is_loadable,
        )


def _package_folders(name: str) -> list[Path]:
    """Where a package lies, without importing it."""
    try:
        spec = find_spec(name)
    except (ImportError, ValueError):  # ValueError: something has put a module without origin into its place
        return []
    return [Path(folder) for folder in (spec.submodule_search_locations or ())] if spec is not None else []


def _files(folder: Path) -> list[Path]:
    return [folder / name for name in _names(folder)]


def _names(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []
