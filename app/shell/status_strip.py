"""StatusStrip: what the machine is doing, at the foot of the window."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QWidget

from app.theme import Appearance
from app.theme.widgets import Part, SegmentBar
from engine.types import EngineSnapshot

_NBSP = "\u00a0"
_GIB = 1 << 30


class StatusStrip(QFrame):
    """Meters of the CPU and of memory, the queue, the speed, and the promise that nothing leaves the computer."""

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("statusStrip")
        self.setAccessibleName("Status")
        self._appearance = appearance
        theme = appearance.theme
        self.setFixedHeight(theme.size("status"))
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(theme.space("l"), 0, theme.space("l"), 0)
        self._row.setSpacing(theme.space("s"))
        self._cpu_bar, self._cpu = self._meter("CPU", "100 %")
        self._row.addSpacing(theme.space("l"))
        self._memory_bar, self._memory = self._meter("Memory", "88.8 of 888 GB")
        self._row.addStretch(1)
        self._queue = self._figure("Queue", "88 waiting")
        self._row.addSpacing(theme.space("l"))
        self._speed = self._figure("Speed", "8,888 tok/s")
        self._row.addSpacing(theme.space("l"))
        self._lock = QLabel(self)
        self._row.addWidget(self._lock)
        self._row.addWidget(self._word("Nothing leaves this computer"))
        self._paint_icon()
        appearance.changed.connect(self._paint_icon)
        self.show_waiting()

    def show_waiting(self) -> None:
        """Say that there are no numbers yet."""
        for label in (self._cpu, self._memory, self._queue, self._speed):
            label.setText("–")
        self._cpu_bar.set_parts((), "CPU not measured yet")
        self._memory_bar.set_parts((), "Memory not measured yet")

    def show_snapshot(self, snapshot: EngineSnapshot) -> None:
        """Show the engine's numbers."""
        ours, others = round(snapshot.cpu_ours * 100), round(snapshot.cpu_others * 100)
        self._cpu.setText(f"{min(100, ours + others)}{_NBSP}%")
        self._cpu_bar.set_parts(
            (Part(snapshot.cpu_ours, "chart-1"), Part(snapshot.cpu_others, "chart-8")),
            f"CPU {min(100, ours + others)} %: Hearth {ours}, others {others}. "
            f"{snapshot.threads} threads: {snapshot.threads_reason}",
        )
        used, limit = snapshot.memory_bytes / _GIB, max(snapshot.memory_limit_bytes, 1) / _GIB
        self._memory.setText(f"{used:.1f} of {limit:.{0 if limit >= 10 else 1}f}{_NBSP}GB")
        role = "warning" if used / limit > 0.9 else "chart-1"
        self._memory_bar.set_parts((Part(used / limit, role),), f"Memory: Hearth uses {used:.1f} of {limit:.1f} GB")
        self._queue.setText(f"{snapshot.waiting} waiting" if snapshot.waiting else "empty")
        self._speed.setText(f"{snapshot.tokens_per_s:,.0f}{_NBSP}tok/s")

    def _meter(self, name: str, widest: str) -> tuple[SegmentBar, QLabel]:
        self._row.addWidget(self._word(name))
        bar = SegmentBar(self._appearance, name, self)
        bar.setFixedWidth(self._appearance.theme.space("xxxl"))
        self._row.addWidget(bar)
        return bar, self._value(widest)

    def _figure(self, name: str, widest: str) -> QLabel:
        self._row.addWidget(self._word(name))
        return self._value(widest)

    def _word(self, text: str) -> QLabel:
        label = QLabel(text, self)
        label.setProperty("role", "small")
        label.setProperty("muted", True)
        return label

    def _value(self, widest: str) -> QLabel:
        """Make a number that never moves its neighbours: as wide as the widest text it will show."""
        label = QLabel(self)
        label.setFont(self._appearance.theme.font("small"))
        font = label.font()
        font.setWeight(font.Weight.Medium)
        label.setFont(font)
        label.ensurePolished()
        label.setMinimumWidth(label.fontMetrics().horizontalAdvance(widest))
        label.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self._row.addWidget(label)
        return label

    def _paint_icon(self) -> None:
        edge = self._appearance.theme.size("icon-small")
        self._lock.setPixmap(self._appearance.theme.icon("lock", "text-muted", edge).pixmap(edge, edge))
