"""ImportDrop: takes files that are dropped on the page, or chosen in a dialog, and says what would happen to them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, cast

from PySide6.QtCore import QEvent, QMimeData, QObject, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QFileDialog, QFrame, QLabel, QVBoxLayout, QWidget

from app.models.import_controller import ImportController, Refusal
from app.models.import_dialog import ImportDialog
from app.models.words import counted, list_words
from app.theme import Appearance
from app.theme.widgets import Banner
from app.theme.widgets.labels import IconLabel

_KINDS: Final = ("Models (*.gguf *.onnx)", "All files (*)")
_NAMED: Final = 3  # refused files that a banner says in full


class ImportDrop(QFrame):
    """Lies over the page while files are dragged over it. Takes the page's drops by itself.

    Attributes:
        banner: where refusals are said.

    Signals:
        asked: the question whether to copy or move is open; the dialog.

    Thread: UI only.
    """

    asked = Signal(object)

    def __init__(
        self, appearance: Appearance, page: QWidget, controller: ImportController, banner: Banner | None = None
    ) -> None:
        """Take the drops of a page.

        Args:
            appearance: gives the looks.
            page: where files may be dropped; what lies on it must not take them.
            controller: does it.
            banner: of the page; refusals are shown there.
        """
        super().__init__(page)
        self.setProperty("drop", "over")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._appearance = appearance
        self._page = page
        self._controller = controller
        self.banner = banner
        self._title = QLabel(self)
        self._title.setProperty("role", "title")
        self._hint = QLabel("GGUF or ONNX, files or folders. Each is checked before it is used.", self)
        column = QVBoxLayout(self)
        column.addStretch(1)
        icon = IconLabel(appearance, "download", "accent-ink", "icon-large")
        column.addWidget(icon, 0, Qt.AlignmentFlag.AlignHCenter)
        for label in (self._title, self._hint):
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
            column.addWidget(label)
        column.addStretch(1)
        self.hide()
        page.setAcceptDrops(True)
        page.installEventFilter(self)
        controller.refused.connect(self._on_refused)

    @property
    def words(self) -> str:
        """What it says while something is dragged."""
        return self._title.text()

    def choose_files(self) -> QFileDialog:
        """Open the dialog for files; it does not block."""
        return self._choose(is_folder=False)

    def choose_folder(self) -> QFileDialog:
        """Open the dialog for a folder; it does not block."""
        return self._choose(is_folder=True)

    def ask(self, paths: Sequence[Path]) -> ImportDialog | None:
        """Ask whether to copy or move, then import; returns the question."""
        if not paths:
            return None
        dialog = ImportDialog(self._appearance, paths, self._controller.free_bytes, self._page)
        dialog.accepted.connect(
            lambda: self._controller.import_paths(dialog.paths, move=dialog.move_choice.isChecked())
        )
        dialog.open()
        self.asked.emit(dialog)
        return dialog

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Take what is dragged over the page, and dropped on it."""
        kind = event.type()
        if kind == QEvent.Type.DragEnter:
            entered = cast("QDragEnterEvent", event)
            paths = _paths_in(entered.mimeData())
            if paths:
                entered.acceptProposedAction()
                self._show_drag(len(paths))
            return bool(paths)
        if kind == QEvent.Type.DragLeave:
            self.hide()
        elif kind == QEvent.Type.Drop:
            self.hide()
            dropped = cast("QDropEvent", event)
            paths = _paths_in(dropped.mimeData())
            if paths:
                dropped.acceptProposedAction()
                self.ask(paths)
            return bool(paths)
        return False

    def _show_drag(self, count: int) -> None:
        self._title.setText(f"Drop to add {counted(count, 'file')} to your models")
        margin = self._appearance.theme.space("l")
        self.setGeometry(self._page.rect().adjusted(margin, margin, -margin, -margin))
        self.show()
        self.raise_()

    def _choose(self, *, is_folder: bool) -> QFileDialog:
        dialog = QFileDialog(self._page, "Add models")
        if is_folder:
            dialog.setFileMode(QFileDialog.FileMode.Directory)
            dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        else:
            dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
            dialog.setNameFilters(list(_KINDS))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.filesSelected.connect(lambda names: self.ask([Path(name) for name in names]))
        dialog.open()
        return dialog

    def _on_refused(self, refusals: Sequence[Refusal]) -> None:
        if self.banner is not None:
            self.banner.show_message("bad", *refusal_words(refusals))


def refusal_words(refusals: Sequence[Refusal]) -> tuple[str, str]:
    """Cause and remedy of files that were not taken."""
    if len(refusals) == 1:
        only = refusals[0]
        named = not only.name or only.name in only.cause
        return (only.cause if named else f"{only.name}: {only.cause}"), only.remedy
    said = [f"{refusal.name}: {refusal.cause} {refusal.remedy}".strip() for refusal in refusals[:_NAMED]]
    if len(refusals) > _NAMED:
        said.append(f"Also refused: {list_words([refusal.name for refusal in refusals[_NAMED:]])}.")
    return f"{counted(len(refusals), 'file')} were not added; they are where they were.", "\n".join(said)


def _paths_in(data: QMimeData) -> list[Path]:
    return [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]
