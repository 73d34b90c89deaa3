"""Cards: fields, their defaults, and what is said about wrong ones."""

import pytest

from engine.errors import ModelFileError
from engine.plugins.api import Card, ModelFacts, TensorFacts, class_names, image_input, read_literal


def facts(card=None, shape=(None, 1, 32, None), dtype="float32", **metadata):
    inputs = (TensorFacts("x", shape, dtype),)
    return ModelFacts(file_name="a.onnx", format="onnx", card=card or {}, inputs=inputs, metadata=metadata)


GREY = {"size": [32, None], "channels": "L", "layout": "NCHW", "mean": [0.5], "std": [0.25], "resize": "fit"}


def test_a_card_says_how_to_feed_the_graph():
    spec = image_input(facts(GREY))
    assert (spec.name, spec.height, spec.width, spec.layout, spec.channels) == ("x", 32, 224, "NCHW", "L")
    assert (spec.mean, spec.std, spec.resize, spec.dtype) == ((0.5,), (0.25,), "fit", "float32")
    assert image_input(facts(GREY), side=(None, None)).width is None


def test_without_a_card_the_graph_says_it():
    spec = image_input(facts(shape=(1, 48, 64, 3), dtype="uint8"), mean=(0.1, 0.2, 0.3), std=(2, 2, 2), resize="crop")
    assert (spec.height, spec.width, spec.layout, spec.channels) == (48, 64, "NHWC", "RGB")
    assert (spec.mean, spec.std, spec.resize, spec.dtype) == ((0.1, 0.2, 0.3), (2, 2, 2), "crop", "uint8")
    assert image_input(facts(), mean=(0.1, 0.2, 0.3)).mean == (0.0,)  # grey pictures have no mean of colours


def test_the_supposed_mean_is_that_of_rgb():
    shape = (None, 3, 8, 8)
    assert image_input(facts({"channels": "BGR"}, shape), mean=(0.1, 0.2, 0.3)).mean == (0.0, 0.0, 0.0)
    assert image_input(facts({"channels": "RGB"}, shape), mean=(0.1, 0.2, 0.3)).mean == (0.1, 0.2, 0.3)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"size": [32]}, "[height, width] in pixels"),
        ({"size": [0, 32]}, "[height, width] in pixels"),
        ({"size": [True, 32]}, "[height, width] in pixels"),
        ({"size": [32, 100_000]}, "1 to 8,192"),
        ({"layout": "CHW"}, 'layout is "CHW". It must be one of NCHW, NHWC.'),
        ({"channels": "RGBA"}, "one of RGB, BGR, L"),
        ({"mean": [0.5, 0.5]}, "mean is [0.5, 0.5]. It must be a list of 1 number."),
        ({"mean": None}, "mean is null"),
        ({"std": [0]}, "numbers above 0"),
        ({"std": ["1"]}, "a list of 1 number"),
        ({"std": [True]}, "a list of 1 number"),
        ({"resize": "zoom"}, "one of stretch, crop, fit"),
    ],
)
def test_a_wrong_field_is_named_with_what_it_must_be(change, reason):
    with pytest.raises(ModelFileError) as caught:
        image_input(facts(GREY | change))
    assert reason in str(caught.value)
    assert "a.json" in str(caught.value)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (facts(shape=(None, 7)), "does not take images: its input is x float32 with 2 axes"),
        (facts(dtype="int64"), "does not take images"),
        (facts(shape=(None, 5, 8, 8)), "5 channels"),
        (facts({"channels": "RGB"}), "1 channels"),
        (facts({"size": [16, 16]}, (None, 3, 8, 8)), "The card says 16 x 16, but the graph 8 x 8."),
    ],
)
def test_graphs_that_cannot_be_fed(given, says):
    with pytest.raises(ModelFileError, match=says):
        image_input(given)


def test_texts_and_choices():
    card = Card(facts({"labels": ["cat", "dog"], "task": "x"}))
    assert card.texts("labels") == ("cat", "dog")
    assert card.texts("other") == ()
    assert card.choice("mode", ("fast", "slow"), "slow") == "slow"
    for read in (lambda: card.text("labels"), lambda: card.texts("task"), lambda: card.choice("task", ("a",), "a")):
        with pytest.raises(ModelFileError, match="It must be"):
            read()


@pytest.mark.parametrize(
    ("metadata", "names"),
    [
        ({"names": "{0: 'cat', 2: 'dog'}"}, ("cat", "class 1", "dog")),
        ({"names": '{"1": "dog", "0": "cat"}'}, ("cat", "dog")),
        ({"labels": '["cat", "dog"]'}, ("cat", "dog")),
        ({"names": "['cat']"}, ("cat",)),
        ({"names": "{99999999: 'cat'}"}, ()),
        ({"names": "{-1: 'cat'}"}, ()),
        ({"names": "__import__('os')"}, ()),
        ({"names": "[" * 20_000}, ()),
        ({"names": 7}, ()),
        ({}, ()),
    ],
)
def test_names_of_classes_in_the_file(metadata, names):
    assert class_names(facts(**metadata)) == names


def test_names_of_classes_in_the_card_come_first():
    assert class_names(facts({"labels": ["a"]}, names="['b']")) == ("a",)


def test_literals():
    assert read_literal("[640, 640]") == [640, 640]
    assert read_literal("{'a': None}") == {"a": None}
    assert read_literal("not a value") is None
