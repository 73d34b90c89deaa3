"""Why nothing reaches a device that is there, and what to do about it, in one sentence."""

import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from engine.devices.ask import LLAMA, ONNX, AskedFault
from engine.devices.seen.device import SeenDevice
from engine.hardware import DeviceKind


@dataclass(frozen=True, slots=True)
class _Provider:
    name: str
    title: str
    remedy: str


_GPU_INTERFACES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "NVIDIA": ("CUDA", "Vulkan"),
        "AMD": ("Vulkan", "HIP"),
        "Intel": ("Vulkan", "SYCL"),
        "Apple": ("Metal",),
        "Moore Threads": ("MUSA", "Vulkan"),
        "Qualcomm": ("Vulkan", "OpenCL"),
    }
)
_NPU_PROVIDERS: Final[Mapping[str, _Provider]] = MappingProxyType(
    {
        "Intel": _Provider("OpenVINOExecutionProvider", "OpenVINO", "`pip install onnxruntime-ep-openvino`"),
        "Qualcomm": _Provider("QNNExecutionProvider", "QNN", "`pip install --no-deps onnxruntime-qnn`"),
        "AMD": _Provider("VitisAIExecutionProvider", "Vitis AI", "install AMD's Ryzen AI software, which contains it"),
        "Apple": _Provider("CoreMLExecutionProvider", "Core ML", "`pip install onnxruntime`"),
    }
)
_DRIVERS: Final[Mapping[tuple[str, DeviceKind], str]] = MappingProxyType(
    {
        ("NVIDIA", DeviceKind.GPU): "NVIDIA's",
        ("AMD", DeviceKind.GPU): "amdgpu",
        ("Intel", DeviceKind.GPU): "xe or i915",
        ("Intel", DeviceKind.NPU): "intel_vpu, in Linux 6.3 and later",
        ("AMD", DeviceKind.NPU): "amdxdna, in Linux 6.14 and later",
    }
)
_ALIASES: Final[Mapping[str, str]] = MappingProxyType({"MTL": "Metal", "ROCm": "HIP"})


def plain_interface(interface: str) -> str:
    """The name of an interface, whichever of its two names llama.cpp uses."""
    return _ALIASES.get(interface, interface)


def llama_interfaces(vendor: str) -> tuple[str, ...]:
    """What llama.cpp can go through to a graphics processor of a maker."""
    return _GPU_INTERFACES.get(vendor, ("Vulkan",))


def why_unreached(device: SeenDevice, installed: Collection[str], faults: Sequence[AskedFault]) -> str:
    """Say why no backend reaches a device.

    Args:
        device: it.
        installed: interfaces that this installation could go through, as in `Route`.
        faults: what could not be asked.
    """
    title = f"{device.vendor} {device.kind.upper()} seen".lstrip()
    driver = device.driver.partition(" ")[0]
    if not driver:
        which = _DRIVERS.get((device.vendor, device.kind)) if sys.platform == "linux" else None
        return f"{title}, but no driver runs it: install its driver{f' ({which})' if which else ''}."
    if driver.startswith("vfio"):
        return f"{title}, but it is set aside for virtual machines: give it to its own driver instead of {driver}."
    if driver == "nouveau":
        return f"{title}, but its driver nouveau cannot compute: install NVIDIA's own."
    if device.kind is DeviceKind.NPU:
        return _npu(title, device.vendor, installed, faults)
    return _gpu(title, device.vendor, installed, faults)


def _gpu(title: str, vendor: str, installed: Collection[str], faults: Sequence[AskedFault]) -> str:
    wanted = llama_interfaces(vendor)
    for fault in faults:
        if fault.backend == LLAMA and fault.interface in {"", "CPU", *wanted}:
            return fault.sentence
    there = [interface for interface in wanted if interface in installed]
    if there:
        module = " and ".join(there)
        finds = "do not find" if len(there) > 1 else "does not find"
        return f"{title}; llama.cpp's {module} {finds} it: install or update its driver, {module} included."
    return f"{title}; this build of llama.cpp has no {' or '.join(wanted)} module: run `make backends`."


def _npu(title: str, vendor: str, installed: Collection[str], faults: Sequence[AskedFault]) -> str:
    provider = _NPU_PROVIDERS.get(vendor)
    if provider is None:
        return f"{title}; Hearth knows no provider of ONNX Runtime for it."
    for fault in faults:
        if fault.backend == ONNX and fault.interface in {"", provider.name}:
            return fault.sentence
    if provider.name in installed:
        return f"{title}; the provider {provider.title} does not list it: update the NPU's driver."
    return f"{title}; it needs the provider {provider.title} of ONNX Runtime: {provider.remedy}."
