"""AboutCard: the version in Settings, and the way to everything about Hearth itself."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from app.theme import Appearance
from app.theme.widgets import Card, quiet
from app.theme.widgets.labels import text_label
from engine.build import BuildInfo


class AboutCard(Card):
    """One line and three buttons.

    Attributes:
        about, log, report: the buttons.

    Signals:
        about_pressed, log_pressed, report_pressed: they were pressed.
    """

    about_pressed = Signal()
    log_pressed = Signal()
    report_pressed = Signal()

    def __init__(self, appearance: Appearance, build: BuildInfo, parent: QWidget | None = None) -> None:
        super().__init__(appearance, "info", "About Hearth", parent)
        self.about, self.log, self.report = (
            QPushButton(words, self) for words in ("About…", "Show the log…", "Save a report…")
        )
        row = QHBoxLayout()
        row.setSpacing(appearance.theme.space("s"))
        for button, signal in (
            (self.about, self.about_pressed),
            (self.log, self.log_pressed),
            (self.report, self.report_pressed),
        ):
            button.setProperty("small", True)
            button.clicked.connect(signal)
            row.addWidget(button)
        row.addStretch(1)
        self.column.addWidget(text_label(f"Hearth {build.title}"))
        self.column.addWidget(quiet("A report is a file to read and to give to whom you like; it is sent nowhere."))
        self.column.addLayout(row)
