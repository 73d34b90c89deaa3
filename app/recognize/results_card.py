"""ResultsCard: what was found in the picture that is shown, and what it took."""

import json
import time

from PySide6.QtCore import QModelIndex, Qt, Signal
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QListView,
    QPlainTextEdit,
    QPushButton,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from app.moments import moment_words
from app.recognize.picture import Picture, State
from app.recognize.result_delegate import ResultDelegate
from app.recognize.results_model import ResultsModel, findings_of, has_scores, title_of
from app.theme import Appearance
from app.theme.widgets import ElidedLabel, IconButton
from engine.types import RecognizeResult

_STATES = {
    State.WAITING: "Waiting for its turn",
    State.RUNNING: "Looking at the picture",
    State.STOPPED: "Stopped before this picture",
    State.FAILED: "There are no results: the picture could not be looked at.",
}
_HEAD = 48
_LEAST_WIDTH = 320
_MOST_WIDTH = 406
_TEXT_HEIGHT = 132


class ResultsCard(QFrame):
    """Rows with bars, a threshold, the text in one piece, and the line that says where it ran.

    Attributes:
        results: the rows.

    Signals:
        marks_changed: the findings or the chosen row are others.
        copy_requested: text for the clipboard.
        look_again_pressed: the picture that is shown shall be looked at anew.
    """

    marks_changed = Signal()
    copy_requested = Signal(str)
    look_again_pressed = Signal(object)

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("card", True)
        self.setProperty("region", True)
        self.setMinimumWidth(_LEAST_WIDTH)
        self.setMaximumWidth(_MOST_WIDTH)
        self._appearance = appearance
        self._picture: Picture | None = None
        self.results = ResultsModel(self)
        self._title, self._count = self._label("strong"), self._label("small", is_muted=True)
        self._copy = IconButton(appearance, "copy", "Copy all results", small=True, parent=self)
        self._export = IconButton(appearance, "file", "Copy all results as JSON", small=True, parent=self)
        self._note_part = QWidget(self)
        self._note = self._label("body", is_muted=True)
        self._note.setWordWrap(True)
        self._note.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.rows = self._row_view()
        self._threshold = QSlider(Qt.Orientation.Horizontal, self)
        self._threshold_value = QLabel(self)
        self._threshold_row = self._make_threshold_row()
        self._text = QPlainTextEdit(self)
        self._text_part = self._make_text_part()
        self._ran = ElidedLabel("", self, Qt.TextElideMode.ElideRight)
        self._ran.setProperty("role", "small")
        self._ran.setProperty("muted", True)
        self._why = self._label("small", is_muted=True)
        self._why.setWordWrap(True)
        self._again = QPushButton("Look again", self)
        self._foot = self._make_foot()
        self._lay_out()
        self._copy.clicked.connect(self._on_copy)
        self._export.clicked.connect(self._on_export)
        self._again.clicked.connect(lambda: self.look_again_pressed.emit(self._picture))
        self.show_picture(None)

    def show_picture(self, picture: Picture | None) -> None:
        """Show what is known about a picture; None for no picture."""
        is_other = picture is not self._picture
        self._picture = picture
        result = picture.result if picture is not None else None
        self._title.setText("Results" if result is None else title_of(result.output))
        self._note_part.setVisible(result is None or not _has_findings(result))
        self._note.setText(_note(picture))
        self.rows.setVisible(result is not None and _has_findings(result))
        has_rows = result is not None and _has_findings(result)
        self._threshold_row.setVisible(has_rows and result is not None and has_scores(result.output))
        self._show_findings(result)
        if is_other:
            self.rows.setCurrentIndex(QModelIndex())
        text = result.output.text if result is not None else ""
        self._text_part.setVisible(bool(text))
        if text != self._text.toPlainText():
            self._text.setPlainText(text)
        for button in (self._copy, self._export):
            button.setEnabled(bool(self.results.findings))
        self._foot.setVisible(result is not None)
        if picture is not None and result is not None:
            self._ran.setText(f"{picture.model_id} · {ran_line(result)}")
            self._why.setText(result.placement.reason)
            self._why.setVisible(bool(result.placement.reason) and result.cached is None)
            self._again.setVisible(result.cached is not None)
        self.marks_changed.emit()

    @property
    def chosen(self) -> int:
        """Selected row; -1 for none."""
        return self.rows.currentIndex().row()

    def choose(self, row: int) -> None:
        """Select a row and bring it into view."""
        self.rows.setCurrentIndex(self.results.index(row))

    def focus_results(self) -> None:
        """Give the keyboard to the rows."""
        self.rows.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def _show_findings(self, result: RecognizeResult | None) -> None:
        threshold = self._threshold.value() / 100
        findings = findings_of(result.output, threshold) if result is not None else ()
        self.results.show(findings)
        shown = sum(finding.is_shown for finding in findings)
        self._threshold_value.setText(f"{threshold:.2f}")
        if result is None or not findings:
            self._count.setText("")
        elif result.output.features is not None and not has_scores(result.output):
            self._count.setText(f"of {result.output.features.size:,}")
        elif threshold > 0 and has_scores(result.output):
            self._count.setText(f"{shown} above {threshold:.2f}")
        else:
            self._count.setText(f"{shown} found")

    def _on_threshold_changed(self) -> None:
        self._show_findings(self._picture.result if self._picture is not None else None)
        self.marks_changed.emit()

    def _on_copy(self) -> None:
        rows = (f"{finding.text}\t{finding.value}" for finding in self.results.findings if finding.is_shown)
        self.copy_requested.emit("\n".join(rows))

    def _on_export(self) -> None:
        picture, findings = self._picture, self.results.findings
        rows = [
            {"name": finding.text, "score": round(finding.share, 4), "box": finding.box}
            for finding in findings
            if finding.is_shown
        ]
        name = picture.name if picture is not None else ""
        self.copy_requested.emit(json.dumps({"picture": name, "found": rows}, ensure_ascii=False, indent=2))

    def _on_copy_text(self) -> None:
        self.copy_requested.emit(self._text.toPlainText())

    def _lay_out(self) -> None:
        theme = self._appearance.theme
        head = QFrame(self)
        head.setFixedHeight(_HEAD)
        row = QHBoxLayout(head)
        row.setContentsMargins(theme.space("l"), 0, theme.space("s"), 0)
        row.addWidget(self._title, 1)
        row.addWidget(self._count)
        row.addWidget(self._copy)
        row.addWidget(self._export)
        margin = theme.space("l")
        around = QVBoxLayout(self._note_part)
        around.setContentsMargins(margin, margin, margin, margin)
        around.addWidget(self._note)
        column = QVBoxLayout(self)
        column.setContentsMargins(1, 1, 1, 1)
        column.setSpacing(0)
        column.addWidget(head)
        line = QFrame(self)
        line.setProperty("line", "top")
        line.setFixedHeight(theme.space("hair"))
        column.addWidget(line)
        column.addWidget(self._note_part, 1)
        column.addWidget(self.rows, 1)
        column.addWidget(self._threshold_row)
        column.addWidget(self._text_part)
        column.addWidget(self._foot)

    def _row_view(self) -> QListView:
        view = QListView(self)
        view.setModel(self.results)
        view.setItemDelegate(ResultDelegate(self._appearance, view))
        view.setUniformItemSizes(True)
        view.setMouseTracking(True)
        view.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        view.setAccessibleName("Results")
        view.selectionModel().currentChanged.connect(self.marks_changed)
        return view

    def _make_threshold_row(self) -> QFrame:
        theme = self._appearance.theme
        frame = QFrame(self)
        frame.setFixedHeight(_HEAD)
        frame.setProperty("line", "top")
        word = self._label("small", is_muted=True)
        word.setText("Show above")
        self._threshold.setRange(0, 99)
        self._threshold.setAccessibleName("Show results with a score above")
        self._threshold.valueChanged.connect(self._on_threshold_changed)
        row = QHBoxLayout(frame)
        row.setContentsMargins(theme.space("l"), 0, theme.space("l"), 0)
        row.setSpacing(theme.space("m"))
        row.addWidget(word)
        row.addWidget(self._threshold, 1)
        row.addWidget(self._threshold_value)
        return frame

    def _make_text_part(self) -> QFrame:
        theme = self._appearance.theme
        frame = QFrame(self)
        frame.setProperty("line", "top")
        title = self._label("strong")
        title.setText("Text in the picture")
        copy = IconButton(self._appearance, "copy", "Copy the text in the picture", small=True, parent=frame)
        copy.clicked.connect(self._on_copy_text)
        head = QHBoxLayout()
        head.setContentsMargins(0, 0, 0, 0)
        head.addWidget(title, 1)
        head.addWidget(copy)
        self._text.setReadOnly(True)
        self._text.setProperty("plain", True)
        self._text.setFont(theme.font("reading"))
        self._text.document().setDocumentMargin(0)
        self._text.setFixedHeight(_TEXT_HEIGHT - _HEAD)
        self._text.setAccessibleName("Text in the picture")
        column = QVBoxLayout(frame)
        column.setContentsMargins(theme.space("l"), theme.space("s"), theme.space("s"), theme.space("s"))
        column.setSpacing(theme.space("xs"))
        column.addLayout(head)
        column.addWidget(self._text)
        return frame

    def _make_foot(self) -> QFrame:
        theme = self._appearance.theme
        frame = QFrame(self)
        frame.setProperty("line", "top")
        column = QVBoxLayout(frame)
        column.setContentsMargins(theme.space("l"), theme.space("s"), theme.space("l"), theme.space("m"))
        column.setSpacing(theme.space("xxs"))
        self._again.setProperty("link", True)
        self._again.setProperty("small", True)
        self._again.setAccessibleName("Look at the picture again, whatever was kept of earlier times")
        row = QHBoxLayout()
        row.setSpacing(theme.space("s"))
        row.addWidget(self._ran)
        row.addWidget(self._again)
        row.addStretch(1)
        column.addLayout(row)
        column.addWidget(self._why)
        return frame

    def _label(self, role: str, *, is_muted: bool = False) -> QLabel:
        label = QLabel(self)
        label.setProperty("role", role)
        label.setProperty("muted", is_muted)
        label.setTextFormat(Qt.TextFormat.PlainText)
        return label


def ran_line(result: RecognizeResult) -> str:
    """Say where a picture was looked at and how long it took: "CPU · 11 ms · loaded in 0.3 s", or that it was kept."""
    if result.cached is not None:
        return f"from the cache · first seen {moment_words(result.cached.stored_at, time.time())}"
    timings = result.timings
    run_ms = max(0.0, timings.total_s - timings.queued_s - timings.load_s) * 1000
    parts = [result.placement.device.upper(), f"{run_ms:,.0f}\u00a0ms" if run_ms >= 1 else "under 1\u00a0ms"]
    if timings.load_s >= 0.05:
        parts.append(f"loaded in {timings.load_s:.1f}\u00a0s")
    parts += [text for text in (result.placement.note, *result.placement.step_downs) if text]
    return " · ".join(parts)


def _has_findings(result: RecognizeResult) -> bool:
    return bool(findings_of(result.output, 0.0))


def _note(picture: Picture | None) -> str:
    if picture is None:
        return ""
    if picture.result is not None:
        is_text = picture.result.output.lines is not None
        return "No text was found in this picture." if is_text else "Nothing was found in this picture."
    return _STATES.get(picture.state, "")
