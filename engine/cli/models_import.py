"""`hearth models import` and `hearth models verify`: take a model in, and look whether one is still whole."""

from pathlib import Path
from typing import Annotated

import typer

from engine.cli.options import JsonOption, ModelArgument
from engine.cli.output import Output
from engine.cli.progress import watched
from engine.cli.session import Session


def import_model(
    context: typer.Context,
    path: Annotated[
        Path, typer.Argument(metavar="PATH", help="A .gguf or .onnx file, or a folder of them.", show_default=False)
    ],
    move: Annotated[bool, typer.Option("--move", help="Remove it where it was, once it is here.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Take a model into Hearth's own folder, once it has been checked and tried; the file is only read."""
    session: Session = context.obj
    output = Output(as_json)
    engine = session.engine()
    found = watched(lambda control: engine.import_now(path, control, move=move))
    cards = [engine.card(str(it.path)) for it in found]
    for it, card in zip(found, cards, strict=True):
        if it.was_here:
            output.line(f"{card.info.id} was here already: {it.path} holds the very same model.")
        else:
            output.line(f"{card.info.id} is here: {it.path}")
    rows = zip(found, cards, strict=True)
    output.document(
        {
            "models": [
                {"id": card.info.id, "path": it.path, "sha256": card.sha256, "was_here": it.was_here}
                for it, card in rows
            ]
        }
    )


def verify_model(
    context: typer.Context,
    model: ModelArgument,
    as_json: JsonOption = False,
) -> None:
    """Read MODEL's whole file, compare it with what it should be, and try it in a process of its own."""
    session: Session = context.obj
    output = Output(as_json)
    engine = session.engine()
    found = watched(lambda control: engine.verify_now(model, control))
    if found.expected:
        output.line(f"{found.path.name} is whole: its SHA-256 is {found.sha256}, as it should be.")
    else:
        output.line(f"{found.path.name} can be read to its end: its SHA-256 is {found.sha256}, which is noted now.")
    output.line("It was tried in a process of its own, and works." if not found.report.cause else found.report.cause)
    output.document(
        {
            "path": found.path,
            "sha256": found.sha256,
            "expected": found.expected or None,
            "trust": found.report.trust,
            "took_s": found.report.took_s,
        }
    )
