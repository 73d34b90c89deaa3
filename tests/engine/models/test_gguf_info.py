"""What a GGUF header says about its model."""

from dataclasses import replace

import pytest

from engine.errors import ModelFileError
from engine.models.gguf import read_header
from engine.models.gguf_info import can_run, describe, kv_bytes_per_token, quantization


def test_a_model_is_described(write_gguf):
    path = write_gguf(general__license="mit", general__file_type=7)
    info = describe(read_header(path), "small")
    assert (info.id, info.path, info.format, info.name, info.architecture) == ("small", path, "gguf", "Small", "llama")
    assert info.size_bytes == path.stat().st_size
    assert info.parameters == 512
    assert info.quantization == "Q8_0"
    assert info.context_tokens == 512
    assert info.licence == "mit"
    assert (info.accepts, info.tasks, info.plugins) == (frozenset(), (), ())  # plugins say that


def test_the_quantization_falls_back_to_the_type_with_most_bytes(write_gguf):
    assert quantization(read_header(write_gguf())) == "F32"
    assert quantization(read_header(write_gguf(general__file_type=1024))) == "F32"


@pytest.mark.parametrize(
    ("architecture", "metadata", "runs"),
    [
        ("llama", {}, True),
        ("bert", {"ARCH__pooling_type": 1}, True),
        ("bert", {"ARCH__pooling_type": 4}, False),
        ("t5", {"ARCH__decoder_start_token_id": 0}, False),
        ("t5encoder", {}, True),
    ],
)
def test_what_nothing_here_can_drive_is_known_from_the_header(write_gguf, architecture, metadata, runs):
    assert can_run(read_header(write_gguf(architecture=architecture, **metadata))) is runs


@pytest.mark.parametrize(
    ("names", "runs"), [(("enc.a", "dec.a"), False), (("enc.a",), True), (("dec.a",), True), (("a.enc.dec.",), True)]
)
def test_an_encoder_with_a_decoder_is_known_by_its_tensors(write_gguf, names, runs):
    header = read_header(write_gguf())
    tensors = tuple(replace(header.tensors[0], name=name) for name in names)
    assert can_run(replace(header, tensors=tensors)) is runs


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [
        ({"general__type": "adapter"}, "an adapter"),
        ({"general__type": "mmproj"}, "the vision part"),
        ({"architecture": "clip"}, "the vision part"),
        ({"general__type": "imatrix"}, "a table for quantizing"),
    ],
)
def test_what_is_no_model_by_itself_is_refused(write_gguf, metadata, reason):
    with pytest.raises(ModelFileError, match=reason):
        describe(read_header(write_gguf(**metadata)), "x")


def test_the_kv_cache_is_computed_from_layers_heads_and_widths(write_gguf):
    assert kv_bytes_per_token(read_header(write_gguf())) == 2 * 2 * (16 + 16) * 2
    wide = write_gguf(ARCH__attention__key_length=32, ARCH__attention__value_length=8)
    assert kv_bytes_per_token(read_header(wide), element_bytes=1) == 2 * 2 * (32 + 8)
