"""Detectors of every known layout, as graphs that find known boxes, run by the real ONNX Runtime."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper
from PIL import Image

from engine.errors import ModelFileError, RequestError
from engine.plugins.api import ModelFacts, TensorFacts
from engine.plugins.bundled import bundled_registry
from engine.plugins.loader import load as load_plugin
from engine.plugins.manifest_reader import read_manifest
from engine.plugins.registry import Registry
from engine.testing import recognize_images
from engine.types import Detection, RecognizeRequest
from plugins import plugins_dir

SIDE = 64
SIZE = (128, 64)
"""Of the picture: it fills the middle half of the graph's input, rows 16 to 48."""

PLACES = {"cat": (16, 20, 32, 40), "dog": (40, 24, 60, 44)}
"""In the graph's input, pixels."""
EXPECTED = {"cat": (32, 8, 64, 48), "dog": (80, 16, 120, 56)}
"""In the picture: twice as large, and without the border above."""
NAMES = {"names": "{0: 'bird', 1: 'cat', 2: 'dog'}"}


def middles(*corners: tuple[int, ...]) -> np.ndarray:
    boxes = np.array(corners, np.float32)
    return np.concatenate([(boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]], axis=1)


def anchors(*, objectness: bool, classes: int = 3, count: int = 84) -> np.ndarray:
    """Both places, each found twice, a little apart and less certain; the other anchors see nothing."""
    table = np.zeros((count, 4 + objectness + classes), np.float32)
    cat, dog = PLACES.values()
    shifted = tuple(side + 1 for side in cat)
    table[[3, 4, 20, 21], :4] = middles(cat, shifted, dog, (2, 30, 9, 40))
    scores = [(3, 1, 0.9), (4, 1, 0.6), (20, 2, 0.8), (21, 2, 0.2)]
    for row, kind, score in scores:
        table[row, 4 + objectness + kind] = score
    if objectness:
        table[:, 4] = 1.0
        table[20, 4:] = [0.8, *(1.0 if kind == 2 else 0.0 for kind in range(classes))]
    return table


def finals(count: int = 30) -> np.ndarray:
    table = np.zeros((count, 6), np.float32)
    table[0] = [*PLACES["cat"], 0.9, 1]
    table[1] = [*PLACES["dog"], 0.8, 2]
    table[2] = [*PLACES["dog"], 0.1, 0]
    return table


def detector(save_graph: Any, *, batch: Any = 1, card: Any = None, notes: Any = None, **outputs: np.ndarray) -> Path:
    """A graph that looks at its input and gives these outputs, once per image, if the picture's middle is red."""
    nodes = [
        helper.make_node("Slice", ["images", "from", "to", "axes"], ["middle"]),
        helper.make_node("ReduceMean", ["middle"], ["mean"], axes=[2, 3], keepdims=0),
        helper.make_node("Slice", ["mean", "zero", "one", "one"], ["red"]),  # (batch, 1)
    ]
    weights = {
        "from": np.array([SIDE // 4, 0]), "to": np.array([3 * SIDE // 4, SIDE]), "axes": np.array([2, 3]),
        "zero": np.array([0]), "one": np.array([1]),
    }  # fmt: skip
    for name, table in outputs.items():
        weights[f"{name}_table"] = table[np.newaxis].astype(np.float32)
        weights[f"{name}_axes"] = np.arange(2, table.ndim + 1)
        source = "red"
        if table.ndim > 1:
            nodes.append(helper.make_node("Unsqueeze", ["red", f"{name}_axes"], [f"{name}_red"]))
            source = f"{name}_red"
        nodes.append(helper.make_node("Mul", [source, f"{name}_table"], [name]))
    shapes = {name: [batch, *table.shape] for name, table in outputs.items()}
    inputs = {"images": (TensorProto.FLOAT, [batch, 3, SIDE, SIDE])}
    return save_graph(nodes, inputs, shapes, weights, card, notes=notes)


@pytest.fixture
def picture(tmp_path: Path) -> RecognizeRequest:
    Image.new("RGB", SIZE, "red").save(tmp_path / "red.png")
    return RecognizeRequest(model="test", image=tmp_path / "red.png")


def found(detections: tuple[Detection, ...]) -> dict[str, tuple[int, int, int, int]]:
    assert len({item.name for item in detections}) == len(detections)
    assert list(detections) == sorted(detections, key=lambda item: -item.score)
    return {item.name: item.box for item in detections}


LAYOUTS: dict[str, dict[str, np.ndarray]] = {
    "anchors in columns": {"output0": anchors(objectness=False).T},
    "anchors in rows": {"output0": anchors(objectness=False)},
    "anchors with objectness": {"output0": anchors(objectness=True)},
    "final rows": {"output0": finals()},
    "final parts": {
        "boxes": finals()[:, :4], "scores": finals()[:, 4], "labels": finals()[:, 5],
    },
    "final parts, counted": {
        "num_dets": np.array([2.0]), "det_boxes": finals()[:, :4], "det_scores": finals()[:, 4] + 0.05,
        "det_classes": finals()[:, 5],
    },
    "shares of the image": {"output0": anchors(objectness=False) / np.array([SIDE] * 4 + [1] * 3)},
}  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS)
def test_boxes_are_found_in_every_layout(save_graph: Any, load: Any, picture: RecognizeRequest, layout: str) -> None:
    model = load(detector(save_graph, notes={"task": "detect", "stride": "32"} | NAMES, **LAYOUTS[layout]))
    [output] = recognize_images(model, [picture])
    assert (output.task, output.image_size) == ("detection", SIZE)
    boxes = found(output.detections)
    assert boxes.keys() == EXPECTED.keys()
    for name, box in boxes.items():
        np.testing.assert_allclose(box, EXPECTED[name], atol=1)
    assert output.detections[0].score == pytest.approx(0.9, abs=0.06)


@pytest.mark.parametrize("has_nothing", [True, False])
def test_queries(save_graph: Any, load: Any, picture: RecognizeRequest, has_nothing: bool) -> None:
    logits = np.full((5, 3 + has_nothing), -9.0, np.float32)
    logits[0, 1] = logits[1, 2] = 5.0
    if has_nothing:
        logits[2:, 3] = 9.0
    boxes = np.zeros((5, 4), np.float32)
    # Such graphs see the picture stretched over their whole input.
    boxes[:2] = middles(*[(x0 / 128, y0 / 64, x1 / 128, y1 / 64) for x0, y0, x1, y1 in EXPECTED.values()])
    card = {"task": "detection", "labels": ["bird", "cat", "dog"], "mean": [0, 0, 0], "std": [1, 1, 1]}
    model = load(detector(save_graph, card=card, logits=logits, pred_boxes=boxes))
    [output] = recognize_images(model, [picture])
    for name, box in found(output.detections).items():
        np.testing.assert_allclose(box, EXPECTED[name], atol=1)
    assert len(output.detections) == 2


@pytest.mark.parametrize("resize", ["fit", "stretch", "crop"])
def test_boxes_lie_in_the_picture_however_it_was_resized(
    save_graph: Any, load: Any, picture: RecognizeRequest, resize: str
) -> None:
    card = {"task": "detection", "resize": resize, "labels": ["bird", "cat", "dog"]}
    [output] = recognize_images(load(detector(save_graph, card=card, output0=finals())), [picture])
    left, top, right, bottom = PLACES["cat"]
    if resize == "fit":
        expected = EXPECTED["cat"]
    elif resize == "stretch":
        expected = (left * 2, top, right * 2, bottom)
    else:  # the middle 56 x 56 pixels
        expected = tuple(36 + side * 7 / 8 if i % 2 == 0 else 4 + side * 7 / 8 for i, side in enumerate(PLACES["cat"]))
    np.testing.assert_allclose(found(output.detections)["cat"], expected, atol=1)


def test_what_is_no_red_picture_has_nothing(save_graph: Any, load: Any, png: Any) -> None:
    model = load(detector(save_graph, notes={"task": "detect"} | NAMES, output0=anchors(objectness=False).T))
    [output] = recognize_images(model, [RecognizeRequest(model="test", image=png("blue", SIZE))])
    assert output.detections == ()


@pytest.mark.parametrize("batch", ["n", 1, 4])
def test_pictures_in_one_batch_keep_their_boxes(save_graph: Any, load: Any, png: Any, batch: Any) -> None:
    notes = {"task": "detect"} | NAMES
    model = load(detector(save_graph, batch=batch, notes=notes, output0=anchors(objectness=False).T))
    images = [png(colour, size) for colour, size in (("red", SIZE), ("blue", SIZE), ("red", (256, 128)), ("red", SIZE))]
    outputs = recognize_images(model, [RecognizeRequest(model="test", image=image) for image in images])
    assert [len(output.detections) for output in outputs] == [2, 0, 2, 2]
    for small, large in zip(found(outputs[0].detections).values(), found(outputs[2].detections).values(), strict=True):
        np.testing.assert_allclose(np.array(small) * 2, large, atol=2)


def test_eighty_classes_without_names_are_those_of_coco(save_graph: Any, load: Any, picture: RecognizeRequest) -> None:
    table = anchors(objectness=False, classes=80, count=100)
    [output] = recognize_images(load(detector(save_graph, output0=table.T)), [picture])
    assert [item.name for item in output.detections] == ["bicycle", "car"]


def test_other_classes_without_names_are_numbered(save_graph: Any, load: Any, picture: RecognizeRequest) -> None:
    [output] = recognize_images(load(detector(save_graph, card={"task": "detection"}, output0=finals())), [picture])
    assert [item.name for item in output.detections] == ["class 1", "class 2"]


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        ({"least_score": 0.85, "overlap": 0.45}, ["cat"]),
        ({"least_score": 0.25, "overlap": 0.45}, ["cat", "dog"]),
        ({"least_score": 0.25, "overlap": 1.0}, ["cat", "dog", "cat"]),
        ({"least_score": 0.1, "overlap": 0.45}, ["cat", "dog", "dog"]),
    ],
)
def test_settings(
    save_graph: Any, load: Any, picture: RecognizeRequest, settings: dict[str, float], names: list[str]
) -> None:
    folder = plugins_dir() / "detect"
    manifest = read_manifest(folder)
    assert manifest.defaults() == {"least_score": 0.25, "overlap": 0.45}
    registry = Registry()
    registry.put("detect", load_plugin(folder, manifest, settings))
    path = detector(save_graph, notes={"task": "detect"} | NAMES, output0=anchors(objectness=False).T)
    [output] = recognize_images(load(path, registry), [picture])
    assert [item.name for item in output.detections] == names


def test_outputs_that_are_no_boxes(save_graph: Any, load: Any, picture: RecognizeRequest) -> None:
    with pytest.raises(ModelFileError, match="hold no boxes: it gives y with 2 axes"):
        load(detector(save_graph, card={"task": "detection"}, y=np.zeros(7)))
    for outputs, says in (
        ({"output0": np.zeros((3, 4))}, "holds no boxes"),
        ({"boxes": np.zeros((5, 4)), "scores": np.zeros(4), "labels": np.zeros(5)}, "5 boxes, but 4 scores"),
        ({"logits": np.zeros((5, 4)), "pred_boxes": np.zeros((6, 4))}, "hold no boxes"),
    ):
        [output] = recognize_images(load(detector(save_graph, card={"task": "detection"}, **outputs)), [picture])
        assert isinstance(output, RequestError)
        assert says in str(output)


def test_scores_that_are_no_numbers_are_no_boxes(save_graph: Any, load: Any, picture: RecognizeRequest) -> None:
    table = finals()
    table[0, 4], table[1, 2] = np.nan, np.inf
    [output] = recognize_images(load(detector(save_graph, card={"task": "detection"}, output0=table)), [picture])
    assert output.detections == ()


def facts(shape: tuple[int | None, ...], card: dict[str, Any] | None = None, **notes: str) -> ModelFacts:
    return ModelFacts(
        file_name="a.onnx", format="onnx", inputs=(TensorFacts("images", (1, 3, 640, 640), "float32"),),
        outputs=(TensorFacts("output0", shape, "float32"),), card=card or {}, metadata=notes,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("given", "is_detector"),
    [
        (facts((1, 84, 8400)), True),
        (facts((1, 25200, 85)), True),
        (facts((1, 7, 8400)), True),
        (facts((None, None, 85)), True),
        (facts((1, 300, 6), task="detect"), True),
        (facts((1, 300, 6), stride="32"), True),
        (facts((1, 116, 8400), task="segment"), False),
        (facts((1, 84, 8400), {"task": "features"}), False),
        (facts((1, 197, 768)), False),
        (facts((1, 1000)), False),
        (facts((1, 1000), {"task": "detection"}), True),
    ],
)
def test_who_is_a_detector(given: ModelFacts, is_detector: bool) -> None:
    assert ("detection" in bundled_registry().serve(given).tasks) == is_detector


def test_side_of_the_input(save_graph: Callable[..., Path]) -> None:
    for notes, side in (({}, (640, 640)), ({"imgsz": "[320, 480]"}, (320, 480)), ({"imgsz": "[9]"}, (640, 640))):
        given = facts((1, 84, 8400), **notes)
        free = ModelFacts(
            file_name="a.onnx", format="onnx", inputs=(TensorFacts("images", (1, 3, None, None), "float32"),),
            outputs=given.outputs, metadata=given.metadata,
        )  # fmt: skip
        assert bundled_registry().open_image(free).enough_pixels == 2 * max(side)
