import io
from pathlib import Path

import gguf
import pytest

from engine.models.gguf import GgufArray, read_header
from engine.models.gguf_writer import TensorSpec, WeightType, write_gguf

METADATA = {
    "general.architecture": "llama",
    "answer": 42,
    "half": 0.5,
    "yes": True,
    "words": ["a", "größe", ""],
    "numbers": [1, -2, 3],
    "fractions": [0.25, -1.5],
}
TENSORS = [TensorSpec("one", (3, 32), WeightType.Q8_0), TensorSpec("two", (5,), WeightType.F32)]


def _write(path: Path) -> None:
    with path.open("wb") as stream:
        write_gguf(stream, METADATA, TENSORS, lambda tensor: [bytes(range(1, 5)), bytes(tensor.size_bytes - 4)])


def test_our_reader_reads_what_was_written(tmp_path: Path) -> None:
    _write(tmp_path / "a.gguf")
    header = read_header(tmp_path / "a.gguf")
    assert {key: header.metadata[key] for key in ("answer", "half", "yes")} == {"answer": 42, "half": 0.5, "yes": True}
    words, numbers = header.metadata["words"], header.metadata["numbers"]
    assert isinstance(words, GgufArray)
    assert isinstance(numbers, GgufArray)
    assert [text.decode() for text in words.texts()] == METADATA["words"]
    assert numbers.numbers() == (1, -2, 3)
    assert [(tensor.name, tensor.dims) for tensor in header.tensors] == [("one", (32, 3)), ("two", (5,))]


def test_the_reference_reader_reads_what_was_written(tmp_path: Path) -> None:
    _write(tmp_path / "a.gguf")
    reader = gguf.GGUFReader(tmp_path / "a.gguf")
    assert reader.fields["words"].contents() == METADATA["words"]
    assert reader.fields["fractions"].contents() == METADATA["fractions"]
    one, two = reader.tensors
    assert bytes(one.data.reshape(-1)[:4]) == bytes(range(1, 5))
    assert one.n_bytes == 3 * 34
    assert two.data_offset % 32 == 0


@pytest.mark.parametrize("given", [b"", bytes(101), bytes(103)])
def test_tensor_data_of_the_wrong_size_is_refused(given: bytes) -> None:
    with pytest.raises(ValueError, match="one: "):
        write_gguf(io.BytesIO(), METADATA, TENSORS, lambda _: [given])


def test_rows_must_divide_into_blocks() -> None:
    with pytest.raises(ValueError, match="rows of 33"):
        _ = TensorSpec("odd", (2, 33), WeightType.Q8_0).size_bytes
