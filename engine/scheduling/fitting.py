"""FitCheck: whether a model would fit into memory now, from its header, with what is known of this machine."""

from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from engine.backends.base import CPU_TARGET, LoadOptions
from engine.cards import ModelDefaults
from engine.config import EngineConfig
from engine.devices.disk import disk_bytes_per_s
from engine.devices.machine import available_memory_bytes, memory_limit_bytes
from engine.devices.prediction import can_predict, predict
from engine.devices.rates import RateStore
from engine.errors import InvalidRequestError, ModelError
from engine.footprint import Fit, FitVerdict
from engine.hardware import DeviceRates
from engine.memory.corrections import Corrections
from engine.memory.estimate import Estimates, Wishes
from engine.memory.fit import Budget, Pace, brief, verdict
from engine.memory.load_size import LoadSize
from engine.memory.residency import Residency
from engine.models.page_plan import WeightLayout
from engine.models.shape import ModelShape
from engine.scheduling.learned import Learned
from engine.types import ModelInfo

_PAST_TOKENS: Final = 256
_CONTEXTS: Final = range(16, (1 << 24) + 1)
_AS_ASKED: Final = "as it was asked for"
_SET: Final = "the budget of all models, less what those hold that are in use"
_FREE: Final = "free now, with what idle models would give back"


@dataclass(frozen=True, slots=True)
class Rooms:
    """What models that are not here could take, as it was a moment ago.

    Attributes:
        whole_bytes: in memory as a whole.
        paged_bytes: if they are paged.
        estimates: of what loads take.
    """

    whole_bytes: int
    paged_bytes: int
    estimates: Estimates


class FitCheck:
    """Says whether models fit on the processor, and how fast they would be.

    Thread: any; blocks for the fifth of a second in which a disk is measured, once, if a model would be paged.
    """

    def __init__(
        self,
        config: EngineConfig,
        residency: Residency | None = None,
        rates: RateStore | None = None,
        learned: Learned | None = None,
        wishes: Wishes = lambda _info: ModelDefaults(),
    ) -> None:
        """Make a check.

        Args:
            config: how models are loaded.
            residency: the models in memory; None if no engine is open.
            rates: measured speeds; None reads what was kept.
            learned: what requests have shown; None reads what was kept.
            wishes: what a person has set for a model.
        """
        self._wishes = wishes
        self._config = config
        self._residency = residency
        self._rates = rates if rates is not None else RateStore(config.cache_dir / "rates.json")
        self._learned = learned if learned is not None else Learned(config.cache_dir / "learned.json")
        self._options = LoadOptions(context_tokens=config.context_tokens, max_sequences=config.max_sequences)

    def of(
        self,
        info: ModelInfo,
        context_tokens: int | None = None,
        memory_budget_bytes: int | None = None,
        disk_file: Path | None = None,
    ) -> FitVerdict:
        """Say whether a model fits.

        Args:
            info: which model.
            context_tokens: longest prompt plus answer; None takes what is set for the model, else the setting.
            memory_budget_bytes: what it may take; None takes what there is, or as much of it as is set for the model.
            disk_file: a large file on the disk that it would be read from; None takes its own.

        Raises:
            InvalidRequestError: a number makes no sense.
        """
        wishes = self._wishes(info)
        usual = wishes.context_tokens or self._options.context_tokens
        options = replace(self._options, context_tokens=_context(context_tokens, usual))
        own_bytes = wishes.memory_budget_bytes
        if memory_budget_bytes is None and own_bytes is not None and own_bytes < self._budget(info, None).size_bytes:
            memory_budget_bytes = own_bytes
        if memory_budget_bytes is not None and memory_budget_bytes < 1:
            raise InvalidRequestError("A memory budget is at least one byte.", "Leave it out to take what is free.")
        size = self._estimates().size(info, is_paged=True, options=options)
        return self._verdict(size, memory_budget_bytes, info.path if disk_file is None else disk_file)

    def of_shape(
        self, info: ModelInfo, shape: ModelShape | None, layout: WeightLayout | None, disk_file: Path
    ) -> FitVerdict:
        """Say whether a model fits that is not here yet, such as one that could be made by quantizing.

        Args:
            info: what is known of it; nothing has to be at its path.
            shape: from its header, or put together from what is known; None if only its size is.
            layout: where its weights will lie; None if they cannot be paged.
            disk_file: a large file on the disk that it would be read from.
        """
        size = replace(self._estimates().size(info, options=self._options), shape=shape, layout=layout)
        return self._verdict(size, None, disk_file)

    def rooms(self, info: ModelInfo) -> Rooms:
        """What a model that is not here could take now.

        Args:
            info: one that is not here; it stands for all such.
        """
        whole, paged = (self._budget(info, None, is_paged=is_paged).size_bytes for is_paged in (False, True))
        return Rooms(whole, paged, self._estimates())

    def brief(
        self,
        info: ModelInfo,
        shape: ModelShape,
        layout: WeightLayout | None,
        rooms: Rooms,
        disk_file: Path | None = None,
    ) -> tuple[Fit, float | None]:
        """Say in short whether a model fits that is not here yet, and how fast it would be, if that is known.

        Args:
            info: what is known of it; nothing has to be at its path.
            shape: from its header, or put together from what is known.
            layout: where its weights will lie; None if they cannot be paged.
            rooms: what it may take.
            disk_file: a large file on the disk that it would be read from; None if nobody wants to know its speed,
                which is much quicker.
        """
        size = replace(rooms.estimates.size(info, options=self._options), shape=shape, layout=layout)
        room = rooms.whole_bytes if size.least_bytes <= rooms.whole_bytes else rooms.paged_bytes
        return brief(size, room, None if disk_file is None else self._pace(size, disk_file))

    def tokens_per_s(self, info: ModelInfo, room_bytes: int) -> float | None:
        """How fast a model answers one request in so much memory; None if that is unknown."""
        return self.of(info, memory_budget_bytes=room_bytes).tokens_per_s

    def _verdict(self, size: LoadSize, memory_budget_bytes: int | None, disk_file: Path) -> FitVerdict:
        budget = self._budget(size.info, memory_budget_bytes)
        if memory_budget_bytes is None and size.least_bytes > budget.size_bytes:
            budget = self._budget(size.info, None, is_paged=True)
        return verdict(size, budget, self._pace(size, disk_file))

    def _estimates(self) -> Estimates:
        if self._residency is not None:
            return self._residency.estimates
        return Estimates(self._options, Corrections(self._config.cache_dir / "footprints.json"))

    def _budget(self, info: ModelInfo, asked_bytes: int | None, *, is_paged: bool = False) -> Budget:
        machine_bytes = memory_limit_bytes()
        if asked_bytes is not None:
            return Budget(size_bytes=asked_bytes, reason=_AS_ASKED, is_set=True, machine_bytes=machine_bytes)
        if self._residency is not None:
            limit = self._residency.budget_bytes
            room = self._residency.attainable_bytes(info, is_paged=is_paged)
        else:
            limit, room = self._config.memory_budget_bytes, available_memory_bytes()
            room = room if limit is None else min(room, limit)
        is_set = limit is not None and room < available_memory_bytes()
        reason = _SET if is_set else _FREE
        others = max(0, limit - room) if limit is not None else 0
        return Budget(size_bytes=room, reason=reason, is_set=is_set, others_bytes=others, machine_bytes=machine_bytes)

    def _pace(self, size: LoadSize, disk_file: Path) -> Pace:
        def disk() -> float | None:
            with suppress(ModelError):
                return disk_bytes_per_s(disk_file)
            return None

        return Pace(token_s=self._token_s(size), disk_bytes_per_s=disk)

    def _token_s(self, size: LoadSize) -> float | None:
        """Seconds per token of one answer on the processor; as it was measured there, else as it was seen."""
        if not size.is_text or size.shape is None:
            return None
        rates = self._measured()
        if rates is not None:
            return predict(size.shape, rates, past_tokens=_PAST_TOKENS).token_s
        return self._learned.step_s(size.info.id, CPU_TARGET.device, 1)

    def _measured(self) -> DeviceRates | None:
        wanted = (CPU_TARGET.device, "llama.cpp", CPU_TARGET.interface)
        found = [it for it in self._rates.all() if (it.device, it.backend, it.interface) == wanted and can_predict(it)]
        return max((it for it in found if it.decode_bytes_per_s), key=lambda it: it.measured_at, default=None)


def _context(asked: int | None, usual: int) -> int:
    if asked is None:
        return usual
    if asked not in _CONTEXTS:
        raise InvalidRequestError(
            f"A context has from {_CONTEXTS.start} to {_CONTEXTS.stop - 1:,} tokens, not {asked:,}.",
            "Choose a number in between.",
        )
    return asked
