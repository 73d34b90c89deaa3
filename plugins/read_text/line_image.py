"""Bring the picture of one line of text into the shape a line reader expects.

The recipe of the bundled reader uses this same function, so what the model sees here is what it learned from.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

GreyImage = NDArray[np.uint8]

LEAST_CONTRAST = 24.0  # grey levels; a smaller range is taken for noise and is not stretched any further
PADDING_SHARE = 0.12  # of the ink's height, on every side; letters must not touch the border


def normalise_line(crop: GreyImage, height: int) -> GreyImage:
    """Scale a line to `height` rows and stretch its contrast to the full range.

    Args:
        crop: grey levels, shape (rows, columns), dark ink on light ground.
        height: rows of the result; the width follows the aspect ratio.

    Returns:
        Grey levels, shape (height, width), width at least `height // 4`.
    """
    rows, columns = crop.shape
    width = max(height // 4, round(columns * height / rows))
    scaled = np.asarray(Image.fromarray(crop).resize((width, height), Image.Resampling.BILINEAR), dtype=np.float32)
    dark, light = np.percentile(scaled, (1.0, 85.0))
    span = max(float(light - dark), LEAST_CONTRAST)
    stretched: GreyImage = np.clip((scaled - (light - span)) * (255.0 / span), 0.0, 255.0).astype(np.uint8)
    return stretched
