"""`hearth ps`: which models are loaded in the Hearths that run, and how to keep them or let them go."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from engine.cli.options import JsonOption
from engine.cli.output import Output, human_size, plain
from engine.cli.plugins_view import literal
from engine.cli.running import (
    NONE_RUNS,
    View,
    WatchOption,
    ask_all,
    duration_text,
    show,
    tell_all,
)
from engine.cli.session import Session
from engine.control.calls import ModelsInMemory
from engine.control.client import RunningEngine
from engine.errors import EngineError, ModelNotFoundError
from engine.types import LoadedModelInfo

if TYPE_CHECKING:
    from rich.table import Table

T = TypeVar("T")

_Answers = Sequence[tuple[RunningEngine, ModelsInMemory]]

app = typer.Typer(help="Which models are loaded, in the window and in commands.", invoke_without_command=True)

_Model = Annotated[
    str, typer.Argument(metavar="MODEL", help="Id of a model, as `hearth ps` shows it.", show_default=False)
]


@app.callback()
def ps(context: typer.Context, watch: WatchOption = False, as_json: JsonOption = False) -> None:
    """List the models that are loaded, and the memory that they take."""
    if context.invoked_subcommand is not None:
        return
    session: Session = context.obj
    show(Output(as_json), lambda: ask_all(session, RunningEngine.models), _view, _document, is_watched=watch)


@app.command("pin")
def pin(context: typer.Context, model: _Model, as_json: JsonOption = False) -> None:
    """Keep a model loaded until `unpin`, whoever else needs the memory."""
    _pin(context.obj, Output(as_json), model, pinned=True)


@app.command("unpin")
def unpin(context: typer.Context, model: _Model, as_json: JsonOption = False) -> None:
    """Let a model go again when its memory is needed."""
    _pin(context.obj, Output(as_json), model, pinned=False)


@app.command("unload")
def unload(context: typer.Context, model: _Model, as_json: JsonOption = False) -> None:
    """Let a model go now."""
    output = Output(as_json)
    engines = [engine for engine, is_gone in _where_loaded(context.obj, model, lambda e: e.unload(model)) if is_gone]
    if not engines:
        raise _not_loaded(model)
    output.line(f"{model} is unloaded.")
    output.document({"unloaded": model, "processes": [engine.process for engine in engines]})


def _pin(session: Session, output: Output, model: str, *, pinned: bool) -> None:
    told = _where_loaded(session, model, lambda engine: engine.pin(model, pinned))
    output.line(f"{model} stays loaded." if pinned else f"{model} goes when its memory is needed.")
    output.document({"model": model, "is_pinned": pinned, "processes": [engine.process for engine, _ in told]})


def _where_loaded(session: Session, model: str, tell: Callable[[RunningEngine], T]) -> list[tuple[RunningEngine, T]]:
    """Tell every Hearth that has a model loaded.

    Raises:
        EngineClosedError: no Hearth runs.
        EngineError: none has it loaded, or one refuses.
    """
    answers = tell_all(session, RunningEngine.models)
    engines = [engine for engine, memory in answers if model in {loaded.info.id for loaded in memory.loaded}]
    if not engines:
        raise _not_loaded(model)
    return [(engine, tell(engine)) for engine in engines]


def _not_loaded(model: str) -> EngineError:
    return ModelNotFoundError(f"{model} is not loaded.", "`hearth ps` lists the models that are.")


def _view(answers: _Answers) -> View:
    if not answers:
        return View(lines=[NONE_RUNS])
    rows = [(engine, loaded) for engine, memory in answers for loaded in memory.loaded]
    lines = []
    for engine, memory in answers:
        front = f"{engine}: " if len(answers) > 1 else ""
        taken, most = human_size(memory.memory_bytes), human_size(memory.budget_bytes)
        lines.append(f"{front}{'models take' if front else 'Models take'} {taken} of {most} that they may take.")
    if not rows:
        lines.insert(0, "No model is loaded.")
    return View([_table(rows, is_named=len(answers) > 1)] if rows else (), lines)


def _table(rows: Sequence[tuple[RunningEngine, LoadedModelInfo]], *, is_named: bool) -> "Table":
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD)
    for heading in ("model", "device", "memory", "running", "waiting", "idle", "computed", "pinned"):
        table.add_column(heading, justify="left" if heading in ("model", "device", "pinned") else "right")
    if is_named:
        table.add_column("in")
    for engine, loaded in rows:
        cells = (
            loaded.info.id, loaded.device, human_size(loaded.memory_bytes), f"{loaded.running}", f"{loaded.waiting}",
            "–" if loaded.running else duration_text(loaded.idle_s), duration_text(loaded.device_s),
            "yes" if loaded.is_pinned else "no", *((str(engine),) if is_named else ()),
        )  # fmt: skip
        table.add_row(*(literal(text) for text in cells))
    return table


def _document(answers: _Answers) -> dict[str, Any]:
    return {
        "engines": [
            {
                "process": engine.process,
                "title": engine.title,
                "started_at": engine.started_at,
                "memory_bytes": memory.memory_bytes,
                "memory_budget_bytes": memory.budget_bytes,
                "models": plain(memory.loaded),
            }
            for engine, memory in answers
        ]
    }
