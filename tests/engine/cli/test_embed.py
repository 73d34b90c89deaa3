import numpy as np
import pytest

pytestmark = pytest.mark.models


def test_one_vector_per_text(hearth) -> None:
    document = hearth("embed", "vectors", "one text", "another", "--json").document
    vectors = np.array(document["vectors"])
    assert vectors.shape == (2, 256)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1, 1], abs=1e-3)
    assert document["usage"]["prompt_tokens"] > 0


def test_texts_come_from_standard_input_a_line_each(hearth) -> None:
    ended = hearth("embed", "vectors", stdin="one text\n\nanother\n")
    assert ended.code == 0
    lines = ended.out.splitlines()
    assert len(lines) == 2
    assert len(lines[0].split()) == 256


def test_a_vector_may_keep_its_length(hearth) -> None:
    document = hearth("embed", "vectors", "one text", "--no-normalize", "--json").document
    assert np.linalg.norm(document["vectors"][0]) != pytest.approx(1, abs=1e-2)


def test_a_model_without_embeddings_says_so(hearth) -> None:
    ended = hearth("embed", "plain", "text")
    assert (ended.code, ended.out) == (1, "")
    assert "embedding" in ended.err


def test_the_purpose_is_document_or_query(hearth) -> None:
    assert hearth("embed", "vectors", "text", "--purpose", "query", "--json").code == 0
    assert hearth("embed", "vectors", "text", "--purpose", "answer").code == 2
