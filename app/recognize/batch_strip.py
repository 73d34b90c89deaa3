"""BatchStrip: all pictures of the batch, and how far it is."""

from PySide6.QtCore import QModelIndex, QSize, Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QListView, QPushButton, QVBoxLayout, QWidget

from app.recognize.batch_model import PICTURE_ROLE, BatchModel
from app.recognize.drop_zone import DropTile
from app.recognize.picture import Picture
from app.recognize.tile_delegate import TILE, TileDelegate
from app.theme import Appearance
from app.theme.widgets import Part, SegmentBar

_PROGRESS_WIDTH = 228
_DROP_WIDTH = 220
_SCROLL_BAR = 12  # its room under the tiles, kept free so that nothing jumps when it appears


class BatchStrip(QFrame):
    """A tile to add pictures, a tile per picture, and the progress with its button.

    Signals:
        chosen: the picture that the person wants to see.
        stop_pressed: let go of what waits or runs.
        resume_pressed: go on with what was stopped or failed.
        clear_pressed: forget all pictures.
    """

    chosen = Signal(object)
    stop_pressed = Signal()
    resume_pressed = Signal()
    clear_pressed = Signal()

    def __init__(self, appearance: Appearance, batch: BatchModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("region", True)
        self._appearance = appearance
        self._batch = batch
        theme = appearance.theme
        self.setFixedHeight(TILE.height() + _SCROLL_BAR)
        self.drop_tile = DropTile(appearance, self)
        self.drop_tile.setFixedSize(_DROP_WIDTH, TILE.height())
        self.tiles = self._tile_view()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.space("m"))
        row.addWidget(self.drop_tile, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self.tiles, 1)
        row.addWidget(self._progress_block(), 0, Qt.AlignmentFlag.AlignTop)

    def show_chosen(self, picture: Picture) -> None:
        """Mark the picture that is shown, and bring it into view."""
        row = self._batch.row_of(picture)
        if row is not None:
            index = self._batch.index(row)
            self.tiles.setCurrentIndex(index)
            self.tiles.scrollTo(index)

    def show_progress(
        self, ended: int, total: int, seconds_left: float | None, *, is_busy: bool, can_go_on: bool
    ) -> None:
        """Say how far the batch is.

        Args:
            ended: pictures done, failed or stopped.
            total: all pictures.
            seconds_left: estimate; None if unknown.
            is_busy: whether pictures are being looked at.
            can_go_on: whether some were stopped or failed.
        """
        self._count.setText(f"{ended:,} of {total:,} done")
        share = ended / total if total else 0.0
        self._bar.set_parts((Part(share, "chart-1"),), f"{ended} of {total} pictures done")
        self._left.setText(_words_left(seconds_left) if is_busy else "")
        self._stop.setVisible(is_busy)
        self._resume.setVisible(not is_busy and can_go_on)
        self._clear.setVisible(not is_busy)

    def _tile_view(self) -> QListView:
        view = QListView(self)
        view.setObjectName("tiles")
        view.setModel(self._batch)
        view.setItemDelegate(TileDelegate(self._appearance, view))
        view.setFlow(QListView.Flow.LeftToRight)
        view.setWrapping(False)
        view.setUniformItemSizes(True)
        view.setSpacing(0)
        view.setGridSize(QSize(TILE.width() + self._appearance.theme.space("m"), TILE.height()))
        view.setHorizontalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        view.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        view.setMouseTracking(True)
        view.setProperty("plain", True)
        view.setAccessibleName("Pictures")
        view.selectionModel().currentChanged.connect(self._on_current_changed)
        return view

    def _progress_block(self) -> QWidget:
        theme = self._appearance.theme
        block = QWidget(self)
        block.setFixedSize(_PROGRESS_WIDTH, TILE.height())
        title = QLabel("Batch", block)
        self._count = QLabel(block)
        self._count.setProperty("role", "small")
        self._count.setProperty("muted", True)
        head = QHBoxLayout()
        head.addWidget(title, 1)
        head.addWidget(self._count)
        self._bar = SegmentBar(self._appearance, "Batch", block)
        self._left = QLabel(block)
        self._left.setProperty("role", "small")
        self._left.setProperty("muted", True)
        self._stop = self._button("Stop", "Stop looking at the pictures", block)
        self._resume = self._button("Go on", "Go on with the pictures that were stopped or failed", block)
        self._clear = self._button("Clear", "Remove all pictures from this page", block)
        self._stop.clicked.connect(self.stop_pressed)
        self._resume.clicked.connect(self.resume_pressed)
        self._clear.clicked.connect(self.clear_pressed)
        foot = QHBoxLayout()
        foot.setSpacing(theme.space("s"))
        foot.addWidget(self._left, 1)
        for button in (self._stop, self._resume, self._clear):
            foot.addWidget(button)
        column = QVBoxLayout(block)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.space("s"))
        column.addStretch(1)
        column.addLayout(head)
        column.addWidget(self._bar)
        column.addLayout(foot)
        column.addStretch(1)
        return block

    def _button(self, text: str, name: str, parent: QWidget) -> QPushButton:
        button = QPushButton(text, parent)
        button.setProperty("small", True)
        button.setAccessibleName(name)
        button.setToolTip(name)
        return button

    def _on_current_changed(self, current: QModelIndex) -> None:
        if current.isValid():
            self.chosen.emit(current.data(PICTURE_ROLE))


def _words_left(seconds: float | None) -> str:
    if seconds is None:
        return "Starting"
    if seconds < 60:
        return f"About {max(1, round(seconds))}\u00a0s left"
    return f"About {round(seconds / 60)}\u00a0min left"
