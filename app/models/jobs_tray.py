"""JobsTray: what goes on in the background, at the foot of the page; hidden while there is nothing."""

from functools import partial
from typing import Final

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QHideEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from app.models.hub_menu import HubMenu
from app.models.jobs_controller import JobsController, is_active
from app.models.jobs_row import JobRow
from app.models.jobs_words import is_much_lost, job_sentence, job_title, lost_words, tray_summary, tray_title
from app.theme import Appearance
from app.theme.widgets import ChoiceDialog, ElidedLabel, IconButton
from app.theme.widgets.labels import IconLabel, say, text_label
from engine import BackgroundJob, JobState

_ROW: Final = 49
_MOST_HEIGHT: Final = 4 * _ROW + 24  # of the rows: half a row shows that there are more
_LEAST_HEIGHT: Final = 2 * _ROW
_SHARE: Final = 0.25  # of the window: in a small one the list above needs its room


class RowScroll(QScrollArea):
    """Wants to be as high as its rows, and can do with one."""

    def __init__(self, body: QWidget, parent: QWidget) -> None:
        super().__init__(parent)
        self._wanted = 0
        self.setWidget(body)
        body.setAutoFillBackground(False)
        self.viewport().setAutoFillBackground(False)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)

    def want(self, height: int) -> None:
        """Say how high it should be, in pixels."""
        if height != self._wanted:
            self._wanted = height
            self.updateGeometry()

    def sizeHint(self) -> QSize:
        """As high as was wanted."""
        return QSize(super().sizeHint().width(), self._wanted)

    def minimumSizeHint(self) -> QSize:
        """As high as one row."""
        return QSize(1, min(self._wanted, _ROW))


class JobsTray(QFrame):
    """A head and a row for each job; rows stay the same widgets while their jobs go on.

    Attributes:
        rows: by the number of the job.

    Signals:
        open_wanted: path of a model that came of a job.
        token_wanted: a token for gated models is to be entered.

    Thread: UI only.
    """

    open_wanted = Signal(str)
    token_wanted = Signal()

    def __init__(self, appearance: Appearance, controller: JobsController, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("card", True)
        self.setProperty("region", True)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self._appearance = appearance
        self._controller = controller
        self.rows: dict[int, JobRow] = {}
        self._is_folded = False
        self._title = QLabel(self)
        self._summary = ElidedLabel("", self, Qt.TextElideMode.ElideRight)
        self.pause_button = QPushButton("Pause all", self)
        self.menu_button = IconButton(appearance, "more", "Settings for downloads", small=True, parent=self)
        self.fold_button = IconButton(appearance, "chevron-down", "Fold the list", small=True, parent=self)
        self.menu = HubMenu(controller.settings, self)
        self._clear = self.menu.addAction("Remove what is done from this list", controller.dismiss_done)
        self._note = text_label("", "small", is_muted=True)
        self._body = QWidget(self)
        self._column = QVBoxLayout(self._body)
        self._scroll = RowScroll(self._body, self)
        self._lay_out()
        self.menu.token_pressed.connect(self.token_wanted)
        self.menu_button.clicked.connect(self._open_menu)
        self.fold_button.clicked.connect(lambda: self.fold(not self._is_folded))
        self.pause_button.clicked.connect(self._on_pause_all)
        controller.changed.connect(self.show_now)
        controller.ended.connect(self._announce)
        self.show_now()

    @property
    def is_folded(self) -> bool:
        """Whether only the head is shown."""
        return self._is_folded

    @property
    def summary(self) -> str:
        """The words beside the title."""
        return self._summary.text()

    def show_now(self) -> None:
        """Show what the controller saw last."""
        jobs = self._controller.jobs
        self._show_rows(jobs)
        say(self._title, tray_title(jobs))
        say(self._summary, tray_summary(jobs, self._controller.state))
        self.setAccessibleName(f"{self._title.text()}: {self._summary.text()}")
        say(self._note, self._controller.note)
        self._note.setVisible(bool(self._controller.note) and not self._is_folded)
        can_pause = any(is_active(job) and job.can_pause for job in jobs)
        is_paused = any(job.state is JobState.PAUSED for job in jobs)
        self.pause_button.setVisible(can_pause or is_paused)
        words = "Pause all" if can_pause else "Resume all"
        if self.pause_button.text() != words:
            self.pause_button.setText(words)
        self._clear.setEnabled(any(job.state is JobState.DONE for job in jobs))
        self.setVisible(bool(jobs))
        self._fit()

    def fold(self, is_folded: bool) -> None:
        """Show the head only, or the rows too."""
        self._is_folded = is_folded
        self.fold_button.set_icon("chevron-right" if is_folded else "chevron-down")
        self.fold_button.set_name("Show the list" if is_folded else "Fold the list")
        self.show_now()

    def ask_to_cancel(self, number: int) -> ChoiceDialog | None:
        """End a job, after a question if much would be lost; returns the question."""
        job = self._controller.job(number)
        if job is None:
            return None
        if not is_much_lost(job):
            self._controller.cancel(number)
            return None
        dialog = ChoiceDialog(self._appearance, f"Give up {job_title(job)}?", "Keep it", "Give up", self.window())
        dialog.yes_button.setProperty("kind", "danger")
        dialog.room.addWidget(text_label(lost_words(job)))
        dialog.accepted.connect(lambda: self._controller.cancel(number))
        dialog.open()
        return dialog

    # ------------------------------------------------------------------------------------------------------ Qt's own

    def showEvent(self, event: QShowEvent) -> None:
        """Fit the rows."""
        super().showEvent(event)
        self._fit()

    def hideEvent(self, event: QHideEvent) -> None:
        """Close what hangs on it."""
        super().hideEvent(event)
        self.menu.close()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Errors wrap at another width."""
        super().resizeEvent(event)
        self._fit()

    # ------------------------------------------------------------------------------------------------------- private

    def _show_rows(self, jobs: tuple[BackgroundJob, ...]) -> None:
        for number in self.rows.keys() - {job.id for job in jobs}:
            gone = self.rows.pop(number)
            self._column.removeWidget(gone)
            gone.hide()
            gone.deleteLater()
        for job in jobs:
            row = self.rows.get(job.id)
            if row is None:
                self._add(job)
            elif row.job != job:
                row.show_job(job)

    def _add(self, job: BackgroundJob) -> None:
        row = JobRow(self._appearance, job, self._body)
        row.pause_pressed.connect(partial(self._controller.pause, job.id))
        row.resume_pressed.connect(partial(self._controller.resume, job.id))
        row.cancel_pressed.connect(partial(self.ask_to_cancel, job.id))
        row.open_pressed.connect(partial(self._open, job.id))
        self.rows[job.id] = row
        self._column.addWidget(row)
        row.show()

    def _open(self, number: int) -> None:
        job = self._controller.job(number)
        if job is not None and job.result:
            self.open_wanted.emit(job.result)

    def _announce(self, job: BackgroundJob) -> None:
        """Say once, to those who do not see it, that a job is over."""
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, job_sentence(job)))

    def _on_pause_all(self) -> None:
        self._controller.pause_all(self.pause_button.text() == "Pause all")

    def _open_menu(self) -> None:
        self.menu.popup(self.menu_button.mapToGlobal(self.menu_button.rect().bottomLeft()))

    def _fit(self) -> None:
        self._scroll.setVisible(not self._is_folded and bool(self.rows))
        height = sum(row.sizeHint().height() for row in self.rows.values())
        most = max(_LEAST_HEIGHT, min(_MOST_HEIGHT, round(self.window().height() * _SHARE)))
        self._scroll.want(min(height, most))

    def _lay_out(self) -> None:
        theme = self._appearance.theme
        self._title.setProperty("role", "strong")
        self._summary.setProperty("role", "small")
        self._summary.setProperty("muted", True)
        self.pause_button.setProperty("kind", "flat")
        self.pause_button.setProperty("small", True)
        head = QWidget(self)
        head.setFixedHeight(theme.size("row"))
        row = QHBoxLayout(head)
        row.setContentsMargins(theme.space("l"), 0, theme.space("s") + theme.space("xxs"), 0)
        row.setSpacing(theme.space("s"))
        row.addWidget(IconLabel(self._appearance, "download", "text-muted"))
        row.addWidget(self._title)
        row.addWidget(self._summary, 1)
        row.addWidget(self.pause_button)
        row.addWidget(self.menu_button)
        row.addWidget(self.fold_button)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(0)
        self._note.setContentsMargins(theme.space("l"), 0, theme.space("l"), theme.space("s"))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(head)
        column.addWidget(self._note)
        column.addWidget(self._scroll)
