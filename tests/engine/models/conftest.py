"""Small GGUF and ONNX files."""

import struct
from collections.abc import Callable
from pathlib import Path

import gguf
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

WriteGguf = Callable[..., Path]
WriteOnnx = Callable[..., Path]


def pack(kind: int, value: object) -> bytes:
    """A value as GGUF writes it."""
    if kind == 8:
        data = value if isinstance(value, bytes) else str(value).encode()
        return struct.pack("<Q", len(data)) + data
    if kind == 9:
        inner, items = value
        return struct.pack("<IQ", inner, len(items)) + b"".join(pack(inner, item) for item in items)
    return struct.pack(
        "<" + {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}[kind], value
    )


def raw_gguf(
    keys: list[tuple[str, int, object]],
    tensors: list[tuple[str, tuple[int, ...], int, int]] = (),
    data: bytes = b"",
    *,
    version: int = 3,
    counts: tuple[int, int] | None = None,
    alignment: int = 32,
) -> bytes:
    """A GGUF file, right or wrong, byte by byte."""
    tensor_count, key_count = counts or (len(tensors), len(keys))
    head = b"GGUF" + struct.pack("<IQQ", version, tensor_count, key_count)
    for key, kind, value in keys:
        head += pack(8, key) + struct.pack("<I", kind) + pack(kind, value)
    for name, dims, kind, offset in tensors:
        head += pack(8, name) + struct.pack(f"<I{len(dims)}QIQ", len(dims), *dims, kind, offset)
    return head + b"\0" * (-len(head) % alignment) + data


@pytest.fixture
def write_gguf(tmp_path: Path) -> WriteGguf:
    """Write a small valid model with the gguf package; keyword arguments add or replace metadata."""

    def write(
        name: str = "small.gguf", architecture: str = "llama", folder: Path = tmp_path, **metadata: object
    ) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        writer = gguf.GGUFWriter(folder / name, architecture)
        writer.add_name(metadata.pop("name", "Small"))
        writer.add_context_length(512)
        writer.add_embedding_length(64)
        writer.add_block_count(2)
        writer.add_head_count(4)
        writer.add_head_count_kv(2)
        writer.add_token_list(metadata.pop("tokens", ["<s>", "a", "b", "c"]))
        for key, value in metadata.items():
            key = key.replace("__", ".").replace("ARCH", architecture)
            writer.add_string(key, value) if isinstance(value, str) else writer.add_uint32(key, value)
        writer.add_tensor("token_embd.weight", np.zeros((4, 64), np.float32))
        writer.add_tensor("output.weight", np.zeros((4, 64), np.float16))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        return folder / name

    return write


@pytest.fixture
def write_onnx(tmp_path: Path) -> WriteOnnx:
    """Write a small valid ONNX model."""

    def write(name: str = "small.onnx", folder: Path = tmp_path, *, external: str = "") -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        weight = numpy_helper.from_array(np.ones((300, 10), np.float32), "weight")
        bias = numpy_helper.from_array(np.ones(10, np.float32), "bias")
        graph = helper.make_graph(
            [helper.make_node("Gemm", ["x", "weight", "bias"], ["y"])],
            "graph",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 300])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 10])],
            [weight, bias],
        )
        model = helper.make_model(graph, producer_name="test", opset_imports=[helper.make_opsetid("", 17)])
        model.ir_version = 8
        path = folder / name
        if external:
            onnx.save(model, path, save_as_external_data=True, location=external, size_threshold=100)
        else:
            onnx.save(model, path)
        return path

    return write
