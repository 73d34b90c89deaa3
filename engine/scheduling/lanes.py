"""Lanes: one per device, made when the first model goes there; the processor has one for text and one for graphs."""

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from engine.backends.base import LoadedModel
from engine.config import EngineConfig
from engine.devices.machine import physical_cores, usable_cores
from engine.hardware import DeviceLoad
from engine.scheduling.core_shares import GRAPHS, TEXT, CoreShares
from engine.scheduling.lane import Lane, LaneSnapshot, OnModelFailed
from engine.scheduling.lane_queue import LaneQueue
from engine.scheduling.learning import Learning
from engine.scheduling.observations import Observations
from engine.scheduling.queue_state import QueueState
from engine.scheduling.threads import FixedThreads, Governor, ThreadGovernor
from engine.types import ModelInfo

_OWN: Final = "/"
"""Between a device and a model that has a lane of its own there."""


class Lanes:
    """The lanes by name.

    Thread: any.

    Attributes:
        observations: how fast models have been on their devices.
    """

    def __init__(
        self,
        config: EngineConfig,
        state: QueueState,
        on_model_failed: OnModelFailed,
        power_w: Callable[[str], float | None],
        before_close: Callable[[LoadedModel], None] = lambda _model: None,
    ) -> None:
        """Start with the processor's lane for text.

        Args:
            config: threads and chunk sizes.
            state: the queue that they work on.
            on_model_failed: told about a model that broke, see `Lane`.
            power_w: watts that a device takes now; None if unknown.
            before_close: called before a model leaves, on its lane.
        """
        self.observations = Observations()
        self._config = config
        self._state = state
        self._on_model_failed = on_model_failed
        self._power_w = power_w
        self._before_close = before_close
        self._cores = config.threads or min(physical_cores(), usable_cores())
        self._shares = CoreShares(self._cores)
        self._lock = threading.Lock()
        self._lanes: dict[str, Lane] = {}  # guarded by _lock
        self._is_closed = False  # guarded by _lock
        self._lane(TEXT)

    def name_for(self, info: ModelInfo, device: str) -> str:
        """Name of the lane that runs a model on a device."""
        if self._config.order == "free_for_all":
            return f"{device}{_OWN}{info.id}"
        first = device.split("+")[0]
        # A single core would only go back and forth between two lanes.
        return GRAPHS if first == TEXT and info.format == "onnx" and self._cores > 1 else first

    def open(self, name: str) -> bool:
        """Make a lane, unless it is there; False if they are closed."""
        return self._lane(name) is not None

    def wake(self, name: str) -> None:
        """Let a lane look for work."""
        with self._lock:
            lane = self._lanes.get(name)
        if lane is not None:
            lane.wake()

    def retire(self, model: LoadedModel, on_closed: Callable[[], None]) -> None:
        """Fail what is left of a model's jobs, close it on its lane, and call back."""
        lane = self._lane_of(model)
        if lane is None:
            model.close()
            on_closed()
        else:
            lane.retire(model, on_closed)

    def snapshots(self) -> dict[str, LaneSnapshot]:
        """What each lane does, by its name."""
        with self._lock:
            return {name: lane.snapshot() for name, lane in self._lanes.items()}

    def tokens_per_s(self) -> float:
        """Output tokens per second, all lanes together."""
        with self._lock:
            return sum(lane.meter.tokens_per_s for lane in self._lanes.values())

    def idle_s(self) -> float:
        """Seconds since any lane has worked; 0 while one has something to do."""
        with self._lock:
            lanes = list(self._lanes.values())
        if any(lane.snapshot().running or lane.snapshot().waiting for lane in lanes):
            return 0.0
        return min(lane.meter.idle_s for lane in lanes)

    def loads(
        self, devices: Sequence[str], models: Sequence[LoadedModel], failures: Mapping[str, str]
    ) -> dict[str, DeviceLoad]:
        """What Hearth does with each device.

        Args:
            devices: their ids.
            models: all that are loaded.
            failures: why a device is not used for the time being, by id.
        """
        with self._lock:
            lanes = dict(self._lanes)
        return {device: _load(device, _lanes_of(device, lanes), models, failures) for device in devices}

    def close(self) -> None:
        """Fail all jobs and wait for all threads to end. Models are left open: they have owners."""
        with self._lock:
            self._is_closed = True
            lanes = list(self._lanes.values())
        for lane in lanes:
            lane.close()
        for lane in lanes:
            lane.join()

    def _lane_of(self, model: LoadedModel) -> Lane | None:
        return self._lane(self.name_for(model.info, model.device))

    def _lane(self, name: str) -> Lane | None:
        with self._lock:
            if self._is_closed:
                return None
            if name not in self._lanes:
                self._lanes[name] = self._make(name)
            return self._lanes[name]

    def _make(self, name: str) -> Lane:
        device = name.split(_OWN)[0]
        is_own = _OWN in name
        on_processor = device in {TEXT, GRAPHS}
        governor: Governor
        if is_own:
            governor = FixedThreads(self._cores, "All cores, as a program of its own would take")
        elif on_processor:
            governor = ThreadGovernor(self._cores, fixed=self._config.threads)
        else:
            governor = FixedThreads(self._cores, f"Computed on {name}")
        device = TEXT if on_processor else device
        return Lane(
            name,
            governor,
            self._config.prefill_chunk_tokens,
            LaneQueue(name, self._state),
            self._on_model_failed,
            Learning(self.observations, self._state.learned),
            shares=self._shares if on_processor and not is_own else None,
            power_w=lambda: self._power_w(device),
            before_close=self._before_close,
        )


def device_of(lane: str) -> str:
    """The device of a lane."""
    device = lane.split(_OWN)[0]
    return TEXT if device == GRAPHS else device


def _lanes_of(device: str, lanes: Mapping[str, Lane]) -> list[Lane]:
    return [lane for name, lane in lanes.items() if device_of(name) == device]


def _load(device: str, lanes: Sequence[Lane], models: Sequence[LoadedModel], failures: Mapping[str, str]) -> DeviceLoad:
    snapshots = [lane.snapshot() for lane in lanes]
    return DeviceLoad(
        device=device,
        running=sum(snapshot.running for snapshot in snapshots),
        waiting=sum(snapshot.waiting for snapshot in snapshots),
        busy=min(1.0, sum(lane.meter.busy for lane in lanes)),
        tokens_per_s=sum(lane.meter.tokens_per_s for lane in lanes),
        images_per_s=sum(lane.meter.images_per_s for lane in lanes),
        threads=snapshots[0].threads if snapshots else 0,
        threads_reason=snapshots[0].threads_reason if snapshots else "",
        models=tuple(model.info.id for model in models if device in model.device.split("+")),
        failure=failures.get(device, ""),
    )
