"""What the dispatcher is told: this moment's devices, loads and memory, collected from those who know."""

import threading
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Final

from engine.backends.base import LoadedModel
from engine.devices.machine import available_memory_bytes
from engine.devices.probe import is_software
from engine.devices.situation import Backlog, Demand, DemandKind, DeviceState, Seen, Situation, Spot, Variant
from engine.errors import ModelError
from engine.hardware import DeviceInfo, DeviceKind, DeviceRates, Route
from engine.memory.residency import Residency
from engine.models.shape import ModelShape, shape_of
from engine.scheduling.asks import USUAL_ANSWER_TOKENS, Ask
from engine.scheduling.hardware import Hardware
from engine.scheduling.lane import LaneSnapshot
from engine.scheduling.lanes import Lanes
from engine.scheduling.observations import Observed
from engine.types import ModelInfo

_KINDS: Final = {"text": DemandKind.TEXT, "image": DemandKind.IMAGE, "texts": DemandKind.TEXTS}
_UNKNOWN_STEP_S: Final = 0.05
"""Of a model that was not seen yet; only says how long others wait for it."""
_DRIVEN: Final = frozenset({"CUDA", "Metal", "HIP", "ROCm", "Vulkan"})
"""Interfaces behind which a driver of a real graphics processor stands."""


class Situations:
    """Collects situations.

    Thread: any.
    """

    def __init__(self, hardware: Hardware, residency: Residency, lanes: Lanes, context_tokens: int) -> None:
        self._hardware = hardware
        self._residency = residency
        self._lanes = lanes
        self._context_tokens = context_tokens
        self._shapes: dict[Path, ModelShape] = {}  # guarded by _lock
        self._lock = threading.Lock()

    def demand(self, ask: Ask) -> Demand:
        """A request, as the dispatcher sees it."""
        return Demand(
            kind=_KINDS[ask.form],
            prompt_tokens=ask.prompt_tokens,
            output_tokens=ask.output_tokens,
            cells=self._context_tokens,
        )

    def variant(self, info: ModelInfo) -> Variant:
        """A file, as the dispatcher sees it."""
        own = self._residency.estimates.wishes(info).context_tokens
        return Variant(id=info.id, backend=backend_of(info), shape=self._shape(info), cells=own)

    def now(self) -> Situation:
        """The machine at this moment."""
        devices = self._hardware.inventory.devices()
        models = [resident.model for resident in self._residency.residents()]
        lanes = list(self._lanes.snapshots().values())
        observed = self._lanes.observations.all()
        return Situation(
            devices=tuple(self._state(device, models, lanes) for device in devices),
            free_bytes=available_memory_bytes(),
            idle_bytes=self._residency.evictable_bytes("cpu"),
            rates=(*self._hardware.measuring.rates.all(), *self._assumed(devices)),
            loaded=frozenset(_spot(model) for model in models),
            seen=MappingProxyType({key: _seen(value) for key, value in observed.items()}),
        )

    def _shape(self, info: ModelInfo) -> ModelShape:
        with self._lock:
            known = self._shapes.get(info.path)
        if known is not None and known.size_bytes <= info.size_bytes:
            return known
        try:
            shape = shape_of(info)
        except ModelError:  # whoever loads it says what is wrong with it
            shape = ModelShape(size_bytes=info.size_bytes, parameters=info.parameters or 0)
        with self._lock:
            self._shapes[info.path] = shape
        return shape

    def _state(self, device: DeviceInfo, models: Sequence[LoadedModel], lanes: Sequence[LaneSnapshot]) -> DeviceState:
        here = [model for model in models if device.id in model.device.split("+")]
        return DeviceState(
            info=device,
            free_bytes=None if device.kind is DeviceKind.CPU else self._hardware.free_bytes(device.id),
            idle_bytes=0 if device.kind is DeviceKind.CPU else self._residency.evictable_bytes(device.id),
            backlogs=tuple(self._backlogs(here, lanes)),
            failure=self._hardware.inventory.failure(device.id),
        )

    def _backlogs(self, models: Sequence[LoadedModel], lanes: Sequence[LaneSnapshot]) -> Iterable[Backlog]:
        for model in models:
            key = id(model)
            running = sum(lane.running_by_model.get(key, 0) for lane in lanes)
            waiting = sum(lane.queued_by_model.get(key, 0) for lane in lanes)
            if not running and not waiting:
                continue
            seen = self._lanes.observations.of(model.info.id, model.device)
            step_s = seen.image_s or seen.token_s or _UNKNOWN_STEP_S
            left = sum(lane.left_by_model.get(key, 0) for lane in lanes)
            usual = 1 if seen.image_s else USUAL_ANSWER_TOKENS / max(1, running)
            yield Backlog(
                model=model.info.id, running=running, left_s=left * step_s, waiting_s=waiting * usual * step_s
            )

    def _assumed(self, devices: Sequence[DeviceInfo]) -> list[DeviceRates]:
        """Speeds of graphics processors that were not measured yet: nobody who has one wants to wait for that."""
        known = self._hardware.measuring.rates
        return [
            replace(_USUAL_GRAPHICS, device=device.id, interface=route.interface, version=route.version)
            for device in devices
            if device.kind is DeviceKind.GPU and not device.shares_memory and not is_software(device.name)
            for route in device.routes
            if is_driven(route) and known.find(device.id, route) is None
        ]


_USUAL_GRAPHICS: Final = DeviceRates(
    device="",
    backend="llama.cpp",
    interface="",
    decode_bytes_per_s=MappingProxyType({"q8_0": 100e9}),
    prefill_flops=MappingProxyType({"q8_0": 3e12}),
    layer_overhead_s=50e-6,
    step_overhead_s=1e-3,
    load_bytes_per_s=1e9,
)
"""A guess at a small graphics card with memory of its own, until it is measured: all of them are at least as fast."""


def is_driven(route: Route) -> bool:
    """Whether a driver of a graphics processor stands behind a route."""
    return route.backend == "llama.cpp" and not route.fault and route.interface in _DRIVEN


def backend_of(info: ModelInfo) -> str:
    """Which backend runs a file."""
    return "llama.cpp" if info.format == "gguf" else "onnxruntime"


def _spot(model: LoadedModel) -> Spot:
    where = model.whereabouts
    return Spot(model=model.info.id, device=where.device, interface=where.interface, layers=where.layers)


def _seen(observed: Observed) -> Seen:
    rate = observed.prefill_tokens_per_s
    return Seen(token_s=observed.image_s or observed.token_s, more_s=None if not rate else 1 / rate)
