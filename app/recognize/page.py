"""RecognizePage: pictures in, findings out."""

from pathlib import Path

from PySide6.QtCore import QMimeData, QModelIndex, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent, QGuiApplication, QImage, QKeySequence, QShortcut
from PySide6.QtWidgets import QFileDialog, QFrame, QHBoxLayout, QLabel, QStackedWidget, QVBoxLayout, QWidget

from app.given_files import IMAGE_SUFFIXES
from app.recognize.areas import overlay_of
from app.recognize.batch_strip import BatchStrip
from app.recognize.controller import RecognizeController
from app.recognize.decoder import Decoded
from app.recognize.drop_zone import DropZone
from app.recognize.model_picker import ModelPicker
from app.recognize.picture import Picture, State
from app.recognize.picture_card import PictureCard
from app.recognize.results_card import ResultsCard
from app.theme import Appearance
from app.theme.widgets import Banner
from engine.types import VisionOutput


class RecognizePage(QWidget):
    """Header, picture, results and batch; a drop zone while there is no picture.

    Signals:
        picture_shown: the chosen picture was decoded and is on the screen.
    """

    picture_shown = Signal()

    def __init__(self, appearance: Appearance, controller: RecognizeController, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("page")
        self.setAcceptDrops(True)
        self._appearance = appearance
        self._controller = controller
        self._shown: Picture | None = None
        self.picker = ModelPicker(appearance, self)
        self.banner = Banner(appearance, self)
        self.zone = DropZone(appearance, self)
        self.picture_card = PictureCard(appearance, self)
        self.results_card = ResultsCard(appearance, self)
        self.strip = BatchStrip(appearance, controller.batch, self)
        self._areas_drawn: tuple[VisionOutput | None, int, str] = (None, -1, "")  # of what, what stands out, colours
        self._stack = QStackedWidget(self)
        self._lay_out()
        self._connect()
        appearance.changed.connect(self._draw_areas)
        self._show_models()
        self._show_progress()

    def focus_first(self) -> None:
        """Give the keyboard to what is most likely wanted."""
        if self._stack.currentIndex() == 0:
            self.zone.open_button.setFocus(Qt.FocusReason.ShortcutFocusReason)
        else:
            self.strip.tiles.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def choose_files(self) -> None:
        """Open the file dialog; it does not block."""
        dialog = QFileDialog(self, "Open pictures")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        patterns = " ".join(f"*{suffix}" for suffix in sorted(IMAGE_SUFFIXES))
        dialog.setNameFilters([f"Pictures ({patterns})", "All files (*)"])
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.filesSelected.connect(self._on_files_selected)
        dialog.open()

    def paste(self) -> None:
        """Take pictures from the clipboard: an image, or copied files."""
        data = QGuiApplication.clipboard().mimeData()
        if not self._take(data):
            self.banner.show_message(
                "info", "There is no picture on the clipboard.", "Copy a picture or its file, then paste again."
            )

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Accept files and pictures, and say how many."""
        count = len(_files(event.mimeData())) or int(event.mimeData().hasImage())
        if count:
            event.acceptProposedAction()
            self._show_drag(count)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """Back to rest."""
        self._show_drag(None)

    def dropEvent(self, event: QDropEvent) -> None:
        """Take what was dropped."""
        self._show_drag(None)
        if self._take(event.mimeData()):
            event.acceptProposedAction()

    # ------------------------------------------------------------------------------------------------------- layout

    def _lay_out(self) -> None:
        theme = self._appearance.theme
        empty = QWidget(self)
        alone = QVBoxLayout(empty)
        alone.setContentsMargins(0, 0, 0, 0)
        alone.addWidget(self.zone)
        filled = QWidget(self)
        cards = QHBoxLayout()
        cards.setSpacing(theme.space("l"))
        cards.addWidget(self.picture_card, 1)
        cards.addWidget(self.results_card)
        self.results_card.setFixedWidth(406)
        column = QVBoxLayout(filled)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.space("l"))
        column.addLayout(cards, 1)
        column.addWidget(self.strip)
        self._stack.addWidget(empty)
        self._stack.addWidget(filled)
        body = QVBoxLayout()
        body.setContentsMargins(theme.space("xl"), theme.space("l"), theme.space("xl"), theme.space("xs"))
        body.setSpacing(theme.space("l"))
        body.addWidget(self.banner)
        body.addWidget(self._stack, 1)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self._header())
        whole.addLayout(body, 1)

    def _header(self) -> QFrame:
        theme = self._appearance.theme
        header = QFrame(self)
        header.setObjectName("pageHeader")
        header.setProperty("region", True)
        header.setFixedHeight(theme.size("header"))
        title = QLabel("Recognize", header)
        title.setProperty("role", "title")
        row = QHBoxLayout(header)
        row.setContentsMargins(theme.space("xl"), 0, theme.space("xl"), 0)
        row.setSpacing(theme.space("m"))
        row.addWidget(title, 1)
        row.addWidget(self.picker)
        return header

    def _connect(self) -> None:
        controller = self._controller
        controller.models_changed.connect(self._show_models)
        controller.progressed.connect(self._show_progress)
        controller.added.connect(self.strip.show_chosen)
        controller.finished.connect(self._on_finished)
        controller.failed.connect(self._on_failed)
        controller.decoded.connect(self._on_decoded)
        controller.batch.dataChanged.connect(self._on_data_changed)
        self.picker.chosen.connect(controller.choose_model)
        self.zone.open_pressed.connect(self.choose_files)
        self.zone.paste_pressed.connect(self.paste)
        self.strip.drop_tile.clicked.connect(self.choose_files)
        self.strip.chosen.connect(self._choose)
        self.strip.stop_pressed.connect(controller.stop)
        self.strip.resume_pressed.connect(controller.resume)
        self.strip.clear_pressed.connect(controller.clear)
        self.results_card.marks_changed.connect(self._draw_marks)
        self.results_card.copy_requested.connect(self._copy)
        self.results_card.look_again_pressed.connect(controller.look_again)
        self.picture_card.view.box_clicked.connect(self.results_card.choose)
        self.banner.pressed.connect(self._on_banner_pressed)
        for keys, slot in (
            (QKeySequence.StandardKey.Open, self.choose_files),
            (QKeySequence.StandardKey.Paste, self.paste),
        ):
            shortcut = QShortcut(QKeySequence(keys), self, slot)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)

    # -------------------------------------------------------------------------------------------------------- slots

    def _take(self, data: QMimeData) -> bool:
        files = _files(data)
        if files:
            self._controller.add_files(files)
            return True
        image = data.imageData() if data.hasImage() else None
        if isinstance(image, QImage) and not image.isNull():
            self._controller.add_image(image)
            return True
        return False

    def _copy(self, text: str) -> None:
        QGuiApplication.clipboard().setText(text)

    def _on_files_selected(self, names: list[str]) -> None:
        self._controller.add_files([Path(name) for name in names])

    def _show_drag(self, count: int | None) -> None:
        self.zone.show_drag(count)
        self.strip.drop_tile.show_drag(count)

    def _choose(self, picture: Picture) -> None:
        if picture is not self._shown:
            self._shown = picture
            self._refresh()
            self._controller.decode(picture)

    def _on_decoded(self, picture: Picture, decoded: Decoded) -> None:
        if picture is self._shown:  # another may have been chosen meanwhile
            self.picture_card.show_picture(picture, decoded)
            self._refresh()
            self.picture_shown.emit()

    def _refresh(self) -> None:
        picture = self._shown
        self.results_card.show_picture(picture)
        if picture is not None and picture.state is State.FAILED:
            self.picture_card.show_message("error", picture.cause, picture.error)

    def _on_data_changed(self, first: QModelIndex, last: QModelIndex) -> None:
        row = self._controller.batch.row_of(self._shown) if self._shown is not None else None
        if row is not None and first.row() <= row <= last.row():
            self._refresh()

    def _draw_marks(self) -> None:
        findings = self.results_card.results.findings
        self._draw_areas()
        has_boxes = any(finding.box is not None for finding in findings)
        self.picture_card.offer_marks(boxes=has_boxes, areas=self.picture_card.view.has_areas)
        self.picture_card.view.show_findings(findings, self.results_card.chosen)

    def _draw_areas(self) -> None:
        """Lay the areas over the picture, if they are others than those that lie there."""
        output = self._shown.result.output if self._shown is not None and self._shown.result is not None else None
        theme, chosen = self._appearance.theme, self.results_card.chosen
        wanted = (output, chosen, theme.scheme)
        if output is None or output.mask is None:
            wanted = (None, -1, "")
        if wanted[0] is not self._areas_drawn[0] or wanted[1:] != self._areas_drawn[1:]:
            self._areas_drawn = wanted
            drawn = wanted[0]
            self.picture_card.view.show_areas(QImage() if drawn is None else overlay_of(drawn, theme, chosen))

    def _show_models(self) -> None:
        controller = self._controller
        self.picker.show_models(controller.models, controller.model_id, is_loaded=controller.is_loaded)

    def _show_progress(self) -> None:
        controller = self._controller
        ended, total = controller.progress
        can_go_on = any(picture.state is State.STOPPED for picture in controller.batch)
        self.strip.show_progress(ended, total, controller.seconds_left, is_busy=controller.is_busy, can_go_on=can_go_on)
        self._stack.setCurrentIndex(1 if total else 0)
        if not total:
            self._shown = None
            self.results_card.show_picture(None)

    def _on_finished(self) -> None:
        self._show_models()

    def _on_failed(self, cause: str, remedy: str) -> None:
        self.banner.show_message("bad", cause, remedy, "Try again")

    def _on_banner_pressed(self) -> None:
        self.banner.clear()
        self._controller.resume()


def _files(data: QMimeData) -> list[Path]:
    return [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]
