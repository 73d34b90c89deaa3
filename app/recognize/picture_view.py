"""PictureView: the picture with a box around everything that was found in it."""

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPen,
    QPixmap,
    QResizeEvent,
    QTransform,
    QWheelEvent,
)
from PySide6.QtWidgets import (
    QGraphicsItem,
    QGraphicsPixmapItem,
    QGraphicsRectItem,
    QGraphicsScene,
    QGraphicsView,
    QStyleOptionGraphicsItem,
    QWidget,
)

from app.recognize.results_model import Finding
from app.theme import Appearance, Theme

_MOST_PLATES = 8  # more would hide the picture; then only the chosen box is labelled
_PLATE_HEIGHT = 22
_PAD = 3  # keeps a box's line off what is in it
_MOST_ZOOM = 16.0
_STEP = 1.25


class _Plate(QGraphicsItem):
    """A label above a box; keeps its size whatever the zoom."""

    def __init__(self, theme: Theme, text: str, edge: QColor, parent: QGraphicsItem) -> None:
        super().__init__(parent)
        self._font = theme.font("small")
        self._font.setWeight(self._font.Weight.Medium)
        self._back, self._ink, self._edge = theme.color("plate"), theme.color("plate-text"), edge
        metrics = QFontMetricsF(self._font)
        self._text = metrics.elidedText(text, Qt.TextElideMode.ElideRight, 240)
        self._rect = QRectF(0, -_PLATE_HEIGHT, metrics.horizontalAdvance(self._text) + 18, _PLATE_HEIGHT)
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemIgnoresTransformations)

    def boundingRect(self) -> QRectF:
        return self._rect

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._back)
        painter.drawRoundedRect(self._rect, 3, 3)
        painter.fillRect(QRectF(0, self._rect.top(), 4, self._rect.height()), self._edge)
        painter.setPen(self._ink)
        painter.setFont(self._font)
        painter.drawText(self._rect.adjusted(10, 0, -4, 0), Qt.AlignmentFlag.AlignVCenter, self._text)


class PictureView(QGraphicsView):
    """Zooms with Ctrl and the wheel or with + and -, fits with 0, moves by dragging.

    The scene's coordinates are pixels of the upright image, as the engine gives them.

    Signals:
        box_clicked: row of the finding whose box was clicked.
    """

    box_clicked = Signal(int)

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._is_fitted = True
        self._findings: Sequence[Finding] = ()
        self._chosen = -1
        self._with_boxes = self._with_labels = True
        self._boxes: list[QGraphicsRectItem] = []
        scene = QGraphicsScene(self)
        self._picture = QGraphicsPixmapItem()
        self._picture.setTransformationMode(Qt.TransformationMode.SmoothTransformation)
        scene.addItem(self._picture)
        self._areas = QGraphicsPixmapItem()
        self._areas.setZValue(0.5)  # above the picture, below the boxes
        scene.addItem(self._areas)
        self.setScene(scene)
        self.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        self.setDragMode(QGraphicsView.DragMode.ScrollHandDrag)
        self.setFrameShape(QGraphicsView.Shape.NoFrame)
        self.setTransformationAnchor(QGraphicsView.ViewportAnchor.AnchorUnderMouse)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Picture")
        self._paint_background()
        appearance.changed.connect(self._paint_background)
        appearance.changed.connect(self._draw)

    def show_image(self, image: QImage, full_size: tuple[int, int]) -> None:
        """Show a picture, fitted.

        Args:
            image: maybe smaller than the original; null shows nothing.
            full_size: width, height of the original in pixels.
        """
        self._picture.setPixmap(QPixmap.fromImage(image))
        width, height = full_size
        if not image.isNull():
            self._picture.setScale(width / image.width())
        self.scene().setSceneRect(QRectF(0, 0, max(1, width), max(1, height)))
        self._place_areas()
        self.fit()

    def show_findings(self, findings: Sequence[Finding], chosen: int) -> None:
        """Draw the boxes of the findings that are shown; `chosen` is the selected row, or -1."""
        self._findings, self._chosen = findings, chosen
        self._draw()

    def show_areas(self, overlay: QImage) -> None:
        """Lay a see-through picture of any resolution over the whole picture; null takes it away."""
        self._areas.setPixmap(QPixmap.fromImage(overlay))
        self._place_areas()

    @property
    def has_areas(self) -> bool:
        """Whether areas lie over the picture, seen or not."""
        return not self._areas.pixmap().isNull()

    def set_marks(self, *, boxes: bool, labels: bool, areas: bool) -> None:
        """Say which marks are wanted."""
        self._with_boxes, self._with_labels = boxes, labels
        self._areas.setVisible(areas)
        self._draw()

    def fit(self) -> None:
        """Show the whole picture; small ones are not blown up beyond four times."""
        self._is_fitted = True
        self.fitInView(self.sceneRect(), Qt.AspectRatioMode.KeepAspectRatio)
        if self.transform().m11() > 4:
            self.resetTransform()
            self.scale(4, 4)
        self._draw()

    def zoom(self, factor: float) -> None:
        """Make the picture larger or smaller."""
        scale = self.transform().m11() * factor
        if self._least_zoom() / _STEP < scale < _MOST_ZOOM:
            self._is_fitted = False
            self.scale(factor, factor)
            self._draw()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom with Ctrl, scroll without."""
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.zoom(_STEP if event.angleDelta().y() > 0 else 1 / _STEP)
        else:
            super().wheelEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Zoom with +, - and 0."""
        if event.key() in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.zoom(_STEP)
        elif event.key() == Qt.Key.Key_Minus:
            self.zoom(1 / _STEP)
        elif event.key() == Qt.Key.Key_0:
            self.fit()
        else:
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose the box under the pointer; the smallest where several lie on each other."""
        place = self.mapToScene(event.position().toPoint())
        under = [box for box in self._boxes if box.rect().contains(place)]
        if under:
            smallest = min(under, key=lambda box: box.rect().width() * box.rect().height())
            self.box_clicked.emit(smallest.data(0))
        super().mousePressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Stay fitted until the person has zoomed."""
        super().resizeEvent(event)
        if self._is_fitted:
            self.fit()

    def _place_areas(self) -> None:
        overlay, place = self._areas.pixmap(), self.sceneRect()
        if not overlay.isNull():
            self._areas.setTransform(
                QTransform.fromScale(place.width() / overlay.width(), place.height() / overlay.height())
            )

    def _least_zoom(self) -> float:
        rect, room = self.sceneRect(), self.viewport().rect()
        return min(1.0, room.width() / max(1.0, rect.width()), room.height() / max(1.0, rect.height()))

    def _draw(self) -> None:
        for box in self._boxes:
            self.scene().removeItem(box)
        self._boxes.clear()
        if not self._with_boxes:
            return
        shown = [(row, f) for row, f in enumerate(self._findings) if f.box is not None and f.is_shown]
        are_few = len(shown) <= _MOST_PLATES
        for row, finding in shown:
            self._draw_box(row, finding, has_plate=self._with_labels and (are_few or row == self._chosen))

    def _draw_box(self, row: int, finding: Finding, *, has_plate: bool) -> None:
        theme = self._appearance.theme
        left, top, right, bottom = finding.box or (0, 0, 0, 0)
        pixel = 1 / max(0.01, self.transform().m11())  # one of the screen, in pixels of the picture
        pad = _PAD * pixel
        rect = QRectF(QPointF(left, top), QPointF(right, bottom)).adjusted(-pad, -pad, pad, pad)
        color = theme.color(finding.role)
        is_chosen = row == self._chosen
        halo = QGraphicsRectItem(rect)
        halo.setPen(_pen(theme.color("plate-text"), 6 if is_chosen else 4))
        line = QGraphicsRectItem(rect, halo)
        line.setPen(_pen(color, 4 if is_chosen else 2))
        halo.setData(0, row)
        halo.setZValue(2 if is_chosen else 1)
        if has_plate:
            plate = _Plate(theme, f"{finding.text} {finding.value}", color, halo)
            room = _PLATE_HEIGHT * pixel
            plate.setPos(rect.left(), rect.top() if rect.top() >= room else rect.bottom() + room)
        self.scene().addItem(halo)
        self._boxes.append(halo)

    def _paint_background(self) -> None:
        self.setBackgroundBrush(self._appearance.theme.color("sunken"))


def _pen(color: QColor, width: int) -> QPen:
    pen = QPen(color, width)
    pen.setCosmetic(True)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    return pen
