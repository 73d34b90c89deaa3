"""A stranger's pipeline, in a process of its own, through the real backend: it marks what is red in a picture."""

import io
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper
from PIL import Image

from engine.errors import ModelFileError, PluginError
from engine.models.onnx_facts import facts_of
from engine.plugins.manifest import Manifest, OfferKind
from engine.plugins.process.process import PluginProcess
from engine.plugins.registry import Registry
from engine.testing import recognize_images
from engine.types import RecognizeRequest

SOURCE = """
import numpy as np

from engine.plugins.api import (
    Accepts, ModelFileError, Prepared, Recognition, VisionOutput, class_names, image_input, resize, to_tensor,
)


class Segments:
    id = "segments"

    def recognise(self, facts):
        if facts.card.get("task") != "segmentation":
            return None
        return Recognition(accepts=frozenset({Accepts.IMAGE}), tasks=("segmentation",), confidence=0.9)

    def open(self, facts):
        if not class_names(facts):
            raise ModelFileError("The card names no labels.", "Add them.")
        return SegmentsFormat(image_input(facts), class_names(facts))


class SegmentsFormat:
    def __init__(self, spec, names):
        self.spec = spec
        self.names = names

    @property
    def enough_pixels(self):
        return self.spec.enough_pixels

    def prepare(self, picture):
        pixels, view = resize(picture, self.spec)
        notes = {"view": [view.left, view.top, view.width, view.height]}
        return Prepared(runs=({self.spec.name: to_tensor(pixels, self.spec)},), notes=notes)

    def finish(self, picture_size, notes, outputs, top_k):
        assert notes["view"] == [0.0, 0.0, *picture_size]
        mask = outputs[0]["scores"][0].argmax(axis=0).astype(np.uint8)
        if mask.min() == 1:
            raise ZeroDivisionError("nothing but red")
        return VisionOutput(task="segmentation", image_size=picture_size, mask=mask, mask_names=self.names)


def register(registrar):
    registrar.add_pipeline(Segments())
"""


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    folder = tmp_path_factory.mktemp("plugins") / "segments"
    folder.mkdir()
    (folder / "__init__.py").write_text(SOURCE, encoding="utf-8")
    manifest = Manifest(
        id="segments", name="Segments", version="1.0.0", api="1.0", summary="Marks things.",
        provides=((OfferKind.PIPELINE, "segments"),),
    )  # fmt: skip
    process = PluginProcess(folder, manifest, {}, lambda: None)
    registry = Registry()
    registry.put("segments", process.start(), is_stranger=True)
    yield registry
    process.stop()


@pytest.fixture
def red_model(save_graph: Callable[..., Path]) -> Callable[..., Path]:
    """Two scores per pixel: what is missing from red, and red."""

    def make(**card: Any) -> Path:
        return save_graph(
            [
                helper.make_node("Slice", ["x", "nought", "one", "one"], ["red"]),
                helper.make_node("Sub", ["whole", "red"], ["rest"]),
                helper.make_node("Concat", ["rest", "red"], ["scores"], axis=1),
            ],
            {"x": (TensorProto.FLOAT, ["n", 3, 16, 32])},
            {"scores": ["n", 2, 16, 32]},
            {"nought": np.array([0]), "one": np.array([1]), "whole": np.float32(1)[np.newaxis]},
            {"task": "segmentation", "labels": ["red"], **card},
        )

    return make


def half(colour: str) -> bytes:
    """A picture whose left half has a colour."""
    image = Image.new("RGB", (64, 32), "black")
    image.paste(colour, (0, 0, 32, 32))
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def ask(image: bytes) -> RecognizeRequest:
    return RecognizeRequest(model="test", image=image)


def test_masks_from_another_process(registry: Registry, red_model: Any, load: Any, png: Any) -> None:
    path = red_model()
    assert registry.serve(facts_of(path), wait=True).tasks == ("segmentation",)
    model = load(path, registry)
    assert model.asks_outside
    left, nothing, broken = recognize_images(model, [ask(half("red")), ask(half("blue")), ask(png("red"))])
    assert (left.task, left.image_size, left.mask_names) == ("segmentation", (64, 32), ("red",))
    assert left.mask.shape == (16, 32)
    assert left.mask[:, :15].all()
    assert not left.mask[:, 17:].any()
    assert not nothing.mask.any()
    assert isinstance(broken, PluginError)
    assert broken.plugin == "segments"


def test_what_it_refuses_is_told_in_its_words(registry: Registry, red_model: Any, load: Any) -> None:
    with pytest.raises(ModelFileError, match=r"The card names no labels\. Add them\."):
        load(red_model(labels=[]), registry)


def test_several_threads_may_ask_at_once(registry: Registry, red_model: Any, load: Any) -> None:
    model = load(red_model(), registry)
    request = ask(half("red"))
    shapes: list[Any] = []

    def look() -> None:
        [run] = model.prepare(request).prepared.runs
        shapes.append(run["x"].shape)

    threads = [threading.Thread(target=look) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert shapes == [(1, 3, 16, 32)] * 6
