# ruff: noqa: E501  (files in a line)
"""The GGUF header reader: right files are read, wrong ones refused with one clear sentence."""

import importlib.util
import struct
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import ModelError, ModelFileError, ModelNotFoundError
from engine.models.gguf import GgufArray, read_header

spec = importlib.util.spec_from_file_location("gguf_files", Path(__file__).with_name("conftest.py"))
files = importlib.util.module_from_spec(spec)
spec.loader.exec_module(files)
raw_gguf = files.raw_gguf

KEYS = [("general.architecture", 8, "llama"), ("general.name", 8, "Ünï"), ("llama.block_count", 4, 2)]
TENSORS = [("a", (32, 2), 0, 0), ("b", (32,), 8, 256)]
DATA = b"\1" * (256 + 34)


def refused(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    with pytest.raises(ModelFileError) as caught:
        read_header(path)
    message = str(caught.value)
    assert path.name in message
    assert message.endswith(".")
    return message


def test_a_model_written_by_the_gguf_package_is_read_completely(write_gguf):
    header = read_header(write_gguf(tokens=["<s>", "ab", "é"]))
    assert header.architecture == "llama"
    assert header.text("general.name") == "Small"
    assert header.number("{arch}.context_length") == 512
    assert header.array("tokenizer.ggml.tokens").texts() == [b"<s>", b"ab", "é".encode()]
    assert [(tensor.name, tensor.dims, tensor.type.name, tensor.size_bytes) for tensor in header.tensors] == [
        ("token_embd.weight", (64, 4), "F32", 1024),
        ("output.weight", (64, 4), "F16", 512),
    ]
    assert header.size_bytes == header.path.stat().st_size


@pytest.mark.parametrize("version", [2, 3])
def test_every_kind_of_value_is_read(tmp_path, version):
    values = [(0, 255), (1, -1), (2, 65535), (3, -2), (4, 1 << 31), (5, -3), (6, 0.5), (7, True), (8, "x"), (10, 1 << 63),
              (11, -4), (12, 0.25)]  # fmt: skip
    keys = [(f"key.{kind}", kind, value) for kind, value in values]
    keys += [("texts", 9, (8, ["a", "", "é"])), ("numbers", 9, (4, [1, 2, 3])), ("none", 9, (5, []))]
    path = tmp_path / "all.gguf"
    path.write_bytes(raw_gguf(keys, version=version))
    header = read_header(path)
    assert [header.metadata[f"key.{kind}"] for kind, _ in values] == [value for _, value in values]
    assert header.array("texts").texts() == [b"a", b"", "é".encode()]
    assert header.array("numbers").numbers() == (1, 2, 3)
    assert len(header.array("none")) == 0
    assert header.number("key.7") is None
    assert header.version == version


def test_an_array_knows_whether_a_text_is_in_it():
    texts = GgufArray(8, 2, files.pack(8, "abc") + files.pack(8, "d"))
    assert "abc" in texts
    assert "ab" not in texts
    assert "x" not in texts
    assert "abc" not in GgufArray(0, 3, b"abc")


def test_what_is_no_file_is_told_apart(tmp_path):
    with pytest.raises(ModelNotFoundError, match="There is no file"):
        read_header(tmp_path / "missing.gguf")
    with pytest.raises(ModelFileError, match="is a folder"):
        read_header(tmp_path)
    with pytest.raises(ModelFileError, match="cannot be read"):
        read_header(Path("zero\0byte"))


WRONG = {
    "empty": (b"", "is empty"),
    "text": (b"Hello, this is a text file\n", "not a GGUF model but a text file"),
    "page": (b"<!DOCTYPE html><html>" * 100, "not a GGUF model but a text file"),
    "zip": (b"PK\3\4" + bytes(100), "not a GGUF model but another kind"),
    "short magic": (b"GG", "not a GGUF model"),
    "only magic": (b"GGUF", "incomplete"),
    "half a header": (b"GGUF" + struct.pack("<IQ", 3, 1), "incomplete"),
    "version 1": (raw_gguf(KEYS, version=1), "version 1, which is too old"),
    "version 4": (raw_gguf(KEYS, version=4), "version 4, but versions 2 and 3"),
    "big-endian": (b"GGUF" + struct.pack(">IQQ", 3, 0, 0), "big-endian"),
    "many tensors": (raw_gguf(KEYS, counts=(1 << 40, 3)), "number of tensors is 1,099,511,627,776"),
    "many keys": (raw_gguf(KEYS, counts=(0, 1 << 63)), "number of keys"),
    "more keys than there are": (raw_gguf(KEYS, counts=(0, 4)), "damaged"),
    "long key": (b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1 << 62), "length of a key"),
    "long text": (raw_gguf([("k", 4, 8)]).replace(struct.pack("<II", 4, 8), struct.pack("<IQ", 8, 1 << 62)), "length of the value of k"),
    "array of 2^63": (raw_gguf([("k", 9, (8, ["x"]))]).replace(struct.pack("<IQ", 8, 1), struct.pack("<IQ", 8, 1 << 63)), "length of k"),
    "array in an array": (raw_gguf([("k", 9, (9, [(4, [1])]))]), "unknown type 9"),
    "unknown kind of value": (raw_gguf([("k", 4, 1)]).replace(b"k" + struct.pack("<I", 4), b"k" + struct.pack("<I", 77)), "unknown type 77"),
    "the same key twice": (raw_gguf([("k", 4, 1), ("k", 4, 2)]), "the key k occurs twice"),
    "empty key": (raw_gguf([("", 4, 1)]), "is no key"),
    "key with a line break": (raw_gguf([("a\nb", 4, 1)]), "is no key"),
    "not UTF-8": (raw_gguf([("k", 8, b"\xff\xfe")]), "not valid UTF-8"),
    "zero byte": (raw_gguf([("k", 8, "a\0b")]), "zero byte"),
    "alignment 3": (raw_gguf([("general.alignment", 4, 3)]), "alignment is 3"),
    "alignment 0": (raw_gguf([("general.alignment", 4, 0)]), "alignment is 0"),
    "alignment as text": (raw_gguf([("general.alignment", 8, "x")]), "alignment is x"),
    "no dimensions": (raw_gguf(KEYS, [("a", (), 0, 0)], DATA), "impossible shape []"),
    "five dimensions": (raw_gguf(KEYS, [("a", (1, 1, 1, 1, 1), 0, 0)], DATA), "number of dimensions of tensor a"),
    "a dimension of 0": (raw_gguf(KEYS, [("a", (0,), 0, 0)], DATA), "impossible shape"),
    "dimensions that overflow": (raw_gguf(KEYS, [("a", (1 << 33, 1 << 33), 0, 0)], DATA), "impossible shape"),
    "unknown tensor type": (raw_gguf(KEYS, [("a", (32,), 4, 0)], DATA), "unknown type 4"),
    "half a block": (raw_gguf(KEYS, [("a", (33,), 8, 0)], DATA), "which Q8_0 cannot hold"),
    "long tensor name": (raw_gguf(KEYS, [("a" * 64, (32,), 0, 0)], DATA), "length of a tensor name"),
    "a gap": (raw_gguf(KEYS, [("a", (32,), 0, 0), ("b", (32,), 0, 256)], DATA), "tensor b is at offset 256 instead of 128"),
    "an overlap": (raw_gguf(KEYS, [("a", (32,), 0, 0), ("b", (32,), 0, 0)], DATA), "tensor b is at offset 0 instead of 128"),
    "the same tensor twice": (raw_gguf(KEYS, [("a", (32,), 0, 0), ("a", (32,), 0, 128)], DATA), "two tensors have the same name"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_file_is_refused_with_the_reason(tmp_path, case):
    data, reason = WRONG[case]
    assert reason in refused(tmp_path / "wrong.gguf", data)


def test_missing_weights_are_counted(tmp_path):
    whole = raw_gguf(KEYS, TENSORS, DATA)
    path = tmp_path / "cut.gguf"
    path.write_bytes(whole)
    assert [tensor.offset for tensor in read_header(path).tensors] == [len(whole) - 290, len(whole) - 34]
    message = refused(path, whole[:-7])
    assert message == f"The file cut.gguf is incomplete: 7 of {len(whole):,} bytes are missing. Download it again."


def test_every_truncation_is_noticed(tmp_path):
    whole = raw_gguf([*KEYS, ("t", 9, (8, ["a", "b"]))], TENSORS, DATA)
    header_size = len(whole) - len(DATA)
    for size in (*range(header_size), *range(header_size, len(whole), 20)):
        refused(tmp_path / "cut.gguf", whole[:size])


def test_a_large_vocabulary_is_quick_and_not_decoded(tmp_path):
    tokens = [f"token{number}" for number in range(250_000)]
    path = tmp_path / "large.gguf"
    path.write_bytes(raw_gguf([*KEYS, ("tokenizer.ggml.tokens", 9, (8, tokens))]))
    start = time.perf_counter()
    header = read_header(path)
    assert time.perf_counter() - start < 0.6
    array = header.array("tokenizer.ggml.tokens")
    assert len(array) == 250_000
    assert array.texts()[-1] == b"token249999"


NUMBERS = [0, 1, 2, 255, 1 << 31, (1 << 32) - 1, 1 << 32, 1 << 62, (1 << 63) - 8, 1 << 63, (1 << 64) - 1]
BASE = raw_gguf([*KEYS, ("tokens", 9, (8, ["<s>", "b"])), ("scores", 9, (6, [0.0, 1.0]))], TENSORS, DATA)


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_mutation_gives_anything_but_a_model_error(tmp_path, data):
    changed = bytearray(BASE)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(changed) - 1))
        match data.draw(st.integers(0, 4)):
            case 0:
                changed[at] = data.draw(st.integers(0, 255))
            case 1:
                changed[at : at + 8] = struct.pack("<Q", data.draw(st.sampled_from(NUMBERS)))
            case 2:
                changed[at : at + 4] = struct.pack("<I", data.draw(st.sampled_from(NUMBERS)) & 0xFFFFFFFF)
            case 3:
                changed[at:at] = data.draw(st.binary(max_size=16))
            case _:
                del changed[at : at + data.draw(st.integers(1, 32))]
                changed += b"\0"
    path = tmp_path / "mutant.gguf"
    path.write_bytes(bytes(changed))
    start = time.perf_counter()
    try:
        header = read_header(path)
    except ModelError:
        pass
    else:
        assert all(tensor.offset + tensor.size_bytes <= len(changed) for tensor in header.tensors)
    assert time.perf_counter() - start < 2
