"""The execution providers of ONNX Runtime, as data: another one is another row.

What has been run: the processor's own provider, and OpenVINO's plugin on its CPU device; the ways to its GPU and NPU
with that device in their place. WebGPU's and CUDA's libraries have been registered on a machine without a driver.
Everything else here follows the documentation of the providers and has not been run: there was no such hardware.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Final

from engine.hardware import DeviceKind

CPU_INTERFACES: Final = frozenset({"CPU", "CPUExecutionProvider"})
"""What a target may call the processor's own provider."""

Options = Mapping[str, str]
_NONE: Final[Options] = MappingProxyType({})
_GPU: Final = frozenset({DeviceKind.GPU})
_NPU: Final = frozenset({DeviceKind.NPU})


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """How to find the library of a provider that ONNX Runtime does not contain.

    Attributes:
        module: a top-level module; if it is not installed, nor is the provider.
        function: of that module, returns the path of the library; empty if `file` says where it is.
        file: of the library, in the module's folder, without prefix and suffix.
    """

    module: str
    function: str = ""
    file: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedDevice:
    """A device of a provider that is asked for by name, because it lists no devices.

    Attributes:
        kind: of the device.
        name: for people.
        options: that choose it.
    """

    kind: DeviceKind
    name: str
    options: Options = field(default_factory=lambda: _NONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """One way to run a graph.

    Attributes:
        name: as ONNX Runtime spells it.
        title: for people.
        vendor: of the hardware that it is for; empty for any.
        packages: distributions, of which one contains it.
        library: of a plugin; None if it is built into ONNX Runtime.
        kinds: of devices that Hearth uses it for; others that it lists are left alone.
        platforms: of `sys.platform`, where it can exist.
        options: passed to it; `{threads}` becomes the number of processor threads.
        named: its devices, where it is in ONNX Runtime but lists none.
        session_entries: of the session's configuration.
        is_sequential: whether operators must run one after the other.
        memory_pattern: whether ONNX Runtime may plan memory by the first run.
        wants_fixed_shapes: kinds of its devices that want a graph whose sides are all known.
        wants_qdq: kinds of its devices that are fast, or work at all, with static INT8 graphs (QDQ) only.
        can_compile_context: whether what it compiles can be kept (EP context), to be opened without compiling.
    """

    name: str
    title: str
    vendor: str = ""
    packages: tuple[str, ...]
    library: Library | None = None
    kinds: frozenset[DeviceKind]
    platforms: frozenset[str] = frozenset({"linux", "win32", "darwin"})
    options: Options = field(default_factory=lambda: _NONE)
    named: tuple[NamedDevice, ...] = ()
    session_entries: Options = field(default_factory=lambda: _NONE)
    is_sequential: bool = False
    memory_pattern: bool = True
    wants_fixed_shapes: frozenset[DeviceKind] = frozenset()
    wants_qdq: frozenset[DeviceKind] = frozenset()
    can_compile_context: bool = False

    def options_for(self, threads: int) -> dict[str, str]:
        """What is passed to it when it may use so many processor threads."""
        return {key: value.replace("{threads}", str(max(1, threads))) for key, value in self.options.items()}


# Run everywhere. The processor's own; every graph can run on it, and what no other provider takes does. It is in every
# package that ONNX Runtime comes in.
CPU: Final = Provider(
    name="CPUExecutionProvider",
    title="ONNX Runtime",
    packages=("onnxruntime", "onnxruntime-directml", "onnxruntime-windowsml", "onnxruntime-gpu"),
    kinds=frozenset({DeviceKind.CPU}),
)

# Run: its CPU device (float32, static INT8, free and fixed shapes, compiled contexts). Not run: its GPU and NPU. On the
# CPU float32 is kept: by default it computes in bfloat16 where the processor can, and answers would differ from those
# of the processor's own provider by up to 3e-3.
OPENVINO: Final = Provider(
    name="OpenVINOExecutionProvider",
    title="OpenVINO",
    vendor="Intel",
    packages=("onnxruntime-ep-openvino",),
    library=Library(module="onnxruntime_ep_openvino", function="get_library_path"),
    kinds=frozenset(DeviceKind),
    platforms=frozenset({"linux", "win32"}),
    options=MappingProxyType(
        {"load_config": '{"CPU":{"INFERENCE_PRECISION_HINT":"f32","INFERENCE_NUM_THREADS":"{threads}"}}'}
    ),
    wants_fixed_shapes=_NPU,
    wants_qdq=_NPU,
    can_compile_context=True,
)

# Not run. One device per session, operators in sequence, no memory pattern, and one run of a session at a time: the
# last is how every lane works. ONNX Runtime lists its adapters, software's left out, and gives each its number
# (`device_id`). GPUs only: its public builds list no NPU. Its own package replaces `onnxruntime`, and is an older one;
# operators newer than version 20 run on the processor.
DIRECTML: Final = Provider(
    name="DmlExecutionProvider",
    title="DirectML",
    packages=("onnxruntime-directml", "onnxruntime-windowsml"),
    kinds=_GPU,
    platforms=frozenset({"win32"}),
    is_sequential=True,
    memory_pattern=False,
)

# Registered without a driver: its library does not load, which is said. Not run. In ONNX Runtime's own package for
# NVIDIA the library lies beside the runtime, and is registered when that is imported if its build says so; registering
# it again is no error here.
CUDA: Final = Provider(
    name="CUDAExecutionProvider",
    title="CUDA",
    vendor="NVIDIA",
    packages=("onnxruntime-gpu",),
    library=Library(module="onnxruntime", file="capi/onnxruntime_providers_cuda"),
    kinds=_GPU,
    platforms=frozenset({"linux", "win32"}),
    named=(NamedDevice(kind=DeviceKind.GPU, name="NVIDIA GPU 0", options=MappingProxyType({"device_id": "0"})),),
)

# Not run: there is no wheel for Linux on x86-64. The plugin chooses its backend by the kind of the device. The NPU
# takes fixed shapes and QDQ graphs; compiling for it takes long, so what comes of it is kept.
QNN: Final = Provider(
    name="QNNExecutionProvider",
    title="QNN",
    vendor="Qualcomm",
    packages=("onnxruntime-qnn",),
    library=Library(module="onnxruntime_qnn", function="get_library_path"),
    kinds=_GPU | _NPU,
    platforms=frozenset({"linux", "win32"}),
    wants_fixed_shapes=_NPU,
    wants_qdq=_NPU,
    can_compile_context=True,
)

# Not run, and on no package index: it comes with AMD's Ryzen AI installer, whose ONNX Runtime contains it.
VITISAI: Final = Provider(
    name="VitisAIExecutionProvider",
    title="Vitis AI",
    vendor="AMD",
    packages=("onnxruntime-vitisai",),
    kinds=_NPU,
    platforms=frozenset({"linux", "win32"}),
    named=(NamedDevice(kind=DeviceKind.NPU, name="AMD NPU"),),
    wants_fixed_shapes=_NPU,
    wants_qdq=_NPU,
    can_compile_context=True,
)

# Not run. Apple's framework chooses among its units; each entry lets it use one beside the processor.
COREML: Final = Provider(
    name="CoreMLExecutionProvider",
    title="Core ML",
    vendor="Apple",
    packages=("onnxruntime",),
    kinds=_GPU | _NPU,
    platforms=frozenset({"darwin"}),
    options=MappingProxyType({"ModelFormat": "MLProgram"}),
    named=(
        NamedDevice(
            kind=DeviceKind.NPU,
            name="Apple Neural Engine",
            options=MappingProxyType({"MLComputeUnits": "CPUAndNeuralEngine"}),
        ),
        NamedDevice(kind=DeviceKind.GPU, name="Apple GPU", options=MappingProxyType({"MLComputeUnits": "CPUAndGPU"})),
    ),
    wants_fixed_shapes=_NPU,
)

# Registered without a graphics driver: it lists no device. Not run. Takes one device and chooses the adapter itself.
WEBGPU: Final = Provider(
    name="WebGpuExecutionProvider",
    title="WebGPU",
    packages=("onnxruntime-ep-webgpu",),
    library=Library(module="onnxruntime_ep_webgpu", function="get_library_path"),
    kinds=_GPU,
)

PROVIDERS: Final = (CPU, CUDA, OPENVINO, QNN, VITISAI, COREML, DIRECTML, WEBGPU)
"""All that Hearth knows; where several reach one device, the earlier one is the better way."""


def provider_named(name: str) -> Provider | None:
    """The row of a provider, by ONNX Runtime's name for it."""
    return next((provider for provider in PROVIDERS if provider.name == name), None)


def installed(provider: Provider) -> bool:
    """Whether the package of a provider is there, as far as can be told without loading anything native."""
    if sys.platform not in provider.platforms:
        return False
    if provider.library is None:
        return any(_has_distribution(package) for package in provider.packages)
    if provider.library.function:
        return find_spec(provider.library.module) is not None
    return library_file(provider.library) is not None


def library_file(library: Library) -> Path | None:
    """Where the library lies that is named by its place in a module's folder; None if it is not there."""
    spec = find_spec(library.module)
    for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
        place = Path(folder, library.file)
        for name in (f"lib{place.name}.so", f"{place.name}.dll", f"lib{place.name}.dylib"):
            if (place.parent / name).is_file():
                return place.parent / name
    return None


def package_version(provider: Provider) -> str:
    """Version of the package that contains a provider; empty if there is none."""
    return next((_version(package) for package in provider.packages if _has_distribution(package)), "")


def _has_distribution(package: str) -> bool:
    return bool(_version(package))


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
