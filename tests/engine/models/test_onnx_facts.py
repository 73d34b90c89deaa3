"""What plugins are told about an ONNX file, and its card."""

import json

import pytest

from engine.errors import ModelFileError, ModelNotFoundError
from engine.models.onnx_card import MAX_CARD_BYTES, find_tokenizer
from engine.models.onnx_facts import facts_of
from engine.plugins.contract.models import TensorFacts

CARD = {"name": "Reader", "task": "reading", "size": [32, None], "licence": "MIT", "extra": {"anything": [1, None]}}


def test_the_graph_and_the_whole_card_are_told(write_onnx):
    path = write_onnx()
    path.with_suffix(".json").write_text(json.dumps(CARD))
    facts = facts_of(path)
    assert (facts.file_name, facts.format, facts.name, facts.architecture) == ("small.onnx", "onnx", "Reader", "onnx")
    assert facts.inputs == (TensorFacts("x", (None, 300), "float32"),)
    assert facts.outputs == (TensorFacts("y", (None, 10), "float32"),)
    assert facts.card == CARD


def test_without_a_card_it_is_named_after_its_file_or_folder(write_onnx, tmp_path):
    assert (facts_of(write_onnx()).name, facts_of(write_onnx()).card) == ("small", {})
    assert facts_of(write_onnx("model.onnx", tmp_path / "mini" / "onnx")).name == "mini"


def test_a_tokenizer_beside_it_is_told(write_onnx, tmp_path):
    inner = write_onnx(folder=tmp_path / "mini" / "onnx")
    assert find_tokenizer(inner) is None
    assert not facts_of(inner).has_tokenizer
    (tmp_path / "mini" / "tokenizer.json").write_text("{}")
    assert find_tokenizer(inner) == tmp_path / "mini" / "tokenizer.json"
    assert facts_of(inner).has_tokenizer


@pytest.mark.parametrize("text", ["{", "[]", "3", "\xff", "[" * 100_000, '{"mean": [NaN]}', '{"name": 3}'])
def test_a_card_that_is_no_json_object_is_refused(write_onnx, text):
    path = write_onnx()
    path.with_suffix(".json").write_text(text, encoding="latin-1")
    with pytest.raises(ModelFileError, match=r"small\.json") as caught:
        facts_of(path)
    assert caught.value.remedy


def test_a_card_that_is_too_long_is_not_read(write_onnx):
    path = write_onnx()
    with path.with_suffix(".json").open("wb") as file:
        file.truncate(MAX_CARD_BYTES + 1)
    with pytest.raises(ModelFileError, match="larger than 16 MiB"):
        facts_of(path)


def test_a_missing_file(tmp_path):
    with pytest.raises(ModelNotFoundError):
        facts_of(tmp_path / "none.onnx")
