"""PictureCard: the picture that is shown, what file it is, and which marks are drawn on it."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QFrame, QHBoxLayout, QLabel, QStackedWidget, QVBoxLayout, QWidget

from app.recognize.decoder import Decoded
from app.recognize.picture import Picture
from app.recognize.picture_view import PictureView
from app.theme import Appearance
from app.theme.widgets import ElidedLabel, IconButton

_KIB, _MIB = 1 << 10, 1 << 20


class PictureCard(QFrame):
    """Tool row and picture; a sentence in its place where there is nothing to show."""

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("card", True)
        self.setProperty("region", True)
        self._appearance = appearance
        self.view = PictureView(appearance, self)
        self._name = ElidedLabel(parent=self)
        self._name.setProperty("role", "strong")
        self._facts = QLabel(self)
        self._facts.setProperty("role", "small")
        self._facts.setProperty("muted", True)
        self._boxes = self._mark_box("Boxes", "Draw a box around everything that was found")
        self._labels = self._mark_box("Text", "Write on the boxes what was found")
        self._areas = self._mark_box("Areas", "Colour the areas that were found")
        self._icon, self._cause, self._remedy = QLabel(self), _centred(self), _centred(self)
        self._cause.setProperty("role", "title")
        self._remedy.setProperty("muted", True)
        self._stack = QStackedWidget(self)
        self._stack.addWidget(self.view)
        self._stack.addWidget(self._message())
        self._lay_out()

    def show_picture(self, picture: Picture, decoded: Decoded) -> None:
        """Show a decoded picture, or say why it cannot be shown."""
        self._name.setText(picture.name)
        width, height = decoded.full_size
        size = f"{width:,} × {height:,}" if width else ""
        self._facts.setText(" · ".join(filter(None, (size, _bytes(decoded.size_bytes)))))
        self.view.setAccessibleName(f"Picture {picture.name}")
        self.view.show_image(decoded.image, decoded.full_size)
        if decoded.image.isNull():
            self.show_message("file", picture.name, "There is no preview of this file.")
        else:
            self._stack.setCurrentIndex(0)

    def show_message(self, icon: str, cause: str, remedy: str) -> None:
        """Say something in place of the picture."""
        edge = self._appearance.theme.size("icon-large")
        self._icon.setPixmap(self._appearance.theme.icon(icon, "text-muted", edge).pixmap(edge, edge))
        self._cause.setText(cause)
        self._remedy.setText(remedy)
        self._stack.setCurrentIndex(1)

    def offer_marks(self, *, boxes: bool, areas: bool) -> None:
        """Offer the marks only where the model says where things are."""
        self._boxes.setVisible(boxes)
        self._labels.setVisible(boxes)
        self._areas.setVisible(areas)

    def _lay_out(self) -> None:
        theme = self._appearance.theme
        zoom_in = IconButton(self._appearance, "zoom-in", "Make the picture larger", shortcut="Ctrl++", parent=self)
        zoom_fit = IconButton(self._appearance, "zoom-fit", "Show the whole picture", shortcut="Ctrl+0", parent=self)
        zoom_in.clicked.connect(lambda: self.view.zoom(1.5))
        zoom_fit.clicked.connect(self.view.fit)
        tools = QHBoxLayout()
        tools.setContentsMargins(theme.space("s"), 0, 0, 0)
        tools.setSpacing(theme.space("s"))
        tools.addWidget(self._name)
        tools.addWidget(self._facts)
        tools.addStretch(1)
        tools.addWidget(self._boxes)
        tools.addWidget(self._labels)
        tools.addWidget(self._areas)
        tools.addWidget(zoom_in)
        tools.addWidget(zoom_fit)
        column = QVBoxLayout(self)
        edge = theme.space("s")
        column.setContentsMargins(edge, edge, edge, edge)
        column.setSpacing(edge)
        column.addLayout(tools)
        column.addWidget(self._stack, 1)

    def _message(self) -> QWidget:
        page = QWidget(self)
        self._icon.setAlignment(Qt.AlignmentFlag.AlignCenter)
        column = QVBoxLayout(page)
        column.addStretch(1)
        for label in (self._icon, self._cause, self._remedy):
            column.addWidget(label)
        column.addStretch(1)
        return page

    def _mark_box(self, text: str, name: str) -> QCheckBox:
        box = QCheckBox(text, self)
        box.setChecked(True)
        box.setToolTip(name)
        box.setAccessibleName(name)
        box.toggled.connect(self._on_marks_changed)
        return box

    def _on_marks_changed(self) -> None:
        self._labels.setEnabled(self._boxes.isChecked())
        self.view.set_marks(
            boxes=self._boxes.isChecked(), labels=self._labels.isChecked(), areas=self._areas.isChecked()
        )


def _centred(parent: QWidget) -> QLabel:
    label = QLabel(parent)
    label.setAlignment(Qt.AlignmentFlag.AlignCenter)
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    return label


def _bytes(count: int) -> str:
    if count >= _MIB:
        return f"{count / _MIB:.1f}\u00a0MB"
    return f"{max(1, round(count / _KIB)):,}\u00a0kB" if count else ""
