"""Timeline: what every lane did in the last twenty seconds, does now, and will do in the next twenty."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QEvent, QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QHelpEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from app.queue.recorder import AHEAD_S, PAST_S, Block, Kind, Tracks
from app.queue.words import counted, duration
from app.theme import Appearance
from app.theme.brush import Brush
from app.usage import NBSP

LABELS: Final = 132
AXIS: Final = 26
LANE: Final = 50
_TRACK, _ONE_TRACK, _BETWEEN = 19, 26, 2
_MOST_TRACKS: Final = 4
_LEAST_WIDTH: Final = 3
_NOW: Final = (40, 19)  # of its plate
_FILL: Final = 0.24
_DASH: Final = (4.0, 3.0)
_NO_LANE: Final = "Nothing has run yet. Every device gets a row here with its first request."


@dataclass(frozen=True, slots=True)
class LaneRow:
    """A lane: its name, what it is called, a small line below that, and what is to be said about it."""

    name: str
    title: str
    detail: str
    tip: str = ""


def lane_height(tracks: int) -> int:
    """Pixels of a lane with so many tracks; one and two need the same."""
    return LANE + max(0, tracks - 2) * (_TRACK + _BETWEEN)


class Timeline(QWidget):
    """Painted; what it shows is also said in its description, and in the list below it.

    Signals:
        pressed: a block was pressed: id of its request.

    Thread: UI only.
    """

    pressed = Signal(str)

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._brush = Brush(appearance)
        self._lanes: tuple[LaneRow, ...] = ()
        self._most_tracks = 2
        self._tracks: dict[str, Tracks] = {}
        self._placed: dict[str, list[tuple[Block, int]]] = {}
        self._heights: dict[str, int] = {}
        self._chosen = ""
        self.setAccessibleName("Timeline of the lanes")
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        appearance.changed.connect(self.update)

    @property
    def blocks(self) -> list[tuple[Block, int]]:
        """What is shown, with the track of each."""
        return [entry for placed in self._placed.values() for entry in placed]

    def set_most_tracks(self, count: int) -> None:
        """Say how many tracks a lane may have, from 2 to 4, as the window has room."""
        self._most_tracks = max(2, min(_MOST_TRACKS, count))

    def choose(self, request: str) -> None:
        """Mark the blocks of a request."""
        if request != self._chosen:
            self._chosen = request
            self.update()

    def show_blocks(self, lanes: Sequence[LaneRow], blocks: Sequence[Block]) -> None:
        """Show these lanes, from top to bottom, with these blocks."""
        self._lanes = tuple(lanes)
        self._tracks = {lane.name: self._tracks.get(lane.name) or Tracks() for lane in lanes}
        by_lane: dict[str, list[Block]] = {lane.name: [] for lane in lanes}
        for block in blocks:
            if block.lane in by_lane:
                by_lane[block.lane].append(block)
        self._placed = {
            name: list(zip(mine, self._tracks[name].place(mine), strict=True)) for name, mine in by_lane.items()
        }
        heights = {
            name: lane_height(min(self._most_tracks, max((track + 1 for _block, track in placed), default=1)))
            for name, placed in self._placed.items()
        }
        if heights != self._heights:
            self._heights = heights
            self.updateGeometry()
        said = "; ".join(self._said(lane) for lane in lanes) or _NO_LANE
        if said != self.accessibleDescription():
            self.setAccessibleDescription(said)
        self.update()

    def sizeHint(self) -> QSize:
        """As high as the lanes and the axis are."""
        return QSize(600, (sum(self._heights.values()) or LANE) + AXIS)

    def minimumSizeHint(self) -> QSize:
        """No less high."""
        return QSize(LABELS + 200, self.sizeHint().height())

    # ----------------------------------------------------------------------------------------------------------- mouse

    def event(self, event: QEvent) -> bool:
        """Say what the block or the lane under the pointer is."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            found = self._block_at(event.pos())
            if found is not None:
                QToolTip.showText(event.globalPos(), self._tip(found[0]), self, found[1].toAlignedRect())
            else:
                lane = self._lane_at(event.pos())
                QToolTip.showText(event.globalPos(), lane.tip if lane is not None else "", self)
            return True
        return super().event(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Show that a block can be pressed."""
        found = self._block_at(event.position().toPoint())
        can_press = found is not None and bool(found[0].request)
        self.setCursor(Qt.CursorShape.PointingHandCursor if can_press else Qt.CursorShape.ArrowCursor)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Tell whose block was pressed."""
        found = self._block_at(event.position().toPoint())
        if found is not None and found[0].request and event.button() == Qt.MouseButton.LeftButton:
            self.pressed.emit(found[0].request)
        super().mousePressEvent(event)

    # ----------------------------------------------------------------------------------------------------------- paint

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint lanes, blocks, axis and now."""
        painter = QPainter(self)
        top = 0
        if not self._lanes:
            self._paint_no_lane(painter)
            top = LANE
        for lane in self._lanes:
            height = self._heights[lane.name]
            self._paint_lane(painter, lane, top, height)
            top += height
            painter.fillRect(QRect(0, top - 1, self.width(), 1), self._brush.color("border"))
        self._paint_axis(painter, top)

    def _paint_no_lane(self, painter: QPainter) -> None:
        edge = self._appearance.theme.space("l") - 1
        room = QRect(edge, 0, self.width() - 2 * edge, LANE - 1)
        self._brush.write(painter, room, "small", "text-muted", _NO_LANE)
        painter.fillRect(QRect(0, LANE - 1, self.width(), 1), self._brush.color("border"))

    def _paint_lane(self, painter: QPainter, lane: LaneRow, top: int, height: int) -> None:
        theme, write = self._appearance.theme, self._brush.write
        left, width = theme.space("l") - 1, LABELS - theme.space("l") - theme.space("s")
        middle = top + (height - 1) // 2
        hidden = sum(1 for _block, track in self._placed[lane.name] if track >= self._most_tracks)
        detail = f"{lane.detail}, {hidden} more" if hidden else lane.detail
        write(painter, QRect(left, middle - 19, width, 20), "strong", "text", lane.title)
        write(painter, QRect(left, middle + 2, width, 16), "caption", "text-muted", detail)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for block, rect in self._rects(lane.name, top, height):
            self._paint_block(painter, block, rect)

    def _paint_block(self, painter: QPainter, block: Block, rect: QRectF) -> None:
        brush = self._brush
        role = block.kind.role
        is_chosen = bool(block.request) and block.request == self._chosen
        pen = QPen(brush.color("text" if is_chosen else role), 1)
        if block.is_planned:
            pen.setDashPattern(_DASH)
            painter.setBrush(brush.color("raised"))
        else:
            painter.setBrush(brush.faded(role, _FILL))
        painter.setPen(pen)
        painter.drawRoundedRect(rect.adjusted(0.5, 0.5, -0.5, -0.5), 3, 3)
        words = self._words(block)
        room = rect.adjusted(8, 0, -6, 0).toAlignedRect()
        if words and room.width() >= brush.width("caption", "0000"):
            brush.write(painter, room, "caption", "text", words)

    def _paint_axis(self, painter: QPainter, top: int) -> None:
        brush, plot = self._brush, self._plot()
        room = QRect(0, top + 1, 160, AXIS - 2)
        for seconds in (-PAST_S, -PAST_S / 2, AHEAD_S / 2, AHEAD_S):
            words = f"in {seconds:.0f}{NBSP}s" if seconds > 0 else f"{-seconds:.0f}{NBSP}s"
            if seconds == -PAST_S:
                words += " ago"
            width = brush.width("caption", words)
            x = self._x(seconds, plot)
            left = x if seconds == -PAST_S else x - width if seconds == AHEAD_S else x - width / 2
            room.setLeft(round(left))
            room.setWidth(width + 2)
            brush.write(painter, room, "caption", "text-muted", words)
        if not self._lanes:
            return
        now = self._x(0, plot)
        painter.setPen(QPen(brush.color("text"), 1.5))
        painter.drawLine(round(now), 0, round(now), top)
        plate = QRectF(round(now) - _NOW[0] / 2, top + 3, _NOW[0], _NOW[1])
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(brush.color("text"))
        painter.drawRoundedRect(plate, 4, 4)
        width = brush.width("caption", "now", 600)
        room = QRect(round(plate.center().x() - width / 2), round(plate.top()), width + 2, round(plate.height()))
        brush.write(painter, room, "caption", "raised", "now", weight=600)

    # --------------------------------------------------------------------------------------------------------- geometry

    def _plot(self) -> tuple[float, float]:
        return float(LABELS), max(1.0, self.width() - LABELS - self._appearance.theme.space("l"))

    @staticmethod
    def _x(seconds: float, plot: tuple[float, float]) -> float:
        return plot[0] + (seconds + PAST_S) / (PAST_S + AHEAD_S) * plot[1]

    def _rects(self, lane: str, top: int, height: int) -> list[tuple[Block, QRectF]]:
        placed = [(block, track) for block, track in self._placed[lane] if track < self._most_tracks]
        plot = self._plot()
        is_single = all(track == 0 for _block, track in placed)
        edge = plot[0] + plot[1]
        rects = []
        for block, track in placed:
            left, right = max(plot[0], self._x(block.start_s, plot)), min(edge, self._x(block.end_s, plot))
            width = max(_LEAST_WIDTH, right - left - 1)
            tall = _ONE_TRACK if is_single else _TRACK
            start = (height - 1 - tall) // 2 if is_single else 4 + track * (_TRACK + _BETWEEN)
            rects.append((block, QRectF(round(left), top + start, round(width), tall)))
        return rects

    def _block_at(self, at: QPoint) -> tuple[Block, QRectF] | None:
        top = 0
        for lane in self._lanes:
            height = self._heights[lane.name]
            if top <= at.y() < top + height:
                found = [entry for entry in self._rects(lane.name, top, height) if entry[1].contains(at)]
                return found[-1] if found else None
            top += height
        return None

    def _lane_at(self, at: QPoint) -> LaneRow | None:
        top = 0
        for lane in self._lanes:
            top += self._heights[lane.name]
            if at.y() < top:
                return lane
        return None

    # ------------------------------------------------------------------------------------------------------------ words

    @staticmethod
    def _words(block: Block) -> str:
        if block.kind is Kind.READING and not block.is_planned:
            return ""
        if block.kind is Kind.PICTURES and block.count > 1:
            return f"{block.count:,} more pictures" if block.is_planned else str(block.count)
        return " · ".join(filter(None, (block.title, block.model)))

    def _tip(self, block: Block) -> str:
        what = f"{block.kind.word}, planned" if block.is_planned else block.kind.word
        title = counted(block.count, "picture") if block.count > 1 else block.title
        took = duration(block.end_s - block.start_s)
        about = "about " if block.is_planned or block.end_s > 0 else ""
        return "\n".join(filter(None, (title, block.model, f"{what}, {about}{took}")))

    def _said(self, lane: LaneRow) -> str:
        parts = []
        for block, _track in self._placed[lane.name]:
            what = counted(block.count, "picture") if block.count > 1 else block.title
            if block.is_planned:
                parts.append(f"{what} planned in {duration(block.start_s)}")
            elif block.end_s > 0:
                parts.append(f"{what}: {block.kind.word}, ends in {duration(block.end_s)}")
        return f"{lane.title}, {lane.detail}: {', '.join(parts) or 'nothing'}"
