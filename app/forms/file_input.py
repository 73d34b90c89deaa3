"""FileInput: a file that is chosen in a dialog or dropped."""

from pathlib import Path

from PySide6.QtCore import QMimeData, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent
from PySide6.QtWidgets import QFileDialog, QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.forms.field_input import FieldInput
from app.forms.file_reader import MOST_BYTES, FileReader
from app.theme import Appearance
from app.theme.widgets import ElidedLabel, IconButton
from engine import Field, InputFile, Kind, Value

_PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff")
_HEIGHT = 60


class FileInput(FieldInput):
    """A place to drop a file on, with a button that opens the dialog; then the file's name and size."""

    def __init__(self, appearance: Appearance, files: FileReader, field: Field, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._files = files
        self._field = field
        self._noun = "picture" if field.kind is Kind.IMAGE else "file"
        self.missing = f"Choose a {self._noun}."
        self._file: InputFile | None = None
        self._problem = ""
        self._reading: Path | None = None
        self._zone = _Zone(appearance, field, self._noun, self)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._zone)
        self._zone.choose.clicked.connect(self.choose_file)
        self._zone.remove.clicked.connect(self._on_removed)
        self._zone.dropped.connect(self.read)
        self._show()

    def choose_file(self) -> None:
        """Open the file dialog; it does not block."""
        dialog = QFileDialog(self, f"Choose a {self._noun}")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        suffixes = self._field.suffixes or (_PICTURES if self._field.kind is Kind.IMAGE else ())
        patterns = " ".join(f"*{suffix}" for suffix in suffixes)
        dialog.setNameFilters([f"{self._field.title} ({patterns})", "All files (*)"] if patterns else ["All files (*)"])
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda name: self.read(Path(name)))
        dialog.open()

    def read(self, path: Path) -> None:
        """Take a file; it is read in the background."""
        self._file, self._problem, self._reading = None, "", path
        self._show()
        self.changed.emit()
        self._files.read(path, lambda outcome: self._on_read(path, outcome))

    def value(self) -> Value | None:
        """The file, once it has been read."""
        return self._file

    def set_value(self, value: Value) -> None:
        """Show a file that has been read already."""
        if isinstance(value, InputFile):
            self._file, self._problem, self._reading = value, "", None
            self._show()
            self.changed.emit()

    def problem(self) -> str:
        """Say why the file cannot be had, or that it is not there yet."""
        return f"{self._reading.name} is still being read." if self._reading is not None else self._problem

    def target(self) -> QWidget:
        """The button."""
        return self._zone.choose

    def marked(self) -> QWidget:
        """The place to drop on."""
        return self._zone

    def _on_read(self, path: Path, outcome: InputFile | str) -> None:
        if path != self._reading:  # another one was chosen meanwhile
            return
        self._reading = None
        if isinstance(outcome, InputFile):
            self._file = outcome
        else:
            self._problem = outcome
        self._show()
        self.changed.emit()

    def _on_removed(self) -> None:
        self._file, self._problem, self._reading = None, "", None
        self._show()
        self._zone.choose.setFocus(Qt.FocusReason.OtherFocusReason)
        self.changed.emit()

    def _show(self) -> None:
        if self._reading is not None:
            self._zone.show_file(self._reading.name, "Reading…")
        elif self._file is not None:
            self._zone.show_file(self._file.name, size_words(len(self._file.data)))
        else:
            self._zone.show_empty()


class _Zone(QFrame):
    """What is seen of the input.

    Signals:
        dropped: path of a file.
    """

    dropped = Signal(object)

    def __init__(self, appearance: Appearance, field: Field, noun: str, parent: QWidget) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._noun = noun
        self._icon = QLabel(self)
        self._name = ElidedLabel("", self)
        self._size = ElidedLabel("", self)
        self._size.setProperty("role", "small")
        self._size.setProperty("muted", True)
        self.choose = QPushButton("Choose…", self)
        self.choose.setProperty("small", True)
        self.choose.setAccessibleName(f"Choose the {noun} for {field.title}")
        self.remove = IconButton(appearance, "close", f"Remove the {noun} from {field.title}", small=True, parent=self)
        self.setProperty("drop", "rest")
        self.setAcceptDrops(True)
        self.setFixedHeight(_HEIGHT)
        self._lay_out()
        self._paint_icon()
        appearance.changed.connect(self._paint_icon)

    def show_empty(self) -> None:
        """Invite a file."""
        self._say(f"Drop a {self._noun} here", f"Up to {MOST_BYTES >> 20}\u00a0MiB")

    def show_file(self, name: str, detail: str) -> None:
        """Show which file there is."""
        self._say(name, detail, is_filled=True)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Accept one local file, and say so."""
        path = _dropped(event.mimeData())
        if path is not None:
            event.acceptProposedAction()
            _set_state(self, "over")

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """Back to rest."""
        self._rest()

    def dropEvent(self, event: QDropEvent) -> None:
        """Take the file."""
        self._rest()
        path = _dropped(event.mimeData())
        if path is not None:
            event.acceptProposedAction()
            self.dropped.emit(path)

    def _say(self, words: str, detail: str, *, is_filled: bool = False) -> None:
        self._name.setText(words)
        self._size.setText(detail)
        self.choose.setText("Another…" if is_filled else "Choose…")
        self.remove.setVisible(is_filled)
        self._rest()

    def _rest(self) -> None:
        _set_state(self, "rest" if self.remove.isHidden() else "filled")

    def _lay_out(self) -> None:
        theme = self._appearance.theme
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addStretch(1)
        words.addWidget(self._name)
        words.addWidget(self._size)
        words.addStretch(1)
        row = QHBoxLayout(self)
        row.setContentsMargins(theme.space("l"), 0, theme.space("m"), 0)
        row.setSpacing(theme.space("m"))
        row.addWidget(self._icon)
        row.addLayout(words, 1)
        row.addWidget(self.choose)
        row.addWidget(self.remove)

    def _paint_icon(self) -> None:
        theme = self._appearance.theme
        edge = theme.size("icon")
        icon = theme.icon("image" if self._noun == "picture" else "file", "text-muted", edge)
        self._icon.setPixmap(icon.pixmap(edge, edge))


def size_words(size_bytes: int) -> str:
    """Say a size in bytes as people do: "812 bytes", "1.4 MB"."""
    if size_bytes < 1000:
        return f"{size_bytes}\u00a0bytes"
    if size_bytes < 1_000_000:
        return f"{size_bytes / 1000:.0f}\u00a0kB"
    return f"{size_bytes / 1e6:.1f}\u00a0MB"


def _dropped(data: QMimeData) -> Path | None:
    paths = [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]
    return paths[0] if len(paths) == 1 else None


def _set_state(widget: QWidget, state: str) -> None:
    if widget.property("drop") != state:
        widget.setProperty("drop", state)
        widget.style().unpolish(widget)
        widget.style().polish(widget)
