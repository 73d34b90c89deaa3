"""Made-up pictures, the same ones every time."""

import io
from collections.abc import Iterator

import numpy as np
from PIL import Image

from engine.plugins.contract.vision import Picture


def pictures() -> Iterator[Picture]:
    """Pictures of odd sizes and contents."""
    numbers = np.random.default_rng(1)
    for rows, columns in ((1, 1), (1, 400), (400, 1), (17, 33), (480, 640)):
        pixels = numbers.integers(0, 256, (rows, columns, 3), dtype=np.uint8)
        yield Picture(pixels, (columns, rows))
    yield Picture(np.full((64, 64, 3), 255, np.uint8), (64, 64))
    yield Picture(np.zeros((50, 100, 3), np.uint8), (800, 400))  # decoded at an eighth


def png() -> bytes:
    """A small picture as a file's bytes."""
    stream = io.BytesIO()
    Image.new("RGB", (64, 48), (200, 120, 40)).save(stream, "PNG")
    return stream.getvalue()
