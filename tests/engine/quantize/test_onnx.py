"""Graphs made smaller, by the real quantizer, and what they kept."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, pre_tokenizers

from engine.backends.base import LoadOptions, VisionModel
from engine.backends.onnx import OnnxBackend
from engine.errors import CapabilityError, EngineError, ModelFileError
from engine.jobs import JobStopped
from engine.models.onnx import describe, read_onnx_header
from engine.quantize.held_out import calibration_pictures, held_out_pictures, held_out_text
from engine.quantize.onnx import quantize_onnx
from engine.quantize.onnx_recipes import ONNX_RECIPES, check_suits, suits
from engine.quantize.report import measure
from engine.testing import recognize_images
from engine.types import RecognizeRequest, VisionOutput
from tests.engine.quantize.smaller import READER, Told

SaveGraph = Callable[..., Path]


def part(folder: Path, name: str) -> Path:
    """Where a result is made: in a hidden folder beside its place."""
    place = folder / ".quantizing-it"
    place.mkdir(parents=True, exist_ok=True)
    return place / name


@pytest.fixture(scope="module")
def small_reader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    result = part(tmp_path_factory.mktemp("reader"), "reader.int8-static.onnx")
    told = Told()
    quantize_onnx(READER, result, "int8-static", None, told.control)
    assert told.shares == sorted(told.shares)
    return result


def quantize_here(source: Path, result: Path, recipe: str, **how: object) -> None:
    """Do in this process what is done in a child: starting one takes a second."""
    from engine.backends.onnx.quantizing import quantize_graph
    from engine.backends.process.ticks import Progress

    pictures = calibration_pictures(None, 8) if recipe == "int8-static" else []
    quantize_graph(source, result, recipe, pictures, Progress(), **how)  # type: ignore[arg-type]


def kinds(path: Path) -> set[str]:
    return {node.op_type for node in onnx.load(path, load_external_data=False).graph.node}


def matrices(save_graph: SaveGraph, *, gemm: bool = False, name: str = "matrices.onnx", **more: object) -> Path:
    """Two products of matrices with a bend in between."""
    rng = np.random.default_rng(0)
    weights = {f"w{i}": (rng.standard_normal((256, 256)) / 16).astype(np.float32) for i in range(2)}
    nodes = [
        helper.make_node("MatMul", ["x", "w0"], ["a"]),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("MatMul", ["b", "w1"], ["y"]),
    ]
    if gemm:
        weights["bias"] = np.ones(256, np.float32)
        nodes[2] = helper.make_node("Gemm", ["b", "w1", "bias"], ["y"])
    return save_graph(nodes, {"x": (TensorProto.FLOAT, ["n", 256])}, {"y": ["n", 256]}, weights, name=name, **more)


def alikeness(source: Path, result: Path, shape: tuple[int, ...] = (32, 256)) -> float:
    """Cosine of what both compute."""
    x = np.random.default_rng(1).standard_normal(shape).astype(np.float32)
    both = []
    for path in (source, result):
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        both.append(session.run(None, {"x": x})[0].ravel())
    return float(both[0] @ both[1] / np.linalg.norm(both[0]) / np.linalg.norm(both[1]))


def test_the_small_reader_reads_as_well(small_reader: Path):
    assert small_reader.stat().st_size <= 0.30 * READER.stat().st_size
    assert small_reader.with_suffix(".json").read_bytes() == READER.with_suffix(".json").read_bytes()
    model = OnnxBackend().load(describe(small_reader, "small"), LoadOptions(), lambda _fraction: True)
    assert isinstance(model, VisionModel)
    _, shown = held_out_pictures(None, 8)
    outcomes = recognize_images(model, [RecognizeRequest(model="small", image=picture.data) for picture in shown])
    model.close()
    read = [" ".join(it.text.split()) for it in outcomes if isinstance(it, VisionOutput)]
    assert sum(text == picture.says for text, picture in zip(read, shown, strict=True)) >= 6


def test_a_report_of_the_reader_counts_characters(small_reader: Path):
    told = Told()
    report = measure(READER, small_reader, "int8-static", told.control, threads=1, pairs=1, source_sha256="known")
    assert told.shares == sorted(told.shares)
    assert any(0.1 < share < 0.3 for share in told.shares), "each picture is progress"
    assert report.tokens == 96
    assert report.source_task_score is not None
    assert report.task_score is not None
    assert report.source_task_score > 0.95
    assert 0.98 <= report.kept <= 1.0
    assert report.kept == pytest.approx(min(1.0, report.task_score / report.source_task_score))
    assert report.same_top_share >= 0.9
    assert report.size_ratio <= 0.30
    assert report.perplexity_ratio is report.kl_divergence is report.prefill_speedup is None
    assert report.decode_per_s > 0 < report.source_decode_per_s
    assert report.memory_bytes > 0
    assert report.text == "Hearth's held-out lines of text"


def test_convolutions_compute_in_integers_but_for_the_first_one_and_softmax(small_reader: Path):
    graph = onnx.load(small_reader).graph
    weights = {weight.name: weight.data_type for weight in graph.initializer}
    made_by = {node.output[0]: node for node in graph.node}
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    floats = [node for node in convolutions if weights.get(node.input[1]) == TensorProto.FLOAT]
    assert len(convolutions) == 15
    assert len(floats) == 1
    softmax = next(node for node in graph.node if node.op_type == "Softmax")
    assert softmax.output[0] == graph.output[0].name
    assert made_by[softmax.input[0]].op_type == "DequantizeLinear"


@pytest.mark.parametrize("gemm", [False, True])
def test_matrices_become_8_bit_integers(save_graph: SaveGraph, tmp_path: Path, gemm: bool):
    source, result = matrices(save_graph, gemm=gemm), part(tmp_path, "small.onnx")
    quantize_here(source, result, "int8")
    assert {"MatMulInteger", "DynamicQuantizeLinear"} <= kinds(result)
    assert result.stat().st_size < 0.27 * source.stat().st_size
    assert alikeness(source, result) > 0.999


@pytest.mark.parametrize("recipe", ["int8", "int4"])
@pytest.mark.parametrize(("opset", "becomes"), [(11, 13), (17, 17)])
def test_a_result_is_no_newer_than_it_must_be(
    save_graph: SaveGraph, tmp_path: Path, opset: int, becomes: int, recipe: str
):
    """ONNX Runtime is an older one on Windows: what was made elsewhere has to open there."""
    source, result = matrices(save_graph, opset=opset), part(tmp_path, "small.onnx")
    quantize_here(source, result, recipe)
    model = onnx.load(result)
    assert model.ir_version == onnx.load(source).ir_version
    named = {entry.domain: entry.version for entry in model.opset_import}
    assert named.pop("") == becomes
    assert named in ({}, {"com.microsoft": 1})


def test_matrices_become_4_bit_integers(save_graph: SaveGraph, tmp_path: Path):
    source, result = matrices(save_graph), part(tmp_path, "small.onnx")
    quantize_here(source, result, "int4")
    assert "MatMulNBits" in kinds(result)
    assert result.stat().st_size < 0.18 * source.stat().st_size
    assert 0.95 < alikeness(source, result) < 0.9999


def test_the_notes_of_a_source_are_kept_and_no_others(save_graph: SaveGraph, tmp_path: Path):
    source, result = matrices(save_graph, notes={"made for": "this test"}), part(tmp_path, "small.onnx")
    quantize_onnx(source, result, "int8", None, Told().control)
    assert read_onnx_header(result).properties == {"made for": "this test"}
    assert sorted(path.name for path in result.parent.iterdir()) == ["small.onnx"]  # nothing in between is left


def test_a_tokenizer_comes_along_where_there_is_none(save_graph: SaveGraph, tmp_path: Path):
    source = matrices(save_graph)
    (source.parent / "tokenizer.json").write_text("{}")
    elsewhere, beside = part(tmp_path / "models", "small.onnx"), part(source.parent, "small.onnx")
    for result in (elsewhere, beside):
        quantize_onnx(source, result, "int8", None, Told().control)
    assert (elsewhere.parent / "tokenizer.json").read_text() == "{}"
    assert not (beside.parent / "tokenizer.json").exists()


def test_large_graphs_keep_their_weights_beside_them(save_graph: SaveGraph, tmp_path: Path):
    source = matrices(save_graph)
    for recipe in ("int8", "int4"):
        result = part(tmp_path, f"{recipe}.onnx")
        quantize_here(source, result, recipe, most_bytes=100_000)
        assert result.stat().st_size < 20_000
        assert read_onnx_header(result).locations == (f"{recipe}.onnx.data",)
        assert alikeness(source, result) > 0.95


def test_without_vnni_weights_have_7_bits(save_graph: SaveGraph, tmp_path: Path):
    source, largest = matrices(save_graph), {}
    for reduces in (False, True):
        result = part(tmp_path, f"{reduces}.onnx")
        quantize_here(source, result, "int8", reduce_range=reduces)
        weights = [numpy_helper.to_array(it) for it in onnx.load(result).graph.initializer]
        largest[reduces] = max(int(np.abs(it.astype(int)).max()) for it in weights if it.dtype == np.int8)
    assert largest[False] >= 127
    assert largest[True] <= 64


@pytest.mark.parametrize("opset", [11, 17])
def test_a_classifier_keeps_its_labels(network: Callable[..., Path], tmp_path: Path, opset: int):
    source = network(opset=opset)
    result = part(tmp_path, "small.onnx")
    quantize_here(source, result, "int8-static")
    result.with_suffix(".json").write_bytes(source.with_suffix(".json").read_bytes())
    assert {"QuantizeLinear", "DequantizeLinear"} <= kinds(result)
    report = measure(source, result, "int8-static", Told().control, threads=1, pairs=1)
    assert report.same_top_share == report.kept >= 0.8  # of random scores, many are close
    assert report.task_score is None


@pytest.mark.parametrize("recipe", ["int8", "int4"])
def test_a_model_of_sentences_keeps_its_neighbours(save_graph: SaveGraph, tmp_path: Path, recipe: str):
    words = sorted({word for sentence in held_out_text().sentences() for word in sentence.split()})
    rng = np.random.default_rng(3)
    weights = {
        "table": rng.standard_normal((len(words) + 1, 64)).astype(np.float32),
        "mix": (rng.standard_normal((64, 4096)) / 8).astype(np.float32),
    }
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["found"]),
        helper.make_node("MatMul", ["found", "mix"], ["last_hidden_state"]),
    ]
    inputs = {name: (TensorProto.INT64, ["n", "length"]) for name in ("input_ids", "attention_mask")}
    source = save_graph(nodes, inputs, {"last_hidden_state": ["n", "length", 4096]}, weights)
    vocabulary = {word: number for number, word in enumerate(["[UNK]", *words])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    result = tmp_path / f"small.{recipe}.onnx"
    quantize_here(source, result, recipe)
    report = measure(source, result, recipe, Told().control, threads=1, pairs=1)
    assert report.tokens == len(held_out_text().sentences())
    assert report.text == held_out_text().name
    assert report.kept > 0.98
    assert report.same_top_share > 0.8
    assert report.decode_per_s > 0


@pytest.fixture
def network(save_graph: SaveGraph) -> Callable[..., Path]:
    """A small classifier of pictures."""

    def make(opset: int = 17, batch: int | str = "n") -> Path:
        rng = np.random.default_rng(2)
        weights = {
            "first": (rng.standard_normal((16, 3, 3, 3)) / 5).astype(np.float32),
            "second": (rng.standard_normal((32, 16, 3, 3)) / 12).astype(np.float32),
            "last": rng.standard_normal((32, 4)).astype(np.float32),
        }
        nodes = [
            helper.make_node("Conv", ["x", "first"], ["a"], pads=[1, 1, 1, 1], strides=[2, 2]),
            helper.make_node("Relu", ["a"], ["b"]),
            helper.make_node("Conv", ["b", "second"], ["c"], pads=[1, 1, 1, 1]),
            helper.make_node("Relu", ["c"], ["d"]),
            helper.make_node("GlobalAveragePool", ["d"], ["e"]),
            helper.make_node("Flatten", ["e"], ["f"]),
            helper.make_node("MatMul", ["f", "last"], ["y"]),
        ]
        card = {"task": "classification", "labels": ["a", "b", "c", "d"], "size": [32, 32], "resize": "stretch"}
        inputs = {"x": (TensorProto.FLOAT, [batch, 3, 32, 32])}
        return save_graph(nodes, inputs, {"y": [batch, 4]}, weights, card, opset=opset)

    return make


def test_a_fixed_batch_is_filled(network: Callable[..., Path], tmp_path: Path):
    source, result = network(batch=3), part(tmp_path, "small.onnx")
    quantize_here(source, result, "int8-static")
    assert alikeness(source, result, (3, 3, 32, 32)) > 0.95


def test_pictures_of_a_person_are_taken_from_their_folder(network: Callable[..., Path], tmp_path: Path):
    folder = tmp_path / "mine"
    folder.mkdir()
    for number, picture in enumerate(held_out_pictures(None, 6)[1]):
        (folder / f"{number}.png").write_bytes(picture.data)
    source, result = network(), part(tmp_path, "small.onnx")
    quantize_onnx(source, result, "int8-static", folder, Told().control)
    report = measure(source, result, "int8-static", Told().control, pictures=folder, threads=1, pairs=1)
    assert (report.text, report.tokens) == ("pictures of mine", 3)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(CapabilityError, match="has 0 pictures"):
        quantize_onnx(source, result, "int8-static", empty, Told().control)


def test_recipes_that_do_not_suit_are_refused_and_say_which_do(save_graph: SaveGraph, tmp_path: Path):
    assert [suits(READER, recipe.id) for recipe in ONNX_RECIPES] == [True, False, False]
    for recipe in ("int8", "int4"):
        with pytest.raises(CapabilityError, match=r"only 0% of the weights .* Choose int8-static\."):
            quantize_onnx(READER, part(tmp_path, "no.onnx"), recipe, None, Told().control)
    source = matrices(save_graph)
    assert [suits(source, recipe.id) for recipe in ONNX_RECIPES] == [False, True, True]
    with pytest.raises(CapabilityError, match="does not look at pictures"):
        check_suits(source, "int8-static")
    with pytest.raises(CapabilityError, match="No plugin knows"):  # nobody knows what it is fed
        quantize_here(source, part(tmp_path, "no.onnx"), "int8-static")


def test_what_is_no_float_graph_is_refused(small_reader: Path, save_graph: SaveGraph):
    half = save_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        {"x": (TensorProto.FLOAT16, [1, 8])},
        {"y": [1, 8]},
        {"w": np.zeros((8, 8), np.float16)},
    )
    for path in (small_reader, half):
        with pytest.raises(CapabilityError, match="not in 32-bit floats"):
            check_suits(path, "int8-static")


def test_a_damaged_graph_is_named(tmp_path: Path):
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(READER.read_bytes()[:100_000])
    with pytest.raises(ModelFileError, match=r"broken\.onnx"):
        quantize_onnx(broken, part(tmp_path, "no.onnx"), "int8-static", None, Told().control)
    invalid = save_invalid(tmp_path)
    with pytest.raises(EngineError, match=r"no\.onnx"):
        quantize_here(invalid, part(tmp_path, "no.onnx"), "int8")


def save_invalid(folder: Path) -> Path:
    """A graph whose product cannot be: its sides do not fit."""
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "invalid",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [4, 5])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [4, 8])],
        [numpy_helper.from_array(np.zeros((7, 8), np.float32), "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.save(model, folder / "invalid.onnx")
    return folder / "invalid.onnx"


def test_a_stopped_job_ends_its_process(tmp_path: Path):
    told, at = Told(), []

    def stop() -> None:
        at.append(time.monotonic())
        told.control.stop()

    threading.Timer(0.5, stop).start()
    with pytest.raises(JobStopped):
        quantize_onnx(READER, part(tmp_path, "no.onnx"), "int8-static", None, told.control)
    assert time.monotonic() - at[0] < 8.0  # a quarter of a second, on a machine that has nothing else to do
