"""What is checked before llama.cpp sees a file: each of these makes it abort, or read what is not there."""

import importlib.util
from pathlib import Path

import pytest

from engine.errors import ModelFileError
from engine.models.gguf import read_header
from engine.models.gguf_vocabulary import check_before_load

spec = importlib.util.spec_from_file_location("gguf_files", Path(__file__).with_name("conftest.py"))
files = importlib.util.module_from_spec(spec)
spec.loader.exec_module(files)

TEXT, ARRAY, INT, FLOAT, UINT, BOOL = 8, 9, 5, 6, 4, 7
TOKENS = ["<unk>", "<s>", "", *(f"<0x{byte:02X}>" for byte in range(256)), "▁a"]
GOOD = {
    "general.architecture": (TEXT, "llama"),
    "llama.block_count": (UINT, 2),
    "tokenizer.ggml.model": (TEXT, "llama"),
    "tokenizer.ggml.tokens": (ARRAY, (TEXT, TOKENS)),
    "tokenizer.ggml.scores": (ARRAY, (FLOAT, [0.0] * 260)),
    "tokenizer.ggml.token_type": (ARRAY, (INT, [2, 3, 1, *[6] * 256, 1])),
    "tokenizer.ggml.bos_token_id": (UINT, 1),
    "tokenizer.ggml.add_bos_token": (BOOL, True),
}


def header_with(tmp_path, **changes):
    keys = GOOD | {name.replace("__", "."): value for name, value in changes.items()}
    path = tmp_path / "v.gguf"
    path.write_bytes(files.raw_gguf([(key, *value) for key, value in keys.items() if value]))
    return read_header(path)


def test_a_sound_vocabulary_passes(tmp_path):
    check_before_load(header_with(tmp_path))


def test_a_model_without_a_vocabulary_passes(tmp_path):
    check_before_load(header_with(tmp_path, tokenizer__ggml__model=None, tokenizer__ggml__tokens=None))
    check_before_load(header_with(tmp_path, tokenizer__ggml__model=(TEXT, "none"), tokenizer__ggml__tokens=None))


def test_only_sentencepiece_needs_a_token_for_every_byte(tmp_path):
    tokens = (ARRAY, (TEXT, ["a", "b", *map(str, range(258))]))
    check_before_load(header_with(tmp_path, tokenizer__ggml__model=(TEXT, "gpt2"), tokenizer__ggml__tokens=tokens))


def replaced(index, text):
    return (ARRAY, (TEXT, [*TOKENS[:index], text, *TOKENS[index + 1 :]]))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"tokens": None}, "a tokenizer but no tokens"),
        ({"tokens": (ARRAY, (TEXT, []))}, "a tokenizer but no tokens"),
        ({"tokens": (TEXT, "x")}, "tokens has the wrong type"),
        ({"tokens": (ARRAY, (INT, [1, 2]))}, "tokens has the wrong type"),
        ({"tokens": replaced(0, "▁a")}, "the token '▁a' 2 times"),
        ({"tokens": replaced(0, "[EMPTY_2]")}, "2 times"),
        ({"tokens": replaced(0, b"\xff")}, "not valid UTF-8"),
        ({"tokens": replaced(3, "<0x-1>")}, "byte token '<0x-1>' is not"),
        ({"tokens": replaced(3, "<0x0G>")}, "byte token '<0x0G>' is not"),
        ({"tokens": replaced(3, "gone"), "token_type": None}, "no token for the byte 0x00"),
        ({"scores": (ARRAY, (FLOAT, [0.0] * 259))}, "260 tokens but 259 scores"),
        ({"scores": (ARRAY, (TEXT, ["x"] * 260))}, "scores has the wrong type"),
        ({"token_type": (ARRAY, (INT, [1] * 3))}, "260 tokens but 3 token types"),
        ({"token_type": (UINT, 1)}, "token_type has the wrong type"),
        ({"bos_token_id": (UINT, 260)}, "its bos token is 260, but it has 260 tokens"),
    ],
)
def test_a_contradiction_is_refused_by_name(tmp_path, changes, reason):
    header = header_with(tmp_path, **{f"tokenizer__ggml__{name}": value for name, value in changes.items()})
    with pytest.raises(ModelFileError) as caught:
        check_before_load(header)
    assert reason in str(caught.value)


def test_impossible_shapes_are_refused(tmp_path):
    with pytest.raises(ModelFileError, match=r"llama\.block_count is 513, not 1 to 512"):
        check_before_load(header_with(tmp_path, llama__block_count=(UINT, 513)))
    with pytest.raises(ModelFileError, match="head_count is 4,000,000,000"):
        check_before_load(header_with(tmp_path, llama__attention__head_count=(UINT, 4_000_000_000)))
