"""What exists only while an engine is open: put together here, and imported when one is opened.

Why apart: a window is painted before its engine is opened, and all of this takes a tenth of a second to import.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from engine.backends.base import Backend, LoadedModel, LoadOptions, LoadProgress
from engine.config import EngineConfig
from engine.devices.inventory import inventory_of
from engine.devices.machine import physical_cores, usable_cores
from engine.devices.overrides import Overrides
from engine.memory.corrections import Corrections
from engine.memory.estimate import Wishes
from engine.memory.prefixes import PrefixStore
from engine.memory.residency import Residency
from engine.memory.yielding import Keeper
from engine.models.library import ModelLibrary
from engine.plugins.contract.offers import Sample
from engine.scheduling.announcer import Announcer
from engine.scheduling.bringing import Bringer
from engine.scheduling.fitting import FitCheck
from engine.scheduling.hardware import Hardware, Sources
from engine.scheduling.headroom import HeadroomMeter, hottest_c
from engine.scheduling.intake import Intake
from engine.scheduling.lanes import Lanes
from engine.scheduling.learned import Learned
from engine.scheduling.load_queue import LoadQueue
from engine.scheduling.marks import unloaded
from engine.scheduling.placing import Placer
from engine.scheduling.priority import weights_of
from engine.scheduling.queue_control import QueueControl
from engine.scheduling.queue_state import QueueState
from engine.scheduling.situations import Situations
from engine.types import ModelInfo

Gate = Callable[[ModelInfo, LoadProgress], None]


@dataclass(frozen=True, slots=True)
class Works:
    """Everything between a request and the backends, in the order in which it is made."""

    hardware: Hardware
    state: QueueState
    lanes: Lanes
    residency: Residency
    placer: Placer
    bringer: Bringer
    intake: Intake
    control: QueueControl
    announcer: Announcer
    keeper: Keeper
    prefixes: PrefixStore
    fits: FitCheck

    def set_budget(self, budget_bytes: int | None) -> None:
        """Change how much of the machine's memory all models together may take; idle ones leave in a moment."""
        self.residency.set_budget(budget_bytes)
        self.hardware.set_budget(budget_bytes)
        self.keeper.wake()

    def close(self) -> None:
        """End all threads, fail what is left, free all models; waits for them."""
        self.keeper.close()
        self.bringer.close()
        self.announcer.join()
        self.intake.close()
        self.lanes.close()
        self.residency.close()
        self.state.learned.close()
        self.hardware.close()


def open_works(
    config: EngineConfig,
    backends: Mapping[str, Backend],
    library: ModelLibrary,
    overrides: Overrides,
    numbers: Callable[[], Iterable[Sample]],
    gate: Gate,
) -> Works:
    """Start the threads.

    Args:
        config: of the engine.
        backends: by model format.
        library: finds models.
        overrides: devices that people have chosen.
        numbers: newest numbers of plugins' telemetry.
        gate: raises if a model's file must not be loaded.
    """

    def models() -> list[LoadedModel]:
        return [resident.model for resident in residency.residents()]

    # Each of these needs the next: lanes report broken models to the bringer, whose residency closes models on their
    # lanes; the hardware shows what the lanes do, and lanes ask it for power.
    sources = Sources(
        loads=lambda devices, failures: lanes.loads(list(devices), models(), failures),
        models=models,
        idle_s=lambda: lanes.idle_s(),
        numbers=numbers,
    )
    hardware = Hardware(config, inventory_of(config), sources)
    state = _queue_state(config, hardware, lambda lane: lanes.wake(lane))
    lanes = Lanes(
        config, state, lambda *lost: bringer.rescue(*lost), hardware.power_w, lambda model: residency.keep(model)
    )
    prefixes = PrefixStore(config.cache_dir / "prefixes", config.prefix_disk_bytes)
    residency = _residency(
        config, backends, hardware, lanes, prefixes, lambda *asked: fits.tokens_per_s(*asked), gate, library.wishes
    )
    fits = FitCheck(config, residency, hardware.measuring.rates, state.learned, library.wishes)
    state.attach(residency)
    placer = Placer(library, hardware, Situations(hardware, residency, lanes, config.context_tokens), lanes, overrides)
    queue = LoadQueue(state, config.max_sequences)
    bringer = Bringer(library, residency, placer, lanes, queue, hardware.telemetry.note)
    keeper = Keeper(residency, config.idle_unload_s, hardware.telemetry.note)
    intake = Intake(bringer, queue, state.next_number, library.speeds.note)
    control, announcer = QueueControl(state, lanes), Announcer(state)
    hardware.start()
    keeper.start()
    return Works(hardware, state, lanes, residency, placer, bringer, intake, control, announcer, keeper, prefixes, fits)


def _queue_state(config: EngineConfig, hardware: Hardware, wake: Callable[[str], None]) -> QueueState:
    learned = Learned(config.cache_dir / "learned.json")
    warmth = HeadroomMeter(lambda: hottest_c(hardware))
    return QueueState(config.order, weights_of(config.weights), learned, wake, warmth.read)


def _residency(
    config: EngineConfig,
    backends: Mapping[str, Backend],
    hardware: Hardware,
    lanes: Lanes,
    prefixes: PrefixStore,
    predict: Callable[[ModelInfo, int], float | None],
    gate: Gate,
    wishes: Wishes,
) -> Residency:
    options = LoadOptions(
        context_tokens=config.context_tokens,
        max_sequences=config.max_sequences,
        threads=config.threads or min(physical_cores(), usable_cores()),
    )
    return Residency(
        backends,
        options,
        retire=lanes.retire,
        device_free_bytes=hardware.free_bytes,
        on_unloaded=lambda model: hardware.telemetry.note(unloaded(model)),
        budget_bytes=config.memory_budget_bytes,
        prefixes=prefixes,
        corrections=Corrections(config.cache_dir / "footprints.json"),
        predict=predict,
        gate=gate,
        wishes=wishes,
    )
