"""`hearth models fit`: whether a model fits into memory, line by line, before it is loaded or even downloaded."""

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from engine.cli.options import JsonOption
from engine.cli.output import Output, human_size
from engine.cli.session import Session
from engine.cli.sizes import parse_size
from engine.footprint import Fit, FitVerdict

if TYPE_CHECKING:
    from rich.table import Table

    from engine.engine import Engine

_WORDS: Final = {Fit.FITS: "✓ fits", Fit.PAGING: "~ fits with paging", Fit.NO: "✗ does not fit"}
_BAR: Final = 40
_USUAL_TYPE: Final = "q8_0"
_LARGE_BYTES: Final = 64 << 20
"""A smaller file says little about a disk."""


def fit_model(
    context: typer.Context,
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="Id from the library, path to a file, or a shape such as 7b or 7b:q4_k_m, which needs no file.",
            show_default=False,
        ),
    ],
    ctx: Annotated[
        int | None, typer.Option("--ctx", metavar="N", help="Context in tokens; without it the setting.", min=16)
    ] = None,
    ram_budget: Annotated[
        int | None,
        typer.Option(
            "--ram-budget",
            metavar="BYTES",
            parser=parse_size,
            help="Memory it may take, such as 6GiB or 5.5GB.",
        ),
    ] = None,
    kind: Annotated[
        str, typer.Option("--type", help="Type of a shape's weights: f16, q8_0, q4_k_m, ...")
    ] = _USUAL_TYPE,
    as_json: JsonOption = False,
) -> None:
    """Say whether MODEL fits into memory, what it takes, and what would make it fit; nothing is loaded."""
    session: Session = context.obj
    output = Output(as_json)
    from engine.bench.random_model import SHAPES  # not for the other commands
    from engine.scheduling.fitting import FitCheck

    shape, _, its_kind = model.partition(":")
    if shape in SHAPES:
        found = _of_shape(session.engine(), shape, its_kind or kind, ctx, ram_budget)
    else:
        info = session.look(lambda engine: engine.model(model))
        found = FitCheck(session.config()).of(info, ctx, ram_budget)
    output.table(_table(found))
    for line in _words(found):
        output.line(line)
    output.document(found)


def _of_shape(engine: "Engine", shape: str, kind: str, ctx: int | None, budget: int | None) -> FitVerdict:
    """The verdict for a model that nobody has."""
    from engine.bench.random_model import RECIPES, SHAPES, check_model
    from engine.models.random_model import write_hollow_model
    from engine.scheduling.fitting import FitCheck

    check_model(shape, kind)
    name = f"{shape}:{kind}"
    with tempfile.TemporaryDirectory(prefix="hearth-shape-") as folder:
        path = Path(folder, "model.gguf")
        write_hollow_model(path, SHAPES[shape], RECIPES[kind], name=name)
        info = replace(engine.model(str(path)), id=name)
        return FitCheck(engine.config).of(info, ctx, budget, _large_file(engine) or Path(folder, "none"))


def _large_file(engine: "Engine") -> Path | None:
    """The largest model of the library: where it is read from, others would be."""
    largest = max(engine.models(), key=lambda info: info.size_bytes, default=None)
    return largest.path if largest is not None and largest.size_bytes >= _LARGE_BYTES else None


def _table(found: FitVerdict) -> "Table":
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, show_footer=True)
    table.add_column("", footer="needed")
    table.add_column("size", justify="right", footer=human_size(found.needed_bytes))
    table.add_column("")
    for line in found.lines:
        table.add_row(line.name, human_size(line.size_bytes), line.note)
    return table


def _words(found: FitVerdict) -> Iterator[str]:
    yield f"{_bar(found)}  {human_size(found.needed_bytes)} of {human_size(found.budget_bytes)} {found.budget_reason}"
    if found.is_corrected:
        yield "Corrected by what loads of this architecture took."
    yield ""
    yield f"{_WORDS[found.fit]}: {found.sentence}"
    for remedy in found.remedies:
        yield f"  · {remedy}"


def _bar(found: FitVerdict) -> str:
    share = found.needed_bytes / max(1, found.budget_bytes)
    full = min(_BAR, round(_BAR * share))
    return "█" * full + "░" * (_BAR - full) + ("▶" if share > 1 else "")
