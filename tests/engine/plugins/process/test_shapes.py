"""What a stranger sends is of the promised type, or refused."""

import math
from dataclasses import replace

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.plugins.contract.models import Composition, Recognition, Span, Text, Token
from engine.plugins.contract.offers import Sample
from engine.plugins.contract.values import InputFile, Table
from engine.plugins.contract.vision import Prepared
from engine.plugins.process.descriptions import read_description
from engine.plugins.process.shapes import (
    ShapeError,
    convert,
    is_json,
    read_composition,
    read_prepared,
    read_recognition,
    read_samples,
    read_text,
    read_tool_calls,
    read_values,
    read_vision_output,
    send_composition,
    send_request,
    send_values,
)
from engine.plugins.process.wire import Attached
from engine.types import (
    Accepts,
    Detection,
    GenerateRequest,
    Label,
    Sampling,
    TextLine,
    ToolCall,
    ToolSpec,
    VisionOutput,
    user,
)

OUTPUT = VisionOutput(
    task="detection",
    image_size=(640, 480),
    labels=(Label("cat", 0.5),),
    lines=(TextLine("a", 0.5, (0, 0, 3, 4)),),
    detections=(Detection("cat", 1.0, (0, 0, 3, 4)),),
    mask=np.zeros((2, 3), np.uint8),
    mask_names=("cat",),
    features=np.zeros(3, np.float32),
)


def plain(value):
    """What the other side makes of a value, arrays and attachments left as they are."""
    if isinstance(value, Attached):
        return value.content
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return value
    return msgspec.to_builtins(value, builtin_types=(np.ndarray,), enc_hook=lambda it: it)


def fields(output, **changed):
    table = {name: getattr(output, name) for name in output.__dataclass_fields__}
    return {name: plain(value) for name, value in (table | changed).items()}


def test_a_composition_comes_back():
    composition = Composition(
        parts=(Text("a" * 5000, special=True), Token(0), Text("b")),
        stop=("x",),
        spans=(Span("thinking", "<think>", "</think>"), Span("mark", "<a>", "")),
        begins_in="thinking",
    )
    assert read_composition(plain(send_composition(composition))) == composition


@pytest.mark.parametrize("part", [None, 1.5, True, -1, 1 << 31, "a", ["a"], ["a", 1], [1, True], ["a", True, 1], {}])
def test_parts_that_are_none_are_refused(part):
    with pytest.raises(ShapeError, match=r"parts\[1\]"):
        read_composition({"parts": [["a", False], part], "stop": [], "spans": [], "begins_in": None})


@pytest.mark.parametrize(
    "changed", [{"stop": "a"}, {"stop": [1]}, {"spans": [{"kind": "other", "open": "", "close": ""}]}, {"begins_in": 1}]
)
def test_the_rest_of_a_composition_is_checked(changed):
    with pytest.raises(ShapeError):
        read_composition({"parts": [], "stop": [], "spans": [], "begins_in": None} | changed)


def test_values_come_back():
    values = {
        "text": "a" * 5000,
        "whole": 3,
        "half": 0.5,
        "flag": True,
        "several": ("a", "b"),
        "file": InputFile("a.txt", b"\x00" * 5000),
        "table": Table(("a", "b"), (("1", "2"),)),
    }
    assert read_values(plain(send_values(values))) == values


@pytest.mark.parametrize(
    "value",
    [
        None,
        math.nan,
        math.inf,
        b"a",
        [1],
        {},
        {"name": "a", "data": "b"},
        {"name": 1, "data": b"b"},
        {"columns": ["a"], "rows": [["1", "2"]]},
        {"columns": ["a"], "rows": [[1]]},
        {"columns": "a", "rows": []},
    ],
)
def test_what_is_no_value_is_refused(value):
    with pytest.raises(ShapeError):
        read_values({"a": value})


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("a b.txt", "a b.txt"),
        ("../../etc/passwd", "passwd"),
        ("C:\\x\\.bashrc", "bashrc"),
        ("..", "file"),
        ("\x1b[2Jgpj.\u202eexe\n", "[2Jgpj. exe"),
        ("a" * 500 + ".txt", "a" * 116 + ".txt"),
    ],
)
def test_the_name_of_a_file_is_no_more_than_a_name(name, kept):
    assert read_values({"file": {"name": name, "data": b""}})["file"].name == kept


def test_a_request_comes_back():
    request = GenerateRequest(
        model="starter",
        messages=(user("a" * 5000),),
        sampling=Sampling(logit_bias={3: 1.0}, seed=1),
        tools=(ToolSpec("add", "Adds.", {"type": "object"}),),
    )
    assert convert(plain(send_request(request)), GenerateRequest) == request


def test_a_recognition_is_checked():
    recognition = Recognition(accepts=frozenset({Accepts.IMAGE}), tasks=("detection",), confidence=0.9)
    table = {"accepts": ["image"], "tasks": ["detection"], "confidence": 0.9}
    assert read_recognition(table) == recognition
    assert read_recognition(None) is None
    for changed in (
        {"accepts": ["everything"]},
        {"accepts": None},
        {"confidence": math.nan},
        {"confidence": 1.1},
        {"tasks": ["<b>"]},
        {"tasks": ["a"] * 20},
        {"tasks": "chat"},
    ):
        with pytest.raises(ShapeError):
            read_recognition(table | changed)


def test_tool_calls_are_checked():
    assert read_tool_calls([{"name": "a", "arguments": {"b": [1, None]}}]) == (ToolCall("a", {"b": [1, None]}),)
    for calls in (None, [1], [{"name": "a"}], [{"name": 1, "arguments": {}}], [{"name": "a", "arguments": {"b": b""}}]):
        with pytest.raises(ShapeError):
            read_tool_calls(calls)


def test_samples_are_checked():
    table = {"name": "memory", "value": 1.5, "unit": "MiB"}
    assert read_samples([table]) == (Sample("memory", 1.5, "MiB"),)
    for changed in ({"value": math.inf}, {"value": "1"}, {"name": "a" * 100}, {"name": "\x1b[2J"}, {"unit": None}):
        with pytest.raises(ShapeError):
            read_samples([table | changed])
    with pytest.raises(ShapeError, match="101 samples"):
        read_samples([table] * 101)


def test_tensors_are_checked():
    tensor = np.zeros((1, 3), np.float32)
    prepared = read_prepared({"runs": [{"x": tensor}], "notes": {"scale": [1, 2.5]}})
    assert isinstance(prepared, Prepared)
    assert (prepared.runs[0]["x"] is tensor, prepared.notes) == (True, {"scale": [1, 2.5]})
    for wrong in (
        None,
        {},
        {"runs": 3},
        {"runs": [3]},
        {"runs": [{"x": [1.0]}]},
        {"runs": [{"x": np.array(1.0)}]},
        {"runs": [{1: tensor}]},
        {"runs": [{}] * 5000},
        {"runs": [], "notes": b"a"},
        {"runs": [], "notes": math.nan},
    ):
        with pytest.raises(ShapeError):
            read_prepared(wrong)


def test_a_result_of_a_picture_comes_back():
    output = read_vision_output(fields(OUTPUT))
    assert replace(output, mask=None, features=None) == replace(OUTPUT, mask=None, features=None)
    assert (output.mask.shape, output.features.dtype) == ((2, 3), np.float32)


@pytest.mark.parametrize(
    "changed",
    [
        {"task": ""},
        {"task": "a" * 50},
        {"image_size": (0, 1)},
        {"image_size": (1, 1 << 40)},
        {"image_size": (1,)},
        {"labels": (Label("cat", math.nan),)},
        {"labels": (Label("cat", 1.5),)},
        {"labels": (Label(3, 0.5),)},
        {"lines": (TextLine("a", 0.5, (0, 0, 1)),)},
        {"detections": (Detection("cat", 0.5, (0, 0, 1 << 40, 1)),)},
        {"mask": np.zeros((2, 3), np.float32)},
        {"mask": np.zeros(2, np.uint8)},
        {"mask": [[0, 1]]},
        {"features": np.zeros(3, np.float64)},
        {"features": np.zeros((1, 3), np.float32)},
        {"mask_names": (1,)},
    ],
)
def test_results_of_pictures_are_checked(changed):
    with pytest.raises(ShapeError):
        read_vision_output(fields(OUTPUT, **changed))


def test_what_json_can_hold():
    assert is_json({"a": [1, 2.5, "b", None, True, {"c": {}}]})
    deep = []
    for _ in range(50):
        deep = [deep]
    for wrong in (b"a", math.nan, {1: 2}, (1,), np.zeros(1), deep, object()):
        assert not is_json([wrong])


RECEIVED = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.just(np.zeros(2, np.uint8)),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(max_size=3) | st.sampled_from(["parts", "stop", "runs", "notes", "task", "tasks", "name", "data"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
READERS = {
    read_composition: Composition,
    read_recognition: Recognition | None,
    read_tool_calls: tuple,
    read_samples: tuple,
    read_prepared: Prepared,
    read_vision_output: VisionOutput,
    read_values: dict,
    read_text: str,
    read_description: object,
}


@pytest.mark.parametrize("reader", READERS)
@given(received=RECEIVED)
def test_nonsense_is_refused_and_nothing_else_happens(reader, received):
    try:
        value = reader(received)
    except ShapeError:
        return
    assert isinstance(value, READERS[reader])
