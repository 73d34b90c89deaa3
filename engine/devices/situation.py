"""What the dispatcher is told: the request, the models that may serve it, and the devices as they are now."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType

from engine.devices.prediction import Speed
from engine.hardware import DeviceInfo, DeviceRates
from engine.models.shape import ModelShape


class DemandKind(StrEnum):
    """What a request wants, as far as it matters for its time."""

    TEXT = "text"  # a prompt is read, tokens are written
    IMAGE = "image"  # a graph runs once
    TEXTS = "texts"  # texts are read, nothing is written


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """A request, as far as it matters for where it runs.

    Attributes:
        kind: what it wants.
        prompt_tokens: to read.
        output_tokens: expected to be written.
        cells: tokens that the KV cache of a model is to hold when it is loaded for this.
    """

    kind: DemandKind
    prompt_tokens: int = 0
    output_tokens: int = 0
    cells: int = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """A file that may serve the request.

    Attributes:
        id: of the model.
        backend: which can run it: `llama.cpp` or `onnxruntime`.
        shape: what it costs.
        cells: tokens that its KV cache is to hold, whoever asks; None leaves that to the request.
    """

    id: str
    backend: str
    shape: ModelShape
    cells: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """What a device has to do for one model.

    Attributes:
        model: id.
        running: answers that are being written, in the same steps.
        left_s: until these are done, if the device did nothing else.
        waiting_s: for requests that have not begun, if the device did nothing else.
    """

    model: str
    running: int = 0
    left_s: float = 0.0
    waiting_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceState:
    """A device at this moment.

    Attributes:
        info: what it is.
        free_bytes: of its own memory; None if unknown. Ignored for one that computes in the machine's memory.
        idle_bytes: of its own memory, held by models that nobody uses and that would leave.
        backlogs: what it has to do.
        failure: why it is not used for the time being, in one sentence; empty if it is.
    """

    info: DeviceInfo
    free_bytes: int | None = None
    idle_bytes: int = 0
    backlogs: tuple[Backlog, ...] = ()
    failure: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """A place for a model: what a choice is known by.

    Attributes:
        model: id of the variant.
        device: id of the device; of several, joined with `+`.
        interface: of the route.
        layers: how many of the model's layers are there.
    """

    model: str
    device: str
    interface: str
    layers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """How fast a model has been on a device; None where nothing is known.

    Attributes:
        token_s: seconds per token of an answer that is written alone, or per run of a graph.
        more_s: seconds per token of a prompt.
    """

    token_s: float | None = None
    more_s: float | None = None

    def corrected(self, speed: Speed) -> Speed:
        """A prediction, with what is known put into its place."""
        return replace(
            speed,
            token_s=speed.token_s if self.token_s is None else self.token_s,
            more_s=speed.more_s if self.more_s is None else self.more_s,
            back_s=speed.back_s if self.more_s is None else 0.0,  # what was seen contains it
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """The machine at this moment.

    Attributes:
        devices: all of them, in any order.
        free_bytes: of the machine's memory; counts once for everything that computes in it.
        idle_bytes: of the machine's memory, held by models that nobody uses and that would leave.
        rates: measured speeds.
        loaded: where models are in memory.
        seen: (model, device) -> speed of real requests, which wins over predictions.
        refused: (model, device) -> why this one cannot be loaded there for the time being, in one sentence.
    """

    devices: tuple[DeviceState, ...]
    free_bytes: int
    idle_bytes: int = 0
    rates: tuple[DeviceRates, ...] = ()
    loaded: frozenset[Spot] = frozenset()
    seen: Mapping[tuple[str, str], Seen] = field(default_factory=lambda: MappingProxyType({}))
    refused: Mapping[tuple[str, str], str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def room_bytes(self) -> int:
        """Of the machine's memory, what a model may take."""
        return self.free_bytes + self.idle_bytes

    def rates_of(self, device: str, backend: str, interface: str) -> DeviceRates | None:
        """What was measured of a device through a route; the newest if there is more than one."""
        found = [r for r in self.rates if (r.device, r.backend, r.interface) == (device, backend, interface)]
        return max(found, key=lambda rates: rates.measured_at, default=None)
