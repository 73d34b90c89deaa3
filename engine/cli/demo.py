"""`hearth demo`: the smoke test of an installation, without a window."""

import io
from contextlib import aclosing
from dataclasses import asdict
from time import perf_counter
from typing import TYPE_CHECKING

import typer

from engine.caching import CacheUse
from engine.cli.options import JsonOption
from engine.cli.output import Output, count_of, human_count, human_size, note
from engine.cli.session import Session
from engine.devices.machine import comfortable_model, describe_machine, largest_model, memory_bandwidth
from engine.errors import EngineError
from engine.types import Finished, GenerateRequest, RecognizeRequest, Sampling, TextDelta, user

if TYPE_CHECKING:
    from engine.engine import Engine

QUESTION = "What is Hearth?"
IMAGE_TEXT = "HEARTH 2026"
ANSWER_TOKENS = 96


def demo(
    context: typer.Context,
    as_json: JsonOption = False,
) -> None:
    """Say what this machine can run, answer a question, and read an image; needs no display."""
    session: Session = context.obj
    output = Output(as_json)
    document: dict[str, object] = {"machine": _machine(output)}
    problems: list[str] = []

    async def parts(engine: "Engine") -> None:
        for name, part in (("answer", _answer), ("image", _image)):
            try:
                document[name] = await part(engine, output)
            except EngineError as error:
                problems.append(f"The {name} part of the demo failed: {error}")

    session.run(parts)
    document["problems"] = problems
    output.document(document)
    for problem in problems:
        note(problem)
    if problems:
        raise typer.Exit(1)


def _machine(output: Output) -> dict[str, object]:
    machine, bandwidth = describe_machine(), memory_bandwidth()
    largest = largest_model(machine.memory_bytes)
    comfortable = comfortable_model(machine.memory_bytes, bandwidth)
    output.line(
        f"This machine: {machine.cpu}, {count_of(machine.physical_cores, 'core')}, "
        f"{human_size(machine.memory_bytes)} of memory that is read at {bandwidth / 1e9:.0f} GB/s."
    )
    output.line(
        f"4-bit models of up to about {human_count(comfortable)} parameters answer as fast as one reads; "
        f"up to about {human_count(largest)} fit.\n"
    )
    return {
        **asdict(machine),
        "bandwidth_bytes_per_s": bandwidth,
        "comfortable_parameters": comfortable,
        "largest_parameters": largest,
    }


async def _answer(engine: "Engine", output: Output) -> dict[str, object]:
    output.line(f"starter, asked: {QUESTION}")
    request = GenerateRequest(
        model="starter",
        messages=(user(QUESTION),),
        sampling=Sampling(temperature=0.0),
        max_tokens=ANSWER_TOKENS,
        cache=CacheUse.OFF,  # the demo shows what this machine does
    )
    async with aclosing(engine.generate(request)) as events:
        async for event in events:
            match event:
                case TextDelta(text):
                    output.text(text)
                case Finished(result):
                    timings, tokens = result.timings, result.usage.output_tokens
                    speed = (tokens - 1) / timings.decode_s if timings.decode_s else 0.0
                    output.line(
                        f"\n  {tokens} tokens, first after {timings.first_token_s:.2f} s "
                        f"(loading {timings.load_s:.2f} s), {speed:.0f} tokens/s\n"
                    )
                    return {"question": QUESTION, "tokens_per_s": speed, **asdict(result)}
    raise AssertionError("the stream ends with Finished, or raises")


async def _image(engine: "Engine", output: Output) -> dict[str, object]:
    output.line(f"reader, shown an image that says: {IMAGE_TEXT}")
    started_s = perf_counter()
    request = RecognizeRequest(model="reader", image=text_image(IMAGE_TEXT), cache=CacheUse.OFF)
    result = await engine.recognize(request)
    elapsed_s = perf_counter() - started_s
    output.line(result.output.text)
    output.line(f"  {elapsed_s:.2f} s (loading {result.timings.load_s:.2f} s)")
    return {"shown": IMAGE_TEXT, "read": result.output.text, "timings": result.timings, "seconds": elapsed_s}


def text_image(text: str) -> bytes:
    """Draw a line of text, black on white, with the font that comes with Pillow; a PNG file's bytes."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(size=32)
    left, top, right, bottom = font.getbbox(text)
    image = Image.new("L", (int(right - left) + 32, int(bottom - top) + 24), 255)
    ImageDraw.Draw(image).text((16 - left, 12 - top), text, font=font, fill=0)
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()
