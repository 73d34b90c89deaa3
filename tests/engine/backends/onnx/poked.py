"""OpenVINO's devices on any processor, for tests only.

OpenVINO's plugin offers devices for Intel's hardware only, though its code for the processor runs on others too. Before
it is registered, the vendor that ONNX Runtime has noted for the processor is overwritten, in a process of its own.
"""

import ctypes
import time
from dataclasses import replace
from functools import partial

import onnxruntime

from engine.backends.onnx import compiled, device_worker, devices, providers, session
from engine.hardware import DeviceKind

WORKER = "tests.engine.backends.onnx.poked:PokedWorker"
FIXING_WORKER = "tests.engine.backends.onnx.poked:FixingWorker"
SLOW_WORKER = "tests.engine.backends.onnx.poked:SlowWorker"
SPOILING_WORKER = "tests.engine.backends.onnx.poked:SpoilingWorker"
REACHED = "tests.engine.backends.onnx.poked:reached"
OPENVINO = "OpenVINOExecutionProvider"


def poke() -> None:
    """Make the processor Intel's; what is overwritten is looked at first."""
    hardware = onnxruntime.get_ep_devices()[0].device
    place = ctypes.c_void_p.from_address(id(hardware) + object.__basicsize__).value
    fields = (ctypes.c_uint32 * 3).from_address(place)  # OrtHardwareDevice: type, vendor, device
    assert (fields[0], fields[1]) == (0, hardware.vendor_id)
    fields[1] = 0x8086


def reached(**options):
    poke()
    return devices.reached(**options)


class PokedWorker(device_worker.DeviceWorker):
    """The worker of device processes, after the poke."""

    def __init__(self) -> None:
        super().__init__()
        poke()


class FixingWorker(PokedWorker):
    """OpenVINO's CPU device, taken for one that wants fixed shapes, as NPUs do."""

    def __init__(self) -> None:
        super().__init__()
        fixing = replace(providers.OPENVINO, wants_fixed_shapes=frozenset({DeviceKind.CPU}))
        session.find = partial(devices.find, providers=(fixing,))


class SlowWorker(PokedWorker):
    """A compiler that takes its time."""

    def __init__(self) -> None:
        super().__init__()
        session.find = lambda target: time.sleep(60)


class SpoilingWorker(PokedWorker):
    """A compiler whose work does not open."""

    def __init__(self) -> None:
        super().__init__()
        compile_graph = compiled._compile

        def spoil(*arguments):
            made = compile_graph(*arguments)
            for entry in made.parent.glob("*.bin"):
                entry.write_bytes(b"spoiled")
            return made

        compiled._compile = spoil
