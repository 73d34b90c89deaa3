"""StatusStrip: what the machine is doing, at the foot of the window."""

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QWidget

from app.theme import Appearance
from app.theme.widgets import Part, SegmentBar
from app.usage import GIB, NBSP, UNKNOWN, UNKNOWN_TIP, Usage, device_titles, usage_of
from engine.hardware import DeviceKind, DeviceSample, HardwareSnapshot
from engine.types import EngineSnapshot

_MOST_DEVICES: Final = 3
_BAR_WIDTHS: Final = (24, 48)  # least and most: the bars give way in a narrow window
_CPU: Final = DeviceKind.CPU.value
_PROMISE: Final = "Nothing leaves this computer"


class Meter(QWidget):
    """A name, a bar and a number that never moves its neighbours."""

    def __init__(self, appearance: Appearance, name: str, widest: str, parent: QWidget | None = None) -> None:
        """Make a meter; `widest` is the longest text that its number will ever be."""
        super().__init__(parent)
        self._appearance = appearance
        self._name = word_label(name, self)
        self.bar = SegmentBar(appearance, name, self)
        self.bar.setMinimumWidth(_BAR_WIDTHS[0])
        self.bar.setMaximumWidth(_BAR_WIDTHS[1])
        self.value = number_label(appearance, widest, self)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(appearance.theme.space("s"))
        for widget in (self._name, self.bar, self.value):
            row.addWidget(widget)

    def set_name(self, name: str) -> None:
        """Be for something else."""
        if self._name.text() != name:
            self._name.setText(name)
            self.bar.setAccessibleName(name)

    def show_parts(self, words: str, parts: Sequence[Part], description: str) -> None:
        """Show numbers."""
        self.value.setText(words)
        self.bar.set_parts(parts, description)

    def show_usage(self, usage: Usage, more: str = "") -> None:
        """Show how busy a device is; `more` is added to the description."""
        shares = ((usage.ours_share, "chart-1"), (usage.others_share, "chart-8"))
        parts = [Part(share, role) for share, role in shares if share is not None]
        self.show_parts(usage.figure, parts, f"{usage.description}. {more}".strip())


class StatusStrip(QFrame):
    """Meters of the devices and of memory, the queue, the speed, and the promise that nothing leaves the computer."""

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("statusStrip")
        self.setAccessibleName("Status")
        self._appearance = appearance
        theme = appearance.theme
        self.setFixedHeight(theme.size("status"))
        self._devices = QHBoxLayout()
        self._devices.setSpacing(theme.space("l") + theme.space("s"))
        self._meters: list[Meter] = []
        self._more = word_label("", self)
        self._memory = Meter(appearance, "Memory", "88.8 of 888 GB", self)
        self._queue = number_label(appearance, "88 waiting", self)
        self._speed = number_label(appearance, "8,888 tok/s", self)
        self._lock = QLabel(self)
        self._promise = word_label(_PROMISE, self)
        self._lay_out()
        self._paint_icon()
        appearance.changed.connect(self._paint_icon)
        self.show_waiting()

    @property
    def meters(self) -> tuple[Meter, ...]:
        """One for each device that is shown."""
        return tuple(self._meters)

    def show_waiting(self) -> None:
        """Say that there are no numbers yet."""
        self._fit_meters(["CPU"])
        self._meters[0].show_parts(UNKNOWN, (), "CPU not measured yet")
        self._memory.show_parts(UNKNOWN, (), "Memory not measured yet")
        for label in (self._queue, self._speed):
            label.setText(UNKNOWN)

    def show_snapshot(self, snapshot: EngineSnapshot, hardware: HardwareSnapshot | None = None) -> None:
        """Show the engine's numbers, and those of its devices where they are known."""
        threads = f"{snapshot.threads} threads: {snapshot.threads_reason}"
        used = min(1.0, snapshot.cpu_ours + snapshot.cpu_others)
        processor = DeviceSample(utilisation=used, ours=snapshot.cpu_ours)
        if hardware is None or hardware.latest is None:
            self._fit_meters(["CPU"])
            self._meters[0].show_usage(usage_of("CPU", processor), threads)
            self._show_memory(snapshot.memory_bytes, snapshot.memory_limit_bytes)
        else:
            self._show_devices(hardware, processor, threads)
            self._show_memory(hardware.latest.memory_ours_bytes, hardware.memory_budget_bytes)
        self._queue.setText(f"{snapshot.waiting} waiting" if snapshot.waiting else "empty")
        self._speed.setText(f"{snapshot.tokens_per_s:,.0f}{NBSP}tok/s")

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave the words of the promise out where there is no room; the lock says them too."""
        super().resizeEvent(event)
        self._fit_promise()

    # --------------------------------------------------------------------------------------------------------- devices

    def _show_devices(self, hardware: HardwareSnapshot, processor: DeviceSample, threads: str) -> None:
        usable = [device for device in hardware.devices if device.is_usable]
        titles = device_titles(usable)
        samples = dict(hardware.latest.devices) if hardware.latest is not None else {}
        if _CPU in samples and samples[_CPU].utilisation is None:  # the first sample has nothing to compare with
            samples[_CPU] = processor
        usages = [usage_of(titles[device.id], samples.get(device.id)) for device in usable]
        shown = usages[:_MOST_DEVICES]
        self._fit_meters([titles[device.id] for device in usable[:_MOST_DEVICES]])
        for number, (meter, usage) in enumerate(zip(self._meters, shown, strict=True)):
            more = "" if usage.is_known else UNKNOWN_TIP
            meter.show_usage(usage, threads if number == 0 else more)
        rest = usages[_MOST_DEVICES:]
        words = f"+{len(rest)}" if rest else ""
        if self._more.text() != words:
            self._more.setText(words)
            self._more.setVisible(bool(rest))
            self._fit_promise()
        if rest:
            said = "; ".join(usage.description for usage in rest)
            self._more.setToolTip(said)
            self._more.setAccessibleName(f"{len(rest)} more devices: {said}")

    def _fit_meters(self, names: Sequence[str]) -> None:
        """Have as many meters as names; they only come and go with the devices."""
        is_other = len(names) != len(self._meters)
        while len(self._meters) > len(names):
            meter = self._meters.pop()
            meter.hide()
            meter.deleteLater()
        while len(self._meters) < len(names):
            meter = Meter(self._appearance, "", f"100{NBSP}%", self)
            self._devices.insertWidget(len(self._meters), meter)
            meter.show()
            self._meters.append(meter)
        for meter, name in zip(self._meters, names, strict=True):
            meter.set_name(name)
        if is_other:
            self._fit_promise()

    def _show_memory(self, used_bytes: int, limit_bytes: int) -> None:
        used, limit = used_bytes / GIB, max(limit_bytes, 1) / GIB
        role = "warning" if used / limit > 0.9 else "chart-1"
        self._memory.show_parts(
            f"{used:.1f} of {limit:.{0 if limit >= 10 else 1}f}{NBSP}GB",
            (Part(used / limit, role),),
            f"Memory: Hearth uses {used:.1f} of {limit:.1f} GB",
        )

    def _fit_promise(self) -> None:
        has_room = self._room() >= 0
        if has_room == self._promise.isHidden():
            self._promise.setVisible(has_room)
            self._row.activate()  # a first picture may come before the layout is asked again

    def _room(self) -> int:
        """Pixels that are left beside everything, the words of the promise included."""
        gap = self._row.spacing()
        is_counted = not self._promise.isHidden()
        needed = self._row.sizeHint().width() + (0 if is_counted else self._promise.sizeHint().width() + gap)
        return self.width() - needed

    # ---------------------------------------------------------------------------------------------------------- layout

    def _lay_out(self) -> None:
        theme = self._appearance.theme
        wide = theme.space("l")
        self._more.hide()
        self._promise.setMinimumWidth(1)  # else its words would decide how narrow the window can be
        self._devices.addWidget(self._more)
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(wide, 0, wide, 0)
        self._row.setSpacing(theme.space("s"))
        self._row.addLayout(self._devices)
        self._row.addSpacing(wide)
        self._row.addWidget(self._memory)
        self._row.addStretch(1)
        for name, value in (("Queue", self._queue), ("Speed", self._speed)):
            self._row.addWidget(word_label(name, self))
            self._row.addWidget(value)
            self._row.addSpacing(wide)
        self._lock.setToolTip(_PROMISE)
        self._lock.setAccessibleName(_PROMISE)
        self._row.addWidget(self._lock)
        self._row.addWidget(self._promise)

    def _paint_icon(self) -> None:
        edge = self._appearance.theme.size("icon-small")
        self._lock.setPixmap(self._appearance.theme.icon("lock", "text-muted", edge).pixmap(edge, edge))


def word_label(text: str, parent: QWidget) -> QLabel:
    """Make a quiet small word."""
    label = QLabel(text, parent)
    label.setProperty("role", "small")
    label.setProperty("muted", True)
    return label


def number_label(appearance: Appearance, widest: str, parent: QWidget) -> QLabel:
    """Make a number that never moves its neighbours: as wide as the widest text it will show."""
    label = QLabel(parent)
    font = appearance.theme.font("small")
    font.setWeight(font.Weight.Medium)
    label.setFont(font)
    label.ensurePolished()
    label.setMinimumWidth(label.fontMetrics().horizontalAdvance(widest))
    label.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    return label
