"""Lanes: one per device, made when the first model goes there; the processor has one for text and one for graphs."""

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from engine.backends.base import LoadedModel
from engine.config import EngineConfig
from engine.devices.machine import physical_cores, usable_cores
from engine.errors import EngineClosedError
from engine.hardware import DeviceLoad
from engine.scheduling.core_shares import GRAPHS, TEXT, CoreShares
from engine.scheduling.job import Job
from engine.scheduling.lane import Lane, LaneSnapshot, OnModelFailed
from engine.scheduling.observations import Observations
from engine.scheduling.threads import FixedThreads, Governor, ThreadGovernor

_GRAPHS_BACKEND: Final = "onnxruntime"


class Lanes:
    """Brings jobs to the lane of their model's device.

    Thread: any.

    Attributes:
        observations: how fast models have been on their devices.
    """

    def __init__(
        self, config: EngineConfig, on_model_failed: OnModelFailed, power_w: Callable[[str], float | None]
    ) -> None:
        """Start with the processor's lane for text.

        Args:
            config: threads and chunk sizes.
            on_model_failed: told about a model that broke, see `Lane`.
            power_w: watts that a device takes now; None if unknown.
        """
        self.observations = Observations()
        self._config = config
        self._on_model_failed = on_model_failed
        self._power_w = power_w
        self._cores = config.threads or min(physical_cores(), usable_cores())
        self._shares = CoreShares(self._cores)
        self._lock = threading.Lock()
        self._lanes: dict[str, Lane] = {}  # guarded by _lock
        self._is_closed = False  # guarded by _lock
        self._lane(TEXT)

    def submit(self, job: Job) -> None:
        """Hand a job to the lane of its model's device."""
        lane = self._lane_of(job.model)
        if lane is None:
            job.fail(EngineClosedError("The engine was closed."))
        else:
            lane.submit(job)

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
        device = model.device.split("+")[0]
        is_graph = device == TEXT and model.backend == _GRAPHS_BACKEND
        # A single core would only go back and forth between two lanes.
        return self._lane(GRAPHS if is_graph and self._cores > 1 else device)

    def _lane(self, name: str) -> Lane | None:
        with self._lock:
            if self._is_closed:
                return None
            if name not in self._lanes:
                self._lanes[name] = self._make(name)
            return self._lanes[name]

    def _make(self, name: str) -> Lane:
        on_processor = name in {TEXT, GRAPHS}
        governor: Governor
        if on_processor:
            governor = ThreadGovernor(self._cores, fixed=self._config.threads)
        else:
            governor = FixedThreads(self._cores, f"Computed on {name}")
        device = TEXT if on_processor else name
        return Lane(
            name,
            governor,
            self._config.prefill_chunk_tokens,
            self._on_model_failed,
            shares=self._shares if on_processor else None,
            observations=self.observations,
            power_w=lambda: self._power_w(device),
        )


def _lanes_of(device: str, lanes: Mapping[str, Lane]) -> list[Lane]:
    names = (TEXT, GRAPHS) if device == TEXT else (device,)
    return [lanes[name] for name in names if name in lanes]


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
