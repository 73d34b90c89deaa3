"""Decoder: reads picture files on its own threads, so that the window never waits for a disk or a codec."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QSize, Qt
from PySide6.QtGui import QImage, QImageIOHandler, QImageReader, QImageWriter

from app.given_files import IMAGE_SUFFIXES

T = TypeVar("T")

_FORMATS = frozenset({b"png", b"jpeg", b"webp", b"gif", b"bmp", b"tiff"})  # Qt would open SVG and PDF too
_THREADS = 2  # a guess: one for the picture that is shown, one for thumbnails
_MOST_BYTES = 256 << 20


@dataclass(frozen=True, slots=True)
class Decoded:
    """A picture for the screen.

    Attributes:
        image: upright, not larger than asked for; null where Qt cannot decode the file.
        full_size: width, height in pixels of the upright image; (0, 0) if unknown.
        size_bytes: of the file.
    """

    image: QImage
    full_size: tuple[int, int]
    size_bytes: int


class Decoder:
    """Decodes pictures in the background.

    Thread: the event loop's; the work itself runs on threads named `decode`.
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="decode")

    async def decode(self, source: Path | bytes, most: QSize) -> Decoded:
        """Read a picture and make it fit into `most`; a broken one gives a null image, never an error."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, _decode, source, most)

    async def call(self, function: Callable[..., T], *args: object) -> T:
        """Run something else that may block, such as reading a folder."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, function, *args)

    def close(self) -> None:
        """Drop what has not started, and wait for what has."""
        self._pool.shutdown(wait=True, cancel_futures=True)


def _decode(source: Path | bytes, most: QSize) -> Decoded:
    try:
        if isinstance(source, Path) and (not source.is_file() or source.stat().st_size > _MOST_BYTES):
            return Decoded(QImage(), (0, 0), 0)
        content = source.read_bytes() if isinstance(source, Path) else source
    except OSError:
        return Decoded(QImage(), (0, 0), 0)
    data = QByteArray(content)
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.ReadOnly)
    return _read(buffer, len(content), most)


def _read(buffer: QBuffer, size_bytes: int, most: QSize) -> Decoded:
    # A function of its own: the reader must die before the buffer it reads, or some formats crash.
    reader = QImageReader(buffer)
    if reader.format().data() not in _FORMATS:
        return Decoded(QImage(), (0, 0), size_bytes)
    reader.setAutoTransform(True)
    full = reader.size()
    if full.isValid() and (full.width() > most.width() or full.height() > most.height()):
        # `most` is square, so scaling before the turn that EXIF asks for is right either way.
        reader.setScaledSize(full.scaled(most, Qt.AspectRatioMode.KeepAspectRatio))
    is_turned = bool(reader.transformation() & QImageIOHandler.Transformation.TransformationRotate90)
    image = reader.read()
    if image.isNull():
        return Decoded(image, (0, 0), size_bytes)
    upright = full.transposed() if is_turned else full
    size = upright if full.isValid() else image.size()
    return Decoded(image, (size.width(), size.height()), size_bytes)


def encode(image: QImage) -> bytes:
    """Turn a pasted image into the bytes of a PNG file."""
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    QImageWriter(buffer, QByteArray(b"png")).write(image)
    return bytes(buffer.data().data())


def expand(paths: tuple[Path, ...]) -> list[Path]:
    """Replace folders by the picture files in them; keeps the order, and files of any kind."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += sorted(child for child in path.iterdir() if child.suffix.lower() in IMAGE_SUFFIXES)
        else:
            found.append(path)
    return found
