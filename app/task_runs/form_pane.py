"""FormPane: what a task is, its form, and the button that runs it."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from app.forms import FieldForm, FileReader
from app.theme import Appearance
from engine import ModelInfo, TaskInfo, Values

_KEYS = "Ctrl+Return"


class FormPane(QFrame):
    """The card of the chosen task. Forms are kept, so that nothing typed is lost when another task is looked at.

    Signals:
        run_pressed: the task, and values that have no problem.

    Thread: UI only.
    """

    run_pressed = Signal(object, object)

    def __init__(self, appearance: Appearance, files: FileReader, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._files = files
        self._task: TaskInfo | None = None
        self._forms: dict[str, tuple[TaskInfo, FieldForm]] = {}
        self._models: tuple[ModelInfo, ...] = ()
        self._title = self._label("title")
        self._summary = self._label("body")
        self._from = self._label("small")
        self._room = QVBoxLayout()
        self.run_button = QPushButton("Run", self)
        self._why = self._label("small")
        self.setProperty("card", True)
        self.setProperty("region", True)
        self._lay_out()
        self.run_button.clicked.connect(self.run)

    @property
    def task(self) -> TaskInfo | None:
        """The chosen task."""
        return self._task

    @property
    def form(self) -> FieldForm | None:
        """The form of the chosen task."""
        return self._forms[self._task.id][1] if self._task is not None else None

    def show_task(self, task: TaskInfo) -> None:
        """Show a task's form; one that was filled in before comes back as it was."""
        if task == self._task:
            return  # hiding its form, even for a moment, would take the keyboard from it
        if self.form is not None:
            self.form.hide()
        known = self._forms.get(task.id)
        if known is None or known[0] != task:  # new, or its plugin has changed it
            form = FieldForm(self._appearance, task.inputs, self._files, self._body)
            form.show_models(self._models)
            if known is not None:
                form.set_values(known[1].values())
                known[1].deleteLater()
            self._room.insertWidget(0, form)
            self._forms[task.id] = (task, form)
        self._task = task
        self._forms[task.id][1].show()
        self._title.setText(task.title)
        self._summary.setText(task.summary)
        self._from.setText(f"From the plugin {task.plugin}")

    def show_models(self, models: tuple[ModelInfo, ...]) -> None:
        """Offer these models in all forms."""
        self._models = models
        for _task, form in self._forms.values():
            form.show_models(models)

    def show_running(self, *, is_running: bool) -> None:
        """Let the task be run, unless it is running."""
        self.run_button.setEnabled(not is_running)
        self._why.setText("It is running." if is_running else "")
        self.run_button.setToolTip("It is running already" if is_running else f"Run the task ({_keys()})")

    def fill(self, values: Values) -> None:
        """Put values into the form."""
        if self.form is not None:
            self.form.set_values(values)

    def run(self) -> None:
        """Ask for a run; where something is missing, mark it instead."""
        form = self.form
        if self._task is not None and form is not None and self.run_button.isEnabled() and not form.show_problems():
            self.run_pressed.emit(self._task, form.values())

    def focus_first(self) -> None:
        """Give the keyboard to the first field, or to the button where there is none."""
        if self.form is not None and self._task is not None and self._task.inputs:
            self.form.focus_first()
        else:
            self.run_button.setFocus(Qt.FocusReason.OtherFocusReason)

    def _lay_out(self) -> None:
        theme = self._appearance.theme
        self._from.setProperty("muted", True)
        self._why.setProperty("muted", True)
        self._body = QWidget(self)
        inner = QVBoxLayout(self._body)
        inner.setContentsMargins(theme.space("l"), theme.space("l"), theme.space("l"), theme.space("l"))
        inner.setSpacing(theme.space("xs"))
        for label in (self._title, self._summary, self._from):
            inner.addWidget(label)
        inner.addSpacing(theme.space("m"))
        inner.addLayout(self._room)
        inner.addStretch(1)
        area = QScrollArea(self)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setWidget(self._body)
        self._body.setAutoFillBackground(False)
        area.viewport().setAutoFillBackground(False)
        self.run_button.setProperty("kind", "primary")
        self.run_button.setMinimumWidth(theme.space("xxxl") * 2)
        foot = QFrame(self)
        foot.setProperty("line", "top")
        row = QHBoxLayout(foot)
        row.setContentsMargins(theme.space("l"), theme.space("m"), theme.space("l"), theme.space("m"))
        row.addWidget(self._why, 1)
        row.addWidget(self.run_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(1, 1, 1, 1)
        column.setSpacing(0)
        column.addWidget(area, 1)
        column.addWidget(foot)

    def _label(self, role: str) -> QLabel:
        label = QLabel(self)
        label.setProperty("role", role)
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setWordWrap(True)
        return label


def _keys() -> str:
    return QKeySequence(_KEYS).toString(QKeySequence.SequenceFormat.NativeText)
