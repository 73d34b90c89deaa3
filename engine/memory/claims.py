"""Claims: what a model that is to be loaded takes of each memory, and who has to leave for it.

A model is paged only where it cannot be otherwise: if it would not fit though everything left that may ever leave. Then
it takes what there is, because all that it is given is not read from disk.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from engine.backends.base import DeviceTarget
from engine.memory.budget import Room
from engine.memory.estimate import Estimates
from engine.memory.ledger import MACHINE, PAGED_SHARE, Bytes, Ledger
from engine.memory.place import Place
from engine.memory.shortage import Shortage
from engine.types import ModelInfo


@dataclass(frozen=True, slots=True)
class Claim:
    """How room can be made for a model.

    Attributes:
        room: who leaves.
        shortage: where there is not enough now; None if there is.
        needs: what it takes of each memory.
        is_paged: whether that is enough only if a part of its weights is read in every step.
    """

    room: Room
    shortage: Shortage | None
    needs: Bytes
    is_paged: bool = False


class Claims:
    """Makes claims.

    Thread: any.
    """

    def __init__(self, ledger: Ledger, estimates: Estimates, device_free_bytes: Callable[[str], int | None]) -> None:
        """Make none yet.

        Args:
            ledger: says who is where.
            estimates: say what loads take.
            device_free_bytes: free memory of a device that has its own; None for one that has none.
        """
        self._ledger = ledger
        self._estimates = estimates
        self._device_free_bytes = device_free_bytes

    def of(self, info: ModelInfo, target: DeviceTarget, needed_bytes: int, spare: Collection[Place] = ()) -> Claim:
        """What a model takes, as things stand.

        Args:
            info: which model.
            target: where it is to be loaded.
            needed_bytes: of the device's own memory, as far as it has any.
            spare: models that must stay now, whatever they are worth.
        """
        unpaged = self._estimates.of(info, target)
        own = self._estimates.wishes(info).memory_budget_bytes
        if own is not None and unpaged > own and not target.targets:
            return self._within(own, info, target, unpaged, spare)
        claim = self._claim(unpaged, target, needed_bytes, spare)
        if not claim.room.fits:
            paged = self._paged_bytes(info, target, unpaged, spare)
            if paged is not None:
                claim = self._claim(paged, target, needed_bytes, spare, is_paged=True)
        return claim

    def _within(
        self, own_bytes: int, info: ModelInfo, target: DeviceTarget, unpaged_bytes: int, spare: Collection[Place]
    ) -> Claim:
        """The claim of a model that may take less than it needs: it is paged, if that can be done and is enough."""
        least = self._estimates.paged(info, target)
        if least is not None and least <= own_bytes:
            return self._claim(own_bytes, target, 0, spare, is_paged=True)
        needs = unpaged_bytes if least is None else min(least, unpaged_bytes)
        room = Room(fits=False, victims=(), missing_bytes=needs - own_bytes, busy=(), evicted_bytes=0)
        return Claim(room, Shortage(MACHINE, needs, own_bytes, is_own=True), {MACHINE: needs})

    def _paged_bytes(
        self, info: ModelInfo, target: DeviceTarget, unpaged_bytes: int, spare: Collection[Place]
    ) -> int | None:
        """What a model takes that has to be paged; None if it has not, or cannot be."""
        most = self._ledger.attainable_bytes()
        if target.targets or most is None or unpaged_bytes <= most:
            return None
        least = self._estimates.paged(info, target)
        now = self._ledger.attainable_bytes(spare, only_idle=True, free_share=PAGED_SHARE)
        if least is None or now is None or least >= unpaged_bytes:  # of a small model, buffers are larger than weights
            return None
        return max(least, min(now, unpaged_bytes))

    def _claim(
        self,
        machine_bytes: int,
        target: DeviceTarget,
        needed_bytes: int,
        spare: Collection[Place],
        *,
        is_paged: bool = False,
    ) -> Claim:
        needs = self._needs(machine_bytes, target, needed_bytes)
        room, shortage = self._ledger.room(needs, spare)
        return Claim(room, shortage, needs, is_paged)

    def _needs(self, machine_bytes: int, target: DeviceTarget, needed_bytes: int) -> Bytes:
        """What a load takes of each memory; devices without memory of their own use the machine's."""
        needs = {MACHINE: machine_bytes}
        parts = target.device.split("+") if target.targets else []
        for part in parts:
            memory = MACHINE if self._device_free_bytes(part) is None else part
            needs[memory] = needs.get(memory, 0) + needed_bytes // len(parts)
        return needs
