"""`hearth queue`: what runs and what waits in the Hearths that run, and how to change that."""

from typing import Annotated

import typer

from engine.cli.options import JsonOption
from engine.cli.output import Output
from engine.cli.queue_view import (
    finished_document,
    finished_view,
    queue_document,
    queue_view,
    requests_document,
    why_view,
)
from engine.cli.running import WatchOption, ask_all, find_engine, find_request, no_request, show, tell_all
from engine.cli.session import Session
from engine.config import ORDERS
from engine.control.client import RunningEngine
from engine.requests import Urgency

app = typer.Typer(help="What runs and what waits, in the window and in commands.", invoke_without_command=True)

_Id = Annotated[str, typer.Argument(metavar="ID", help="Of a request, as `hearth queue` shows it.", show_default=False)]


@app.callback()
def queue(context: typer.Context, watch: WatchOption = False, as_json: JsonOption = False) -> None:
    """List what runs and what waits, next first, with when it will begin and be done, and why."""
    if context.invoked_subcommand is not None:
        return
    session: Session = context.obj
    show(Output(as_json), lambda: ask_all(session, RunningEngine.queue), queue_view, queue_document, is_watched=watch)


@app.command("why")
def why(context: typer.Context, request: _Id, as_json: JsonOption = False) -> None:
    """Show the factors of a request's score, and why it stands where it stands."""
    output = Output(as_json)
    engine, found = find_request(context.obj, request)
    why_view(request, found).show(output)
    output.document({"process": engine.process, "request": requests_document([found])[0]})


@app.command("finished")
def finished(
    context: typer.Context,
    count: Annotated[int, typer.Option(min=1, help="Show so many at most.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """List what has ended, newest first, with what it took."""
    output = Output(as_json)
    answers = ask_all(context.obj, RunningEngine.queue)
    finished_view(answers, count).show(output)
    output.document(finished_document(answers, count))


@app.command("cancel")
def cancel(context: typer.Context, request: _Id, as_json: JsonOption = False) -> None:
    """End a request, whether it runs or waits."""
    output = Output(as_json)
    engine, there = find_engine(context.obj, request)
    if not engine.cancel(there):
        raise no_request(request)
    output.line(f"{request} is cancelled.")
    output.document({"process": engine.process, "cancelled": there})


@app.command("up")
def move_up(context: typer.Context, request: _Id, as_json: JsonOption = False) -> None:
    """Let a request begin next on its lane."""
    output = Output(as_json)
    engine, there = find_engine(context.obj, request)
    if not engine.move_up(there):
        raise no_request(request)
    output.line(f"{request} is the next to begin on its lane.")
    output.document({"process": engine.process, "moved_up": there})


@app.command("urgency")
def set_urgency(
    context: typer.Context,
    request: _Id,
    urgency: Annotated[Urgency, typer.Argument(metavar="URGENCY", help="`interactive`, `normal` or `batch`.")],
    level: Annotated[
        int | None, typer.Option(min=0, max=4, help="Your own weight: 0 is last, 4 is first.", show_default=False)
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Change how soon a request is needed."""
    output = Output(as_json)
    engine, there = find_engine(context.obj, request)
    if not engine.set_urgency(there, urgency, level):
        raise no_request(request)
    output.line(f"{request} is {urgency} now{'' if level is None else f', level {level}'}.")
    output.document({"process": engine.process, "request": there, "urgency": urgency, "level": level})


@app.command("order")
def set_order(
    context: typer.Context,
    policy: Annotated[str, typer.Argument(metavar="NAME", help=f"One of {', '.join(ORDERS)}.", show_default=False)],
    as_json: JsonOption = False,
) -> None:
    """Order requests by another policy, until that Hearth ends."""
    if policy not in ORDERS:
        raise typer.BadParameter(f"there is no order {policy!r}, only {', '.join(ORDERS)}", param_hint="NAME")
    output = Output(as_json)
    answers = tell_all(context.obj, lambda engine: engine.set_order(policy))
    output.line(f"Requests are ordered by {policy} now.")
    output.document({"order": policy, "processes": [engine.process for engine, _ in answers]})


@app.command("pause")
def pause(context: typer.Context, as_json: JsonOption = False) -> None:
    """Begin nothing new until `resume`; what runs goes on."""
    _pause(context.obj, Output(as_json), paused=True)


@app.command("resume")
def resume(context: typer.Context, as_json: JsonOption = False) -> None:
    """Go on after `pause`."""
    _pause(context.obj, Output(as_json), paused=False)


def _pause(session: Session, output: Output, *, paused: bool) -> None:
    answers = tell_all(session, lambda engine: engine.pause(paused))
    output.line("Nothing new begins until `hearth queue resume`." if paused else "The queue goes on.")
    output.document({"is_paused": paused, "processes": [engine.process for engine, _ in answers]})
