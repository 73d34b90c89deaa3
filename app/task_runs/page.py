"""TasksPage: tasks and runs at the left, the form in the middle, what came out at the right."""

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import (
    QAccessible,
    QAccessibleAnnouncementEvent,
    QGuiApplication,
    QKeySequence,
    QShortcut,
)
from PySide6.QtWidgets import QFileDialog, QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.markdown.link_question import ask_to_open
from app.task_runs.controller import TaskRunsController
from app.task_runs.form_pane import FormPane
from app.task_runs.output_card import OutputCard
from app.task_runs.run import RunState, TaskRun
from app.task_runs.run_pane import RunPane
from app.task_runs.side_list import SideList, SideRow
from app.theme import Appearance
from engine import TaskInfo, Values

_FORM_WIDTH = (312, 376)  # least and most
_SIDE_WIDTH = 232
_RUN_ROWS = 4  # of the list of runs, before it scrolls
_LOOKS = {
    RunState.RUNNING: ("play", "accent-ink"),
    RunState.DONE: ("success", "success"),
    RunState.FAILED: ("error", "danger"),
    RunState.CANCELLED: ("stop", "text-muted"),
}


class TasksPage(QWidget):
    """The page `tasks`.

    Attributes:
        form_pane, run_pane: its parts.
        task_list, run_list: the lists at the left.

    Thread: UI only.
    """

    def __init__(self, appearance: Appearance, controller: TaskRunsController, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._controller = controller
        self.setObjectName("page")
        self.task_list = SideList(appearance, "Tasks", self)
        self.run_list = SideList(appearance, "Runs of this session, the latest first", self)
        self.form_pane = FormPane(appearance, controller.files, self)
        self.run_pane = RunPane(appearance, self)
        self._runs_caption = self._caption("Runs of this session")
        self._empty = QLabel("No plugin offers a task. Switch one on, or install one, on the page Plugins.", self)
        self._lay_out()
        self._connect()
        self._show_tasks()

    def focus_first(self) -> None:
        """Give the keyboard to the form."""
        if self.form_pane.isVisible():
            self.form_pane.focus_first()
        else:
            self.task_list.setFocus(Qt.FocusReason.OtherFocusReason)

    def show_task(self, task_id: str) -> None:
        """Show a task's form, and its newest run; an unknown task changes nothing."""
        task = next((task for task in self._controller.tasks if task.id == task_id), None)
        if task is not None:
            self._choose(task, self._controller.latest(task.id))

    # --------------------------------------------------------------------------------------------------------- layout

    def _lay_out(self) -> None:
        theme = self._appearance.theme
        self.form_pane.setMinimumWidth(_FORM_WIDTH[0])
        self.form_pane.setMaximumWidth(_FORM_WIDTH[1])
        self._empty.setProperty("muted", True)
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._empty.setWordWrap(True)
        body = QHBoxLayout()
        body.setContentsMargins(theme.space("xl"), theme.space("l"), theme.space("xl"), theme.space("l"))
        body.setSpacing(theme.space("l"))
        body.addWidget(self.form_pane, 2)
        body.addWidget(self.run_pane, 3)
        body.addWidget(self._empty, 1)
        whole = QHBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self._side())
        whole.addLayout(body, 1)

    def _side(self) -> QWidget:
        theme = self._appearance.theme
        side = QFrame(self)
        side.setObjectName("listPane")
        side.setProperty("region", True)
        side.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        side.setFixedWidth(_SIDE_WIDTH)
        title = QLabel("Tasks", side)
        title.setProperty("role", "title")
        title.setFixedHeight(theme.size("header"))
        column = QVBoxLayout(side)
        column.setContentsMargins(theme.space("s"), 0, theme.space("s"), theme.space("s"))
        column.setSpacing(0)
        title.setContentsMargins(theme.space("s"), 0, 0, 0)
        column.addWidget(title)
        column.addWidget(self.task_list, 1)
        column.addWidget(self._runs_caption)
        column.addWidget(self.run_list)
        return side

    def _caption(self, words: str) -> QLabel:
        label = QLabel(words, self)
        label.setProperty("role", "caption")
        label.setProperty("muted", True)
        label.setFixedHeight(self._appearance.theme.space("xxl"))
        label.setContentsMargins(self._appearance.theme.space("m"), 0, 0, 0)
        return label

    def _connect(self) -> None:
        controller = self._controller
        controller.tasks_changed.connect(self._show_tasks)
        controller.models_changed.connect(lambda: self.form_pane.show_models(controller.models))
        controller.runs_changed.connect(self._show_runs)
        controller.advanced.connect(self.run_pane.refresh)
        controller.grown.connect(self.run_pane.grow)
        controller.ended.connect(self._on_ended)
        self.task_list.picked.connect(self.show_task)
        self.run_list.picked.connect(self._on_run_picked)
        self.form_pane.run_pressed.connect(self._on_run)
        self.run_pane.cancel_pressed.connect(self._on_cancel)
        self.run_pane.again_pressed.connect(self._on_again)
        self.run_pane.copy_requested.connect(self._copy)
        self.run_pane.save_requested.connect(self._save)
        self.run_pane.link_pressed.connect(self._on_link)
        for keys, slot in (("Ctrl+Return", self.form_pane.run), ("Esc", self._on_cancel)):
            shortcut = QShortcut(QKeySequence(keys), self, slot)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)

    # ---------------------------------------------------------------------------------------- the controller's signals

    def _show_tasks(self) -> None:
        tasks = self._controller.tasks
        current = self.form_pane.task
        chosen = next((task for task in tasks if current is not None and task.id == current.id), None)
        for widget in (self.form_pane, self.run_pane):
            widget.setVisible(bool(tasks))
        self._empty.setVisible(not tasks)
        if tasks and (chosen is None or chosen != current):
            task, run = chosen or tasks[0], self.run_pane.run
            is_of_gone_task = chosen is None and run is not None  # what came out of it, or why it failed, stays
            self._choose(task, run if is_of_gone_task else self._controller.latest(task.id))
        self._mark()

    def _show_runs(self) -> None:
        self.form_pane.show_running(is_running=self._is_running)
        self._mark()

    def _mark(self) -> None:
        task, run = self.form_pane.task, self.run_pane.run
        rows = [SideRow(task.id, task.title, task.summary) for task in self._controller.tasks]
        self.task_list.show_rows(rows, task.id if task is not None else None)
        runs = self._controller.runs
        self.run_list.show_rows([_run_row(run) for run in runs], run)
        self.run_list.setFixedHeight(min(_RUN_ROWS, len(runs)) * self._appearance.theme.size("row-double"))
        for widget in (self._runs_caption, self.run_list):
            widget.setVisible(bool(runs))

    @property
    def _is_running(self) -> bool:
        task = self.form_pane.task
        return task is not None and self._controller.running(task.id) is not None

    def _on_ended(self, run: TaskRun) -> None:
        had_focus = self.run_pane.cancel_button.hasFocus()
        self.run_pane.end(run)
        if run is self.run_pane.run and had_focus:
            self.form_pane.show_running(is_running=False)
            self.form_pane.run_button.setFocus(Qt.FocusReason.OtherFocusReason)
        if self.isVisible():
            words = f"{run.task.title}: {run.cause or run.state_words}"
            QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self.run_pane, words))

    # ---------------------------------------------------------------------------------------- what the person presses

    def _choose(self, task: TaskInfo, run: TaskRun | None) -> None:
        self.form_pane.show_task(task)
        self.form_pane.show_running(is_running=self._is_running)
        if run is not self.run_pane.run:
            self.run_pane.show_run(run)
        self._mark()

    def _on_run_picked(self, run: TaskRun) -> None:
        task = next((task for task in self._controller.tasks if task.id == run.task.id), None)
        if task is not None:
            self._choose(task, run)
        else:  # its plugin is gone; what came out is still there
            self.run_pane.show_run(run)
            self._mark()

    def _on_run(self, task: TaskInfo, values: Values) -> None:
        had_focus = self.form_pane.run_button.hasFocus()
        run = self._controller.start(task, values)
        if run is not None:
            self._choose(task, run)
            if had_focus:
                self.run_pane.cancel_button.setFocus(Qt.FocusReason.OtherFocusReason)

    def _on_cancel(self) -> None:
        if self.run_pane.run is not None:
            self._controller.cancel(self.run_pane.run)

    def _on_again(self) -> None:
        run = self.run_pane.run
        if run is not None:
            self.form_pane.fill(run.inputs)
            self._on_run(run.task, run.inputs)

    def _copy(self, text: str) -> None:
        QGuiApplication.clipboard().setText(text)

    def _save(self, card: OutputCard, name: str, content: bytes) -> None:
        dialog = QFileDialog(self, "Save a result")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.selectFile(Path(name).name)  # a plugin's idea of a name; it names no folder
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda path: self.save_to(card, Path(path), content))
        dialog.open()

    def save_to(self, card: OutputCard, path: Path, content: bytes) -> None:
        """Write a result to a file, and say on its card how that went."""

        def say(problem: str) -> None:
            if card in self.run_pane.cards.values():
                card.say(problem or f"Saved as {path.name}")

        self._controller.save(path, content, say)

    def _on_link(self, url: str) -> None:
        ask_to_open(url, "A task", self)


def _run_row(run: TaskRun) -> SideRow:
    icon, role = _LOOKS[run.state]
    words = run.state.value if run.is_running else run.state_words
    detail = " · ".join(part for part in (words, run.subject) if part)
    return SideRow(run, run.task.title, detail, icon, role)
