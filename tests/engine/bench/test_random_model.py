import shutil
from collections import namedtuple
from pathlib import Path

import gguf
import numpy as np
import pytest

from engine.bench.bare_llama import BareLlama
from engine.bench.random_model import (
    RECIPES,
    SHAPES,
    cached_random_model,
    check_model,
    remove_random_models,
    write_random_gguf,
)
from engine.errors import InvalidRequestError, ModelFileError, OutOfMemoryError
from engine.models import random_model
from engine.models.gguf import read_header
from engine.models.gguf_info import describe
from engine.models.random_model import tensors_of


@pytest.mark.parametrize("kind", RECIPES)
def test_every_type_has_sound_weights_and_runs_in_llama_cpp(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "m.gguf"
    write_random_gguf(path, "tiny", kind)
    for tensor in gguf.GGUFReader(path).tensors:
        if len(tensor.shape) == 2:
            weights = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
            assert abs(weights.mean()) < 1e-3, tensor.name
            assert weights.std() == pytest.approx(0.02, rel=0.05), tensor.name
    with BareLlama(path, threads=1, context_tokens=256) as bare:
        assert bare.decode_tokens_per_s(["hello"], 4) > 0


@pytest.mark.parametrize("kind", ["q8_0", "q4_k_m", "iq4_xs"])
def test_the_header_says_what_was_asked_for(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "m.gguf"
    write_random_gguf(path, "tiny", kind)
    info = describe(read_header(path), "m")
    assert info.quantization == kind.upper()
    assert info.context_tokens == SHAPES["tiny"].context
    assert info.architecture == "llama"


def test_shapes_have_the_size_they_are_called_by() -> None:
    sizes = {
        name: sum(np.prod(tensor.shape) for tensor in tensors_of(shape, RECIPES["f16"]))
        for name, shape in SHAPES.items()
    }
    assert sizes["100m"] == pytest.approx(1.3e8, rel=0.1)
    assert sizes["1b"] == pytest.approx(1.1e9, rel=0.05)
    assert sizes["7b"] == pytest.approx(6.7e9, rel=0.02)


def test_no_two_rows_are_equal_and_special_tokens_are_silent(tmp_path: Path) -> None:
    write_random_gguf(tmp_path / "m.gguf", "tiny", "q8_0")
    tensors = {tensor.name: tensor.data for tensor in gguf.GGUFReader(tmp_path / "m.gguf").tensors}
    embedding = tensors["token_embd.weight"]
    assert len(np.unique(embedding, axis=0)) == len(embedding)
    assert not tensors["output.weight"][:3].any()
    assert tensors["output.weight"][3:].any(axis=1).all()


def test_equal_seeds_give_equal_files(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        write_random_gguf(tmp_path / name, "tiny", "q4_0", seed=seed)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert (tmp_path / "a").read_bytes() != (tmp_path / "c").read_bytes()


def test_the_cache_writes_once_and_can_be_emptied(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    path = cached_random_model(folder, "tiny", "q8_0")
    written = path.stat().st_mtime_ns
    assert cached_random_model(folder, "tiny", "q8_0").stat().st_mtime_ns == written
    (folder / "random-7b-f16.gguf.x1").write_bytes(b"left by an interrupted run")
    (folder / "mine.gguf").write_bytes(b"not ours")
    expected = path.stat().st_size + 26
    assert remove_random_models(folder) == expected
    assert [left.name for left in folder.iterdir()] == ["mine.gguf"]


def test_a_full_disk_is_said_before_writing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 10**9, 1000))
    with pytest.raises(OutOfMemoryError, match=r"needs 7\.2 GB"):
        cached_random_model(tmp_path, "7b", "q8_0")
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(random_model, "random_blocks", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_random_gguf(tmp_path / "m.gguf", "tiny", "q8_0")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("shape", "kind", "said"), [("2b", "q8_0", "100m"), ("1b", "q9", "q4_k_m")])
def test_unknown_names_are_refused_with_those_known(shape: str, kind: str, said: str) -> None:
    with pytest.raises(InvalidRequestError, match=said):
        check_model(shape, kind)


def test_an_unknown_architecture_is_refused_by_llama_cpp(tmp_path: Path) -> None:
    write_random_gguf(tmp_path / "m.gguf", "tiny", "q8_0", architecture="llamarama")
    with pytest.raises(ModelFileError):
        BareLlama(tmp_path / "m.gguf", threads=1)


def test_a_hollow_model_says_the_same_and_takes_no_room(tmp_path: Path) -> None:
    full, hollow = tmp_path / "full.gguf", tmp_path / "hollow.gguf"
    write_random_gguf(full, "tiny", "q4_k_m")
    random_model.write_hollow_model(hollow, SHAPES["tiny"], RECIPES["q4_k_m"], name="random tiny")
    assert hollow.stat().st_size == full.stat().st_size
    assert read_header(hollow).tensors == read_header(full).tensors
    if hasattr(hollow.stat(), "st_blocks"):
        assert 512 * hollow.stat().st_blocks < full.stat().st_size
