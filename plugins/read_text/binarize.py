"""Tell ink from ground in a grey image whose ground may change from place to place.

The ground is the median of each tile: text covers less than half of what it stands on, so the median of a tile is the
paper or the window, and unlike a mean it has no halo around letters.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from plugins.read_text.components import Mask
from plugins.read_text.line_image import GreyImage

TILE = 32  # pixels; a guess that suits text of 8 to 60 pixels
SMOOTH_TILES = 5  # so that a button or a title bar does not become ground, but ink that is looked into
TILES_ACROSS_SMALL = 4  # an image of few tiles is one sign or one word, whose strokes can fill whole tiles
NOISE_FACTOR = 4.0  # standard deviations of the noise
CONTRAST_SHARE = 0.25  # of the strongest contrast in the image
LEAST_STEP, MOST_STEP = 8.0, 32.0  # grey levels


@dataclass(frozen=True, slots=True)
class Ink:
    """What differs from its ground, shape (rows, columns) each: `dark` ink on light ground, `light` on dark."""

    dark: Mask
    light: Mask


def find_ink(grey: GreyImage) -> Ink:
    """Split an image, grey levels of shape (rows, columns), into ground and ink."""
    difference = grey.astype(np.float32) - estimate_ground(grey)
    size = np.abs(difference)
    strongest = float(np.percentile(size, 99.5))
    noise = float(np.median(np.abs(np.diff(difference, axis=1)))) if grey.shape[1] > 1 else 0.0
    step = max(float(np.clip(CONTRAST_SHARE * strongest, LEAST_STEP, MOST_STEP)), NOISE_FACTOR * noise)
    return Ink(dark=difference < -step, light=difference > step)


def estimate_ground(grey: GreyImage) -> NDArray[np.float32]:
    """Estimate the ground under every pixel; float32, the shape of `grey`."""
    rows, columns = grey.shape
    if min(rows, columns) < TILES_ACROSS_SMALL * TILE:
        border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
        return np.full(grey.shape, np.median(border), dtype=np.float32)
    padded = np.pad(grey, ((0, -rows % TILE), (0, -columns % TILE)), mode="edge")
    tiles = padded.reshape(padded.shape[0] // TILE, TILE, padded.shape[1] // TILE, TILE).swapaxes(1, 2)
    medians = np.median(tiles.reshape(*tiles.shape[:2], -1), axis=2).astype(np.uint8)
    smooth = Image.fromarray(medians).filter(ImageFilter.MedianFilter(SMOOTH_TILES))
    field = smooth.resize((padded.shape[1], padded.shape[0]), Image.Resampling.BILINEAR)
    return np.asarray(field, dtype=np.float32)[:rows, :columns]
