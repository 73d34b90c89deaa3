"""`hearth models search`, `catalogue` and `card`: models that are not here yet."""

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Final

import typer

from engine.cli.options import JsonOption
from engine.cli.output import Output, human_count, human_size, note
from engine.cli.session import Session
from engine.cli.sizes import parse_size
from engine.finds import HubFile, HubModel, HubQuery, Sort
from engine.footprint import Fit

if TYPE_CHECKING:
    from rich.table import Table

FIT_WORDS: Final = {Fit.FITS: "✓ fits", Fit.PAGING: "~ with paging", Fit.NO: "✗ too big", None: "? unknown"}


def search_models(
    context: typer.Context,
    text: Annotated[str, typer.Argument(metavar="[TEXT]", help="Words in the name.", show_default=False)] = "",
    task: Annotated[str, typer.Option(metavar="TASK", help="What it is for, as `hearth models catalogue` says.")] = "",
    quant: Annotated[str, typer.Option(metavar="TYPE", help="Type of weights, such as Q4_K_M.")] = "",
    licence: Annotated[str, typer.Option(metavar="NAME", help="Licence, such as apache-2.0.")] = "",
    size: Annotated[
        int | None, typer.Option(metavar="BYTES", parser=parse_size, help="Largest file, such as 4GB.")
    ] = None,
    fits: Annotated[bool, typer.Option("--fits", help="Only what fits this machine.")] = False,
    kind: Annotated[str, typer.Option("--format", metavar="gguf|onnx", help="Format of the file.")] = "",
    sort: Annotated[Sort, typer.Option(help="Order.")] = Sort.DOWNLOADS,
    limit: Annotated[int, typer.Option(metavar="N", help="Most results.", min=1, max=100)] = 30,
    as_json: JsonOption = False,
) -> None:
    """Search the hub for models; sizes in the list are about."""
    session: Session = context.obj
    output = Output(as_json)
    query = HubQuery(
        text=text, task=task, format=kind.lower(), quantization=quant, licence=licence, most_bytes=size or 0,
        fits_only=fits, sort=sort, limit=limit,
    )  # fmt: skip
    found = asyncio.run(session.engine().search_models(query))
    if found:
        output.table(_models_table(found))
    elif not as_json:
        note("Nothing found. Ask for less, or look at `hearth models catalogue`.")
    output.document({"models": found})


def list_catalogue(
    context: typer.Context,
    task: Annotated[str, typer.Option(metavar="TASK", help="Only what is for this.")] = "",
    as_json: JsonOption = False,
) -> None:
    """List the models that Hearth recommends, with what fits this machine; needs no network."""
    session: Session = context.obj
    output = Output(as_json)
    found = tuple(model for model in session.engine().catalogue() if not task or task in model.tasks)
    if found:
        output.table(_models_table(found))
        output.line("Fetch one with `hearth models pull REPO`. Sizes are about; the hub says them exactly.")
    elif not as_json:
        known = sorted({name for model in session.engine().catalogue() for name in model.tasks})
        note(f"Nothing is recommended for {task!r}. There is: {', '.join(known)}.")
    output.document({"models": found})


def show_card(
    context: typer.Context,
    repo: Annotated[str, typer.Argument(metavar="REPO", help="OWNER/NAME on the hub.", show_default=False)],
    as_json: JsonOption = False,
) -> None:
    """Show a model of the hub: its files with what fits this machine, its licence, and what its author says."""
    session: Session = context.obj
    output = Output(as_json)
    card = asyncio.run(session.engine().hub_card(repo))
    output.table(_facts(card.model), _files_table(card.model))
    if card.licence_url:
        output.line(f"Licence: {card.model.licence or 'see'} {card.licence_url}")
    output.line()
    output.line(card.text)
    output.document(card)


def _models_table(models: Iterable[HubModel]) -> "Table":
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in ("model", "take", "size", "here", "for", "licence"):
        can_fold = heading in {"for", "licence"}
        table.add_column(heading, justify="right" if heading == "size" else "left", no_wrap=not can_fold)
    for model in models:
        file = taken(model)
        table.add_row(
            literal(model.repo),
            literal(file.quantization or "–") if file else "–",
            size_words(file, about=True) if file else "–",
            fit_words(file) if file else FIT_WORDS[None],
            literal(", ".join(model.tasks)),
            literal(model.licence or "not stated") + (" (gated)" if model.is_gated else ""),
        )
    return table


def _facts(model: HubModel) -> "Table":
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    for name, value in (
        ("model", model.repo),
        ("revision", model.revision),
        ("about", model.summary),
        ("for", ", ".join(model.tasks)),
        ("parameters", human_count(model.parameters)),
        ("context", f"{model.context_tokens:,} tokens" if model.context_tokens else "–"),
        ("licence", model.licence or "not stated"),
        ("gated", "yes: its author wants to know who takes it" if model.is_gated else ""),
    ):
        if value:
            table.add_row(f"[bold]{name}[/bold]", literal(value))
    return table


def _files_table(model: HubModel) -> "Table":
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD)
    for heading in ("", "file", "type", "size", "here"):
        table.add_column(heading, justify="right" if heading == "size" else "left", overflow="fold")
    for file in model.files:
        mark = "★" if file.name == model.recommended else ""
        parts = f" (+{len(file.parts) - 1})" if len(file.parts) > 1 else ""
        kind = literal(file.quantization or "–")
        table.add_row(mark, literal(file.name) + parts, kind, size_words(file), fit_words(file))
    return table


def taken(model: HubModel) -> HubFile | None:
    """The file of a model that is recommended, else its smallest; None if none is known."""
    first = model.files[0] if model.files else None
    return next((file for file in model.files if file.name == model.recommended), first)


def size_words(file: HubFile, *, about: bool = False) -> str:
    """How large a file is."""
    if not file.size_bytes:
        return "–"
    return f"~{human_size(file.size_bytes)}" if about else human_size(file.size_bytes)


def fit_words(file: HubFile) -> str:
    """Whether it fits, and how fast it would be."""
    words = FIT_WORDS[file.fit]
    if file.tokens_per_s is None:
        return words
    rate = f"{file.tokens_per_s:,.0f}" if file.tokens_per_s >= 9.95 else f"{file.tokens_per_s:.1f}"
    return f"{words}, {rate} tokens/s"


def literal(text: str) -> str:
    """Somebody else's words must not be taken for rich's markup."""
    from rich.markup import escape

    return escape(text)
