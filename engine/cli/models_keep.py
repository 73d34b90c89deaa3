"""`hearth models rm, tag, rename, favourite, folders`: what a person keeps, and what it is called."""

import asyncio
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cards import LibraryFolder, ModelCard
from engine.cli.options import JsonOption, ModelArgument
from engine.cli.output import Output, human_size, note
from engine.cli.session import Session
from engine.errors import InvalidRequestError

if TYPE_CHECKING:
    from rich.table import Table


def remove_model(
    context: typer.Context,
    model: ModelArgument,
    permanently: Annotated[
        bool, typer.Option("--permanently", help="Delete the files; otherwise they go to the trash.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Put MODEL's files into the trash, or delete them."""
    session: Session = context.obj
    output = Output(as_json)
    engine = session.engine()
    card = engine.card(model)
    if not yes and not _confirmed(card, permanently=permanently):
        note("Nothing was removed.")
        raise typer.Exit(1)
    gone = asyncio.run(engine.remove_model(model, permanently=permanently))
    where = "deleted" if permanently else "put into the trash"
    for path in gone:
        output.line(f"{path}: {where}")
    output.document({"removed": gone, "permanently": permanently})


def tag_model(
    context: typer.Context,
    model: ModelArgument,
    tags: Annotated[
        list[str] | None, typer.Argument(metavar="[TAG]...", help="Without any, it has none afterwards.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Replace MODEL's tags."""
    engine = context.obj.engine()
    engine.tag_model(model, tags or ())
    _say(engine.card(model), as_json)


def rename_model(
    context: typer.Context,
    model: ModelArgument,
    title: Annotated[
        str, typer.Argument(metavar="TITLE", help="Empty takes its own name again; the file keeps its name.")
    ],
    as_json: JsonOption = False,
) -> None:
    """Call MODEL something else."""
    engine = context.obj.engine()
    engine.rename_model(model, title)
    _say(engine.card(model), as_json)


def favour_model(
    context: typer.Context,
    model: ModelArgument,
    off: Annotated[bool, typer.Option("--off", help="It is none any more.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Mark MODEL as a favourite."""
    engine = context.obj.engine()
    engine.favour_model(model, not off)
    _say(engine.card(model), as_json)


def list_folders(context: typer.Context, as_json: JsonOption = False) -> None:
    """List the folders that are searched for models, and those of other programs that could be."""
    session: Session = context.obj
    output = Output(as_json)
    found = session.look(lambda engine: engine.library_folders())
    output.table(_table(found))
    if left_out := sorted({str(folder.origin) for folder in found if not folder.is_used}):
        output.line(f"Left out by the setting used_in_place: {', '.join(left_out)}.")
    output.document({"folders": [{**_plain(folder), "broken": len(folder.broken)} for folder in found]})


def _confirmed(card: ModelCard, *, permanently: bool) -> bool:
    if not sys.stdin.isatty():
        raise InvalidRequestError("Nobody can be asked whether that is meant.", "Say so with --yes.")
    what = "Delete" if permanently else "Put into the trash"
    return typer.confirm(f"{what} {card.info.id} ({human_size(card.info.size_bytes)})?", err=True)


def _say(card: ModelCard, as_json: bool) -> None:
    output = Output(as_json)
    marks = [f"“{card.title}”", *(["a favourite"] if card.is_favourite else []), *card.tags]
    output.line(f"{card.info.id}: {', '.join(marks)}")
    output.document({"id": card.info.id, "title": card.title, "tags": card.tags, "is_favourite": card.is_favourite})


def _plain(folder: LibraryFolder) -> dict[str, object]:
    return {
        "path": folder.path,
        "origin": folder.origin,
        "is_used": folder.is_used,
        "models": folder.models,
        "size_bytes": folder.size_bytes,
    }


def _table(folders: tuple[LibraryFolder, ...]) -> "Table":
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD)
    for heading in ("folder", "of", "models", "size", ""):
        table.add_column(heading, justify="right" if heading in ("models", "size") else "left")
    for folder in folders:
        table.add_row(
            escape(str(folder.path)),
            folder.origin,
            str(folder.models) if folder.is_used else "–",
            human_size(folder.size_bytes) if folder.is_used else "–",
            f"{len(folder.broken)} broken" if folder.broken else "" if folder.is_used else "left out",
        )
    return table
