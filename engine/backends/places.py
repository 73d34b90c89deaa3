"""Where a model is to be loaded, and where it is."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceTarget:
    """Where a model is to be loaded.

    Attributes:
        device: id of the device; of several devices that share one model, joined with `+`.
        interface: what the backend goes through, as in `Route`.
        targets: what the backend calls the devices, as in `Route`; empty for the processor.
        layers: of the model that go there, the last ones first; None takes all. The rest stays with the processor.
        split: shares of these layers, one per target; empty splits by free memory.
    """

    device: str = "cpu"
    interface: str = "CPU"
    targets: tuple[str, ...] = ()
    layers: int | None = None
    split: tuple[float, ...] = ()


CPU_TARGET = DeviceTarget()


@dataclass(frozen=True, slots=True, kw_only=True)
class Whereabouts:
    """Where a loaded model really is.

    Attributes:
        device: id of the device; of several, joined with `+`.
        interface: what the backend goes through.
        layers: of the model that are there; 0 for a model without layers.
        total_layers: of the model; 0 for a graph.
        device_bytes: of `memory_bytes`, in the device's own memory.
        process_ids: processes of its own that it runs in; none if it is in this one.
        note: what else is worth knowing, in one sentence, such as which operators stayed with the processor; or empty.
    """

    device: str = "cpu"
    interface: str = "CPU"
    layers: int = 0
    total_layers: int = 0
    device_bytes: int = 0
    process_ids: tuple[int, ...] = ()
    note: str = ""


IN_THIS_PROCESS = Whereabouts()
