"""The bundled reader reads what is drawn here, in a font it was not trained on (the one that comes with Pillow)."""

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageFont

import resources
from engine.backends.base import LoadOptions
from engine.backends.onnx import OnnxBackend
from engine.backends.onnx.vision import OnnxVisionModel
from engine.models.onnx import describe
from engine.models.onnx_card import read_card
from engine.models.onnx_facts import facts_of
from engine.plugins.api import Picture
from engine.plugins.bundled import bundled_registry
from engine.testing import recognize_images
from engine.types import Accepts, RecognizeRequest, VisionOutput
from resources.reader.evaluate import edit_distance

READER = resources.models_dir() / "reader.onnx"


@pytest.fixture(scope="module")
def reader() -> Iterator[OnnxVisionModel]:
    model = OnnxBackend().load(describe(READER, "reader"), LoadOptions(threads=1), lambda _: True)
    assert isinstance(model, OnnxVisionModel)
    yield model
    model.close()


def draw(text: str, size: int = 28, ground: object = "white", ink: object = "black", margin: int = 20) -> Image.Image:
    font = ImageFont.load_default(size=size)
    box = ImageDraw.Draw(Image.new("L", (1, 1))).multiline_textbbox(
        (margin, margin), text, font=font, spacing=size // 2
    )
    image = Image.new("RGB", (round(box[2]) + margin, round(box[3]) + margin), ground)
    ImageDraw.Draw(image).multiline_text((margin, margin), text, fill=ink, font=font, spacing=size // 2)
    return image


def read(reader: OnnxVisionModel, image: Image.Image, kind: str = "PNG", **how: object) -> VisionOutput:
    file = io.BytesIO()
    image.save(file, kind, **how)
    [outcome] = recognize_images(reader, [RecognizeRequest(model="reader", image=file.getvalue())])
    assert isinstance(outcome, VisionOutput)
    return outcome


def assert_reads(output: VisionOutput, *lines: str) -> None:
    """One mistake in ten characters is what the model card allows for; lines must be found exactly."""
    found = output.text.splitlines()
    assert len(found) == len(lines), found
    for read_line, line in zip(found, lines, strict=True):
        assert edit_distance(read_line, line) <= len(line) / 10, (read_line, line)


def test_it_is_small_and_described() -> None:
    info = describe(READER, "reader")
    assert info.size_bytes <= 5_000_000
    assert bundled_registry().serve(facts_of(READER)).accepts == {Accepts.IMAGE}
    assert info.licence == "MIT"
    assert set(read_card(READER)["charset"]) == {chr(code) for code in range(32, 127)}
    assert Path(READER).with_suffix(".md").is_file()


@pytest.mark.parametrize("size", [12, 16, 24, 48, 90])
def test_reads_words_at_any_size(reader: OnnxVisionModel, size: int) -> None:
    output = read(reader, draw("The quick brown fox", size))
    assert output.task == "reading"
    assert_reads(output, "The quick brown fox")
    assert output.lines[0].score > 0.8


def test_reads_digits(reader: OnnxVisionModel) -> None:
    assert_reads(read(reader, draw("2024-05-17 3.14159")), "2024-05-17 3.14159")


@pytest.mark.parametrize("letter", list("ABDEGHKMQRabdeghmqrt2345789"))
def test_reads_a_single_sign(reader: OnnxVisionModel, letter: str) -> None:
    assert read(reader, draw(letter, 40)).text == letter


@pytest.mark.parametrize(
    ("ground", "ink"), [("black", "white"), ("#1e1e2e", "#cdd6f4"), ("#0b5394", "#ffffff"), ("#dddddd", "#777777")]
)
def test_reads_light_on_dark_and_faint_text(reader: OnnxVisionModel, ground: str, ink: str) -> None:
    assert_reads(read(reader, draw("Keyboard shortcuts", 22, ground, ink)), "Keyboard shortcuts")


def test_reads_several_lines_in_order_with_boxes(reader: OnnxVisionModel) -> None:
    texts = ["Chapter one", "It was a bright cold day", "in April, and the clocks", "were striking 13"]
    output = read(reader, draw("\n".join(texts), 24))
    assert_reads(output, *texts)
    tops = [line.box[1] for line in output.lines]
    assert tops == sorted(tops)
    for left, top, right, bottom in (line.box for line in output.lines):
        assert 15 <= left < right <= output.image_size[0]
        assert 15 <= top < bottom <= output.image_size[1]


def test_boxes_are_in_pixels_of_the_upright_original(reader: OnnxVisionModel) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    upright = draw("upright text", 40)
    output = read(reader, upright.rotate(90, expand=True), "JPEG", exif=exif, quality=95)
    assert output.image_size == upright.size
    assert_reads(output, "upright text")
    pixels = np.asarray(upright)
    image_format = bundled_registry().open_image(facts_of(READER))
    half = image_format.prepare(Picture(pixels, (2 * upright.width, 2 * upright.height)))
    whole = image_format.prepare(Picture(pixels, upright.size))
    assert half.notes[0] == [2 * side for side in whole.notes[0]]


@pytest.mark.parametrize("damage", ["jpeg", "blur", "noise", "turn"])
def test_reads_worn_text(reader: OnnxVisionModel, damage: str) -> None:
    image, kind, how = draw("Invoice number 48213", 32), "PNG", {}
    if damage == "jpeg":
        kind, how = "JPEG", {"quality": 25}
    elif damage == "blur":
        image = image.filter(ImageFilter.GaussianBlur(1.2))
    elif damage == "noise":
        grain = np.random.default_rng(0).normal(0, 18, (image.height, image.width, 1))
        image = Image.fromarray(np.clip(np.asarray(image) + grain, 0, 255).astype(np.uint8))
    else:
        image = image.rotate(2, Image.Resampling.BICUBIC, expand=True, fillcolor="white")
    assert_reads(read(reader, image, kind, **how), "Invoice number 48213")


def test_a_batch_gives_what_single_images_give(reader: OnnxVisionModel, tmp_path: Path) -> None:
    requests = []
    for index, text in enumerate(["one", "two lines\nof text", "", "a somewhat longer line, for width", "7"]):
        path = tmp_path / f"{index}.png"
        (draw(text) if text else Image.new("RGB", (80, 60), "white")).save(path)
        requests.append(RecognizeRequest(model="reader", image=path))
    together = recognize_images(reader, requests)
    alone = [recognize_images(reader, [request])[0] for request in requests]
    for one, other in zip(together, alone, strict=True):
        assert isinstance(one, VisionOutput)
        assert isinstance(other, VisionOutput)
        assert one.text == other.text
        assert [line.box for line in one.lines] == [line.box for line in other.lines]
        assert [line.score for line in one.lines] == pytest.approx([line.score for line in other.lines], abs=1e-4)


def test_pictures_without_text_give_no_text(reader: OnnxVisionModel) -> None:
    y, x = np.mgrid[0:240, 0:320]
    plain = Image.new("RGB", (200, 100), "teal")
    waves = Image.fromarray((127 + 120 * np.sin(x / 23) * np.cos(y / 31)).astype(np.uint8))
    grain = Image.fromarray(np.random.default_rng(1).integers(0, 256, (240, 320), dtype=np.uint8))
    for image in (plain, waves, grain):
        assert read(reader, image).lines == ()
