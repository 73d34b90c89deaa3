"""Pixels -> input of a graph."""

import numpy as np
import pytest

from engine.backends.onnx.preprocess import ImageInput, normalise, resize, to_grey


def spec(**fields: object) -> ImageInput:
    plain = {"height": 4, "width": 4, "layout": "NCHW", "channels": "RGB", "resize": "stretch"}
    return ImageInput(**(plain | {"mean": (0.0,) * 3, "std": (1.0,) * 3} | fields))


PIXELS = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)


def test_layout_and_order_of_channels() -> None:
    nchw = normalise(PIXELS, spec())
    assert nchw.shape == (3, 2, 3)
    assert nchw.dtype == np.float32
    np.testing.assert_allclose(nchw[0, 1, 2], PIXELS[1, 2, 0] / 255, rtol=1e-6)
    np.testing.assert_array_equal(normalise(PIXELS, spec(layout="NHWC")), nchw.transpose(1, 2, 0))
    np.testing.assert_array_equal(normalise(PIXELS, spec(channels="BGR")), nchw[::-1])


def test_mean_and_deviation_are_per_channel() -> None:
    values = normalise(PIXELS, spec(mean=(0.1, 0.2, 0.3), std=(0.5, 0.25, 2.0)))
    expected = (PIXELS / 255.0 - (0.1, 0.2, 0.3)) / (0.5, 0.25, 2.0)
    np.testing.assert_allclose(values, expected.transpose(2, 0, 1), rtol=1e-5)


def test_grey_from_colour_and_from_grey() -> None:
    grey = to_grey(PIXELS)
    assert grey.shape == (2, 3)
    one = spec(channels="L", mean=(0.5,), std=(0.5,))
    np.testing.assert_array_equal(normalise(PIXELS, one), normalise(grey, one))
    assert normalise(grey, one).shape == (1, 2, 3)


def _halves(width: int, height: int) -> np.ndarray:
    """Red in the left half, blue in the right."""
    pixels = np.zeros((height, width, 3), dtype=np.uint8)
    pixels[:, : width // 2, 0] = pixels[:, width // 2 :, 2] = 255
    return pixels


@pytest.mark.parametrize("how", ["stretch", "crop", "fit"])
def test_result_has_the_size(how: str) -> None:
    assert resize(_halves(60, 20), spec(resize=how, height=8, width=12)).shape == (8, 12, 3)


def test_stretch_keeps_both_edges() -> None:
    out = resize(_halves(60, 20), spec())
    assert out[0, 0].tolist() == [255, 0, 0]
    assert out[-1, -1].tolist() == [0, 0, 255]


def test_crop_takes_the_middle() -> None:
    pixels = _halves(90, 30)
    pixels[:, :20] = pixels[:, -20:] = 255  # white edges fall away
    out = resize(pixels, spec(resize="crop"))
    assert not (out == 255).all(axis=2).any()
    assert out[2, 0].tolist() == [255, 0, 0]
    assert out[2, 3].tolist() == [0, 0, 255]


@pytest.mark.parametrize(("channels", "mean"), [("RGB", (1.0, 0.5, 0.0)), ("BGR", (0.0, 0.5, 1.0))])
def test_fit_shows_everything_on_the_mean_colour(channels: str, mean: tuple[float, ...]) -> None:
    out = resize(_halves(40, 20), spec(resize="fit", height=8, width=8, mean=mean, channels=channels))
    assert out[0, 0].tolist() == out[-1, -1].tolist() == [255, 128, 0]
    assert out[4, 0].tolist() == [255, 0, 0]
    assert out[4, 7].tolist() == [0, 0, 255]


def test_fit_of_a_grey_graph() -> None:
    out = resize(_halves(40, 20), spec(resize="fit", channels="L", mean=(0.5,), std=(1.0,)))
    assert out[0, 0].tolist() == [128, 128, 128]


def test_free_side_keeps_its_length() -> None:
    assert resize(_halves(60, 20), spec(width=None)).shape == (4, 60, 3)
