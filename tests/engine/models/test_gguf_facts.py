"""What plugins are told about a GGUF file."""

import struct
import time
from pathlib import Path

import gguf
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.models.gguf import GgufArray, GgufHeader, read_header
from engine.models.gguf_facts import MAX_SPECIAL_TOKENS, MAX_TEXT_CHARS, facts_of

NORMAL, CONTROL, USER, BYTE = 1, 3, 4, 6


def vocabulary(path: Path, tokens: list[str | bytes], types: list[int] | None, **numbers: int) -> GgufHeader:
    writer = gguf.GGUFWriter(path / "v.gguf", "llama")
    writer.add_token_list(tokens)
    if types is not None:
        writer.add_token_types(types)
    for key, value in numbers.items():
        writer.add_uint32(f"tokenizer.ggml.{key}", value)
    writer.add_tensor("output.weight", np.zeros((4, 32), np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return read_header(path / "v.gguf")


def test_scalars_and_texts_are_told_and_arrays_are_not(write_gguf):
    path = write_gguf(tokenizer__chat_template="{{ x }}", ARCH__pooling_type=3)
    facts = facts_of(read_header(path))
    assert (facts.file_name, facts.format, facts.name, facts.architecture) == ("small.gguf", "gguf", "Small", "llama")
    assert facts.metadata["tokenizer.chat_template"] == "{{ x }}"
    assert facts.metadata["llama.pooling_type"] == 3
    assert "tokenizer.ggml.tokens" not in facts.metadata
    assert all(isinstance(value, str | int | float | bool) for value in facts.metadata.values())


def test_absurdly_long_texts_are_left_out(write_gguf):
    path = write_gguf(general__description="x" * (MAX_TEXT_CHARS + 1), general__license="y" * MAX_TEXT_CHARS)
    metadata = facts_of(read_header(path)).metadata
    assert "general.description" not in metadata
    assert len(metadata["general.license"]) == MAX_TEXT_CHARS


def test_special_tokens_are_those_the_file_declares_and_those_that_look_like_marks(tmp_path):
    tokens = ["<unk>", "<s>", "hello", "  ", "<0x0A>", "[INST]", "▁<PRE>", "a<b>", "<", "<>", "x>", "eot", "【a】"]
    types = [NORMAL, CONTROL, NORMAL, USER, BYTE, NORMAL, NORMAL, NORMAL, NORMAL, NORMAL, NORMAL, CONTROL, NORMAL]
    facts = facts_of(vocabulary(tmp_path, tokens, types, bos_token_id=1, eos_token_id=11))
    assert facts.special_tokens == {"<s>": 1, "eot": 11, "  ": 3, "<unk>": 0, "[INST]": 5, "▁<PRE>": 6}
    assert (facts.bos, facts.eos) == ("<s>", "eot")


def test_without_types_only_looks_count(tmp_path):
    facts = facts_of(vocabulary(tmp_path, ["<s>", "hello", "<|im_end|>"], None))
    assert facts.special_tokens == {"<s>": 0, "<|im_end|>": 2}
    assert (facts.bos, facts.eos) == ("", "")


def test_types_that_are_too_few_do_not_count(tmp_path):
    assert facts_of(vocabulary(tmp_path, ["eot", "<s>"], [CONTROL])).special_tokens == {"<s>": 1}


@pytest.mark.parametrize("index", [2, (1 << 32) - 1])
def test_a_token_that_does_not_exist_has_no_text(tmp_path, index):
    assert facts_of(vocabulary(tmp_path, ["<s>", "a"], None, bos_token_id=index)).bos == ""


def test_tokens_that_are_no_text_or_very_long_are_left_out(tmp_path):
    facts = facts_of(vocabulary(tmp_path, [b"<\xff>", "<" + "x" * 400 + ">", "<s>"], [CONTROL] * 3, eos_token_id=0))
    assert facts.special_tokens == {"<s>": 2}
    assert facts.eos == ""


@pytest.mark.parametrize("odd", ["", "\0", "\0" * 20, "x" * 255, "x" * 256, "x" * 70_000, "\0\0<s>", "é" * 127, "<\0>"])
def test_odd_tokens_do_not_move_the_others(tmp_path, odd):
    facts = facts_of(vocabulary(tmp_path, ["<s>", odd, "hello", odd + "!", "</s>", "<"], None, eos_token_id=4))
    assert facts.eos == "</s>"
    assert {text: index for text, index in facts.special_tokens.items() if text != odd} == {"<s>": 0, "</s>": 4}


@given(st.lists(st.text("<>[]a▁\0é", max_size=6), min_size=1, max_size=20))
def test_a_vocabulary_is_read_as_it_was_written(texts):
    raw = b"".join(struct.pack("<Q", len(text.encode())) + text.encode() for text in texts)
    header = GgufHeader(Path("a"), 0, 3, {"tokenizer.ggml.tokens": GgufArray(8, len(texts), raw)}, ())
    marks = [
        text
        for text in texts
        if text.startswith("▁<") or (len(text.encode()) > 2 and (text[0] + text[-1]) in {"<>", "[]"})
    ]
    assert facts_of(header).special_tokens == {text: texts.index(text) for text in marks}


def test_a_file_without_vocabulary_has_no_special_tokens(tmp_path):
    header = GgufHeader(tmp_path / "a.gguf", 0, 3, {"tokenizer.ggml.tokens": GgufArray(5, 1, b"\0\0\0\0")}, ())
    assert facts_of(header).special_tokens == {}
    assert facts_of(header).name == "a"


def test_a_large_vocabulary_is_bounded_and_quick(tmp_path):
    tokens = [f"<extra_{index}>" for index in range(100_000)] + ["declared"]
    header = vocabulary(tmp_path, tokens, [NORMAL] * 100_000 + [CONTROL])
    began = time.process_time()
    facts = facts_of(header)
    assert time.process_time() - began < 2
    assert len(facts.special_tokens) == MAX_SPECIAL_TOKENS
    assert next(iter(facts.special_tokens.items())) == ("declared", 100_000)
