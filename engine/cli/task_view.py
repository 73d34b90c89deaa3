"""What a task prints: its help, its progress, its outputs."""

import base64
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from engine.cli.output import Output, human_size, plain
from engine.cli.task_options import option_name
from engine.plugins.contract.values import Field, InputFile, Kind, Table, Value, Values
from engine.plugins.infos import TaskInfo
from engine.tasks.inputs import shown

if TYPE_CHECKING:
    from rich.table import Table as RichTable

_GROWING: Final = frozenset({Kind.TEXT, Kind.MARKDOWN})


def print_tasks(tasks: Sequence[TaskInfo], output: Output) -> None:
    """List tasks."""
    if tasks:
        table = _table("task", "title", "does", "plugin")
        for task in tasks:
            table.add_row(*(_literal(text) for text in (task.id, task.title, task.summary, task.plugin)))
        output.table(table, "`hearth task NAME --help` shows the options of a task.")
    else:
        output.line("No plugin offers a task. `hearth plugins list` shows the plugins.")
    output.document({"tasks": tasks})


def print_help(task: TaskInfo, models: Mapping[str, Sequence[str]], output: Output) -> None:
    """Show what a task does, and its options.

    Args:
        task: which one.
        models: ids of models that can be given, by what a field accepts.
        output: where to.
    """
    output.line(f"hearth task {task.id}: {task.title}\n\n{task.summary}\n")
    options, results = _table("option", "takes", "default", ""), _table("output", "is", "")
    for field in task.inputs:
        options.add_row(
            *(_literal(text) for text in (option_name(field), _takes(field), _default(field), _note(field, models)))
        )
    for field in task.outputs:
        results.add_row(*(_literal(text) for text in (field.name, field.kind.value, field.title)))
    output.table(*([options] if task.inputs else []), results)
    output.document(task)


class TaskPrinter:
    """Prints a running task: the text of its first text output as it grows, how far it is, and all outputs at the end.

    Args:
        task: which one.
        output: where the outputs go; progress goes to standard error, if that is a terminal.
    """

    def __init__(self, task: TaskInfo, output: Output) -> None:
        self._task = task
        self._output = output
        self._growing = next((field.name for field in task.outputs if field.kind in _GROWING), "")
        self._written = ""
        self._has_line = False

    def progress(self, fraction: float, note: str) -> None:
        """Say how far it is, in [0, 1]."""
        if sys.stderr.isatty():
            self._has_line = True
            words = "".join(letter for letter in note if letter.isprintable())[:60]
            sys.stderr.write(f"\r\x1b[K{self._task.title}: {fraction:4.0%} {words}")
            sys.stderr.flush()

    def grow(self, name: str, text: str) -> None:
        """Print more text of an output, if it is the one that is shown while it grows."""
        if name == self._growing:
            self.clear()
            self._written += text
            self._output.text(text)

    def finish(self, outputs: Values, total_s: float) -> None:
        """Print all outputs; what stands there already is not printed again."""
        self.clear()
        for field in self._task.outputs:
            if field.name in outputs:
                self._print(field, outputs[field.name])
        document = {name: _documented(value) for name, value in outputs.items()}
        self._output.document({"task": self._task.id, "outputs": document, "total_s": total_s})

    def clear(self) -> None:
        """Take the line about progress away."""
        if self._has_line:
            self._has_line = False
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def _print(self, field: Field, value: Value) -> None:
        title = "" if len(self._task.outputs) == 1 else f"{field.title}: "
        match value:
            case Table(columns, rows):
                table = _table(*(_literal(column) for column in columns), title=_literal(field.title))
                for row in rows:
                    table.add_row(*(_literal(cell) for cell in row))
                self._output.table(table)
            case InputFile(name, data):
                self._output.line(f"{title}{name}, {human_size(len(data))}; --json prints its content")
            case str() if field.name == self._growing:
                # What `run` returns counts; usually it is what has been printed.
                if not value.startswith(self._written):
                    self._output.line("\n")
                    self._written = ""
                self._output.line(value[len(self._written) :])
            case str() if "\n" in value:
                self._output.line(f"\n{field.title}\n{value}")
            case tuple():
                self._output.line(f"{title}{', '.join(value)}")
            case _:
                self._output.line(f"{title}{value}")


def _documented(value: Value) -> object:
    if isinstance(value, InputFile):
        return {"name": value.name, "data_base64": base64.b64encode(value.data).decode()}
    return plain(value)


def _takes(field: Field) -> str:
    if field.kind is Kind.CHOICE:
        return " | ".join(field.choices)
    words = {Kind.FLAG: "", Kind.FILE: "FILE", Kind.IMAGE: "FILE", Kind.MODELS: "MODEL,MODEL..."}
    limits = [
        f"{name} {shown(value)}" for name, value in (("from", field.least), ("to", field.most)) if value is not None
    ]
    is_number = field.kind in {Kind.INTEGER, Kind.NUMBER}
    return " ".join([words.get(field.kind, field.kind.value.upper()), *(limits if is_number else [])])


def _default(field: Field) -> str:
    if isinstance(field.default, bool):
        return "yes" if field.default else "no"
    if isinstance(field.default, tuple):
        return ",".join(field.default)
    if field.default is None:
        return "must be given" if field.required else "–"
    return str(field.default)


def _note(field: Field, models: Mapping[str, Sequence[str]]) -> str:
    note = f"{field.title}. {field.help}".strip()
    if field.kind in {Kind.MODEL, Kind.MODELS}:
        note += f" Here: {', '.join(models.get(field.accepts, ())) or 'no such model'}."
    if field.kind is Kind.TEXT and field.multiline:
        note += " - reads standard input."
    return note


def _table(*headings: str, title: str | None = None) -> "RichTable":
    from rich import box
    from rich.table import Table as RichTable

    return RichTable(*headings, box=box.SIMPLE_HEAD, title=title, title_justify="left")


def _literal(text: str) -> str:
    """A stranger's words must not be taken for rich's markup, nor move the cursor."""
    from rich.markup import escape

    return escape("".join(letter if letter.isprintable() or letter == "\n" else "�" for letter in text))
