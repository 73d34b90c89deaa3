"""Classification and features, with graphs whose answers are known."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from PIL import Image

from engine.backends.base import VisionModel
from engine.errors import CapabilityError, ImageError, InvalidRequestError, ModelFileError, RequestError
from engine.plugins.api import Accepts, ModelFacts, Picture, TensorFacts
from engine.plugins.bundled import bundled_registry
from engine.testing import recognize_images
from engine.types import RecognizeRequest


def ask(image: Any, top_k: int = 5) -> RecognizeRequest:
    return RecognizeRequest(model="test", image=image, top_k=top_k)


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize("softmax", [False, True])
@pytest.mark.parametrize("batch", ["n", 1, 2])
def test_names_the_colour(
    colour_model: Callable[..., Path], load: Any, png: Any, layout: str, softmax: bool, batch: int | str
) -> None:
    model = load(colour_model(layout=layout, softmax=softmax, batch=batch))
    requests = [ask(png("blue")), ask(png("red", kind="JPEG")), ask(png("lime", kind="WEBP"))]
    for outcome, name in zip(recognize_images(model, requests), ("blue", "red", "green"), strict=True):
        assert outcome.task == "classification"
        assert outcome.image_size == (20, 10)
        assert outcome.labels[0].name == name
        assert outcome.labels[0].score == pytest.approx(1 / (1 + 2 * np.exp(-10)), abs=2e-3)
        assert sum(label.score for label in outcome.labels) == pytest.approx(1.0, abs=1e-3)


def test_is_a_vision_model(colour_model: Callable[..., Path], load: Any) -> None:
    model = load(colour_model())
    assert isinstance(model, VisionModel)
    assert (model.device, model.backend, model.max_batch) == ("cpu", "onnxruntime", 8)
    assert model.memory_bytes >= model.info.size_bytes
    assert load(colour_model(batch=2)).max_batch == 2


def test_a_batch_gives_what_single_images_give(colour_model: Callable[..., Path], load: Any, png: Any) -> None:
    model = load(colour_model())
    rng = np.random.default_rng(0)
    requests = [ask(png(tuple(rng.integers(0, 256, 3).tolist()), size=(7 + i, 9)), top_k=1 + i % 3) for i in range(11)]
    together = recognize_images(model, requests)
    alone = [recognize_images(model, [request])[0] for request in requests]
    for one, other in zip(together, alone, strict=True):
        assert one.image_size == other.image_size
        assert [label.name for label in one.labels] == [label.name for label in other.labels]
        np.testing.assert_allclose([x.score for x in one.labels], [x.score for x in other.labels], rtol=1e-5)
    assert [len(outcome.labels) for outcome in together[:3]] == [1, 2, 3]


def test_a_broken_image_fails_alone(colour_model: Callable[..., Path], load: Any, png: Any, tmp_path: Path) -> None:
    requests = [ask(png("red")), ask(b"no image"), ask(tmp_path / "none.png"), ask(png("red"), 0), ask(png("blue"))]
    first, second, third, fourth, last = recognize_images(load(colour_model()), requests)
    assert first.labels[0].name == "red"
    assert isinstance(second, ImageError)
    assert isinstance(third, ImageError)
    assert isinstance(fourth, InvalidRequestError)
    assert last.labels[0].name == "blue"


def test_bgr_and_mean(colour_model: Callable[..., Path], load: Any, png: Any) -> None:
    model = load(colour_model(channels="BGR", mean=[0, 0, 0.9], std=[1, 1, 1]))
    [outcome] = recognize_images(model, [ask(png("white"))])
    assert [label.name for label in outcome.labels] == ["red", "green", "blue"]
    [outcome] = recognize_images(model, [ask(png("blue"))])  # BGR: blue comes first
    assert outcome.labels[0].name == "red"


def test_labels_are_numbered_where_the_card_has_none(colour_model: Callable[..., Path], load: Any, png: Any) -> None:
    model = load(colour_model(labels=["red"]))
    [outcome] = recognize_images(model, [ask(png((255, 128, 0)))])
    assert [label.name for label in outcome.labels] == ["red", "class 1", "class 2"]


def test_exif_and_transparency_reach_the_model(colour_model: Callable[..., Path], load: Any, png: Any) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    model = load(colour_model())
    turned, clear = recognize_images(
        model, [ask(png("red", kind="JPEG", exif=exif)), ask(png((0, 0, 0, 0), mode="RGBA"))]
    )
    assert turned.image_size == (10, 20)
    assert [label.score for label in clear.labels] == pytest.approx([1 / 3] * 3, abs=1e-3)


def test_guesses_without_a_card(colour_model: Callable[..., Path], load: Any, png: Any) -> None:
    for layout in ("NCHW", "NHWC"):
        path = colour_model(layout=layout, side="side")
        path.with_suffix(".json").unlink()
        [outcome] = recognize_images(load(path), [ask(png("lime"), 1)])
        assert outcome.labels[0].name == "class 1"


def test_half_precision_input_and_bytes_input(save_graph: Callable[..., Path], load: Any, png: Any) -> None:
    card = {"task": "features", "size": [2, 2], "mean": [0, 0, 0], "std": [1, 1, 1], "resize": "stretch"}
    for kind, top in ((TensorProto.FLOAT16, 1.0), (TensorProto.UINT8, 255.0)):
        nodes = [helper.make_node("Cast", ["x"], ["y"], to=TensorProto.FLOAT)]
        path = save_graph(nodes, {"x": (kind, ["n", 3, 2, 2])}, {"y": ["n", 3, 2, 2]}, card=card)
        [outcome] = recognize_images(load(path), [ask(png("red"))])
        assert outcome.task == "features"
        assert outcome.features.dtype == np.float32
        assert outcome.features.tolist() == [top] * 4 + [0.0] * 8


def test_grey_graph(save_graph: Callable[..., Path], load: Any, png: Any) -> None:
    path = save_graph(
        [helper.make_node("Identity", ["x"], ["y"])], {"x": (TensorProto.FLOAT, ["n", 1, 2, 3])}, {"y": ["n", 1, 2, 3]},
        card={"task": "features", "channels": "L", "mean": [0.5], "std": [0.5], "resize": "stretch"},
    )  # fmt: skip
    [outcome] = recognize_images(load(path), [ask(png("white"))])
    assert outcome.features.tolist() == [1.0] * 6


def test_a_graph_that_fails_on_one_image_says_so(save_graph: Callable[..., Path], load: Any, png: Any) -> None:
    nodes = [helper.make_node("Reshape", ["x", "shape"], ["y"])]
    path = save_graph(
        nodes, {"x": (TensorProto.FLOAT, ["n", 3, 2, 2])}, {"y": [None, None]}, {"shape": np.array([5, -1])},
        card={"task": "features", "size": [2, 2]},
    )  # fmt: skip
    outcomes = recognize_images(load(path), [ask(png("red")), ask(png("blue"))])
    assert all(type(outcome) is RequestError for outcome in outcomes)
    assert "failed" in str(outcomes[0])


def _identity(shape: list[Any], kind: int = TensorProto.FLOAT) -> tuple[Any, Any, Any]:
    return [helper.make_node("Identity", ["x"], ["y"])], {"x": (kind, shape)}, {"y": shape}


@pytest.mark.parametrize(
    ("shape", "card", "says"),
    [
        (["n", 7], {"task": "classification"}, "does not take images"),
        (["n", 5, 8, 8], {"task": "features"}, "5 channels"),
        (["n", 1, 8, 8], {"task": "features", "channels": "RGB"}, "1 channels"),
        (["n", 3, 8, 8], {"task": "features", "size": [16, 16]}, "16 x 16"),
        (["n", 3, 8, 8], {"task": "classification", "labels": "cat"}, 'labels is "cat"'),
    ],
)
def test_graphs_that_cannot_be_fed(
    save_graph: Callable[..., Path], load: Any, shape: list[Any], card: Any, says: str
) -> None:
    with pytest.raises(ModelFileError, match=says):
        load(save_graph(*_identity(shape), card=card))


@pytest.mark.parametrize(
    ("shape", "card", "says"),
    [
        (["n", 7], None, "No plugin knows what to do with model"),
        (["n", 3, 8, 8], None, "No plugin knows what to do with model"),
        (["n", 3, 8, 8], {"task": "dancing"}, "names as its task: dancing"),
    ],
)
def test_what_no_plugin_knows_is_said(
    save_graph: Callable[..., Path], load: Any, shape: list[Any], card: Any, says: str
) -> None:
    with pytest.raises(CapabilityError, match=says):
        load(save_graph(*_identity(shape), card=card))


def _facts(output: str, shape: tuple[int | None, ...], card: dict[str, Any] | None = None, **notes: str) -> ModelFacts:
    return ModelFacts(
        file_name="a.onnx", format="onnx", inputs=(TensorFacts("x", (None, 3, 8, 8), "float32"),),
        outputs=(TensorFacts(output, shape, "float32"),), card=card or {}, metadata=notes,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("facts", "task"),
    [
        (_facts("logits", (None, 10)), "classification"),
        (_facts("y", (1, 10, 1, 1)), "classification"),
        (_facts("image_embeds", (None, 512)), "features"),
        (_facts("image_embeds", (None, 512), {"task": "classification"}), "classification"),
        (_facts("logits", (None, 10), {"task": "features"}), "features"),
        (_facts("output0", (1, 10), task="classify"), "classification"),
        (_facts("output0", (1, 10), task="pose"), None),
        (_facts("mask", (None, 21, 8, 8)), None),
        (_facts("logits", (None, 10), {"task": "reading", "charset": "ab"}), "reading"),
    ],
)
def test_who_serves_what(facts: ModelFacts, task: str | None) -> None:
    served = bundled_registry().serve(facts)
    assert served.tasks == ((task,) if task else ())
    assert served.accepts == ({Accepts.IMAGE} if task else frozenset())


def test_names_of_classes_stand_in_the_file(
    save_graph: Callable[..., Path], colour_model: Callable[..., Path], load: Any, png: Any
) -> None:
    model = onnx.load(colour_model())
    helper.set_model_props(model, {"names": "{0: 'rot', 1: 'gr\u00fcn', 2: 'blau'}"})
    path = colour_model()
    onnx.save(model, path)
    path.with_suffix(".json").write_text('{"size": [8, 8], "resize": "stretch"}')
    [outcome] = recognize_images(load(path), [ask(png("lime"), 1)])
    assert outcome.labels[0].name == "gr\u00fcn"


@pytest.mark.parametrize("task", ["classification", "features"])
def test_outputs_that_are_no_numbers(save_graph: Callable[..., Path], load: Any, png: Any, task: str) -> None:
    nodes = [
        helper.make_node("Sub", ["x", "x"], ["zero"]),
        helper.make_node("Div", ["zero", "zero"], ["nan"]),
        helper.make_node("Flatten", ["nan"], ["y"]),
    ]
    path = save_graph(nodes, {"x": (TensorProto.FLOAT, ["n", 3, 2, 2])}, {"y": ["n", 12]}, card={"task": task})
    [outcome] = recognize_images(load(path), [ask(png("red"))])
    assert isinstance(outcome, RequestError)
    assert "no finite numbers" in str(outcome)


@pytest.mark.parametrize(("notes", "white"), [({}, 1.0 / 0.229 - 0.485 / 0.229), ({"task": "classify"}, 1.0)])
def test_colours_are_those_of_imagenet_unless_the_file_tells_a_yolo(notes: dict[str, str], white: float) -> None:
    facts = _facts("output0", (1, 10), **notes)
    [run] = bundled_registry().open_image(facts).prepare(Picture(np.full((8, 8, 3), 255, np.uint8), (8, 8))).runs
    assert run["x"][0, 0, 4, 4] == pytest.approx(white, rel=1e-5)
