"""`hearth embed`: vectors of texts."""

import sys
from enum import StrEnum
from typing import Annotated

import typer

from engine.cli.cached import AskAgainOption, NoCacheOption, cache_use, note_cached
from engine.cli.options import DeviceOption, JsonOption, ModelArgument
from engine.cli.output import Output, note
from engine.cli.session import Session
from engine.errors import InvalidRequestError
from engine.types import EmbedRequest


class Purpose(StrEnum):
    """What texts are embedded for."""

    DOCUMENT = "document"
    QUERY = "query"


def embed(
    context: typer.Context,
    model: ModelArgument,
    texts: Annotated[
        list[str] | None, typer.Argument(metavar="TEXT...", help="Without it, one text per line of standard input.")
    ] = None,
    no_normalize: Annotated[bool, typer.Option("--no-normalize", help="Keep the vectors' own lengths.")] = False,
    purpose: Annotated[
        Purpose, typer.Option(help="Whether the texts are searched in, or searched with; some models tell them apart.")
    ] = Purpose.DOCUMENT,
    device: DeviceOption = "",
    no_cache: NoCacheOption = False,
    ask_again: AskAgainOption = False,
    as_json: JsonOption = False,
) -> None:
    """Print one vector per TEXT, one per line."""
    session: Session = context.obj
    output = Output(as_json)
    if not texts:
        texts = [line for line in sys.stdin.buffer.read().decode(errors="replace").splitlines() if line.strip()]
    if not texts:
        raise InvalidRequestError("There is no text to embed.", 'Write one, as in `hearth embed MODEL "some text"`.')
    request = EmbedRequest(
        model=model,
        texts=tuple(texts),
        normalize=not no_normalize,
        purpose=purpose.value,
        device=device,
        cache=cache_use(no_cache, ask_again),
    )
    result = session.run(lambda engine: engine.embed(request))
    for vector in result.vectors:
        output.line(" ".join(f"{value:.6g}" for value in vector))
    for sentence in result.placement.step_downs:
        note(sentence)
    note_cached(result.cached, output)
    output.document(
        {
            "model": model,
            "vectors": result.vectors,
            "usage": result.usage,
            "timings": result.timings,
            "placement": result.placement,
            "cached": result.cached,
        }
    )
