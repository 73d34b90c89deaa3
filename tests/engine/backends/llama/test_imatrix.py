"""Importances: for which models there are some, and with how many threads they are measured."""

from pathlib import Path

import pytest

from engine.backends.llama.imatrix import ThreadPace, measure_importance
from engine.models.gguf import read_header
from engine.quantize.gguf import quantize_gguf
from tests.engine.quantize.support import Told

TEXT = "a b c d e f g h " * 100


@pytest.mark.models
def test_encoders_have_them_as_well(bert_path: Path, tmp_path: Path) -> None:
    found = measure_importance(bert_path, TEXT, 1, 2, lambda _fraction: None)
    matrices = {it.name: it.dims[0] for it in read_header(bert_path).tensors if len(it.dims) > 1 and "blk" in it.name}
    assert {name: len(values) for name, values in found.items()} == matrices
    result = tmp_path / "small.gguf"
    quantize_gguf(bert_path, result, "q4_k_m", None, Told().control)
    types = {tensor.type.name for tensor in read_header(result).tensors if len(tensor.dims) > 1}
    assert "F16" not in types
    assert types & {"Q5_0", "Q4_K"}


def paced(times: dict[int, float], most: int, chunks: int) -> list[int]:
    """The threads that chunks are computed with, if one takes so long."""
    pace, found = ThreadPace(most), []
    for _ in range(chunks):
        found.append(pace.threads)
        pace.note(times[pace.threads])
    return found


def test_as_many_threads_as_go_well() -> None:
    assert paced({8: 1.0, 4: 1.7, 2: 3.0, 1: 6.0}, 8, 6) == [8, 4, 8, 8, 8, 8]


def test_fewer_where_other_programs_compute() -> None:
    found = paced({8: 9.0, 4: 5.0, 2: 2.5, 1: 3.0}, 8, 14)
    assert found[:6] == [8, 4, 2, 1, 2, 2]
    assert found[12] == 8  # now and then all are tried again
    assert found[13] == 2


def test_one_core() -> None:
    assert paced({1: 1.0}, 1, 3) == [1, 1, 1]
