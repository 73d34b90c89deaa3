"""SizeSlider: the files of a model from light to powerful: a slider whose stops stand over one card each."""

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QAbstractButton, QLabel, QSlider, QWidget

from app.models.hub_words import hub_fit_look, quality_words, short_fit_words, short_name
from app.models.words import size_words, speed_words
from app.theme import Appearance
from app.theme.brush import Brush
from app.usage import UNKNOWN
from engine import HubFile

STOPS: Final = 4
_GAP: Final = 8
_HEIGHT: Final = 110
_SLIDER: Final = 24
_HANDLE: Final = 18
_PADDING: Final = 9


class SizeCard(QAbstractButton):
    """One file: its size, what is left of the quality, its speed here and whether it fits. The mouse chooses it.

    Attributes:
        file: what it stands for.
    """

    def __init__(self, appearance: Appearance, file: HubFile, parent: QWidget) -> None:
        super().__init__(parent)
        self.file = file
        self._appearance = appearance
        self._brush = Brush(appearance)
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the slider has the keyboard
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName(file_sentence(file))
        self.setToolTip(file_sentence(file))
        appearance.changed.connect(self.update)

    def sizeHint(self) -> QSize:
        """As high as its lines."""
        return QSize(86, _HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the card."""
        brush, painter = self._brush, QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        is_chosen, width = self.isChecked(), 2 if self.isChecked() else 1
        painter.setPen(QPen(brush.color("accent" if is_chosen else "border"), width))
        painter.setBrush(brush.color("accent-fill" if is_chosen else "hover" if self.underMouse() else "raised"))
        edge, radius = width / 2, self._appearance.theme.radius("medium")
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(edge, edge, -edge, -edge), radius, radius)
        room = self.width() - 2 * _PADDING
        lines = (
            ("strong", "text", size_words(self.file.size_bytes), 20),
            ("small", "text-muted", short_name(self.file), 18),
            ("small", "text", quality_words(self.file), 18),
            ("small", "text-muted", _speed(self.file), 18),
        )
        top = 8
        for style, role, words, height in lines:
            brush.write(painter, QRect(_PADDING, top, room, height), style, role, words)
            top += height
        self._paint_fit(painter, QRect(_PADDING, top, room, 18))

    def _paint_fit(self, painter: QPainter, room: QRect) -> None:
        look, theme = hub_fit_look(self.file), self._appearance.theme
        edge = theme.size("icon-small")
        theme.icon(look.icon, look.role, edge).paint(painter, QRect(room.left(), room.top() + 1, edge, edge))
        words = room.adjusted(edge + 4, 0, _PADDING - 3, 0)
        self._brush.write(painter, words, "small", look.role, short_fit_words(self.file), weight=500)


class SizeSlider(QWidget):
    """Chooses a file; the one that suits this computer is chosen at first.

    Attributes:
        slider: moves among the cards.
        cards: from the lightest to the most powerful.

    Signals:
        chosen: name of the file that is chosen now.

    Thread: UI only.
    """

    chosen = Signal(str)

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._file: HubFile | None = None
        self._shown: tuple[HubFile, ...] = ()
        self.cards: tuple[SizeCard, ...] = ()
        self._ends = (QLabel("Light", self), QLabel("Powerful", self))
        self.slider = QSlider(Qt.Orientation.Horizontal, self)
        self.slider.setAccessibleName("Size of the model, from light to powerful")
        self.slider.setPageStep(1)
        self.slider.valueChanged.connect(self._on_moved)
        for label in self._ends:
            label.setProperty("role", "small")
            label.setProperty("muted", True)

    @property
    def file(self) -> HubFile | None:
        """The file that is chosen; None if there is none."""
        return self._file

    def show_files(self, files: Sequence[HubFile], recommended: str, chosen: str = "") -> None:
        """Offer these.

        Args:
            files: of one model.
            recommended: name of the one to take here; empty if none is.
            chosen: name of the one that is chosen; empty takes the recommended one, else the smallest.
        """
        stops = stops_of(files, recommended, chosen)
        wanted = next((file for file in stops if file.name == (chosen or recommended)), stops[0] if stops else None)
        if stops != self._shown:
            self._shown = stops
            for card in self.cards:
                card.hide()
                card.deleteLater()
            self.cards = tuple(SizeCard(self._appearance, file, self) for file in stops)
            for card in self.cards:
                card.clicked.connect(lambda _checked=False, card=card: self._take(card.file, by_person=True))
                card.show()
            self.slider.blockSignals(True)
            self.slider.setRange(0, max(0, len(stops) - 1))
            self.slider.blockSignals(False)
        for part in (self.slider, *self._ends):
            part.setVisible(len(stops) > 1)
        self.setFixedHeight(self._wanted_height())
        self._place()
        self._take(wanted, by_person=False)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the stops over the middles of the cards."""
        super().resizeEvent(event)
        self._place()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Leave keys to the slider."""
        event.ignore()

    def _on_moved(self, at: int) -> None:
        if at < len(self._shown):
            self._take(self._shown[at], by_person=True)

    def _take(self, file: HubFile | None, *, by_person: bool) -> None:
        is_other = file != self._file
        self._file = file
        for at, card in enumerate(self.cards):
            card.setChecked(card.file == file)
            if card.file == file:
                self.slider.blockSignals(True)
                self.slider.setValue(at)
                self.slider.blockSignals(False)
        if file is not None:
            self.slider.setAccessibleDescription(file_sentence(file))
            if is_other and by_person:
                self.chosen.emit(file.name)

    def _wanted_height(self) -> int:
        if not self._shown:
            return 0
        return _HEIGHT if len(self._shown) == 1 else self._appearance.theme.line("small") + _SLIDER + 4 + _HEIGHT

    def _place(self) -> None:
        count = len(self.cards)
        if not count:
            return
        width = (self.width() - (STOPS - 1) * _GAP) // STOPS
        if 1 < count < STOPS:
            width = (self.width() - (count - 1) * _GAP) // count
        elif count == 1:
            width *= 2
        line = self._appearance.theme.line("small")
        top = line + _SLIDER + 4 if count > 1 else 0
        for at, card in enumerate(self.cards):
            card.setGeometry(at * (width + _GAP), top, width, _HEIGHT)
        span = (count - 1) * (width + _GAP)
        whole = span + width
        self.slider.setGeometry((width - _HANDLE) // 2, line + 2, span + _HANDLE, _SLIDER)
        self._ends[0].setGeometry(0, 0, whole // 2, line)
        self._ends[1].setGeometry(whole // 2, 0, whole - whole // 2, line)
        self._ends[1].setAlignment(Qt.AlignmentFlag.AlignRight)


def stops_of(files: Sequence[HubFile], recommended: str, chosen: str = "") -> tuple[HubFile, ...]:
    """At most four files, from the smallest to the largest, the recommended and the chosen one among them.

    Args:
        files: of one model, in any order.
        recommended: name of the one to take here; empty if none is.
        chosen: name of another one that must be there; empty for none.
    """
    by_size = sorted(files, key=lambda file: (file.size_bytes, file.name))
    if len(by_size) <= STOPS:
        return tuple(by_size)
    last = len(by_size) - 1
    picked = {round(step * last / (STOPS - 1)) for step in range(STOPS)}
    for name in (recommended, chosen):
        at = next((at for at, file in enumerate(by_size) if file.name == name), None)
        if at is not None and at not in picked:
            kept = {at for at in picked if by_size[at].name == recommended}
            nearest = min(picked - kept, key=lambda other: abs(other - at))
            picked = (picked - {nearest}) | {at}
    return tuple(by_size[at] for at in sorted(picked))


def file_sentence(file: HubFile) -> str:
    """A file with all that a card says of it, for those who do not see it."""
    quality = quality_words(file)
    said = (
        short_name(file),
        size_words(file.size_bytes),
        f"quality {quality.lower()}" if quality else "",
        f"about {speed_words(file.tokens_per_s)}" if file.tokens_per_s else "",
        hub_fit_look(file).words,
    )
    return ", ".join(filter(None, said))


def _speed(file: HubFile) -> str:
    return speed_words(file.tokens_per_s) if file.tokens_per_s else f"speed {UNKNOWN}"
