"""Placer: asks the dispatcher where a request runs, and turns its answer into ways to load a model."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from engine.backends.base import CPU_TARGET, DeviceTarget
from engine.devices.dispatcher import Decision, Option, decide
from engine.devices.overrides import Overrides
from engine.devices.situation import Spot
from engine.errors import DeviceError, DeviceLostError, EngineError, OutOfMemoryError
from engine.hardware import DeviceKind, PlacementReport
from engine.models.library import ModelLibrary
from engine.scheduling.asks import USUAL_ANSWER_TOKENS, Ask
from engine.scheduling.hardware import FAILED_FOR_S, Hardware
from engine.scheduling.lanes import Lanes
from engine.scheduling.situations import Situations, backend_of
from engine.scheduling.ways import Way
from engine.types import Accepts, ModelInfo

log = logging.getLogger(__name__)

_USUAL_PROMPT_TOKENS = 256


class Placer:
    """Says where models run.

    Thread: any.
    """

    def __init__(
        self,
        library: ModelLibrary,
        hardware: Hardware,
        situations: Situations,
        lanes: Lanes,
        overrides: Overrides,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._library = library
        self._hardware = hardware
        self._situations = situations
        self._lanes = lanes
        self._overrides = overrides
        self._clock = clock
        self._lock = threading.Lock()
        self._refused: dict[tuple[str, str, str], float] = {}  # guarded by _lock; model, device, interface -> until
        self._chosen: dict[tuple[str, str], Spot] = {}  # guarded by _lock; model, form -> the last choice

    def ways(self, variants: Sequence[ModelInfo], ask: Ask) -> tuple[Way, ...]:
        """Where a request can run, best first.

        Args:
            variants: files that are the same model in several precisions.
            ask: the request.

        Raises:
            OutOfMemoryError: it fits nowhere.
            DeviceError: the device that the caller wants does not exist.
        """
        self._check_exists(ask.device)
        wanted = ask.device or next((device for info in variants if (device := self._overrides.of(info.id))), "")
        if not wanted and len(variants) == 1 and self._has_no_choice(variants[0]):
            return (Way(info=variants[0]),)
        decision = self._decide(variants, ask, wanted)
        by_id = {info.id: info for info in variants}
        options = [option for option in decision.options if option.is_possible and self._is_open(option)]
        options = [option for option in options if _suits(by_id[option.candidate.model], option)]
        if (
            not options
            and wanted in {"", DeviceKind.CPU}
            and (judged := self._judged_when_loaded(variants)) is not None
        ):
            return (Way(info=judged),)
        if not options:
            cause = decision.refusal or f"{variants[0].id} can run nowhere for the time being."
            raise OutOfMemoryError(cause, "Unload other models, or choose a smaller one.")
        self._remember(options[0], ask)
        ways = [_way(by_id[option.candidate.model], option) for option in options]
        if wanted and ways[0].target.device != wanted:
            why = self._why_closed(wanted) or decision.refusal or f"{wanted} has failed with it a moment ago."
            ways[0] = replace(ways[0], instead_of=wanted, notice=why)
        return tuple(ways)

    def _judged_when_loaded(self, variants: Sequence[ModelInfo]) -> ModelInfo | None:
        """The smallest file that the processor may run though the dispatcher sees no room for it.

        Whether its weights can be paged, or who leaves for it, is decided where the memory is counted, and so is what
        would make it fit.
        """
        processor = next((it for it in self._hardware.inventory.devices() if it.kind is DeviceKind.CPU), None)
        if processor is None or not processor.is_usable or self._hardware.inventory.failure(processor.id):
            return None
        texts = [info for info in variants if info.format == "gguf" and self._may_use(info.id, CPU_TARGET)]
        return min(texts, key=lambda info: info.size_bytes, default=None)

    def report(self, name: str) -> PlacementReport:
        """Where a model would run now, and where else it could.

        Raises:
            EngineError: there is no such model, or its file is broken.
        """
        info = self._library.find(name)
        form = "image" if Accepts.IMAGE in info.accepts else "texts" if info.accepts == {Accepts.TEXTS} else "text"
        ask = Ask(form=form, prompt_tokens=_USUAL_PROMPT_TOKENS, output_tokens=USUAL_ANSWER_TOKENS)
        override = self._overrides.of(info.id)
        report = self._decide((info,), ask, override).report(info.id)
        if not override:
            return report
        return replace(report, automatic=self._decide((info,), ask, "").report(info.id).choice)

    def choose(self, name: str, device: str) -> None:
        """Let a model run on this device only; empty leaves the choice to the dispatcher.

        Raises:
            ModelNotFoundError: there is no such model.
            DeviceError: there is no such device.
            ConfigError: the choice cannot be kept.
        """
        self._check_exists(device)
        self._overrides.choose(self._library.find(name).id, device)

    def forget_speeds(self) -> None:
        """Devices were measured anew: what was seen before was seen of another time."""
        self._lanes.observations.forget()
        with self._lock:
            self._chosen.clear()

    def note_failure(self, info: ModelInfo, target: DeviceTarget, error: EngineError) -> None:
        """Keep away from a device that is lost, or else from this model on it, for a while."""
        if isinstance(error, DeviceLostError) and target.device != DeviceKind.CPU:
            for part in target.device.split("+"):
                self._hardware.inventory.fail(part, error.cause, FAILED_FOR_S)
        with self._lock:
            self._refused[info.id, target.device, target.interface] = self._clock() + FAILED_FOR_S

    def has_failed(self, way: Way) -> bool:
        """Whether a way leads to something that has failed meanwhile."""
        return not self._may_use(way.info.id, way.target)

    def _decide(self, variants: Sequence[ModelInfo], ask: Ask, wanted: str) -> Decision:
        with self._lock:
            previous = self._chosen.get((variants[0].id, ask.form))
        return decide(
            self._situations.demand(ask),
            [self._situations.variant(info) for info in variants],
            self._situations.now(),
            previous=previous,
            override=wanted,
        )

    def _remember(self, option: Option, ask: Ask) -> None:
        with self._lock:
            self._chosen[option.candidate.model, ask.form] = option.spot

    def _check_exists(self, device: str) -> None:
        if device and device not in self._known():
            raise DeviceError(f"There is no device {device}.", f"Choose from {', '.join(self._known())}.")

    def _has_no_choice(self, info: ModelInfo) -> bool:
        """Whether the processor, in Hearth's own process, is all that can run a file; saves reading it twice."""
        backend = backend_of(info)
        usable = [device for device in self._hardware.inventory.devices() if device.is_usable]
        routes = [route for device in usable for route in device.routes if route.backend == backend and not route.fault]
        return len(routes) < 2

    def _is_open(self, option: Option) -> bool:
        return self._may_use(option.candidate.model, option.target)

    def _may_use(self, model: str, target: DeviceTarget) -> bool:
        if any(self._hardware.inventory.failure(part) for part in target.device.split("+")):
            return False
        with self._lock:
            return self._clock() >= self._refused.get((model, target.device, target.interface), 0.0)

    def _why_closed(self, device: str) -> str:
        if device not in self._known():
            return f"{device}, which was chosen for it, is not there any more."
        return self._hardware.inventory.failure(device)

    def _known(self) -> list[str]:
        return [info.id for info in self._hardware.inventory.devices()]


def _way(info: ModelInfo, option: Option) -> Way:
    reason = option.candidate.reason
    return Way(info=info, target=option.target, needed_bytes=option.needed_bytes, reason=reason)


def _suits(info: ModelInfo, option: Option) -> bool:
    """llama.cpp makes vectors on the processor only: the device process has no call for it."""
    is_embedder = info.format == "gguf" and info.accepts == {Accepts.TEXTS}
    return not is_embedder or not option.target.targets
