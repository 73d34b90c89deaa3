"""ONNX files and their cards."""

import contextlib
import time

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from engine.errors import ModelError, ModelFileError, ModelNotFoundError
from engine.models.onnx import describe, read_onnx_header
from engine.plugins.contract.models import TensorFacts


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


def test_inputs_and_outputs_are_read_but_not_the_weights_among_them(tmp_path):
    graph = helper.make_graph(
        [helper.make_node("Gemm", ["x", "weight"], ["y"])],
        "graph",
        [
            helper.make_tensor_value_info("x", TensorProto.FLOAT16, ["n", 300]),
            helper.make_tensor_value_info("weight", TensorProto.FLOAT16, [300, 10]),
        ],
        [
            helper.make_tensor_value_info("y", TensorProto.FLOAT16, [None, 10]),
            helper.make_tensor_value_info("top", TensorProto.INT64, []),
        ],
        [numpy_helper.from_array(np.ones((300, 10), np.float16), "weight")],
    )
    header = read_onnx_header(_saved(helper.make_model(graph), tmp_path))
    assert header.inputs == (TensorFacts("x", (None, 300), "float16"),)
    assert header.outputs == (TensorFacts("y", (None, 10), "float16"), TensorFacts("top", (), "int64"))


def test_what_is_no_tensor_has_no_type(tmp_path):
    table = helper.make_sequence_type_proto(helper.make_tensor_type_proto(TensorProto.FLOAT, [None]))
    graph = helper.make_graph(
        [helper.make_node("SequenceConstruct", ["x"], ["y"])], "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [3])], [helper.make_value_info("y", table)],
    )  # fmt: skip
    header = read_onnx_header(_saved(helper.make_model(graph), tmp_path))
    assert header.inputs == (TensorFacts("x", (3,), "float32"),)
    assert header.outputs == (TensorFacts("y", (), ""),)


def test_notes_of_the_author_are_read_unless_they_are_too_long(write_onnx, tmp_path):
    model = onnx.load(write_onnx())
    helper.set_model_props(model, {"names": "{0: 'cat'}", "long": "x" * 40_000})
    assert read_onnx_header(_saved(model, tmp_path)).properties == {"names": "{0: 'cat'}"}


def test_an_impossible_rank_is_refused(tmp_path):
    graph = helper.make_graph([], "graph", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1] * 40)], [])
    with pytest.raises(ModelFileError, match="impossible shape"):
        read_onnx_header(_saved(helper.make_model(graph), tmp_path))


def test_a_model_is_described_by_its_file_and_its_card(write_onnx, tmp_path):
    path = write_onnx()
    assert (describe(path, "small").name, describe(path, "small").licence) == ("small", None)
    path.with_suffix(".json").write_text('{"name": "Reader", "license": "MIT"}')
    info = describe(path, "reader")
    assert (info.name, info.licence) == ("Reader", "MIT")
    assert (info.format, info.architecture, info.parameters, info.quantization) == ("onnx", "onnx", 3010, "F32")


def _saved(model, folder):
    model.ir_version = 8
    onnx.save(model, folder / "saved.onnx")
    return folder / "saved.onnx"
