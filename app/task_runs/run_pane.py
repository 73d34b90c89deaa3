"""RunPane: how far a run is, what it has said so far, and what came out."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from app.task_runs.output_card import OutputCard
from app.task_runs.run import RunState, TaskRun
from app.theme import Appearance
from app.theme.widgets import Banner, Chip, ElidedLabel, IconButton, Part, SegmentBar
from app.theme.widgets.chip import Tone

_AT_END = 8  # pixels from the end that still count as being there
_TONES: dict[RunState, Tone] = {
    RunState.RUNNING: "accent",
    RunState.DONE: "ok",
    RunState.FAILED: "bad",
    RunState.CANCELLED: "neutral",
}


class RunPane(QWidget):
    """Shows one run, or says that there is none.

    Signals:
        cancel_pressed: end the run that is shown.
        again_pressed: run it again.
        copy_requested: text for the clipboard.
        save_requested: the card, a proposed file name, and the content.
        link_pressed: a safe link; nothing has been opened.

    Thread: UI only.
    """

    cancel_pressed = Signal()
    again_pressed = Signal()
    copy_requested = Signal(str)
    save_requested = Signal(object, str, bytes)
    link_pressed = Signal(str)

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._run: TaskRun | None = None
        self.cards: dict[str, OutputCard] = {}
        self.setProperty("region", True)
        self.setAccessibleName("Result")
        self._head = QFrame(self)
        self._chip = Chip(parent=self._head)
        self._subject = ElidedLabel("", self._head)
        self._note = ElidedLabel("", self._head)
        self._share = QLabel(self._head)
        self._meter = SegmentBar(appearance, "Progress", self._head)
        self.cancel_button = QPushButton("Cancel", self._head)
        self._details = IconButton(appearance, "copy", "Copy the details of the failure", small=True, parent=self._head)
        self.banner = Banner(appearance, self)
        self._nothing = QLabel("What comes out appears here.", self)
        self._room = QVBoxLayout()
        self._area = QScrollArea(self)
        self._follows_end = True
        self._lay_out()
        bar = self._area.verticalScrollBar()
        bar.rangeChanged.connect(self._on_range_changed)
        bar.valueChanged.connect(self._on_scrolled)
        self.cancel_button.clicked.connect(self.cancel_pressed)
        self._details.clicked.connect(self._on_details)
        self.banner.pressed.connect(self._on_banner_pressed)
        self.show_run(None)

    @property
    def run(self) -> TaskRun | None:
        """The run that is shown."""
        return self._run

    @property
    def is_settled(self) -> bool:
        """Whether everything that came is shown."""
        return all(card.is_settled for card in self.cards.values())

    def show_run(self, run: TaskRun | None) -> None:
        """Show another run from its beginning; None for none."""
        self._run = run
        self._follows_end = True
        for card in self.cards.values():
            card.hide()
            card.deleteLater()
        self.cards.clear()
        self.banner.clear()
        self._head.setVisible(run is not None)
        self._area.setVisible(run is not None)
        self._nothing.setVisible(run is None)
        if run is not None:
            self._subject.setText(run.subject)
            for name, text in run.texts.items():
                self.grow(run, name, text)
            self.refresh(run)
            if not run.is_running:
                self.end(run)

    def grow(self, run: TaskRun, output: str, text: str) -> None:
        """Add text to an output of the run, if it is the one that is shown."""
        card = self._card(output) if run is self._run else None
        if card is not None:
            card.append(text)

    def refresh(self, run: TaskRun) -> None:
        """Say how far the run is, if it is the one that is shown."""
        if run is not self._run:
            return
        self._chip.show_state(run.state.value if run.is_running else run.state_words, _TONES[run.state])
        for widget in (self._meter, self._share, self._note, self.cancel_button):
            widget.setVisible(run.is_running)
        self._details.setVisible(bool(run.details))
        self._note.setText(run.note or "Starting")
        self._share.setText(run.state_words)
        words = f"{run.task.title}: {run.state_words}, {run.note}"
        self._meter.set_parts((Part(run.fraction, "chart-1"),), words)
        self.cancel_button.setAccessibleName(f"Cancel {run.task.title} {run.subject}".strip())

    def end(self, run: TaskRun) -> None:
        """Show all outputs of a run that has ended, or why it failed."""
        if run is not self._run:
            return
        self.refresh(run)
        for field in run.task.outputs:
            if field.name in run.outputs:
                card = self._card(field.name)
                if card is not None:
                    card.show_value(run.outputs[field.name])
        if run.state is RunState.FAILED:
            self.banner.show_message("bad", run.cause, run.remedy, "Run again")
        if run.state is not RunState.DONE:
            for card in self.cards.values():
                card.end()

    def _card(self, output: str) -> OutputCard | None:
        if output in self.cards or self._run is None:
            return self.cards.get(output)
        fields = self._run.task.outputs
        field = next((field for field in fields if field.name == output), None)
        if field is None:
            return None
        card = OutputCard(self._appearance, field, self._inner)
        card.copy_requested.connect(self.copy_requested)
        card.link_pressed.connect(self.link_pressed)
        card.save_requested.connect(lambda name, content: self.save_requested.emit(card, name, content))
        self.cards[output] = card
        shown = [field.name for field in fields if field.name in self.cards]
        self._room.insertWidget(shown.index(output), card)
        return card

    def _on_range_changed(self, _least: int, most: int) -> None:
        """Keep new text in sight while it comes, unless the person has scrolled away."""
        if self._follows_end and self._run is not None and self._run.is_running:
            self._area.verticalScrollBar().setValue(most)

    def _on_scrolled(self, value: int) -> None:
        self._follows_end = value >= self._area.verticalScrollBar().maximum() - _AT_END

    def _on_details(self) -> None:
        if self._run is not None:
            self.copy_requested.emit(f"{self._run.cause} {self._run.remedy}\n\n{self._run.details}")

    def _on_banner_pressed(self) -> None:
        self.again_pressed.emit()

    def _lay_out(self) -> None:
        theme = self._appearance.theme
        self._note.setProperty("role", "small")
        self._note.setProperty("muted", True)
        self._share.setProperty("role", "small")
        self._share.setMinimumWidth(theme.space("xxxl"))
        self._share.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.cancel_button.setProperty("small", True)
        self._nothing.setProperty("muted", True)
        self._nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.space("m"))
        column.addWidget(self._head)
        column.addWidget(self.banner)
        column.addWidget(self._scrolled(), 1)
        column.addWidget(self._nothing, 1)
        self._lay_out_head()

    def _lay_out_head(self) -> None:
        theme = self._appearance.theme
        self._head.setProperty("card", True)
        upper = QHBoxLayout()
        upper.setSpacing(theme.space("m"))
        upper.addWidget(self._chip)
        upper.addWidget(self._subject, 1)
        upper.addWidget(self.cancel_button)
        upper.addWidget(self._details)
        lower = QHBoxLayout()
        lower.setSpacing(theme.space("m"))
        lower.addWidget(self._meter, 1)
        lower.addWidget(self._share)
        head = QVBoxLayout(self._head)
        head.setContentsMargins(theme.space("l"), theme.space("s"), theme.space("m"), theme.space("s"))
        head.setSpacing(theme.space("xs"))
        head.addLayout(upper)
        head.addLayout(lower)
        head.addWidget(self._note)

    def _scrolled(self) -> QScrollArea:
        theme = self._appearance.theme
        self._inner = QWidget(self)
        inner = QVBoxLayout(self._inner)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(theme.space("l"))
        self._room.setSpacing(theme.space("l"))
        inner.addLayout(self._room)
        inner.addStretch(1)
        area = self._area
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setWidget(self._inner)
        self._inner.setAutoFillBackground(False)
        area.viewport().setAutoFillBackground(False)
        return area
