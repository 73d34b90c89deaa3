"""`hearth task`: what plugins do with models, from the command line."""

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.options import JsonOption
from engine.cli.output import Output
from engine.cli.session import Session
from engine.cli.task_options import read_options
from engine.cli.task_view import TaskPrinter, print_help, print_tasks
from engine.errors import InvalidRequestError, PluginError
from engine.plugins.infos import (
    OfferInfo,
    PluginState,
    TaskFinished,
    TaskInfo,
    TaskProgress,
    TaskRequest,
    TaskText,
)
from engine.plugins.manifest import OfferKind

if TYPE_CHECKING:
    from engine.engine import Engine

_SAYS_MORE = "`hearth plugins info {}` says more."
_REMEDIES = {PluginState.NEEDS_CONSENT: "`hearth plugins enable {}` shows what it wants, and asks you."}


def task(
    context: typer.Context,
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="The task; without it, all are listed.", show_default=False)
    ] = None,
    options: Annotated[
        list[str] | None,
        typer.Argument(metavar="--FIELD VALUE...", help="Its inputs; `hearth task NAME --help` shows them."),
    ] = None,
    wants_help: Annotated[bool, typer.Option("--help", help="Show this, or the options of a task.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Run a task that a plugin offers, or list the tasks."""
    session: Session = context.obj
    output = Output(as_json)
    if wants_help and name is None:
        typer.echo(context.get_help())
        return

    async def work(engine: "Engine") -> None:
        if name is None:
            print_tasks(engine.tasks(), output)
        elif wants_help:
            print_help(_find(engine, name), _models(engine), output)
        else:
            await _run(engine, _find(engine, name), options or (), output)

    session.run(work)


def _find(engine: "Engine", name: str) -> TaskInfo:
    tasks = {info.id: info for info in engine.tasks()}
    if name in tasks:
        return tasks[name]
    for info in engine.plugins.snapshot():
        if info.state is not PluginState.ACTIVE and any(_is_task(offer, name) for offer in info.offers):
            cause = f"The task {name} belongs to the plugin {info.id}, which does not run: {info.reason or info.state}"
            raise PluginError(info.id, cause, _REMEDIES.get(info.state, _SAYS_MORE).format(info.id))
    known = ", ".join(sorted(tasks)) or "none"
    raise InvalidRequestError(f"There is no task called {name}.", f"Known are: {known}.")


def _is_task(offer: OfferInfo, name: str) -> bool:
    return offer.kind is OfferKind.TASK and offer.id == name


def _models(engine: "Engine") -> Mapping[str, Sequence[str]]:
    """Ids of models by what they accept; all of them under the empty text."""
    models: dict[str, list[str]] = {"": []}
    for info in engine.models():
        for accepts in ("", *(form.value for form in info.accepts)):
            models.setdefault(accepts, []).append(info.id)
    return models


async def _run(engine: "Engine", info: TaskInfo, options: Sequence[str], output: Output) -> None:
    request = TaskRequest(task=info.id, inputs=read_options(info.inputs, options))
    printer = TaskPrinter(info, output)
    try:
        async with aclosing(engine.run_task(request)) as events:
            async for event in events:
                match event:
                    case TaskProgress(fraction, note):
                        printer.progress(fraction, note)
                    case TaskText(name, text):
                        printer.grow(name, text)
                    case TaskFinished(outputs, total_s):
                        printer.finish(outputs, total_s)
    finally:
        printer.clear()
