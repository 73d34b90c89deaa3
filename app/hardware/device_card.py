"""DeviceCard: one device: how busy it is and with whose work, its numbers, and the one sentence that matters now."""

from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QStackedLayout, QVBoxLayout, QWidget

from app.hardware.chart import Chart
from app.hardware.clock import SPANS, axis_labels
from app.hardware.core_bars import CoreBars
from app.hardware.history import DEVICE_SPAN_S, Floats
from app.hardware.painted import FigureRow, QuietText, SentenceText, StateChip, StatRow
from app.hardware.scale import PERCENT
from app.hardware.wording import (
    BUSY,
    IDLE,
    NOT_USED,
    READY,
    sentence_of,
    speeds_of,
    state_of,
    stats_of,
    subtitle_of,
)
from app.theme import Appearance
from app.theme.widgets import ElidedLabel
from app.usage import usage_of
from engine.hardware import DeviceInfo, HardwareSnapshot

CHART_HEIGHT: Final = 140
_STATES: Final = tuple(state.word for state in (READY, BUSY, IDLE, NOT_USED))


class DeviceCard(QFrame):
    """A card of one device, usable or not.

    Attributes:
        device: id of the device.
        chart: its use over the last minute.
        figure, cores, stats, sentence, state: its other parts.
        again_button: looks for devices again, where this one cannot be used.

    Signals:
        look_again_pressed: the person has done something about a device that could not be used.
    """

    look_again_pressed = Signal()

    def __init__(self, appearance: Appearance, device: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("card", True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # so that those who do not see it can have it read
        self.device = device
        self._appearance = appearance
        self._title = QLabel(self)
        self._icon = QLabel(self)
        self._icon_name = ""
        self._speeds = QuietText(appearance, self)
        self._subtitle = ElidedLabel("", self)
        self.state = StateChip(appearance, _STATES, self)
        self.figure = FigureRow(appearance, self)
        self.cores = CoreBars(appearance, self)
        self.chart = Chart(appearance, f"Use of {device}", self)
        self.stats = StatRow(appearance, self)
        self.sentence = SentenceText(appearance, self)
        self.again_button = QPushButton("Look again", self)
        self._reason = QLabel(self)
        self._advice = QLabel(self)
        self._body = QStackedLayout()
        self._lay_out()
        self.chart.set_axes(PERCENT, DEVICE_SPAN_S)
        self.chart.set_labels(axis_labels(SPANS[0], 0.0))
        self.again_button.clicked.connect(self.look_again_pressed)
        appearance.changed.connect(self._paint_icon)

    def show_snapshot(self, device: DeviceInfo, title: str, snapshot: HardwareSnapshot) -> None:
        """Show a device as it is now.

        Args:
            device: the one that this card is for.
            title: what it is called.
            snapshot: of the whole machine.
        """
        load = snapshot.loads.get(device.id)
        sample = snapshot.latest.devices.get(device.id) if snapshot.latest is not None else None
        self._show_head(device, title)
        self.state.show_state(state_of(device, load))
        say(self._subtitle, subtitle_of(device, sample))
        sentence = sentence_of(device, load, sample, snapshot.rates)
        self._body.setCurrentIndex(0 if device.is_usable else 1)
        if not device.is_usable:
            self._speeds.say("")
            say(self._reason, sentence.lead)
            say(self._advice, sentence.rest)
            self._describe(sentence.whole)
            return
        self._speeds.say("  ·  ".join(speeds_of(device, load)))
        usage = usage_of(title, sample)
        self.figure.show_usage(usage)
        self.chart.set_description(usage.description)
        self.cores.show_cores(sample.cores if sample is not None else (), self.width())
        self.stats.show_stats(stats_of(device, load, sample))
        self.sentence.show_sentence(sentence)
        self._describe(f"{usage.description}. {self.stats.accessibleName()}. {sentence.whole}")

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Show the cores where there is room for them."""
        super().resizeEvent(event)
        self.cores.fit(self.width())

    def show_curve(self, ages: Floats, ours: Floats, used: Floats) -> None:
        """Show the use over the last minute, as shares."""
        self.chart.set_data(ages, ours, used)

    def set_looking(self, is_looking: bool) -> None:
        """Say that devices are being looked for."""
        self.again_button.setEnabled(not is_looking)
        self.again_button.setToolTip("Devices are being looked for." if is_looking else "")

    def _describe(self, words: str) -> None:
        description = f"{self._subtitle.text()}. {self.state.accessibleName()}. {words}"
        if description != self.accessibleDescription():
            self.setAccessibleDescription(description)

    def _show_head(self, device: DeviceInfo, title: str) -> None:
        if self._title.text() != title:
            self._title.setText(title)
            self.setAccessibleName(title)
            self.again_button.setAccessibleName(f"Look again for {title} and other devices")
        if self._icon_name != device.kind.value:
            self._icon_name = device.kind.value
            self._paint_icon()

    def _paint_icon(self) -> None:
        if self._icon_name:
            theme = self._appearance.theme
            edge = theme.size("icon")
            self._icon.setPixmap(theme.icon(self._icon_name, "text-muted", edge).pixmap(edge, edge))

    # --------------------------------------------------------------------------------------------------------- layout

    def _lay_out(self) -> None:
        theme = self._appearance.theme
        edge = theme.space("l")
        column = QVBoxLayout(self)
        column.setContentsMargins(1, theme.space("m"), 1, 1)
        column.setSpacing(0)
        column.addLayout(_inset(self._head(), edge))
        column.addSpacing(3)
        self._subtitle.setProperty("role", "small")
        self._subtitle.setProperty("muted", True)
        self._subtitle.setFixedHeight(theme.line("small"))
        column.addLayout(_inset(self._subtitle, edge))
        column.addSpacing(theme.space("s"))
        self._body.addWidget(self._usable())
        self._body.addWidget(self._unusable())
        column.addLayout(self._body, 1)

    def _head(self) -> QWidget:
        theme = self._appearance.theme
        head = QWidget(self)
        row = QHBoxLayout(head)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.space("s"))
        self._icon.setFixedSize(theme.size("icon"), theme.size("icon"))
        self._title.setProperty("role", "strong")
        self._title.setTextFormat(Qt.TextFormat.PlainText)
        row.addWidget(self._icon)
        row.addWidget(self._title)
        row.addWidget(self._speeds, 1)
        row.addWidget(self.state)
        head.setFixedHeight(theme.size("chip"))
        return head

    def _usable(self) -> QWidget:
        theme = self._appearance.theme
        edge = theme.space("l")
        body = QWidget(self)
        column = QVBoxLayout(body)
        column.setContentsMargins(0, 0, 0, theme.space("s"))
        column.setSpacing(0)
        figure = _inset(self.figure, edge)
        figure.addWidget(self.cores)
        column.addLayout(figure)
        column.addSpacing(theme.space("xs"))
        self.chart.setMinimumHeight(CHART_HEIGHT)
        chart = _inset(self.chart, edge)
        chart.setContentsMargins(edge, 0, theme.space("s"), 0)  # the chart's own padding is the rest
        column.addLayout(chart, 1)
        column.addSpacing(6)
        column.addWidget(_line(body))
        column.addLayout(_inset(self.stats, edge))
        column.addWidget(_line(body))
        column.addSpacing(theme.space("s"))
        column.addLayout(_inset(self.sentence, edge))
        return body

    def _unusable(self) -> QWidget:
        """The reason and what to do about it, in the middle of the card."""
        theme = self._appearance.theme
        body = QWidget(self)
        column = QVBoxLayout(body)
        edge = theme.space("xl")
        column.setContentsMargins(edge, 0, edge, edge)
        column.setSpacing(theme.space("s"))
        for label, is_muted in ((self._reason, False), (self._advice, True)):
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setAlignment(Qt.AlignmentFlag.AlignHCenter)
            label.setProperty("muted", is_muted)
            label.setMinimumWidth(1)
        self.again_button.setProperty("small", True)
        column.addStretch(1)
        column.addWidget(self._reason)
        column.addWidget(self._advice)
        column.addSpacing(theme.space("xs"))
        column.addWidget(self.again_button, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(1)
        return body


def say(label: QLabel, words: str) -> None:
    """Change a label's words; one that says them already costs no layout."""
    if label.text() != words:
        label.setText(words)


def _inset(widget: QWidget, edge: int) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setContentsMargins(edge, 0, edge, 0)
    row.addWidget(widget)
    return row


def _line(parent: QWidget) -> QFrame:
    line = QFrame(parent)
    line.setProperty("line", "top")
    line.setFixedHeight(1)
    return line
