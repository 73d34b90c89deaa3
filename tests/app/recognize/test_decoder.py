"""The decoder reads what people drop, and nothing else."""

from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtCore import QSize
from PySide6.QtGui import QColor, QImage

from app.recognize.decoder import Decoder, encode, expand


@pytest.fixture
def decoder(qapp):  # Qt moves its image plugins to the thread of the application
    decoder = Decoder()
    yield decoder
    decoder.close()


MOST = QSize(64, 64)


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "gif", "bmp", "tiff"])
async def test_the_usual_formats_are_read(decoder: Decoder, tmp_path: Path, suffix: str):
    path = tmp_path / f"picture.{suffix}"
    Image.new("RGB", (40, 30), "red").save(path)
    decoded = await decoder.decode(path, MOST)
    assert decoded.full_size == (40, 30)
    assert decoded.image.size() == QSize(40, 30)
    assert decoded.size_bytes == path.stat().st_size


async def test_large_pictures_are_made_to_fit_and_keep_their_shape(decoder: Decoder, tmp_path: Path):
    path = tmp_path / "large.jpg"
    Image.new("RGB", (1280, 640), "blue").save(path)
    decoded = await decoder.decode(path, MOST)
    assert decoded.image.size() == QSize(64, 32)
    assert decoded.full_size == (1280, 640)


async def test_a_turned_photo_is_upright(decoder: Decoder, tmp_path: Path):
    path = tmp_path / "turned.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned by 90 degrees
    Image.new("RGB", (800, 400), "green").save(path, exif=exif)
    decoded = await decoder.decode(path, MOST)
    assert decoded.full_size == (400, 800)
    assert decoded.image.size() == QSize(32, 64)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"this is not a picture",
        b"\x89PNG\r\n\x1a\n" + b"\x00" * 40,
        b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><image href="file:///etc/passwd"/></svg>',
        b"%PDF-1.4 ...",
    ],
)
async def test_anything_else_gives_no_image_and_no_error(decoder: Decoder, content: bytes):
    decoded = await decoder.decode(content, MOST)
    assert decoded.image.isNull()
    assert decoded.full_size == (0, 0)


async def test_a_missing_file_and_a_folder_give_no_image(decoder: Decoder, tmp_path: Path):
    assert (await decoder.decode(tmp_path / "none.png", MOST)).image.isNull()
    assert (await decoder.decode(tmp_path, MOST)).image.isNull()


def test_a_pasted_image_keeps_its_pixels(qapp):
    image = QImage(3, 2, QImage.Format.Format_RGB32)
    image.fill(QColor("#123456"))
    again = QImage.fromData(encode(image))
    assert again.size() == image.size()
    assert again.pixelColor(2, 1) == QColor("#123456")


def test_a_folder_stands_for_its_pictures(tmp_path: Path):
    for name in ("b.png", "a.JPG", "notes.txt"):
        (tmp_path / name).touch()
    single = tmp_path / "notes.txt"
    assert [path.name for path in expand((tmp_path, single))] == ["a.JPG", "b.png", "notes.txt"]
