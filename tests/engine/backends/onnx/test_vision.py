"""What the backend does around a plugin: batches, broken pictures, nonsense, a plugin that is far away."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper

from engine.backends.base import VisionModel
from engine.backends.onnx.session import Session
from engine.errors import CapabilityError, ImageError, InvalidRequestError, PluginError, RequestError
from engine.plugins.api import Accepts, Detection, Label, Prepared, Recognition, TextLine, VisionOutput
from engine.plugins.offers import Offers
from engine.plugins.registry import Registry
from engine.testing import recognize_images
from engine.types import RecognizeRequest

SEGMENT = VisionOutput(task="segmentation", image_size=(1, 1), mask=np.eye(4, dtype=np.uint8), mask_names=("line",))


class Stranger:
    """A plugin whose pipeline feeds and returns what it is told to."""

    id = "odd"
    enough_pixels = 0

    def __init__(self, prepared: Any = None, output: Any = SEGMENT, **marks: Any) -> None:
        self.prepared = prepared
        self.output = output
        vars(self).update(marks)

    def recognise(self, facts: Any) -> Recognition:
        return Recognition(accepts=frozenset({Accepts.IMAGE}), tasks=("odd",), confidence=1.0)

    def open(self, facts: Any) -> "Stranger":
        return self

    def prepare(self, picture: Any) -> Any:
        return self.prepared(picture) if callable(self.prepared) else self.prepared

    def finish(self, picture_size: Any, notes: Any, outputs: Any, top_k: int) -> Any:
        return self.output(notes, outputs) if callable(self.output) else self.output

    def registry(self) -> Registry:
        registry = Registry()
        registry.put("odd", Offers(pipelines=[self]))
        return registry


def feed(*rows: int, **more: np.ndarray) -> Prepared:
    """One run per number, with so many rows; every value is the number of the run."""
    runs = tuple({"x": np.full((count, 3), number, np.float32), **more} for number, count in enumerate(rows))
    return Prepared(runs=runs)


def ask(image: bytes, top_k: int = 5) -> RecognizeRequest:
    return RecognizeRequest(model="test", image=image, top_k=top_k)


@pytest.fixture
def doubling(save_graph: Callable[..., Path]) -> Callable[..., Path]:
    """A graph that doubles rows of three; the batch may be fixed, or second in the output."""

    def make(batch: Any = "n", *, second: bool = False, total: bool = False) -> Path:
        nodes = [helper.make_node("Mul", ["x", "two"], ["twice"])]
        nodes.append(helper.make_node("Transpose", ["twice"], ["y"], perm=[1, 0] if second else [0, 1]))
        outputs = {"y": [None, None]}
        if total:
            nodes.append(helper.make_node("ReduceSum", ["x"], ["sum"], keepdims=0))
            outputs["sum"] = []
        return save_graph(nodes, {"x": (TensorProto.FLOAT, [batch, 3])}, outputs, {"two": np.float32(2)[np.newaxis]})

    return make


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """Shapes of everything that a graph was run with."""
    seen: list[tuple[int, ...]] = []
    run = Session.run

    def watched(self: Session, feeds: Any) -> Any:
        seen.append(next(iter(feeds.values())).shape)
        return run(self, feeds)

    monkeypatch.setattr(Session, "run", watched)
    return seen


def sums(notes: Any, outputs: Any) -> VisionOutput:
    """The mean of each run's output, as features."""
    values = [float(run["y"].mean()) for run in outputs]
    return VisionOutput(task="odd", image_size=(1, 1), features=np.array(values, np.float32))


def test_is_a_vision_model(colour_model: Callable[..., Path], load: Any) -> None:
    model = load(colour_model())
    assert isinstance(model, VisionModel)
    assert (model.device, model.backend, model.max_batch, model.asks_outside) == ("cpu", "onnxruntime", 8, False)
    assert model.memory_bytes >= model.info.size_bytes
    assert load(colour_model(batch=2)).max_batch == 2


@pytest.mark.parametrize("second", [False, True])
def test_runs_of_all_pictures_are_joined_and_taken_apart(
    doubling: Any, load: Any, png: Any, runs: list[Any], second: bool
) -> None:
    model = load(doubling(second=second), Stranger(lambda picture: feed(1, 2, 1), sums).registry())
    outputs = recognize_images(model, [ask(png("red"))] * 2)
    assert [output.features.tolist() for output in outputs] == [[0.0, 2.0, 4.0]] * 2
    assert runs == [(8, 3)]


@pytest.mark.parametrize("second", [False, True])
def test_a_fixed_batch_is_filled_up(doubling: Any, load: Any, png: Any, runs: list[Any], second: bool) -> None:
    model = load(doubling(4, second=second), Stranger(lambda picture: feed(1, 2, 2), sums).registry())
    [output] = recognize_images(model, [ask(png("red"))])
    assert output.features.tolist() == [0.0, 2.0, 4.0]
    assert runs == [(4, 3)] * 2
    model = load(doubling(2, second=second), Stranger(lambda picture: feed(3), sums).registry())
    [output] = recognize_images(model, [ask(png("red"))])
    assert isinstance(output, RequestError)
    assert "takes 2 images at a time, but is fed 3" in str(output)


def test_what_differs_in_shape_runs_apart(save_graph: Any, load: Any, png: Any, runs: list[Any]) -> None:
    path = save_graph(
        [helper.make_node("Identity", ["x"], ["y"])], {"x": (TensorProto.FLOAT, ["n", "w"])}, {"y": ["n", "w"]}
    )
    prepared = Prepared(runs=tuple({"x": np.full((1, 2 + i % 2), i, np.float32)} for i in range(4)))
    [output] = recognize_images(load(path, Stranger(prepared, sums).registry()), [ask(png("red"))])
    assert output.features.tolist() == [0.0, 1.0, 2.0, 3.0]
    assert sorted(runs) == [(2, 2), (2, 3)]


def test_many_small_runs_are_joined_and_large_ones_are_not(
    save_graph: Any, load: Any, png: Any, runs: list[Any]
) -> None:
    path = save_graph(
        [helper.make_node("ReduceMean", ["x"], ["y"], axes=[1])],
        {"x": (TensorProto.FLOAT, ["n", "w"])},
        {"y": ["n", 1]},
    )
    for width, shapes in ((4, [(40, 4)]), (1 << 16, [(8, 1 << 16)] * 5), (1 << 23, [(2, 1 << 23)] * 2)):
        count = 4 if width == 1 << 23 else 40
        prepared = Prepared(runs=({"x": np.ones((1, width), np.float32)},) * count)
        recognize_images(load(path, Stranger(prepared, sums).registry()), [ask(png("red"))])
        assert runs == shapes
        runs.clear()


def test_outputs_that_cannot_be_taken_apart_make_pictures_run_one_by_one(
    doubling: Any, load: Any, png: Any, runs: list[Any]
) -> None:
    def total(notes: Any, outputs: Any) -> VisionOutput:
        return VisionOutput(task="odd", image_size=(1, 1), features=np.array([outputs[0]["sum"]], np.float32))

    prepared = Prepared(runs=({"x": np.ones((1, 3), np.float32)},))
    model = load(doubling(total=True), Stranger(prepared, total).registry())
    for _ in range(2):
        outputs = recognize_images(model, [ask(png("red"))] * 3)
        assert [output.features.tolist() for output in outputs] == [[3.0]] * 3
    assert runs == [(3, 3), (1, 3), (1, 3), (1, 3)] + [(1, 3)] * 3


def test_a_picture_that_the_graph_fails_on_fails_alone(save_graph: Any, load: Any, png: Any) -> None:
    path = save_graph(
        [helper.make_node("Gather", ["table", "x"], ["y"], axis=0)], {"x": (TensorProto.INT64, ["n", 1])},
        {"y": ["n", 1]}, {"table": np.array([1, 2], np.float32)},
    )  # fmt: skip
    numbers = iter([0, 7, 1])
    stranger = Stranger(lambda picture: Prepared(runs=({"x": np.array([[next(numbers)]])},)), sums)
    first, second, third = recognize_images(load(path, stranger.registry()), [ask(png("red"))] * 3)
    assert (first.features.tolist(), third.features.tolist()) == ([1.0], [2.0])
    assert type(second) is RequestError


def test_a_broken_picture_fails_alone(colour_model: Callable[..., Path], load: Any, png: Any, tmp_path: Path) -> None:
    images = [png("red"), b"no image", png("blue")]
    requests = [
        *(ask(image) for image in images),
        ask(png("red"), 0),
        RecognizeRequest(model="t", image=tmp_path / "x"),
    ]
    first, second, third, fourth, last = recognize_images(load(colour_model()), requests)
    assert (first.labels[0].name, third.labels[0].name) == ("red", "blue")
    assert isinstance(second, ImageError)
    assert isinstance(fourth, InvalidRequestError)
    assert isinstance(last, ImageError)


def test_a_stranger_can_offer_masks(doubling: Any, load: Any, png: Any) -> None:
    [output] = recognize_images(load(doubling(), Stranger(feed(1)).registry()), [ask(png("red"))])
    assert (output.task, output.image_size, output.mask_names) == ("segmentation", (20, 10), ("line",))
    assert output.mask.tolist() == np.eye(4).tolist()


def test_whether_the_plugin_is_far_away(doubling: Any, load: Any) -> None:
    assert not load(doubling(), Stranger().registry()).asks_outside
    assert load(doubling(), Stranger(is_remote=True).registry()).asks_outside


@pytest.mark.parametrize(
    "prepared",
    [
        None,
        Prepared(runs=({"y": np.zeros((1, 3), np.float32)},)),
        Prepared(runs=({},)),
        feed(1, other=np.zeros(1)),
        Prepared(runs=({"x": "text"},)),
        Prepared(runs=({"x": np.array([["a"]])},)),
        Prepared(runs=({"x": np.array([[None]])},)),
        Prepared(runs=({"x": np.zeros((0, 3), np.float32)},)),
        feed(*[1] * 5000),
    ],
)
def test_what_cannot_be_fed_is_the_plugin_s_fault(doubling: Any, load: Any, png: Any, prepared: Any) -> None:
    [output] = recognize_images(load(doubling(), Stranger(prepared).registry()), [ask(png("red"))])
    assert isinstance(output, PluginError)
    assert output.plugin == "odd"


def output(**fields: Any) -> VisionOutput:
    return replace(VisionOutput(task="odd", image_size=(1, 1)), **fields)


@pytest.mark.parametrize(
    "nonsense",
    [
        None,
        "labels",
        output(task=3),
        output(task="\x1b[2J"),
        output(labels="cat"),
        output(labels=("cat",)),
        output(labels=(Label(3, 0.5),)),
        output(labels=(Label("cat", float("nan")),)),
        output(labels=(Label("cat", 7.0),)),
        output(labels=(Label("cat", "high"),)),
        output(labels=(Label("cat", 0.5),) * 10_001),
        output(labels=(TextLine("cat", 0.5, (0, 0, 1, 1)),)),
        output(lines=(TextLine("x" * 10_001, 0.5, (0, 0, 1, 1)),)),
        output(lines=(TextLine("x", 0.5, (0, 0, 1)),)),
        output(detections=(Detection("cat", 0.5, (0, 0, 1.5, 1)),)),
        output(detections=(Detection("cat", 0.5, (5, 0, 1, 1)),)),
        output(detections=(Detection("cat", 0.5, None),)),
        output(mask=[[1]]),
        output(mask=np.zeros((2, 2))),
        output(mask=np.zeros((0, 2), np.uint8)),
        output(mask=np.zeros((2, 2, 2), np.uint8)),
        output(mask=np.ones((2, 2), np.uint8)),
        output(mask=np.ones((2, 2), np.uint8), mask_names=(3,)),
        output(mask=np.ones((2, 2), np.uint8), mask_names="ab"),
        output(features=[1.0]),
        output(features=np.ones(3)),
        output(features=np.array([np.inf], np.float32)),
        output(features=np.ones((2, 2), np.float32)),
    ],
)
def test_nonsense_is_the_plugin_s_fault(doubling: Any, load: Any, png: Any, nonsense: Any) -> None:
    [outcome] = recognize_images(load(doubling(), Stranger(feed(1), nonsense).registry()), [ask(png("red"))])
    assert isinstance(outcome, PluginError)
    assert outcome.plugin == "odd"
    assert outcome.cause.endswith(".")


def test_what_is_nearly_right_is_put_right(doubling: Any, load: Any, png: Any) -> None:
    given = output(
        image_size=(3, 4),
        labels=[Label(name, 1) for name in "abc"],
        detections=[Detection("cat", 1.005, [-5, np.int64(2), 400, 300])],
        lines=(TextLine("x", np.float32(0.5), (0, 0, 1, 1)),),
    )
    [found] = recognize_images(load(doubling(), Stranger(feed(1), given).registry()), [ask(png("red"), top_k=2)])
    assert found.image_size == (20, 10)
    assert found.labels == (Label("a", 1.0), Label("b", 1.0))
    assert found.detections == (Detection("cat", 1.0, (0, 2, 20, 10)),)
    assert found.lines == (TextLine("x", 0.5, (0, 0, 1, 1)),)


def test_a_picture_is_finished_by_the_plugin_that_prepared_it(doubling: Any, load: Any, png: Any) -> None:
    """The plugin is replaced while the picture is on its way; the next one goes to the new plugin."""
    registry = Stranger(feed(1), output(task="old")).registry()
    model = load(doubling(), registry)
    image = model.prepare(ask(png("red")))
    registry.put("odd", Offers(pipelines=[Stranger(feed(1), output(task="new"))]))
    [outputs] = model.run([image])
    assert model.finish(image, outputs, 5).task == "old"
    [found] = recognize_images(model, [ask(png("red"))])
    assert found.task == "new"
    registry.drop("odd")
    [error] = recognize_images(model, [ask(png("red"))])
    assert isinstance(error, CapabilityError)
