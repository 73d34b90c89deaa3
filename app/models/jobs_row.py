"""JobRow: a job: what it is about, how far it is, and what can be done with it."""

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.models.jobs_words import job_detail, job_error, job_progress, job_sentence, job_title
from app.theme import Appearance
from app.theme.widgets import ElidedLabel, IconButton, IconChip, Part, SegmentBar
from app.theme.widgets.labels import say, text_label
from engine import BackgroundJob, JobState

_HEIGHT: Final = 49  # with the line above
_BAR: Final = 240
_WORDS: Final = 196
_ROLES: Final = {JobState.RUNNING: "chart-1", JobState.FAILED: "danger"}


class JobRow(QFrame):
    """Made once for a job, and then only told what is another.

    Signals:
        pause_pressed: stop it until it is resumed.
        resume_pressed: go on with it, or try it again.
        cancel_pressed: end it, or forget it.
        open_pressed: show what came of it.
    """

    pause_pressed = Signal()
    resume_pressed = Signal()
    cancel_pressed = Signal()
    open_pressed = Signal()

    def __init__(self, appearance: Appearance, job: BackgroundJob, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._job = job
        self._title = ElidedLabel("", self)
        self._detail = ElidedLabel("", self, Qt.TextElideMode.ElideRight)
        self._error = text_label("", "small", can_copy=True)
        self.bar = SegmentBar(appearance, "Progress", self)
        self._words = QLabel(self)
        self._done = IconChip(appearance, "success", "Done", "ok", self)
        self._slot = QWidget(self)  # keeps the place of pausing where there is nothing to pause
        self.open_button = self._push("Open", self.open_pressed)
        self.retry_button = self._push("Try again", self.resume_pressed)
        self.pause_button = self._tool("pause", self.pause_pressed)
        self.resume_button = self._tool("play", self.resume_pressed)
        self.cancel_button = self._tool("close", self.cancel_pressed)
        self._lay_out()
        self.show_job(job)

    @property
    def job(self) -> BackgroundJob:
        """The job, as it was shown last."""
        return self._job

    @property
    def buttons(self) -> tuple[QWidget, ...]:
        """From left to right."""
        return (self.open_button, self.retry_button, self.pause_button, self.resume_button, self.cancel_button)

    def show_job(self, job: BackgroundJob) -> None:
        """Show a job as it is now; what goes on costs little, many times a second."""
        was, self._job = self._job, job
        title, words = job_title(job), job_progress(job)
        say(self._detail, job_detail(job))
        say(self._words, words)
        self.bar.set_parts((Part(job.share, _ROLES.get(job.state, "chart-8")),), f"{title}: {words}")
        if was is job or _fixed(was) != _fixed(job):
            self._show_state(job, title)

    def _show_state(self, job: BackgroundJob, title: str) -> None:
        """Show what changes only when a job begins, stops or ends."""
        is_failed, is_done = job.state is JobState.FAILED, job.state is JobState.DONE
        say(self._title, title)
        say(self._error, job_error(job) if is_failed else "")
        self.setAccessibleName(job_sentence(job))
        self._detail.setVisible(not is_failed)
        self._error.setVisible(is_failed)
        self.bar.setVisible(not (is_failed or is_done))
        self._words.setVisible(not (is_failed or is_done))
        self._done.setVisible(is_done)
        self._set_muted(job.state in {JobState.PAUSED, JobState.WAITING})
        self._show_buttons(job, title)

    def sizeHint(self) -> QSize:
        """As high as its words at this width; 49 pixels where nothing is wrong."""
        if self._job.state is not JobState.FAILED:
            return QSize(super().sizeHint().width(), _HEIGHT)
        height = self.heightForWidth(self.width())
        return QSize(super().sizeHint().width(), max(_HEIGHT, height))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the line above: of the first row whole, of the others as wide as their words."""
        super().paintEvent(event)
        left = self._appearance.theme.space("l") if self.y() else 0
        QPainter(self).fillRect(left, 0, self.width() - left, 1, self._appearance.theme.color("border"))

    def _show_buttons(self, job: BackgroundJob, title: str) -> None:
        is_active = job.state in {JobState.RUNNING, JobState.WAITING}
        self.open_button.setVisible(job.state is JobState.DONE and bool(job.result))
        self.retry_button.setVisible(job.state is JobState.FAILED)
        self.pause_button.setVisible(is_active and job.can_pause)
        self.resume_button.setVisible(job.state is JobState.PAUSED)
        self._slot.setVisible(is_active and not job.can_pause)
        self.open_button.setAccessibleName(f"Open {title}")
        self.retry_button.setAccessibleName(f"Try {title} again")
        self.pause_button.set_name(f"Pause {title}")
        self.resume_button.set_name(f"Resume {title}")
        self.cancel_button.set_name(f"Remove {title} from this list" if job.is_over else f"Cancel {title}")

    def _set_muted(self, is_muted: bool) -> None:
        if self._words.property("muted") != is_muted:
            self._words.setProperty("muted", is_muted)
            self._words.style().unpolish(self._words)
            self._words.style().polish(self._words)

    def _push(self, words: str, signal: object) -> QPushButton:
        button = QPushButton(words, self)
        button.setProperty("small", True)
        button.clicked.connect(_plain(signal))
        return button

    def _tool(self, icon: str, signal: object) -> IconButton:
        button = IconButton(self._appearance, icon, "", small=True, parent=self)
        button.clicked.connect(_plain(signal))
        return button

    def _lay_out(self) -> None:
        theme = self._appearance.theme
        self._title.setProperty("role", "strong")
        for label in (self._detail, self._words):
            label.setProperty("role", "small")
        self._detail.setProperty("muted", True)
        self._words.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._words.setFixedWidth(_WORDS)
        self.bar.setMaximumWidth(_BAR)
        names = QVBoxLayout()
        names.setContentsMargins(0, theme.space("xs"), 0, theme.space("xs"))
        names.setSpacing(0)
        names.addStretch(1)
        for label in (self._title, self._detail, self._error):
            names.addWidget(label)
        names.addStretch(1)
        row = QHBoxLayout(self)
        row.setContentsMargins(theme.space("l"), 0, theme.space("s"), 0)
        row.setSpacing(0)
        row.addLayout(names, 236)
        row.addSpacing(theme.space("m"))
        row.addWidget(self.bar, 240)
        row.addWidget(self._done)
        row.addWidget(self._words)
        row.addSpacing(theme.space("l"))
        buttons = QHBoxLayout()
        buttons.setSpacing(theme.space("xxs"))
        edge = theme.size("control-small")
        self._slot.setFixedSize(edge, edge)
        for button in (self._slot, *self.buttons):
            buttons.addWidget(button)
        row.addLayout(buttons)


def _plain(signal: object) -> Callable[[], None]:
    """Emit a signal without the state of the button."""
    return lambda: signal.emit()  # type: ignore[attr-defined]  # a bound signal has no type of its own


def _fixed(job: BackgroundJob) -> tuple[object, ...]:
    return (job.title, job.state, job.error, job.remedy, job.result, job.can_pause)
