"""`hearth models place`: where a model would run, where else it could, and what a person wants."""

from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.devices_view import interface_text
from engine.cli.options import JsonOption, ModelArgument
from engine.cli.output import Output, human_size
from engine.cli.session import Session
from engine.hardware import Candidate, PlacementReport

if TYPE_CHECKING:
    from rich.table import Table

    from engine.engine import Engine

AUTO = "auto"


def place_model(
    context: typer.Context,
    model: ModelArgument,
    device: Annotated[
        str | None,
        typer.Argument(
            metavar="[DEVICE]",
            help="Let it run there only, from now on; `auto` leaves it to Hearth again.",
            show_default=False,
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show where MODEL would run now, and what is predicted for every other place; or choose a DEVICE for it."""
    session: Session = context.obj
    output = Output(as_json)

    async def ask(engine: "Engine") -> PlacementReport:
        if device is not None:
            engine.set_device(model, "" if device == AUTO else device)
        return await engine.placements(model)

    report = session.run(ask)
    output.table(_table(report))
    for line in _words(report):
        output.line(line)
    output.document(report)


def _table(report: PlacementReport) -> "Table":
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD)
    for heading in ("", "model", "device", "layers", "first token", "tokens/s", "memory"):
        table.add_column(heading, justify="right" if heading in ("first token", "tokens/s", "memory") else "left")
    for candidate in report.candidates:
        mark = "*" if candidate == report.choice else ""
        cells = (mark, candidate.model, _place(candidate), _layers(candidate), *_figures(candidate))
        table.add_row(*(escape(cell) for cell in cells))
    return table


def _words(report: PlacementReport) -> list[str]:
    reasons = [f"{_place(it)}: {it.refusal or it.reason}" for it in report.candidates if it.refusal or it.reason]
    return [*reasons, "", *_choice(report)]


def _choice(report: PlacementReport) -> list[str]:
    if report.override:
        back = f"`hearth models place {report.model} {AUTO}` takes that back."
        return [f"{report.model} runs on {report.override} only, as you chose; {back}", *_cost(report)]
    if report.choice is None:
        return [f"{report.model} fits nowhere now."]
    return ["* is what a request would get now. Speeds are predicted until the model has run there."]


def _cost(report: PlacementReport) -> list[str]:
    mine, its = report.choice, report.automatic
    if mine is None or its is None or mine.device == its.device or not (mine.tokens_per_s and its.tokens_per_s):
        return []
    return [f"That is {mine.tokens_per_s:,.1f} tokens/s instead of {its.tokens_per_s:,.1f} on {its.device}."]


def _place(candidate: Candidate) -> str:
    if not candidate.interface or candidate.refusal or candidate.device == "cpu":
        return candidate.device
    return f"{candidate.device} ({interface_text(candidate.interface)})"


def _layers(candidate: Candidate) -> str:
    return f"{candidate.layers} of {candidate.total_layers}" if candidate.total_layers else "–"


def _figures(candidate: Candidate) -> tuple[str, str, str]:
    first = "–" if candidate.first_token_s is None else f"{candidate.first_token_s:.2f} s"
    speed = "–" if candidate.tokens_per_s is None else f"{candidate.tokens_per_s:,.1f}"
    memory = "loaded" if candidate.is_loaded else human_size(candidate.needed_bytes) if candidate.needed_bytes else "–"
    return first, speed, memory
