"""Pixels -> input of a graph, and back to places in the picture."""

import numpy as np
import pytest

from engine.plugins.api import ImageInput, Picture, View, resize, to_grey, to_tensor


def spec(**fields: object) -> ImageInput:
    plain = {"height": 4, "width": 4, "layout": "NCHW", "channels": "RGB", "resize": "stretch"}
    return ImageInput(**(plain | {"mean": (0.0,) * 3, "std": (1.0,) * 3} | fields))


def resized(pixels: np.ndarray, how: ImageInput) -> np.ndarray:
    return resize(Picture(pixels, (pixels.shape[1], pixels.shape[0])), how)[0]


PIXELS = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)


def test_layout_and_order_of_channels() -> None:
    nchw = to_tensor(PIXELS, spec())[0]
    assert nchw.shape == (3, 2, 3)
    assert nchw.dtype == np.float32
    np.testing.assert_allclose(nchw[0, 1, 2], PIXELS[1, 2, 0] / 255, rtol=1e-6)
    np.testing.assert_array_equal(to_tensor(PIXELS, spec(layout="NHWC"))[0], nchw.transpose(1, 2, 0))
    np.testing.assert_array_equal(to_tensor(PIXELS, spec(channels="BGR"))[0], nchw[::-1])


def test_mean_and_deviation_are_per_channel() -> None:
    values = to_tensor(PIXELS, spec(mean=(0.1, 0.2, 0.3), std=(0.5, 0.25, 2.0)))[0]
    expected = (PIXELS / 255.0 - (0.1, 0.2, 0.3)) / (0.5, 0.25, 2.0)
    np.testing.assert_allclose(values, expected.transpose(2, 0, 1), rtol=1e-5)


def test_grey_from_colour_and_from_grey() -> None:
    grey = to_grey(PIXELS)
    assert grey.shape == (2, 3)
    one = spec(channels="L", mean=(0.5,), std=(0.5,))
    np.testing.assert_array_equal(to_tensor(PIXELS, one)[0], to_tensor(grey, one)[0])
    assert to_tensor(grey, one)[0].shape == (1, 2, 3)


def _halves(width: int, height: int) -> np.ndarray:
    """Red in the left half, blue in the right."""
    pixels = np.zeros((height, width, 3), dtype=np.uint8)
    pixels[:, : width // 2, 0] = pixels[:, width // 2 :, 2] = 255
    return pixels


@pytest.mark.parametrize("how", ["stretch", "crop", "fit"])
def test_result_has_the_size(how: str) -> None:
    assert resized(_halves(60, 20), spec(resize=how, height=8, width=12)).shape == (8, 12, 3)


def test_stretch_keeps_both_edges() -> None:
    out = resized(_halves(60, 20), spec())
    assert out[0, 0].tolist() == [255, 0, 0]
    assert out[-1, -1].tolist() == [0, 0, 255]


def test_crop_takes_the_middle() -> None:
    pixels = _halves(90, 30)
    pixels[:, :20] = pixels[:, -20:] = 255  # white edges fall away
    out = resized(pixels, spec(resize="crop"))
    assert not (out == 255).all(axis=2).any()
    assert out[2, 0].tolist() == [255, 0, 0]
    assert out[2, 3].tolist() == [0, 0, 255]


@pytest.mark.parametrize(("channels", "mean"), [("RGB", (1.0, 0.5, 0.0)), ("BGR", (0.0, 0.5, 1.0))])
def test_fit_shows_everything_on_the_mean_colour(channels: str, mean: tuple[float, ...]) -> None:
    out = resized(_halves(40, 20), spec(resize="fit", height=8, width=8, mean=mean, channels=channels))
    assert out[0, 0].tolist() == out[-1, -1].tolist() == [255, 128, 0]
    assert out[4, 0].tolist() == [255, 0, 0]
    assert out[4, 7].tolist() == [0, 0, 255]


def test_fit_of_a_grey_graph() -> None:
    out = resized(_halves(40, 20), spec(resize="fit", channels="L", mean=(0.5,), std=(1.0,)))
    assert out[0, 0].tolist() == [128, 128, 128]


def test_free_side_keeps_its_length() -> None:
    assert resized(_halves(60, 20), spec(width=None)).shape == (4, 60, 3)


@pytest.mark.parametrize("dtype", ["float16", "uint8"])
def test_type_of_the_graph(dtype: str) -> None:
    values = to_tensor(PIXELS, spec(dtype=dtype, mean=(0.5,) * 3))
    assert values.dtype == dtype
    expected = PIXELS if dtype == "uint8" else PIXELS / 255.0 - 0.5
    np.testing.assert_allclose(values[0].transpose(1, 2, 0), expected, atol=1e-3)


def test_grey_levels_for_a_graph_of_colours() -> None:
    grey = to_grey(PIXELS)
    values = to_tensor(grey, spec(dtype="uint8"))
    assert values.shape == (1, 3, 2, 3)
    np.testing.assert_array_equal(values[0, 1], grey)


def test_border_of_fit() -> None:
    assert resized(_halves(40, 20), spec(resize="fit", border=(1, 2, 3)))[0, 0].tolist() == [1, 2, 3]


@pytest.mark.parametrize("how", ["stretch", "crop", "fit"])
@pytest.mark.parametrize("reduced", [1, 2])
def test_a_place_in_the_input_is_found_in_the_original(how: str, reduced: int) -> None:
    """A white block is drawn; where it is in the input, brought back, must be where it was drawn."""
    pixels = np.zeros((120, 240, 3), np.uint8)
    pixels[30:80, 90:140] = 255
    picture = Picture(pixels[::reduced, ::reduced], (240, 120))
    out, view = resize(picture, spec(height=96, width=64, resize=how, border=(0, 0, 0)))
    rows, columns = np.nonzero(out[:, :, 0] > 127)
    corners = (columns.min() / 64, rows.min() / 96, (columns.max() + 1) / 64, (rows.max() + 1) / 96)
    np.testing.assert_allclose(view.box(corners, picture.size), (90, 30, 140, 80), atol=4)


def test_places_are_cut_off_at_the_edges_and_put_in_order() -> None:
    view = View(-10.0, 0.0, 120.0, 50.0)
    assert view.box((0.0, -1.0, 1.0, 2.0), (100, 50)) == (0, 0, 100, 50)
    assert view.box((0.5, 0.9, 0.25, 0.1), (100, 50)) == (20, 5, 50, 45)
