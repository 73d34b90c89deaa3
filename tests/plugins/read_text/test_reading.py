"""The pipeline for line readers: what it takes, what it refuses, and graphs that put time first."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper
from PIL import Image, ImageDraw, ImageFont

from engine.errors import ModelFileError, RequestError
from engine.testing import recognize_images
from engine.types import RecognizeRequest

CARD = {"task": "reading", "channels": "L", "charset": "ab", "mean": [0], "std": [1]}


@pytest.mark.parametrize(
    ("card", "classes", "says"),
    [
        ({"charset": ""}, 3, "the characters that the model reads"),
        ({"charset": "aa"}, 3, "characters that occur once each"),
        ({"charset": 3}, 3, "It must be a text"),
        ({"charset": "abc"}, 3, "3 characters, so the graph should have 4 classes"),
        ({}, 96, "2 characters, so the graph should have 3 classes"),
    ],
)
def test_card_and_graph_must_agree(
    save_graph: Callable[..., Path], load: Any, card: dict[str, Any], classes: int, says: str
) -> None:
    path = save_graph(
        [helper.make_node("Identity", ["x"], ["y"])], {"x": (TensorProto.FLOAT, ["n", 1, 32, "w"])},
        {"y": ["n", "t", classes]}, card=CARD | card,
    )  # fmt: skip
    with pytest.raises(ModelFileError, match=says):
        load(path)


def ink_reader(save_graph: Callable[..., Path], *, time_first: bool, batch: Any = "n", card: Any = None) -> Path:
    """A reader that sees `a` in every dark column, and nothing elsewhere."""
    nodes = [
        helper.make_node("ReduceMean", ["x"], ["columns"], axes=[1, 2], keepdims=0),
        helper.make_node("Sub", ["half", "columns"], ["dark"]),
        helper.make_node("Mul", ["dark", "sure"], ["a"]),
        helper.make_node("Neg", ["a"], ["blank"]),
        helper.make_node("Sub", ["blank", "blank"], ["nought"]),
        helper.make_node("Sub", ["nought", "sure"], ["b"]),
        *(helper.make_node("Unsqueeze", [name, "two"], [f"{name}1"]) for name in ("blank", "a", "b")),
        helper.make_node("Concat", ["blank1", "a1", "b1"], ["scores"], axis=2),
        helper.make_node("Transpose", ["scores"], ["y"], perm=[1, 0, 2] if time_first else [0, 1, 2]),
    ]
    weights = {"half": np.float32(0.8), "sure": np.float32(200), "two": np.array([2], np.int64)}
    return save_graph(
        nodes, {"x": (TensorProto.FLOAT, [batch, 1, 16, "w"])}, {"y": [None, None, 3]},
        {name: np.asarray(value) for name, value in weights.items()}, card or CARD,
    )  # fmt: skip


def page(*rows: int) -> Image.Image:
    """Lines of this many solid bars each."""
    image = Image.new("L", (400, 40 * len(rows) + 20), 255)
    draw = ImageDraw.Draw(image)
    for row, bars in enumerate(rows):
        for bar in range(bars):
            draw.text((20 + 14 * bar, 12 + 40 * row), "I", fill=0, font=ImageFont.load_default(24))
    return image


@pytest.mark.parametrize("time_first", [False, True])
@pytest.mark.parametrize("batch", ["n", 1, 3])
def test_time_may_come_first(
    save_graph: Callable[..., Path], load: Any, tmp_path: Path, time_first: bool, batch: Any
) -> None:
    model = load(ink_reader(save_graph, time_first=time_first, batch=batch))
    requests = []
    for number, rows in enumerate([(3, 5), (2,), (9, 4, 6)]):
        page(*rows).save(tmp_path / f"{number}.png")
        requests.append(RecognizeRequest(model="test", image=tmp_path / f"{number}.png"))
    found = recognize_images(model, requests)
    assert [[line.text for line in output.lines] for output in found] == [
        ["aaa", "aaaaa"], ["aa"], ["aaaaaaaaa", "aaaa", "aaaaaa"],
    ]  # fmt: skip
    assert all(output.task == "reading" for output in found)


def test_a_page_without_lines_runs_nothing(save_graph: Callable[..., Path], load: Any, png: Any) -> None:
    model = load(ink_reader(save_graph, time_first=False))
    image = model.prepare(RecognizeRequest(model="test", image=png("white")))
    assert image.prepared.runs == ()
    [output] = recognize_images(model, [RecognizeRequest(model="test", image=png("white"))])
    assert output.lines == ()


def test_an_output_that_does_not_fit_the_card(save_graph: Callable[..., Path], load: Any, tmp_path: Path) -> None:
    nodes = [helper.make_node("Flatten", ["x"], ["y"])]
    path = save_graph(nodes, {"x": (TensorProto.FLOAT, ["n", 1, 16, "w"])}, {"y": ["n", "t", 3]}, card=CARD)
    page(4).save(tmp_path / "page.png")
    [output] = recognize_images(load(path), [RecognizeRequest(model="test", image=tmp_path / "page.png")])
    assert isinstance(output, RequestError)
    assert "does not fit its card" in str(output)
