"""Image files of all kinds, whole and broken."""

import io
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.backends.onnx.images import MAX_FILE_BYTES, read_image
from engine.errors import ImageError


def encode(image: Image.Image, kind: str, **how: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **how)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_every_format(kind: str, mode: str) -> None:
    source = Image.new("RGB", (16, 8), (200, 40, 120)).convert(mode)
    image = read_image(encode(source, kind))
    assert image.size == (16, 8)
    assert image.pixels.shape == (8, 16, 3)
    assert image.pixels.dtype == np.uint8
    expected = source.convert("RGB").getpixel((3, 3))
    assert np.abs(image.pixels[3, 3].astype(int) - expected).max() <= 6


def test_reads_a_path_with_unusual_characters(tmp_path: Path) -> None:
    path = tmp_path / "Bild 模型 😀.png"
    path.write_bytes(encode(Image.new("RGB", (3, 2), "blue"), "PNG"))
    assert read_image(path).pixels[0, 0].tolist() == [0, 0, 255]


def test_animation_gives_its_first_frame() -> None:
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    data = encode(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert read_image(data).pixels[0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA", "P"])
def test_transparent_parts_are_white(mode: str) -> None:
    clear = Image.new("RGBA", (4, 4), (0, 0, 0, 0))
    clear.putpixel((1, 1), (0, 0, 0, 255))
    if mode == "P":
        image = Image.new("P", (4, 4), 0)
        image.putpalette([10, 20, 30, 0, 0, 0])
        image.putpixel((1, 1), 1)
        data = encode(image, "PNG", transparency=0)
    elif mode == "PA":
        data = encode(clear.convert("RGBA").quantize(2), "PNG")
    else:
        data = encode(clear.convert(mode), "PNG")
    pixels = read_image(data).pixels
    assert pixels[0, 0].tolist() == [255, 255, 255]
    assert pixels[1, 1].tolist() == [0, 0, 0]


def test_half_transparent_is_blended() -> None:
    data = encode(Image.new("RGBA", (2, 2), (0, 0, 0, 128)), "PNG")
    assert abs(int(read_image(data).pixels[0, 0, 0]) - 127) <= 1


@pytest.mark.parametrize(
    ("orientation", "row", "column"),
    [(1, 0, 0), (2, 0, -1), (3, -1, -1), (4, -1, 0), (5, 0, 0), (6, 0, -1), (7, -1, -1), (8, -1, 0)],
)
def test_exif_orientation(orientation: int, row: int, column: int) -> None:
    image = Image.new("RGB", (64, 32), "white")
    image.paste("black", (0, 0, 16, 16))  # top left as stored
    exif = Image.Exif()
    exif[0x0112] = orientation
    upright = read_image(encode(image, "JPEG", exif=exif, quality=95))
    assert upright.size == ((32, 64) if orientation > 4 else (64, 32))
    assert upright.pixels.shape[:2] == upright.size[::-1]
    assert upright.pixels[row, column].max() < 60
    assert upright.pixels[-1 - row, -1 - column].min() > 200


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_damaged_exif_is_ignored() -> None:
    data = encode(Image.new("RGB", (8, 8), "red"), "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff")
    assert read_image(data).size == (8, 8)


def test_sixteen_bit_grey_is_scaled_by_its_full_range() -> None:
    levels = np.array([[0, 257 * 10, 65535, 257 * 128]], dtype=np.uint16)
    for kind in ("PNG", "TIFF"):
        pixels = read_image(encode(Image.fromarray(levels), kind)).pixels
        assert pixels[0, :, 0].tolist() == [0, 10, 255, 128]


def test_float_grey_is_scaled_by_the_range_it_uses() -> None:
    levels = np.array([[-2.0, 0.0, 2.0, np.nan]], dtype=np.float32)
    assert read_image(encode(Image.fromarray(levels), "TIFF")).pixels[0, :, 0].tolist() == [0, 128, 255, 128]


def test_cmyk() -> None:
    data = encode(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG", quality=95)
    red, green, blue = read_image(data).pixels[4, 4].tolist()
    assert red > 200
    assert max(green, blue) < 60


def test_huge_jpeg_is_decoded_smaller_but_not_below_what_is_enough() -> None:
    data = encode(Image.new("RGB", (1600, 800), "green"), "JPEG")
    image = read_image(data, enough=200)
    assert image.size == (1600, 800)
    assert image.pixels.shape == (200, 400, 3)
    assert read_image(data, enough=801).pixels.shape == (800, 1600, 3)


def _png_header(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 99)) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("side", [8_001, 12_000, 60_000])
def test_pixel_bombs_are_refused_from_the_header_without_a_warning(side: int) -> None:
    with pytest.raises(ImageError, match="more than 64 million"):
        read_image(_png_header(side, side))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"])
def test_truncated(kind: str) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    data = encode(Image.fromarray(noise), kind)
    with pytest.raises(ImageError, match=r"damaged or incomplete|not an image"):
        read_image(data[: len(data) * 2 // 3])


def test_scrambled_files_never_raise_anything_else() -> None:
    rng = np.random.default_rng(3)
    picture = Image.fromarray(rng.integers(0, 255, (20, 20, 3), dtype=np.uint8))
    outcomes: list[object] = []
    for kind in ("PNG", "JPEG", "WEBP", "GIF", "BMP"):
        whole = encode(picture, kind)
        for _ in range(60):
            data = bytearray(whole)
            for place in rng.integers(0, len(data), 4):
                data[place] = rng.integers(0, 256)
            try:
                outcomes.append(read_image(bytes(data)).pixels.ndim)
            except ImageError as error:
                outcomes.append(str(error)[-1])
    assert set(outcomes) == {3, "."}


@pytest.mark.parametrize(
    ("data", "says"), [(b"", "is empty"), (b"just some text", "not an image"), (b"\x89PNG\r\n\x1a\n", "damaged|not an")]
)
def test_no_image(data: bytes, says: str, tmp_path: Path) -> None:
    path = tmp_path / "thing.png"
    path.write_bytes(data)
    for source in (data, path):
        with pytest.raises(ImageError, match=says):
            read_image(source)


def test_missing_folder_and_pipe(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="There is no image"):
        read_image(tmp_path / "none.png")
    with pytest.raises(ImageError, match="is a folder"):
        read_image(tmp_path)
    with pytest.raises(ImageError, match="cannot be opened"):
        read_image(Path("a\0b.png"))
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.png")
        with pytest.raises(ImageError, match="not a regular file"):
            read_image(tmp_path / "pipe.png")


def test_large_file_is_refused_before_decoding(tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    with path.open("wb") as file:
        file.truncate(MAX_FILE_BYTES + 1)
    with pytest.raises(ImageError, match="larger than 64 MiB"):
        read_image(path)
