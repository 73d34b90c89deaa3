"""ONNX files and their cards."""

import contextlib
import json
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import ModelError, ModelFileError, ModelNotFoundError
from engine.models.onnx import OnnxCard, describe, find_tokenizer, read_card, read_onnx_header
from engine.models.onnx_card import IMAGENET_MEAN, IMAGENET_STD
from engine.types import Accepts


def test_a_model_is_described_without_reading_its_weights(write_onnx):
    header = read_onnx_header(write_onnx())
    assert (header.ir_version, header.opset, header.producer) == (8, 17, "test")
    assert header.parameters == 3010
    assert header.data_type == "F32"


def test_weights_in_another_file_count_as_part_of_the_model(write_onnx):
    path = write_onnx(external="small.data")
    inside = path.stat().st_size
    assert inside < 3010
    assert read_onnx_header(path).size_bytes == inside + path.with_name("small.data").stat().st_size
    path.with_name("small.data").unlink()
    with pytest.raises(ModelFileError, match=r"are in small\.data, which is missing"):
        read_onnx_header(path)


@pytest.mark.parametrize("location", ["../data", "/etc/passwd", "a/../../b", "..\\data"])
def test_weights_outside_the_folder_are_refused(write_onnx, location):
    path = write_onnx(external="x" * len(location))
    path.write_bytes(path.read_bytes().replace(b"x" * len(location), location.encode()))
    with pytest.raises(ModelFileError, match="outside its folder"):
        read_onnx_header(path)


def test_what_is_no_onnx_file_is_told_apart(tmp_path, write_onnx):
    with pytest.raises(ModelNotFoundError):
        read_onnx_header(tmp_path / "missing.onnx")
    with pytest.raises(ModelFileError, match="is a folder"):
        read_onnx_header(tmp_path)
    path = tmp_path / "wrong.onnx"
    for data in (b"Hello, this is text.\n" * 10, b"GGUF" + bytes(100), b"\x08\x08", b"\x08\x63" + bytes(10)):
        path.write_bytes(data)
        with pytest.raises(ModelFileError, match=r"wrong\.onnx"):
            read_onnx_header(path)
    path.write_bytes(b"")
    with pytest.raises(ModelFileError, match="is empty"):
        read_onnx_header(path)


def test_truncation_is_noticed_wherever_it_cuts_the_weights(write_onnx):
    path = write_onnx()
    whole = path.read_bytes()
    for size in range(len(whole) // 10, len(whole) - 40, 997):
        path.write_bytes(whole[:size])
        with pytest.raises(ModelFileError, match="incomplete"):
            read_onnx_header(path)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_mutation_gives_anything_but_a_model_error(write_onnx, data):
    path = write_onnx("mutant.onnx")
    changed = bytearray(path.read_bytes())
    starts = [at for at in range(len(changed)) if changed[at : at + 4] != b"\0\0\x80?"][:400]
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.sampled_from(starts))
        changed[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
    path.write_bytes(bytes(changed))
    start = time.perf_counter()
    with contextlib.suppress(ModelError):
        assert read_onnx_header(path).ir_version > 0
    assert time.perf_counter() - start < 2


CARD = {
    "name": "Reader", "task": "reading", "charset": "ab", "size": [32, None], "channels": "L", "layout": "NCHW",
    "mean": [0.5], "std": [0.25], "resize": "fit", "licence": "MIT", "extra": {"anything": 1},
}  # fmt: skip


def test_a_card_is_read(write_onnx):
    path = write_onnx()
    path.with_suffix(".json").write_text(json.dumps(CARD))
    card = read_card(path)
    assert card == OnnxCard(
        name="Reader", task="reading", charset="ab", size=(32, None), channels="L", mean=(0.5,), std=(0.25,),
        resize="fit", licence="MIT",
    )  # fmt: skip
    info = describe(path, "reader")
    assert (info.name, info.accepts, info.licence) == ("Reader", {Accepts.IMAGE}, "MIT")
    assert (info.format, info.architecture, info.parameters, info.quantization) == ("onnx", "onnx", 3010, "F32")


def test_without_a_card_it_is_a_classifier_with_imagenet_s_colours(write_onnx):
    card = read_card(write_onnx())
    assert card == OnnxCard(task="classification", mean=IMAGENET_MEAN, std=IMAGENET_STD)
    assert describe(write_onnx(), "small").name == "small"


def test_a_tokenizer_beside_it_makes_it_an_embedder(write_onnx, tmp_path):
    inner = write_onnx(folder=tmp_path / "mini" / "onnx")
    assert find_tokenizer(inner) is None
    (tmp_path / "mini" / "tokenizer.json").write_text("{}")
    assert find_tokenizer(inner) == tmp_path / "mini" / "tokenizer.json"
    assert read_card(inner).task == "embedding"
    beside = write_onnx()
    (tmp_path / "tokenizer.json").write_text("{}")
    assert describe(beside, "x").accepts == {Accepts.TEXTS}


def test_grey_and_bgr_have_no_imagenet_colours(write_onnx):
    path = write_onnx()
    path.with_suffix(".json").write_text('{"channels": "L"}')
    assert (read_card(path).mean, read_card(path).std) == ((0.0,), (1.0,))
    path.with_suffix(".json").write_text('{"channels": "BGR"}')
    assert read_card(path).mean == (0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"task": "dancing"}, 'task is "dancing". It must be one of classification, reading, features, embedding.'),
        ({"labels": "cat"}, 'labels is "cat". It must be a list of texts.'),
        ({"labels": ["cat", 1]}, "a list of texts"),
        ({"size": [32]}, "[height, width] in pixels"),
        ({"size": [0, 32]}, "[height, width] in pixels"),
        ({"size": [True, 32]}, "[height, width] in pixels"),
        ({"size": [32, 100_000]}, "1 to 8,192"),
        ({"layout": "CHW"}, "one of NCHW, NHWC"),
        ({"channels": "RGBA"}, "one of RGB, BGR, L"),
        ({"mean": [0.5, 0.5]}, "mean is [0.5, 0.5]. It must be a list of 1 number."),
        ({"std": [0]}, "numbers above 0"),
        ({"std": ["1"]}, "a list of 1 number"),
        ({"resize": "zoom"}, "one of stretch, crop, fit"),
        ({"name": 3}, "name is 3. It must be a text."),
        ({"charset": ""}, "the characters that the model reads"),
        ({"charset": "aa"}, "characters that occur once each"),
    ],
)
def test_a_wrong_field_is_named_with_what_it_must_be(write_onnx, change, reason):
    path = write_onnx()
    path.with_suffix(".json").write_text(json.dumps(CARD | change))
    with pytest.raises(ModelFileError) as caught:
        read_card(path)
    assert reason in str(caught.value)
    assert str(path.with_suffix(".json")) in str(caught.value)


@pytest.mark.parametrize("text", ["{", "[]", "3", "\xff", "[" * 100_000])
def test_a_card_that_is_no_json_object_is_refused(write_onnx, text):
    path = write_onnx()
    path.with_suffix(".json").write_text(text, encoding="latin-1")
    with pytest.raises(ModelFileError, match="Correct or delete it"):
        read_card(path)
