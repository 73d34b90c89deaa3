"""What a graph may consist of: each rule, with a graph that breaks it and one that just does not."""

import os
import pickle
import zipfile

import pytest

from engine.errors import ModelFileError
from engine.gates.graph_check import MAX_DEPTH
from engine.gates.header_check import check_header
from tests.engine.gates import graphs


def refusal(path):
    with pytest.raises(ModelFileError) as caught:
        check_header(path)
    assert path.name in str(caught.value)
    assert caught.value.remedy
    return caught.value


@pytest.mark.parametrize("domain", ["", "ai.onnx", "ai.onnx.ml", "com.microsoft"])
def test_known_operators_pass(domain, tmp_path):
    check_header(graphs.save(tmp_path / "m.onnx", graphs.product(domain=domain)))


def test_operators_of_a_stranger_are_refused(tmp_path):
    error = refusal(graphs.save(tmp_path / "m.onnx", graphs.product("Run", "evil.ops")))
    assert error.rule == "operators"
    assert "Run of 'evil.ops'" in str(error)


def test_operators_that_the_model_explains_itself_pass(tmp_path):
    check_header(graphs.save(tmp_path / "m.onnx", graphs.with_functions(("A", ["B"]), ("B", []))))


def test_a_function_that_calls_itself_is_refused(tmp_path):
    error = refusal(graphs.save(tmp_path / "m.onnx", graphs.with_functions(("A", ["B"]), ("B", ["A"]))))
    assert error.rule == "functions"


def test_functions_that_come_to_too_much_are_refused(tmp_path):
    bodies = [(f"F{level}", [f"F{level + 1}"] * 4) for level in range(12)]  # 4^12 operators
    model = graphs.with_functions(*bodies, ("F12", []))
    model.functions[-1].node.add(op_type="Relu", input=["a"], output=["b"])
    assert refusal(graphs.save(tmp_path / "m.onnx", model)).rule == "functions"


def test_branches_may_be_nested_but_not_without_end(tmp_path):
    check_header(graphs.save(tmp_path / "m.onnx", graphs.nested(MAX_DEPTH - 1)))
    assert refusal(graphs.save(tmp_path / "n.onnx", graphs.nested(MAX_DEPTH + 1))).rule == "subgraphs"


def test_weights_beside_the_graph_pass(tmp_path):
    (tmp_path / "w.bin").write_bytes(bytes(300))
    model = graphs.with_weights_outside(location="w.bin", offset="44", length="256")
    check_header(graphs.save(tmp_path / "m.onnx", model))


@pytest.mark.parametrize(
    "entries",
    [
        {"location": "../w.bin"},
        {"location": "sub/../../w.bin"},
        {"location": "/etc/hostname"},
        {"location": "sub\\w.bin"},
        {"location": "C:w.bin"},
        {"location": "*/_ORT_MEM_ADDR_/*", "offset": "4096", "length": "256"},
        {"location": ""},
        {"location": "gone.bin"},
        {"location": "sub"},
        {"location": "w.bin", "offset": "45", "length": "256"},
        {"location": "w.bin", "offset": "-1", "length": "256"},
        {"location": "w.bin", "offset": "0", "length": "9" * 30},
        {"location": "w.bin", "offset": "x"},
    ],
)
def test_weights_elsewhere_are_refused(entries, tmp_path):
    folder = tmp_path / "models"
    (folder / "sub").mkdir(parents=True)
    for place in (tmp_path / "w.bin", folder / "w.bin"):
        place.write_bytes(bytes(300))
    path = graphs.save(folder / "m.onnx", graphs.with_weights_outside(**entries))
    assert refusal(path).rule == "external-data"


@pytest.mark.parametrize(("place", "rule"), [("../w.bin", "external-data"), ("x" * 300, "file")])
def test_weights_inside_of_an_attribute_are_found(place, rule, tmp_path):
    model = graphs.product()
    value = model.graph.node.add(op_type="Constant", output=["c"]).attribute.add(name="value", type=4).t
    value.data_type, value.data_location = 1, 1
    value.external_data.add(key="location", value=place)
    assert refusal(graphs.save(tmp_path / "m.onnx", model)).rule == rule


def test_links_of_a_hugging_face_cache_are_followed(tmp_path):
    blobs, snapshot = tmp_path / "blobs", tmp_path / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    graphs.save(blobs / "1111", graphs.with_weights_outside(location="m.data", length="256"))
    (blobs / "2222").write_bytes(bytes(256))
    (snapshot / "m.onnx").symlink_to("../../blobs/1111")
    (snapshot / "m.data").symlink_to("../../blobs/2222")
    check_header(snapshot / "m.onnx")


def test_a_link_to_elsewhere_is_refused(tmp_path):
    (tmp_path / "secret").write_bytes(bytes(256))
    path = graphs.save(tmp_path / "models" / "m.onnx", graphs.with_weights_outside(location="m.data", length="256"))
    (path.parent / "m.data").symlink_to(tmp_path / "secret")
    assert refusal(path).rule == "external-data"


def test_a_hard_link_is_refused(tmp_path):
    (tmp_path / "secret").write_bytes(bytes(256))
    path = graphs.save(tmp_path / "models" / "m.onnx", graphs.with_weights_outside(location="m.data", length="256"))
    os.link(tmp_path / "secret", path.parent / "m.data")
    error = refusal(path)
    assert error.rule == "external-data"
    assert "hard link" in str(error)


@pytest.mark.parametrize("name", ["model.pt", "model.onnx", "model.gguf"])
@pytest.mark.parametrize("is_zip", [False, True])
def test_pickles_are_known_by_what_is_in_them(name, is_zip, tmp_path):
    path = tmp_path / name
    path.write_bytes(pickle.dumps({"weights": [1, 2, 3]}))
    if is_zip:
        path.unlink()
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("archive/data.pkl", pickle.dumps({}))
    error = refusal(path)
    assert error.rule == "pickle"
    assert "run any code" in error.cause
    assert "safetensors" in error.remedy
