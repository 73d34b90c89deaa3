"""Frozen values about the machine that cross the engine's door: devices, their speed, what they do, who runs where.

Whatever is not known is None, never 0: a meter that shows 0 for "unknown" lies.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

# ------------------------------------------------------------------------------------------------------- what there is


class DeviceKind(StrEnum):
    """What a device is; its value begins the device's id (`cpu`, `gpu:0`, `npu:1`)."""

    CPU = "cpu"
    GPU = "gpu"
    NPU = "npu"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReachedDevice:
    """A device as one backend sees it, in a process of its own; the probe makes routes of these.

    Attributes:
        backend: `llama.cpp` or `onnxruntime`.
        interface: what the backend goes through, as in `Route`.
        target: what the backend calls the device, as in `Route`.
        kind: what the backend takes it for.
        name: as the backend describes it.
        vendor: its maker, or empty.
        address: on the bus, or empty.
        version: of the driver or the library.
        total_bytes: of its memory; None if the backend does not say.
        free_bytes: of it; None if the backend does not say.
        shares_memory: whether it computes in the machine's memory.
        fault: why it cannot be used, in one sentence; empty if it can.
    """

    backend: str
    interface: str
    target: str
    kind: DeviceKind
    name: str
    vendor: str = ""
    address: str = ""
    version: str = ""
    total_bytes: int | None = None
    free_bytes: int | None = None
    shares_memory: bool = False
    fault: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One way to reach a device: a backend, and what that backend goes through.

    Attributes:
        backend: `llama.cpp` or `onnxruntime`.
        interface: what it goes through: `CPU`, `Vulkan`, `CUDA`, `Metal`, `RPC`, or the name of an execution provider.
        target: what the backend calls the device: ggml's device name, or a key of the provider's device.
        version: of the driver or the library; measured speeds are kept per version.
        free_bytes: memory that could be taken when the device was asked; None where it does not say.
        fault: why it cannot be used, in one sentence; empty if it can.
    """

    backend: str
    interface: str
    target: str = ""
    version: str = ""
    free_bytes: int | None = None
    fault: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceInfo:
    """One unit of this machine that can compute.

    Attributes:
        id: `cpu`, `gpu:N` or `npu:N`; stable as long as the machine's hardware is.
        kind: what it is.
        name: as its maker calls it.
        vendor: its maker, or empty.
        driver: driver and version, or empty.
        address: on the bus (`0000:01:00.0`), or empty; tells two equal devices apart.
        memory_bytes: memory of its own, or what it may use of the machine's; None if unknown.
        shares_memory: whether it computes in the machine's memory.
        routes: the ways to reach it, best first.
        fault: why no route can be used, in one sentence; empty if one can.
    """

    id: str
    kind: DeviceKind
    name: str
    vendor: str = ""
    driver: str = ""
    address: str = ""
    memory_bytes: int | None = None
    shares_memory: bool = False
    routes: tuple[Route, ...] = ()
    fault: str = ""

    @property
    def is_usable(self) -> bool:
        """Whether something can run on it."""
        return not self.fault and any(not route.fault for route in self.routes)

    def route(self, backend: str) -> Route | None:
        """The best usable way for a backend to reach it."""
        return next((route for route in self.routes if route.backend == backend and not route.fault), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceRates:
    """Measured speed of a device through one route (`devices/calibrate.py` says how each number is measured).

    Attributes:
        device: id of the device.
        backend: of the route.
        interface: of the route.
        version: of the route when it was measured.
        measured_at: when, in seconds since 1970.
        decode_bytes_per_s: weight bytes read per second while decoding one token, by type of weights (`q8_0`, ...).
        prefill_flops: floating-point operations per second while reading a prompt, by type of weights.
        layer_overhead_s: time that a layer costs per decoded token beside its weights.
        step_overhead_s: time that a step costs beside its layers.
        load_bytes_per_s: weight bytes per second while loading.
        graph_flops: operations per second of ONNX graphs; 0 for a llama.cpp route.
        graph_overhead_s: time that a run of a graph costs beside its arithmetic.
    """

    device: str
    backend: str
    interface: str
    version: str = ""
    measured_at: float = 0.0
    decode_bytes_per_s: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    prefill_flops: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    layer_overhead_s: float = 0.0
    step_overhead_s: float = 0.0
    load_bytes_per_s: float = 0.0
    graph_flops: float = 0.0
    graph_overhead_s: float = 0.0


# ------------------------------------------------------------------------------------------------------- who runs where


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One way to run a model, and what the dispatcher predicts for it.

    Attributes:
        model: id of the variant.
        device: id of the device.
        interface: of the route.
        layers: how many of the model's layers live on the device; all of them for the CPU and for graphs.
        total_layers: of the model; 0 for a graph.
        first_token_s: predicted from arrival to the first token (or to the result, for an image): load and waiting
            included; None if it cannot run there.
        token_s: predicted per further token; None for images and where it cannot run.
        load_s: of `first_token_s`, for loading.
        wait_s: of `first_token_s`, for work that the device has already.
        needed_bytes: memory that it would take on the device; 0 if it is loaded there.
        is_loaded: whether it is there already.
        refusal: why it cannot run there, in one sentence; empty if it can.
        reason: why it is where it is in the order, in one sentence.
    """

    model: str
    device: str
    interface: str = ""
    layers: int = 0
    total_layers: int = 0
    first_token_s: float | None = None
    token_s: float | None = None
    load_s: float = 0.0
    wait_s: float = 0.0
    needed_bytes: int = 0
    is_loaded: bool = False
    refusal: str = ""
    reason: str = ""

    @property
    def tokens_per_s(self) -> float | None:
        """Predicted speed of one answer."""
        return None if not self.token_s else 1 / self.token_s


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacementReport:
    """Where a model would run now, and where else it could.

    Attributes:
        model: id.
        choice: what a request would take now; None if it fits nowhere.
        candidates: all of them, best first, the impossible ones last.
        override: device that the person has chosen for this model; empty for none.
        automatic: what a request would take if nobody had chosen; None if nobody has, or if it fits nowhere.
    """

    model: str
    choice: Candidate | None
    candidates: tuple[Candidate, ...]
    override: str = ""
    automatic: Candidate | None = None


# --------------------------------------------------------------------------------------------------- what it is doing


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceSample:
    """What one device was doing over the last interval.

    Attributes:
        utilisation: share of it in use by anybody, in [0, 1].
        ours: share of it in use by Hearth, in [0, 1]; at most `utilisation` where both are known.
        memory_used_bytes: of its memory, by anybody.
        memory_ours_bytes: of its memory, by Hearth.
        temperature_c: degrees Celsius.
        power_w: watts.
        is_throttled: whether it is slowed down by heat or a power limit.
        cores: utilisation of each core, for a processor.
    """

    utilisation: float | None = None
    ours: float | None = None
    memory_used_bytes: int | None = None
    memory_ours_bytes: int | None = None
    temperature_c: float | None = None
    power_w: float | None = None
    is_throttled: bool | None = None
    cores: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TelemetrySample:
    """The whole machine at one moment.

    Attributes:
        at_s: on the monotonic clock.
        devices: by device id.
        memory_used_bytes: of the machine's memory, by anybody.
        memory_ours_bytes: by Hearth and the processes it started.
        swap_used_bytes: of the swap space.
        tokens_per_s: generated by device over the last interval.
        images_per_s: recognised by device over the last interval.
    """

    at_s: float
    devices: Mapping[str, DeviceSample]
    memory_used_bytes: int
    memory_ours_bytes: int
    swap_used_bytes: int | None = None
    tokens_per_s: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    images_per_s: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))


class HardwareEventKind(StrEnum):
    """What can be marked on the time axis."""

    LOADED = "loaded"
    UNLOADED = "unloaded"
    STEP_DOWN = "step-down"
    DEVICE_FAILED = "device-failed"
    THROTTLED = "throttled"
    MEASURED = "measured"


@dataclass(frozen=True, slots=True, kw_only=True)
class HardwareEvent:
    """Something that happened to a device.

    Attributes:
        at_s: on the monotonic clock.
        kind: what.
        device: id.
        title: what happened, in a few words (`starter loaded`).
        detail: more about it (`CPU, 1.2 s`); may be empty.
    """

    at_s: float
    kind: HardwareEventKind
    device: str
    title: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceLoad:
    """What Hearth does with a device, as the engine itself counts it.

    Attributes:
        device: id.
        running: requests being answered.
        waiting: requests not yet started.
        busy: share of the last seconds in which its lane computed, in [0, 1].
        tokens_per_s: output tokens over the last second.
        images_per_s: images over the last seconds.
        threads: processor threads that its lane uses.
        threads_reason: why that many.
        models: ids of the models that are loaded there.
        failure: why it is not used for the time being, in one sentence; empty if it is.
    """

    device: str
    running: int = 0
    waiting: int = 0
    busy: float = 0.0
    tokens_per_s: float = 0.0
    images_per_s: float = 0.0
    threads: int = 0
    threads_reason: str = ""
    models: tuple[str, ...] = ()
    failure: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HardwareSnapshot:
    """Everything that the Hardware page shows; cheap to take twice a second.

    Attributes:
        devices: all of them, usable or not, the processor first.
        loads: by device id.
        latest: the newest sample; None before the first.
        memory_bytes: of the machine, or the control group's limit.
        memory_budget_bytes: most that Hearth may take of it.
        rates: measured speeds, newest per device and backend.
        is_measuring: whether the devices are being measured now.
        is_probed: whether the backends have been asked what they reach.
    """

    devices: tuple[DeviceInfo, ...]
    loads: Mapping[str, DeviceLoad]
    latest: TelemetrySample | None
    memory_bytes: int
    memory_budget_bytes: int
    rates: tuple[DeviceRates, ...] = ()
    is_measuring: bool = False
    is_probed: bool = False
