"""What ONNX Runtime, its providers and their drivers say when they fail, as errors of the engine."""

import re
from pathlib import Path
from typing import Final

from onnxruntime.capi import onnxruntime_pybind11_state as native

from engine.backends.onnx.runtime import onnxruntime
from engine.errors import (
    DeviceError,
    DeviceLostError,
    EngineError,
    ModelFileError,
    ModelNotFoundError,
    OutOfMemoryError,
    RequestError,
)

NATIVE_ERRORS: Final[tuple[type[Exception], ...]] = (
    RuntimeError,
    MemoryError,
    native.EPFail,
    native.EngineError,
    native.Fail,
    native.InvalidArgument,
    native.InvalidGraph,
    native.InvalidProtobuf,
    native.ModelLoadCanceled,
    native.NoModel,
    native.NoSuchFile,
    native.NotFound,
    native.NotImplemented,
    native.RuntimeException,
)

# Only the first two have been seen; the others are what DirectX, CUDA and Level Zero call these things.
_NO_MEMORY: Final = (
    "bad allocation",
    "bad_alloc",
    "failed to allocate memory",
    "out of memory",
    "outofmemory",
    "8007000e",
    "out_of_memory",
    "out_of_device_memory",
    "out_of_host_memory",
)
_NOISE: Final = re.compile(
    r"\[ONNXRuntimeError\] : \d+ : \w+ : |\[[\w-]+EP\] |Exception from \S+:\d+:\s*|\S+\.(?:cc|cpp|h):\d+(?: - |:? )"
)
"""Codes and source files that stand before the reason."""
_NEWER_FORMAT: Final = re.compile(r"model IR version: (\d+), max supported IR version: (\d+)")
_NEWER_OPERATORS: Final = re.compile(r"Opset (\d+) is under .* for domain (\S+) is till opset (\d+)", re.DOTALL)
_FROM_PROVIDER: Final = re.compile(r"\[[\w-]+EP\] |Exception from ")
_LOST: Final = ("device removed", "device_removed", "device lost", "device_lost", "device hung", "device_hung",
                "887a0005", "887a0006", "887a0007", "cudaerrordevicesunavailable", "no cuda-capable device",
                "unspecified launch failure", "gpu has fallen off")  # fmt: skip


def load_error(path: Path, error: Exception, device: str = "") -> EngineError:
    """The error for a graph that did not open.

    Args:
        path: of the graph.
        error: what was raised.
        device: what it was opened on, for people (`OpenVINO on npu:0`); empty for the processor's own provider.
    """
    if not path.exists():
        return ModelNotFoundError(f"There is no file {path}.", "Check the path.")
    text = str(error)
    if lacks_memory(error):
        if device:
            return OutOfMemoryError(
                f"The model {path.name} does not fit into the memory of {device}.", "Run it elsewhere."
            )
        return OutOfMemoryError(f"The model {path.name} does not fit into memory.", "Close other models or programs.")
    if device and is_lost(error):
        return DeviceLostError(f"{device} was lost while it opened {path.name}: {reason_of(error)}.")
    # A provider has words of its own: where OpenVINO says opset, it does not mean ONNX's.
    if device and (isinstance(error, native.EPFail) or _FROM_PROVIDER.search(text)):
        return DeviceError(f"{device} refuses {path.name}: {reason_of(error)}.", "It can run on the processor.")
    if "opset" in text.lower() or "IR version" in text:
        return ModelFileError(_too_new(path.name, text), "Choose an export for older versions, or update Hearth.")
    if isinstance(error, native.NotImplemented) or "not a registered" in text or "No Op registered" in text:
        return ModelFileError(
            f"The model {path.name} uses an operator that ONNX Runtime lacks: {reason_of(error)}.",
            "Choose another export of the model.",
        )
    if device and not isinstance(error, native.InvalidProtobuf | native.NoModel | native.InvalidGraph):
        return DeviceError(f"{device} refuses {path.name}: {reason_of(error)}.", "It can run on the processor.")
    return ModelFileError(
        f"The file {path.name} is no ONNX model, or damaged: {reason_of(error)}.", "Download it again."
    )


def _too_new(name: str, text: str) -> str:
    """What of a graph is newer than ONNX Runtime, which is not of one version on every system."""
    cause = f"The model {name} is newer than ONNX Runtime {onnxruntime.__version__} of this Hearth"
    if found := _NEWER_FORMAT.search(text):
        return f"{cause}: its format has version {found[1]}, and up to {found[2]} can be read."
    if found := _NEWER_OPERATORS.search(text):
        return f"{cause}: its operators ({found[2]}) have version {found[1]}, and up to {found[3]} can be run."
    return f"{cause}."


def run_error(path: Path, error: Exception, device: str = "") -> EngineError:
    """The error for a run that failed; arguments as for `load_error`.

    A device that fails on a run is not asked again: the same run may well work elsewhere. Inputs that the graph itself
    refuses are the request's own fault, wherever it runs.
    """
    if device and not isinstance(error, native.InvalidArgument):
        if lacks_memory(error):
            return OutOfMemoryError(f"The memory of {device} does not hold a run of {path.name}.", "Run it elsewhere.")
        if is_lost(error):
            return DeviceLostError(f"{device} was lost while it ran {path.name}: {reason_of(error)}.")
        return DeviceError(f"{device} failed on {path.name}: {reason_of(error)}.", "It can run on the processor.")
    return RequestError(f"The model {path.name} failed: {reason_of(error)}.")


def is_lost(error: Exception) -> bool:
    """Whether a driver says that its device is gone."""
    text = str(error).lower()
    return any(word in text for word in _LOST)


def reason_of(error: Exception) -> str:
    """The last part of what ONNX Runtime says, on one line: codes, paths and source files come before it."""
    text = " ".join(str(error).split())
    text = _NOISE.sub("", text.rsplit(" failed:", 1)[-1]).strip()
    return (f"{text[:159].rstrip()}…" if len(text) > 160 else text).rstrip(".") or type(error).__name__


def lacks_memory(error: Exception) -> bool:
    """Whether there was not enough memory, of the device or of the machine."""
    text = str(error).lower()
    return isinstance(error, MemoryError) or any(word in text for word in _NO_MEMORY)
