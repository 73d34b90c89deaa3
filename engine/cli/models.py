"""`hearth models`: what is on disk."""

from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.fitting import fit_model
from engine.cli.models_pull import keep_token, pull_model
from engine.cli.models_quantize import quantize_model
from engine.cli.models_search import list_catalogue, search_models, show_card
from engine.cli.output import Output, human_count, human_size, note
from engine.cli.placing import place_model
from engine.cli.session import Session
from engine.models.gguf import GgufArray, GgufHeader, read_header
from engine.types import ModelInfo

if TYPE_CHECKING:
    from rich.table import Table

app = typer.Typer(help="Models on this machine.", no_args_is_help=True)

_SHOWN_CHARACTERS = 80
_SHOWN_NUMBERS = 16


@app.command("list")
def list_models(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """List the models that Hearth finds, and files that are broken."""
    session: Session = context.obj
    output = Output(as_json)
    library = session.library()
    library.scan()
    models = session.look(lambda engine: engine.models())
    if models:
        output.table(_table(models))
    elif not as_json:
        note(f"No models found. Put GGUF or ONNX files into {session.config().home / 'models'}, or use --model-dir.")
    for path, reason in library.broken:
        output.line(f"broken: {path}: {reason}")
    broken = [{"path": path, "reason": reason} for path, reason in library.broken]
    output.document({"models": models, "broken": broken})


@app.command("inspect")
def inspect_model(
    context: typer.Context,
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="Id from the library, or path to a file.", show_default=False)
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Show what a model's file says about it."""
    session: Session = context.obj
    output = Output(as_json)
    info = session.look(lambda engine: engine.model(model))
    header = read_header(info.path) if info.format == "gguf" else None
    metadata = {} if header is None else _metadata(header)
    output.table(_facts(info), *((_metadata_table(metadata),) if metadata else ()))
    tensors = None if header is None else len(header.tensors)
    output.document({"model": info, "tensors": tensors, "metadata": metadata})


app.command("place")(place_model)
app.command("fit")(fit_model)
app.command("quantize")(quantize_model)
app.command("search")(search_models)
app.command("catalogue")(list_catalogue)
app.command("card")(show_card)
app.command("pull")(pull_model)
app.command("token")(keep_token)


def _table(models: tuple[ModelInfo, ...]) -> "Table":
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD)
    for heading in ("id", "can", "parameters", "type", "context", "size"):
        table.add_column(heading, justify="right" if heading in ("parameters", "context", "size") else "left")
    for info in models:
        table.add_row(
            info.id,
            ", ".join(info.tasks),
            human_count(info.parameters),
            info.quantization or "–",
            f"{info.context_tokens:,}" if info.context_tokens else "–",
            human_size(info.size_bytes),
        )
    return table


def _facts(info: ModelInfo) -> "Table":
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    for name, value in (
        ("id", info.id),
        ("name", info.name),
        ("file", str(info.path)),
        ("architecture", info.architecture),
        ("can", ", ".join(info.tasks)),
        ("parameters", human_count(info.parameters)),
        ("type", info.quantization or "–"),
        ("context", f"{info.context_tokens:,} tokens" if info.context_tokens else "–"),
        ("size", human_size(info.size_bytes)),
        ("licence", info.licence or "not stated"),
    ):
        table.add_row(f"[bold]{name}[/bold]", _literal(value))
    return table


def _metadata_table(metadata: dict[str, object]) -> "Table":
    from rich import box
    from rich.table import Table

    table = Table("key", "value", box=box.SIMPLE_HEAD)
    for key, value in metadata.items():
        text = str(value).replace("\n", "⏎")
        short = text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"
        table.add_row(_literal(key), _literal(short))
    return table


def _literal(text: str) -> str:
    """A file's own words must not be taken for rich's markup."""
    from rich.markup import escape

    return escape(text)


def _metadata(header: GgufHeader) -> dict[str, object]:
    return {key: _summary(value) if isinstance(value, GgufArray) else value for key, value in header.metadata.items()}


def _summary(array: GgufArray) -> object:
    # A vocabulary has a hundred thousand entries that nobody wants to read here.
    if len(array) <= _SHOWN_NUMBERS and not array.is_text:
        return array.numbers()
    return f"{len(array):,} {'texts' if array.is_text else 'numbers'}"
