"""`hearth recognize`: labels or text of images."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.output import Output, note
from engine.cli.session import Session
from engine.errors import RequestError
from engine.types import RecognizeRequest, RecognizeResult, VisionOutput

if TYPE_CHECKING:
    from engine.engine import Engine


def recognize(
    context: typer.Context,
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="Id from the library, or path to a file.", show_default=False)
    ],
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE...", help="Image files.", show_default=False)],
    top_k: Annotated[int, typer.Option(min=1, help="Most labels per image.")] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Say what is in each IMAGE."""
    recognize_images(context.obj, model, images, top_k, Output(as_json))


def recognize_images(session: Session, model: str, images: Sequence[Path], top_k: int, output: Output) -> None:
    """Recognise images as one batch and print what is in them; a broken one does not spoil the others.

    Raises:
        typer.Exit: with 1, an image could not be read; the others have been printed.
    """
    requests = [RecognizeRequest(model=model, image=image, top_k=top_k) for image in images]

    async def ask(engine: "Engine") -> list[RecognizeResult | RequestError]:
        return await asyncio.gather(*(_one(engine, request) for request in requests))

    results = session.run(ask)
    for image, result in zip(images, results, strict=True):
        if isinstance(result, RequestError):
            note(str(result) if len(images) == 1 else f"{image}: {result}")
        else:
            output.text(_described(result.output, f"{image}: " if len(images) > 1 else ""))
    failed = any(isinstance(result, RequestError) for result in results)
    if not (failed and len(images) == 1):
        pairs = zip(images, results, strict=True)
        output.document({"model": model, "results": [_entry(image, result) for image, result in pairs]})
    if failed:
        raise typer.Exit(1)


async def _one(engine: "Engine", request: RecognizeRequest) -> RecognizeResult | RequestError:
    try:
        return await engine.recognize(request)
    except RequestError as error:
        return error


def _described(found: VisionOutput, prefix: str) -> str:
    if found.lines is not None:
        return f"{prefix}{found.text}\n"
    if found.labels is not None:
        return prefix + "".join(f"{label.score:6.1%}  {label.name}\n" for label in found.labels)
    if found.detections is not None:
        rows = (f"{item.score:6.1%}  {item.name}  {' '.join(map(str, item.box))}\n" for item in found.detections)
        return prefix + ("".join(rows) or "nothing found\n")
    values = () if found.features is None else found.features
    return f"{prefix}{' '.join(f'{value:.6g}' for value in values)}\n"


def _entry(image: Path, result: RecognizeResult | RequestError) -> dict[str, object]:
    if isinstance(result, RequestError):
        return {"image": image, "error": {"cause": result.cause, "remedy": result.remedy}}
    return {"image": image, **asdict(result.output), "text": result.output.text, "timings": result.timings,
            "placement": result.placement}  # fmt: skip
