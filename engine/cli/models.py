"""`hearth models`: what is on disk."""

import asyncio
from contextlib import suppress
from typing import Annotated

import typer

from engine.cards import ModelCard
from engine.cli.fitting import fit_model
from engine.cli.models_import import import_model, verify_model
from engine.cli.models_keep import favour_model, list_folders, remove_model, rename_model, tag_model
from engine.cli.models_pull import keep_token, pull_model
from engine.cli.models_quantize import convert_model, quantize_model
from engine.cli.models_search import list_catalogue, search_models, show_card
from engine.cli.models_view import card_table, metadata_table, model_document, models_table
from engine.cli.options import JsonOption, ModelArgument
from engine.cli.output import Output, note
from engine.cli.placing import place_model
from engine.cli.session import Session
from engine.errors import ModelError
from engine.footprint import FitVerdict
from engine.models.gguf import GgufArray, GgufHeader, read_header

app = typer.Typer(help="Models on this machine.", no_args_is_help=True)

_SHOWN_NUMBERS = 16


@app.command("list")
def list_models(
    context: typer.Context,
    fit: Annotated[bool, typer.Option("--fit", help="Say whether each would fit into memory now.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List the models that Hearth finds, and files that are broken."""
    session: Session = context.obj
    output = Output(as_json)
    cards, folders = session.look(lambda engine: (engine.cards(), engine.library_folders()))
    fits = _fits(session, cards) if fit else {}
    if cards:
        output.table(models_table(cards, fits))
    elif not as_json:
        note(f"No models found. Put GGUF or ONNX files into {session.config().home / 'models'}, or use --model-dir.")
    broken = [entry for folder in folders for entry in folder.broken]
    for path, reason in broken:
        output.line(f"broken: {path}: {reason}")
    models = [
        {**model_document(card), **({"fit": fits[card.info.id].fit} if card.info.id in fits else {})} for card in cards
    ]
    output.document({"models": models, "broken": [{"path": path, "reason": reason} for path, reason in broken]})


@app.command("inspect")
def inspect_model(
    context: typer.Context,
    model: ModelArgument,
    as_json: JsonOption = False,
) -> None:
    """Show what a model's file says about it, and what is known of it."""
    session: Session = context.obj
    output = Output(as_json)
    card = session.look(lambda engine: engine.card(model))
    info = card.info
    header = read_header(info.path) if info.format == "gguf" else None
    metadata = {} if header is None else _metadata(header)
    output.table(card_table(card), *((metadata_table(metadata),) if metadata else ()))
    tensors = None if header is None else len(header.tensors)
    output.document({"model": model_document(card), "tensors": tensors, "metadata": metadata})


def _fits(session: Session, cards: tuple[ModelCard, ...]) -> dict[str, FitVerdict]:
    """Whether models fit; those that nothing can be said of are left out."""
    engine, found = session.engine(), {}
    for card in cards:
        with suppress(ModelError):
            found[card.info.id] = asyncio.run(engine.fit(str(card.info.path)))
    return found


app.command("place")(place_model)
app.command("fit")(fit_model)
app.command("import")(import_model)
app.command("verify")(verify_model)
app.command("rm")(remove_model)
app.command("tag")(tag_model)
app.command("rename")(rename_model)
app.command("favourite")(favour_model)
app.command("folders")(list_folders)
app.command("quantize")(quantize_model)
app.command("convert")(convert_model)
app.command("search")(search_models)
app.command("catalogue")(list_catalogue)
app.command("card")(show_card)
app.command("pull")(pull_model)
app.command("token")(keep_token)


def _metadata(header: GgufHeader) -> dict[str, object]:
    return {key: _summary(value) if isinstance(value, GgufArray) else value for key, value in header.metadata.items()}


def _summary(array: GgufArray) -> object:
    # A vocabulary has a hundred thousand entries that nobody wants to read here.
    if len(array) <= _SHOWN_NUMBERS and not array.is_text:
        return array.numbers()
    return f"{len(array):,} {'texts' if array.is_text else 'numbers'}"
