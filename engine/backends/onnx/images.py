"""Read image files that come from anywhere into plain pixels.

Why own limits instead of Pillow's: Pillow warns about huge images on its own terms (a Python warning, not an error
the caller sees) and only fails at twice its limit. The size in the header is checked here before any pixel is decoded.
"""

import io
import stat
import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from engine.errors import ImageError
from engine.plugins.contract.vision import Picture

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
MAX_FILE_BYTES = 64 << 20
MAX_PIXELS = 64_000_000
ORIENTATION_TAG = 0x0112  # EXIF

REMEDY = "Use a PNG, JPEG, WebP, GIF, BMP or TIFF image."

# What Pillow's decoders raise for damaged files; found by feeding them cut and scrambled ones.
DECODE_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    EOFError,
    LookupError,
    ArithmeticError,
    MemoryError,
    struct.error,
    zlib.error,
)

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

_SWAPPING = {_UPRIGHT[orientation] for orientation in (5, 6, 7, 8)}  # width becomes height

Image.MAX_IMAGE_PIXELS = None  # _open checks the size itself, and says so in an ImageError


def read_image(source: Path | bytes, enough: int | None = None) -> Picture:
    """Decode an image file; of an animation, its first frame.

    Args:
        source: path of a file, or its bytes.
        enough: shorter side in pixels that the caller needs; a JPEG may be decoded smaller, but not below this.

    Returns:
        The upright picture, on white where it is transparent.

    Raises:
        ImageError: there is no such file, it is too large, broken, or no image; says which.
    """
    name = source.name if isinstance(source, Path) else "given"
    data = _read_file(source) if isinstance(source, Path) else source
    if not data:
        raise ImageError(f"The image {name} is empty.", "Choose another file.")
    if len(data) > MAX_FILE_BYTES:
        raise ImageError(f"The image {name} is larger than {MAX_FILE_BYTES >> 20} MiB.", "Make it smaller first.")
    try:
        return _decode(data, name, enough)
    except DECODE_ERRORS as error:
        raise ImageError(f"The image {name} cannot be read: it is damaged or incomplete.", REMEDY) from error


def _read_file(path: Path) -> bytes:
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise ImageError(f"{path} is a folder, not an image.", "Choose a file in it.")
        if not stat.S_ISREG(mode):  # reading a pipe or a device could wait for ever
            raise ImageError(f"{path} is not a regular file.", REMEDY)
        with path.open("rb") as file:
            return file.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError as error:
        raise ImageError(f"There is no image {path}.", "Check the path.") from error
    except (OSError, ValueError) as error:  # ValueError: a path that no file system can hold
        raise ImageError(f"The image {path} cannot be opened: {error}.", "Check its permissions.") from error


def _decode(data: bytes, name: str, enough: int | None) -> Picture:
    image = _open(data, name)
    turn = _UPRIGHT.get(_orientation(image))
    width, height = image.size
    if enough:
        share = max(1.0, min(width, height) / enough)
        image.draft("RGB", (int(width / share), int(height / share)))
    flat = _on_white(image)
    if turn is not None:
        flat = flat.transpose(turn)
        if turn in _SWAPPING:
            width, height = height, width
    return Picture(np.asarray(flat), (width, height))


def _open(data: bytes, name: str) -> Image.Image:
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError as error:
        raise ImageError(f"The file {name} is not an image that can be read.", REMEDY) from error
    if image.width * image.height > MAX_PIXELS:
        raise ImageError(
            f"The image {name} has {image.width:,} x {image.height:,} pixels, more than {MAX_PIXELS // 10**6} million.",
            "Make it smaller first.",
        )
    return image


def _orientation(image: Image.Image) -> int:
    """EXIF orientation; 1 (upright) where there is none or the EXIF block is damaged."""
    try:
        value = image.getexif().get(ORIENTATION_TAG, 1)
    except DECODE_ERRORS:
        return 1
    return value if isinstance(value, int) else 1


def _on_white(image: Image.Image) -> Image.Image:
    """Convert any mode to RGB, transparent parts on white."""
    if image.mode in {"I", "F"} or image.mode.startswith("I;16"):
        return Image.fromarray(_eight_bit(image)).convert("RGB")
    if image.has_transparency_data:
        clear = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", clear.size, "white"), clear).convert("RGB")
    return image.convert("RGB")


def _eight_bit(image: Image.Image) -> NDArray[np.uint8]:
    """Scale deep grey levels: 16 bits by their full range, others by the range they use (no white is defined)."""
    levels = np.asarray(image).astype(np.float64)
    if image.mode.startswith("I;16"):
        return np.round(levels / 257.0).astype(np.uint8)
    levels = np.nan_to_num(levels, posinf=0.0, neginf=0.0)
    low, high = float(levels.min()), float(levels.max())
    return np.round((levels - low) * (255.0 / (high - low if high > low else 1.0))).astype(np.uint8)
