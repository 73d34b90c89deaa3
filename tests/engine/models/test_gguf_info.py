"""What a GGUF header says about its model."""

import pytest

from engine.errors import ModelFileError
from engine.models.gguf import read_header
from engine.models.gguf_info import accepts, chat_template, describe, kv_bytes_per_token, quantization
from engine.types import Accepts

FIM = {"tokenizer__ggml__fim_pre_token_id": 1}


def test_a_model_is_described(write_gguf):
    path = write_gguf(general__license="mit", general__file_type=7, tokenizer__chat_template="{{ x }}")
    info = describe(read_header(path), "small")
    assert (info.id, info.path, info.format, info.name, info.architecture) == ("small", path, "gguf", "Small", "llama")
    assert info.size_bytes == path.stat().st_size
    assert info.parameters == 512
    assert info.quantization == "Q8_0"
    assert info.context_tokens == 512
    assert info.licence == "mit"
    assert info.accepts == {Accepts.MESSAGES, Accepts.PROMPT}
    assert chat_template(read_header(path)) == "{{ x }}"


def test_the_quantization_falls_back_to_the_type_with_most_bytes(write_gguf):
    assert quantization(read_header(write_gguf())) == "F32"
    assert quantization(read_header(write_gguf(general__file_type=1024))) == "F32"


@pytest.mark.parametrize(
    ("architecture", "metadata", "expected"),
    [
        ("llama", {}, {Accepts.PROMPT}),
        ("llama", {"tokenizer__chat_template": ""}, {Accepts.PROMPT}),
        ("qwen2", FIM, {Accepts.PROMPT, Accepts.SUFFIX}),
        ("starcoder2", {"tokens": ["<fim_prefix>", "<fim_suffix>"]}, {Accepts.PROMPT, Accepts.SUFFIX}),
        ("llama", {"tokens": ["▁<PRE>"]}, {Accepts.PROMPT, Accepts.SUFFIX}),
        ("llama", {"tokens": ["x<PRE>"]}, {Accepts.PROMPT}),
        ("bert", {}, {Accepts.TEXTS}),
        ("nomic-bert", {}, {Accepts.TEXTS}),
        ("gemma-embedding", {}, {Accepts.TEXTS}),
        ("qwen3", {"ARCH__pooling_type": 3, "tokenizer__chat_template": "x"}, {Accepts.TEXTS}),
        ("qwen3", {"ARCH__pooling_type": 0}, {Accepts.PROMPT}),
        ("bert", {"ARCH__pooling_type": 4}, set()),
        ("t5", {}, set()),
    ],
)
def test_capabilities_follow_from_the_header(write_gguf, architecture, metadata, expected):
    assert accepts(read_header(write_gguf(architecture=architecture, **metadata))) == expected


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
