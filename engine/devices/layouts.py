"""Where a model fits: on the processor, on a device, partly on one, over several. Pure, like the dispatcher.

A device takes whole layers, each with its share of the KV cache, the output head with the first of them, and a reserve
for computing. What is only looked up (the token embedding) stays in the machine's memory, and so do the other layers.
Room is what is free plus what idle models hold. What computes in the machine's memory takes from that, so that it
counts once.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from engine.backends.base import DeviceTarget
from engine.devices.prediction import Share, can_predict
from engine.devices.room import device_bytes, gigabytes, graph_bytes, host_bytes, proportional
from engine.devices.situation import Demand, DeviceState, Situation, Variant
from engine.hardware import DeviceKind, DeviceRates, Route

_PROCESSOR: Final = ("cpu", "CPU")
"""Device and interface of whatever computes the layers that are not on a device."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """One way to put a model into memory.

    Attributes:
        target: for the backend.
        layers: on the device, or the devices together.
        shares: what each device computes; empty if one of them has not been measured.
        parts: ids of all devices that compute, the processor included where layers stay there.
        needed_bytes: of the memory of the device, or of all devices together; 0 if it is loaded there.
        whole_bytes: the same, if all layers were there.
        room_bytes: of that memory, what the model may take; None if unknown.
        is_loaded: whether the model is there already.
        refusal: why it cannot be put there, in one sentence; empty if it can.
    """

    target: DeviceTarget
    layers: int = 0
    shares: tuple[Share, ...] = ()
    parts: tuple[str, ...] = ()
    needed_bytes: int = 0
    whole_bytes: int = 0
    room_bytes: int | None = None
    is_loaded: bool = False
    refusal: str = ""


def layouts_of(variant: Variant, demand: Demand, situation: Situation) -> tuple[Layout, ...]:
    """All ways to run a model, possible or refused, on every device that there is, in the order of the devices' ids.

    Where layers stay with the processor, every number of them that fits is a way of its own.
    """
    return tuple(_Fitting(variant, demand, situation).layouts())


@dataclass(frozen=True, slots=True)
class _Reach:
    """A device that can be used through a route.

    Attributes:
        state: of the device.
        route: to it.
        room: of its memory, what a model may take; None if unknown.
        rates: what was measured through this route.
    """

    state: DeviceState
    route: Route
    room: int | None
    rates: DeviceRates | None

    @property
    def id(self) -> str:
        return self.state.info.id

    @property
    def is_processor(self) -> bool:
        return self.state.info.kind is DeviceKind.CPU

    @property
    def is_shared(self) -> bool:
        """Whether it computes in the machine's memory."""
        return self.is_processor or self.state.info.shares_memory

    def target(self, layers: int | None = None) -> DeviceTarget:
        targets = (self.route.target,) if self.route.target and not self._is_plain else ()
        return DeviceTarget(device=self.id, interface=self.route.interface, targets=targets, layers=layers)

    @property
    def _is_plain(self) -> bool:
        """Whether it is llama.cpp on the processor, which wants no target."""
        return (self.id, self.route.interface) == _PROCESSOR


class _Fitting:
    """One model, one request, one moment."""

    def __init__(self, variant: Variant, demand: Demand, situation: Situation) -> None:
        self._variant = variant
        self._shape = variant.shape
        self._cells = demand.cells if variant.cells is None else variant.cells
        self._situation = situation

    def layouts(self) -> Iterator[Layout]:
        """All of them."""
        reached: list[_Reach] = []
        alone: list[Layout] = []
        for state in sorted(self._situation.devices, key=lambda state: state.info.id):
            ways, refusal = self._reach(state)
            if refusal:
                alone.append(Layout(target=DeviceTarget(device=state.info.id), refusal=refusal, parts=(state.info.id,)))
            for reach in ways:
                alone += self._on_one(reach)
                reached.append(reach)
        yield from alone
        if self._shape.layers:
            peers = [reach for reach in reached if not reach.is_processor]
            holds_all = any(
                layout.layers == self._shape.layers and not layout.refusal and layout.target.device != _PROCESSOR[0]
                for layout in alone
            )
            yield from self._on_several(peers, only_loaded=holds_all)

    def _reach(self, state: DeviceState) -> tuple[list[_Reach], str]:
        """The usable routes to a device, or why there is none."""
        info, backend = state.info, self._variant.backend
        routes = [route for route in info.routes if route.backend == backend]
        usable = [route for route in routes if not route.fault]
        reason = state.failure or info.fault or self._situation.refused.get((self._variant.id, info.id), "")
        if not reason and not usable:
            reason = routes[0].fault if routes else f"{info.id} cannot be reached by {backend}."
        if reason:
            return [], reason
        is_shared = info.kind is DeviceKind.CPU or info.shares_memory
        room = None if state.free_bytes is None else state.free_bytes + state.idle_bytes
        if is_shared:
            own = info.memory_bytes if info.memory_bytes is not None else self._situation.room_bytes
            room = min(own, self._situation.room_bytes)
        return [
            _Reach(state, route, room, self._situation.rates_of(info.id, backend, route.interface)) for route in usable
        ], ""

    def _on_one(self, reach: _Reach) -> list[Layout]:
        """The model on one device: as it is loaded there, else in all ways that fit."""
        total = self._shape.layers
        for spot in sorted(self._situation.loaded, key=repr):
            if (spot.model, spot.device, spot.interface) == (self._variant.id, reach.id, reach.route.interface):
                count = total if reach.is_processor else min(spot.layers, total)
                return [self._layout([reach], [count], is_loaded=True)]
        if not total:
            return [self._whole(reach, graph_bytes(self._shape))]
        if reach.is_processor:
            return [self._whole(reach, host_bytes(self._shape, 0, self._cells))]
        most = next((count for count in range(total, 0, -1) if self._fits(reach, count)), 0)
        whole = self._bytes(reach, total)
        if not most:
            alone = self._most(reach, has_head=True)
            rest = f", and the rest not into {gigabytes(self._situation.room_bytes)} of memory"
            return [self._refused(reach, whole, f": {alone or 'none'} of {total} layers fit{rest if alone else ''}.")]
        counts = [total] if most == total else range(most, 0, -1)
        return [self._layout([reach], [n], needed=self._bytes(reach, n), whole=whole) for n in counts]

    def _whole(self, reach: _Reach, needed: int) -> Layout:
        """All of the model in the memory of a device."""
        if reach.room is not None and needed > reach.room:
            return self._refused(reach, needed, ".")
        return self._layout([reach], [self._shape.layers], needed=needed, whole=needed)

    def _refused(self, reach: _Reach, whole: int, more: str) -> Layout:
        room = self._situation.room_bytes if reach.room is None else reach.room
        refusal = f"{reach.id} needs {gigabytes(whole)}, but {gigabytes(room)} are free{more}"
        return Layout(target=reach.target(), refusal=refusal, parts=(reach.id,), whole_bytes=whole, room_bytes=room)

    def _bytes(self, reach: _Reach, layers: int, *, has_head: bool = True) -> int:
        return device_bytes(self._shape, layers, self._cells, has_head=has_head, is_shared=reach.is_shared)

    def _fits(self, reach: _Reach, layers: int) -> bool:
        needed = self._bytes(reach, layers)
        if reach.room is not None and needed > reach.room:
            return False
        rest = host_bytes(self._shape, layers, self._cells)
        return rest + (needed if reach.is_shared else 0) <= self._situation.room_bytes

    def _on_several(self, peers: Sequence[_Reach], *, only_loaded: bool) -> Iterator[Layout]:
        """The model over the fewest devices that hold all of it together, or as it is loaded over some."""
        loaded = [spot for spot in sorted(self._situation.loaded, key=repr) if spot.model == self._variant.id]
        for interface in sorted({reach.route.interface for reach in peers}):
            ours = [reach for reach in peers if reach.route.interface == interface]
            for size in range(2, len(ours) + 1):
                groups = list(combinations(ours, size))
                names = {"+".join(reach.id for reach in group): group for group in groups}
                there = [spot for spot in loaded if spot.interface == interface and spot.device in names]
                found = [
                    self._layout(names[spot.device], proportional(spot.layers, [1] * size), is_loaded=True)
                    for spot in there
                ]
                new = () if there or only_loaded else groups
                found += [layout for group in new if (layout := self._together(group)) is not None]
                yield from found
                if found:
                    break

    def _together(self, group: Sequence[_Reach]) -> Layout | None:
        """All layers over these devices, by the room that each has; None if they do not fit."""
        total = self._shape.layers
        heads = [number == len(group) - 1 for number in range(len(group))]  # llama.cpp puts the head on the last
        most = [self._most(reach, has_head=has_head) for reach, has_head in zip(group, heads, strict=True)]
        if sum(most) < total or min(most) == 0:
            return None
        counts = proportional(total, most)
        needed = [
            self._bytes(reach, count, has_head=has_head)
            for reach, count, has_head in zip(group, counts, heads, strict=True)
        ]
        shared = sum(part for part, reach in zip(needed, group, strict=True) if reach.is_shared)
        if shared + host_bytes(self._shape, total, self._cells) > self._situation.room_bytes:
            return None
        return self._layout(group, counts, needed=sum(needed), whole=sum(needed))

    def _most(self, reach: _Reach, *, has_head: bool) -> int:
        counts = range(self._shape.layers, 0, -1)
        room = reach.room
        return next((n for n in counts if room is None or self._bytes(reach, n, has_head=has_head) <= room), 0)

    def _layout(
        self,
        group: Sequence[_Reach],
        counts: Sequence[int],
        *,
        needed: int = 0,
        whole: int = 0,
        is_loaded: bool = False,
    ) -> Layout:
        """Put together how a model lies on a device, or on several."""
        total, on_devices = self._shape.layers, sum(counts)
        target, last = group[0].target(None if on_devices == total else on_devices), len(group) - 1
        if last:
            # The head counts as one more layer, on the last device.
            split = tuple(float(count + (number == last)) for number, count in enumerate(counts))
            names, targets = [reach.id for reach in group], [name for reach in group for name in reach.target().targets]
            target = DeviceTarget(
                device="+".join(names),
                interface=target.interface,
                targets=tuple(targets),
                layers=target.layers,
                split=split,
            )
        rooms = [reach.room for reach in group if reach.room is not None]
        return Layout(
            target=target,
            layers=on_devices,
            shares=self._shares(group, counts),
            parts=(*(reach.id for reach in group), *((_PROCESSOR[0],) if on_devices < total else ())),
            needed_bytes=needed,
            whole_bytes=whole,
            room_bytes=sum(rooms) if len(rooms) == len(group) else None,
            is_loaded=is_loaded,
        )

    def _shares(self, group: Sequence[_Reach], counts: Sequence[int]) -> tuple[Share, ...]:
        """What each computes; nothing if one of them has not been measured."""
        total, last = self._shape.layers, len(group) - 1
        computing: list[tuple[DeviceRates | None, int, bool]] = [
            (reach.rates, count, number == last)
            for number, (reach, count) in enumerate(zip(group, counts, strict=True))
        ]
        if (rest := total - sum(counts)) > 0:
            processor = self._situation.rates_of(_PROCESSOR[0], self._variant.backend, _PROCESSOR[1])
            computing.insert(0, (processor, rest, False))
        shares = []
        for rates, layers, has_head in computing:
            if rates is None or not can_predict(rates):
                return ()
            shares.append(Share(rates=rates, layers=layers, has_head=has_head))
        return tuple(shares)
