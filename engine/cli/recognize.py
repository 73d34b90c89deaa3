"""`hearth recognize`: what is in images."""

import asyncio
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.cached import AskAgainOption, NoCacheOption, cache_use, note_cached
from engine.cli.options import DeviceOption, JsonOption, ModelArgument
from engine.cli.output import Output, note
from engine.cli.session import Session
from engine.errors import EngineError, PluginError, RequestError
from engine.types import RecognizeRequest, RecognizeResult, VisionOutput

if TYPE_CHECKING:
    from engine.engine import Engine


def recognize(
    context: typer.Context,
    model: ModelArgument,
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE...", help="Image files.", show_default=False)],
    top_k: Annotated[int, typer.Option(min=1, help="Most labels per image.")] = 5,
    save: Annotated[
        Path | None, typer.Option(metavar="OUT", help="Draw what was found onto a copy of the one image.")
    ] = None,
    device: DeviceOption = "",
    no_cache: NoCacheOption = False,
    ask_again: AskAgainOption = False,
    as_json: JsonOption = False,
) -> None:
    """Say what is in each IMAGE."""
    if save is not None and len(images) > 1:
        raise typer.BadParameter("it goes with one image", param_hint="--save")
    use = cache_use(no_cache, ask_again)
    template = RecognizeRequest(model=model, image=images[0], top_k=top_k, device=device, cache=use)
    recognize_images(context.obj, template, images, Output(as_json), save)


def recognize_images(
    session: Session, template: RecognizeRequest, images: Sequence[Path], output: Output, save: Path | None = None
) -> None:
    """Recognise images as one batch and print what is in them; a broken one does not spoil the others.

    Args:
        session: reaches the engine.
        template: what to ask about each image.
        images: files.
        output: takes the text or the document.
        save: where to put a copy of the one image, with what was found drawn onto it.

    Raises:
        EngineError: the model cannot be used, or the copy cannot be saved.
        typer.Exit: with 1, an image could not be read; the others have been printed.
    """
    requests = [replace(template, image=image) for image in images]

    async def ask(engine: "Engine") -> list[RecognizeResult | EngineError]:
        return await asyncio.gather(*(_one(engine, request) for request in requests))

    results = session.run(ask)
    for image, result in zip(images, results, strict=True):
        if isinstance(result, EngineError):
            note(str(result) if len(images) == 1 else f"{image}: {result}")
        else:
            output.text(described(result.output, f"{image}: " if len(images) > 1 else ""))
            for sentence in result.placement.step_downs:
                note(sentence)
            note_cached(result.cached, output)
            if save is not None:
                _save(image, result.output, save)
    failed = any(isinstance(result, EngineError) for result in results)
    if not (failed and len(images) == 1):
        pairs = zip(images, results, strict=True)
        output.document({"model": template.model, "results": [entry(image, result) for image, result in pairs]})
    if failed:
        raise typer.Exit(1)


async def _one(engine: "Engine", request: RecognizeRequest) -> RecognizeResult | EngineError:
    try:
        return await engine.recognize(request)
    except (RequestError, PluginError) as error:  # about this image; others are about all of them
        return error


def _save(image: Path, found: VisionOutput, place: Path) -> None:
    from engine.cli.drawing import save_drawing  # Pillow takes a while to import, and few ask for a drawing

    save_drawing(image, found, place)
    note(f"Saved {place}.")


def described(found: VisionOutput, prefix: str) -> str:
    """Lines for people: everything that was found in one image, which usually is one kind of thing."""
    parts: list[str] = []
    if found.lines is not None:
        parts.append(f"{found.text}\n")
    if found.labels is not None:
        parts += [f"{label.score:6.1%}  {label.name}\n" for label in found.labels]
    if found.detections is not None:
        parts += [f"{item.score:6.1%}  {item.name}  {' '.join(map(str, item.box))}\n" for item in found.detections]
        parts += ["nothing found\n"] * (not found.detections)
    if found.mask is not None:
        parts += [f"{share:6.1%}  {name}\n" for name, share in _shares(found).items()] or ["nothing found\n"]
    if found.features is not None:
        parts.append(f"{' '.join(f'{value:.6g}' for value in found.features)}\n")
    return prefix + "".join(parts)


def _shares(found: VisionOutput) -> dict[str, float]:
    """Share of the image that each part of a mask covers, the largest first; parts that are not there are left out."""
    assert found.mask is not None
    counts = [(int((found.mask == value).sum()), name) for value, name in enumerate(found.mask_names, start=1)]
    return {name: count / found.mask.size for count, name in sorted(counts, reverse=True) if count}


def entry(image: Path, result: RecognizeResult | EngineError) -> dict[str, object]:
    """What the JSON document says about one image: every field of the result, None where the task does not fill it."""
    if isinstance(result, EngineError):
        return {"image": image, "error": {"cause": result.cause, "remedy": result.remedy}}
    found = result.output
    document = {part.name: getattr(found, part.name) for part in fields(found) if part.name != "mask_names"}
    if found.mask is not None:
        document["mask"] = _mask(found)
    facts = {name: getattr(result, name) for name in ("timings", "placement", "cached")}
    return {"image": image, **document, "text": found.text, **facts}


def _mask(found: VisionOutput) -> dict[str, object]:
    """A mask, row after row as pairs of a value and how often it follows: most neighbours are equal."""
    assert found.mask is not None
    values = found.mask.ravel()
    starts = [0, *(int(at) + 1 for at in (values[1:] != values[:-1]).nonzero()[0])]
    lengths = [end - start for start, end in zip(starts, [*starts[1:], len(values)], strict=True)]
    runs = " ".join(f"{values[start]}*{length}" for start, length in zip(starts, lengths, strict=True))
    return {"rows": found.mask.shape[0], "columns": found.mask.shape[1], "names": found.mask_names,
            "shares": _shares(found), "runs": runs}  # fmt: skip
