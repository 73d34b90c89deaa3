import math
from dataclasses import replace
from pathlib import Path

import pytest

from engine.errors import ModelNotFoundError
from engine.models.gguf import read_header
from engine.models.gguf_info import describe
from engine.models.gguf_writer import TensorSpec, WeightType, write_gguf
from engine.models.random_model import RandomRecipe, RandomShape, tensors_of, write_random_model
from engine.models.shape import ModelShape, shape_of, shape_of_gguf

SHAPE = RandomShape(8, 256, 512, 4, 2, 320, 2048)
MIXED = RandomRecipe(15, WeightType.Q4_K, WeightType.Q6_K)


def written(path: Path, specs: list[TensorSpec], **metadata: int) -> Path:
    """A file with these tensors and nothing in them."""
    basis = {"general.architecture": "llama", "llama.embedding_length": 64, "llama.attention.head_count": 4}
    with path.open("wb") as stream:
        write_gguf(stream, {**basis, **metadata}, specs, lambda spec: [bytes(spec.size_bytes)])
    return path


def plain(name: str, *shape: int, kind: WeightType = WeightType.F16) -> TensorSpec:
    return TensorSpec(name, shape, kind)


def test_weights_are_counted_by_type_layers_and_head_apart(tmp_path: Path):
    path = tmp_path / "m.gguf"
    write_random_model(path, SHAPE, MIXED, name="m")
    shape, specs = shape_of_gguf(path), tensors_of(SHAPE, MIXED)
    matrices = [spec for spec in specs if len(spec.shape) == 2 and spec.name.startswith("blk.")]
    assert set(shape.layer_work) == {"q4_k", "q6_k"}
    for name, kind in (("q4_k", WeightType.Q4_K), ("q6_k", WeightType.Q6_K)):
        ours, cost = [spec for spec in matrices if spec.type == kind], shape.layer_work[name]
        assert cost.bytes == sum(spec.size_bytes for spec in ours)
        assert cost.rows == sum(spec.shape[0] for spec in ours)
        assert cost.multiply_adds == sum(math.prod(spec.shape) for spec in ours)
    assert {name: (cost.bytes, cost.rows) for name, cost in shape.head_work.items()} == {
        "q6_k": (320 * 256 * 210 / 256, 320)
    }


def test_memory_adds_up(tmp_path: Path):
    path = tmp_path / "m.gguf"
    write_random_model(path, SHAPE, MIXED, name="m")
    shape, specs = shape_of_gguf(path), tensors_of(SHAPE, MIXED)
    by_layer = [sum(s.size_bytes for s in specs if s.name.startswith(f"blk.{n}.")) for n in range(8)]
    assert shape.layers == 8
    assert shape.layer_bytes == sum(by_layer)
    assert shape.largest_layer_bytes == max(by_layer) > min(by_layer)
    assert shape.layer_bytes + shape.head_bytes + shape.embedding_bytes == shape.size_bytes
    assert shape.size_bytes == sum(spec.size_bytes for spec in specs)
    assert shape.kv_bytes_per_token == 8 * 2 * (64 + 64) * 2
    assert shape.attention == 8 * 4 * (64 + 64)
    assert (shape.width, shape.vocabulary, shape.context_tokens) == (256, 320, 2048)


def test_a_head_that_shares_the_embedding_reads_it_and_is_copied(tmp_path: Path):
    specs = [plain("token_embd.weight", 100, 64), plain("blk.0.attn_q.weight", 64, 64)]
    shape = shape_of_gguf(written(tmp_path / "m.gguf", specs))
    assert shape.head_work["f16"].bytes == shape.head_bytes == shape.embedding_bytes == 100 * 64 * 2
    assert shape.size_bytes == 100 * 64 * 2 + 64 * 64 * 2


def test_an_embedding_with_a_head_beside_it_is_only_looked_up(tmp_path: Path):
    specs = [plain("token_embd.weight", 100, 64), plain("output.weight", 100, 64, kind=WeightType.Q8_0)]
    shape = shape_of_gguf(written(tmp_path / "m.gguf", specs))
    assert set(shape.head_work) == {"q8_0"}
    assert (shape.embedding_bytes, shape.head_bytes) == (100 * 64 * 2, 100 * 68)


def test_only_the_experts_that_work_are_read_but_all_take_memory(tmp_path: Path):
    specs = [
        plain("blk.0.ffn_up_exps.weight", 8, 32, 64),
        plain("blk.0.ffn_up_shexp.weight", 32, 64),
        plain("blk.0.ffn_gate_inp.weight", 8, 64, kind=WeightType.F32),
    ]
    path = written(tmp_path / "m.gguf", specs, **{"llama.expert_count": 8, "llama.expert_used_count": 2})
    shape = shape_of_gguf(path)
    assert shape.layer_work["f16"].bytes == (2 + 1) * 32 * 64 * 2
    assert shape.layer_work["f16"].rows == (2 + 1) * 32
    assert shape.layer_work["f32"].multiply_adds == 8 * 64
    assert shape.layer_bytes == 9 * 32 * 64 * 2 + 8 * 64 * 4


@pytest.mark.parametrize("used", [0, 9])
def test_a_senseless_number_of_experts_counts_all_of_them(tmp_path: Path, used: int):
    path = written(
        tmp_path / "m.gguf",
        [plain("blk.0.ffn_up_exps.weight", 8, 32, 64)],
        **{"llama.expert_count": 8, "llama.expert_used_count": used},
    )
    assert shape_of_gguf(path).layer_work["f16"].bytes == 8 * 32 * 64 * 2


def test_all_parts_of_a_split_model_are_counted(tmp_path: Path):
    parts = [tmp_path / f"m-0000{number}-of-00003.gguf" for number in (1, 2, 3)]
    for number, part in enumerate(parts):
        written(part, [plain(f"blk.{number}.attn_q.weight", 64, 64)], **{"split.count": 3, "split.no": number})
    whole = shape_of_gguf(parts[0])
    assert whole.layer_bytes == 3 * 64 * 64 * 2
    assert whole.is_complete
    parts[1].unlink()
    rest = shape_of_gguf(parts[0])
    assert rest.layer_bytes == 2 * 64 * 64 * 2
    assert not rest.is_complete


def test_of_a_graph_only_its_size_is_known(tmp_path: Path):
    path = tmp_path / "m.gguf"
    write_random_model(path, SHAPE, MIXED, name="m")
    info = describe(read_header(path), "m")
    assert shape_of(info) == shape_of_gguf(path)
    graph = shape_of(replace(info, format="onnx", size_bytes=4_000, parameters=1_000))
    assert graph == ModelShape(size_bytes=4_000, parameters=1_000)
    assert graph.bits_per_weight == 32
    assert shape_of(replace(info, format="onnx", parameters=None)).bits_per_weight == 0


def test_a_missing_file_is_said(tmp_path: Path):
    with pytest.raises(ModelNotFoundError):
        shape_of_gguf(tmp_path / "m.gguf")


def test_what_a_step_keeps_follows_from_the_header(tmp_path: Path):
    path = tmp_path / "wide.gguf"
    metadata = {
        "general.architecture": "llama",
        "llama.block_count": 1,
        "llama.embedding_length": 64,
        "llama.attention.head_count": 4,
        "llama.feed_forward_length": 192,
        "tokenizer.ggml.tokens": ["a", "b", "c"],
        "tokenizer.ggml.merges": ["a b"],
    }
    tensors = [TensorSpec("blk.0.ffn_up.weight", (192, 64), WeightType.F32)]
    with path.open("wb") as stream:
        write_gguf(stream, metadata, tensors, lambda tensor: [bytes(tensor.size_bytes)])
    shape = shape_of_gguf(path)
    assert shape.step_values == 3 * 192 + 4 * 64
    assert shape.words == 4
