"""Keeper: lets idle models go after a while, when another program needs the memory, and when the budget shrinks."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from engine.devices.battery import on_battery
from engine.devices.machine import available_memory_bytes, memory_limit_bytes
from engine.devices.room import gigabytes
from engine.hardware import HardwareEvent, HardwareEventKind
from engine.memory.residency import Residency
from engine.memory.resident import Resident

log = logging.getLogger(__name__)

INTERVAL_S: Final = 2.0
"""How often it looks."""
BATTERY_IDLE_S: Final = 120.0
"""On battery, an idle model stays no longer: memory that holds nothing costs less."""
FLOOR_SHARE: Final = 0.05
FLOOR_BYTES: Final = 512_000_000
"""Less free memory than this share, and than this, and others begin to suffer."""
HYSTERESIS: Final = 1.5
"""Once it is too little, models leave until there is this many times as much."""
_FRESH_S: Final = 20.0
"""A model that was used as recently as this stays, unless hardly anything is left: its next request is on its way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensors:
    """What the keeper sees.

    Attributes:
        now_s: the time, on the clock of `Resident.used_s`.
        free_bytes: of the machine's memory.
        total_bytes: of it, that may be used at all.
        on_battery: whether the machine runs on its battery.
    """

    now_s: Callable[[], float] = time.monotonic
    free_bytes: Callable[[], int] = available_memory_bytes
    total_bytes: Callable[[], int] = memory_limit_bytes
    on_battery: Callable[[], bool] = on_battery


class Keeper:
    """Unloads idle models that are not pinned: after a time, and, the cheapest first, when memory becomes short.

    Thread: `look` on one thread at a time; by itself on `hearth-keeper` once started.
    """

    def __init__(
        self,
        residency: Residency,
        idle_unload_s: float,
        note: Callable[[HardwareEvent], None] = lambda _event: None,
        sensors: Sensors | None = None,
        interval_s: float = INTERVAL_S,
    ) -> None:
        """Make a keeper, which does nothing until it is started.

        Args:
            residency: whose models it lets go.
            idle_unload_s: seconds after which an idle model leaves; 0 for never, on battery too.
            note: takes what happens, for the time axis.
            sensors: what it sees; the machine itself if not given.
            interval_s: how often it looks.
        """
        self._residency = residency
        self._idle_unload_s = idle_unload_s
        self._note = note
        self._sensors = sensors if sensors is not None else Sensors()
        self._interval_s = interval_s
        self._ended = threading.Event()
        self._woken = threading.Event()
        self._thread = threading.Thread(target=self._run, name="hearth-keeper", daemon=True)

    def start(self) -> None:
        """Look every few seconds from now on."""
        self._thread.start()

    def wake(self) -> None:
        """Look now: what models may take has changed."""
        self._woken.set()

    def close(self) -> None:
        """Stop, and wait for a model that is leaving just now."""
        self._ended.set()
        self._woken.set()
        if self._thread.is_alive():
            self._thread.join()

    def look(self) -> int:
        """Let those go that should; returns how many went."""
        gone = self._end_idleness() if self._idle_unload_s > 0 else 0
        return gone + self._residency.keep_to_budget() + self._make_way()

    def _end_idleness(self) -> int:
        is_mobile = self._sensors.on_battery()
        after_s = min(self._idle_unload_s, BATTERY_IDLE_S) if is_mobile else self._idle_unload_s
        now_s = self._sensors.now_s()
        why = f"Nobody has used it for {_duration(after_s)}{' and the machine runs on battery' if is_mobile else ''}."
        return sum(self._let_go(it, why) for it in self._idle() if now_s - it.used_s >= after_s)

    def _make_way(self) -> int:
        """Let the cheapest models go while others need memory."""
        floor = max(FLOOR_SHARE * self._sensors.total_bytes(), FLOOR_BYTES)
        free = self._sensors.free_bytes()
        if free >= floor:
            return 0
        why = f"Another program needs the memory: only {gigabytes(free)} were free."
        gone = 0
        for resident in sorted(self._idle(), key=lambda it: (it.cost_s / max(1, it.size_bytes), it.used_s)):
            is_fresh = self._sensors.now_s() - resident.used_s < _FRESH_S
            if is_fresh and self._sensors.free_bytes() >= floor / 2:
                continue
            gone += self._let_go(resident, why)
            if self._sensors.free_bytes() >= HYSTERESIS * floor:
                break
        return gone

    def _idle(self) -> list[Resident]:
        """Models that may leave: a waiting request is as good as one that runs."""
        return [it for it in self._residency.residents() if not (it.holders or it.waiting or it.is_pinned)]

    def _let_go(self, resident: Resident, why: str) -> int:
        if not self._residency.evict(resident.place):
            return 0
        model = resident.model
        log.info("%s was unloaded. %s", model.info.id, why)
        self._note(
            HardwareEvent(
                at_s=time.monotonic(),
                kind=HardwareEventKind.UNLOADED,
                device=model.device,
                title=f"{model.info.id} let go",
                detail=why,
            )
        )
        return 1

    def _run(self) -> None:
        while True:
            self._woken.wait(self._interval_s)
            self._woken.clear()
            if self._ended.is_set():
                return
            try:
                self.look()
            except Exception:  # the thread's top level: it must go on
                log.exception("the keeper failed")


def _duration(seconds: float) -> str:
    """For people: `15 min`, `90 s`."""
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes >= 2 and minutes == int(minutes) else f"{seconds:.0f} s"
