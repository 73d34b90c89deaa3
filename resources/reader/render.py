"""Draw lines of text the way they turn up in screenshots, scans and photographs."""

import io
import math
import random
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from plugins.read_text.line_image import PADDING_SHARE, normalise_line
from resources.reader.fonts import Family
from resources.reader.text import sample_text

HEIGHT = 32
"""Rows of every line image."""
MAX_WIDTH = 640
GreyImage = NDArray[np.uint8]


def render_sample(rng: random.Random, families: Sequence[Family], *, hard: bool = True) -> tuple[GreyImage, str]:
    """Draw one training line.

    Args:
        rng: the only source of chance.
        families: each is equally likely, however many styles it has.
        hard: distort, blur, add noise and so on; otherwise black on white.

    Returns:
        Grey levels, shape (HEIGHT, width), and what they say.
    """
    while True:
        text = sample_text(rng)
        size = round(math.exp(rng.uniform(math.log(10), math.log(52))))
        mask = draw_mask(text, rng.choice(families).font(rng, size), rng if hard else None)
        crop = _crop(mask, rng if hard else None)
        if crop is None:
            continue
        grey = _degrade(crop, rng) if hard else (255 - crop)
        line = normalise_line(grey, HEIGHT)
        if line.shape[1] <= MAX_WIDTH:
            return line, text


def draw_mask(text: str, font: ImageFont.FreeTypeFont, rng: random.Random | None) -> GreyImage:
    """Draw text white on black with a margin, at times spaced out, turned or sheared."""
    spacing = rng.uniform(0.02, 0.2) * font.size if rng and rng.random() < 0.12 else 0.0
    margin = round(font.size * 0.6) + 2
    width = round(font.getlength(text) + spacing * len(text)) + 2 * margin
    canvas = Image.new("L", (width, round(font.size * 1.6) + 2 * margin))
    draw = ImageDraw.Draw(canvas)
    if spacing:
        x = float(margin)
        for character in text:
            draw.text((x, margin), character, fill=255, font=font)
            x += font.getlength(character) + spacing
    else:
        draw.text((margin, margin), text, fill=255, font=font)
    if rng and rng.random() < 0.4:
        canvas = _bend(canvas, rng)
    return np.asarray(canvas)


def _bend(canvas: Image.Image, rng: random.Random) -> Image.Image:
    """Turn by up to 3 degrees (less for long lines, as a crop would straighten them) and shear a little."""
    slope = math.tan(math.radians(rng.uniform(-3, 3))) * min(1.0, 4 * canvas.height / canvas.width)
    shear, squeeze = rng.uniform(-0.2, 0.2), rng.uniform(-0.05, 0.05)
    cx, cy = canvas.width / 2, canvas.height / 2
    plane = (1.0, shear, -shear * cy, slope, 1.0 + squeeze, -slope * cx - squeeze * cy)
    return canvas.transform(canvas.size, Image.Transform.AFFINE, plane, Image.Resampling.BILINEAR)


def _crop(mask: GreyImage, rng: random.Random | None) -> GreyImage | None:
    """Cut out the ink with about the padding that the line finder leaves; None if nothing is visible."""
    rows, columns = np.flatnonzero(mask.max(axis=1) > 80), np.flatnonzero(mask.max(axis=0) > 80)
    if not len(rows) or not len(columns):
        return None
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    ink = bottom - top
    pads = [
        PADDING_SHARE * ink + 1 if rng is None else ink * rng.uniform(0.02, 0.24) + rng.uniform(0, 2) for _ in "tblr"
    ]
    t, b, le, r = (round(pad) for pad in pads)
    padded = np.pad(mask, max(t, b, le, r))
    shift = max(t, b, le, r)
    return padded[top + shift - t : bottom + shift + b, left + shift - le : right + shift + r]


def _degrade(mask: GreyImage, rng: random.Random) -> GreyImage:
    """Lay the ink on a ground and add what cameras, scanners and compressors add."""
    noise = np.random.default_rng(rng.getrandbits(32))
    cover = mask.astype(np.float32) / 255.0
    ground, ink = _tones(rng)
    field = np.full(mask.shape, ground, dtype=np.float32)
    if rng.random() < 0.35:
        field += _gradient(mask.shape, rng, strength=0.6 * abs(ground - ink))
    grey = field * (1.0 - cover) + ink * cover
    if rng.random() < 0.4:
        grey += noise.normal(0.0, rng.uniform(0.01, 0.12) * abs(ground - ink), mask.shape)
    image = Image.fromarray(np.clip(grey, 0, 255).astype(np.uint8))
    if rng.random() < 0.35:
        image = image.filter(ImageFilter.GaussianBlur(mask.shape[0] * rng.uniform(0.005, 0.05)))
    if rng.random() < 0.2:
        image = _rescale(image, rng)
    if rng.random() < 0.25:
        image = _compress(image, rng)
    return np.asarray(image)


def _tones(rng: random.Random) -> tuple[float, float]:
    """Draw ground and ink levels; dark on light but for a few, as the line finder can err."""
    if rng.random() < 0.4:
        return 255.0, 0.0
    contrast = rng.uniform(35, 255)
    ink = rng.uniform(0, 255 - contrast)
    return (ink, ink + contrast) if rng.random() < 0.03 else (ink + contrast, ink)


def _gradient(shape: tuple[int, ...], rng: random.Random, strength: float) -> NDArray[np.float32]:
    angle, amount = rng.uniform(0, 2 * math.pi), rng.uniform(0, strength)
    y, x = np.mgrid[-0.5 : 0.5 : shape[0] * 1j, -0.5 : 0.5 : shape[1] * 1j]
    return (amount * (math.cos(angle) * x + math.sin(angle) * y)).astype(np.float32)


def _rescale(image: Image.Image, rng: random.Random) -> Image.Image:
    """Make it smaller and large again, as a bad zoom does; never below 10 rows."""
    share = rng.uniform(min(1.0, 10 / image.height), 1.0)
    small = image.resize((max(1, round(image.width * share)), max(1, round(image.height * share))))
    return small.resize(image.size, Image.Resampling.BILINEAR)


def _compress(image: Image.Image, rng: random.Random) -> Image.Image:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=rng.randint(25, 85))
    return Image.open(file)
