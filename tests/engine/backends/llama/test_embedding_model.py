"""Embedding models: BERT-like encoders and decoders with and without pooling."""

import numpy as np
import pytest

from engine.backends.base import EmbeddingModel
from engine.errors import CapabilityError, InvalidRequestError, RequestError
from engine.types import Accepts, EmbedRequest


@pytest.fixture
def bert(load, bert_path):
    return load(bert_path, threads=1)


def close(first, second) -> bool:
    return bool(np.allclose(first, second, atol=1e-4))


def test_it_is_an_embedding_model(bert):
    assert isinstance(bert, EmbeddingModel)
    assert (bert.device, bert.backend) == ("cpu", "llama.cpp")
    assert bert.memory_bytes > 0


def test_one_vector_per_text_in_order(bert):
    vectors, tokens = bert.embed(["a b", "c d e", "a b"])
    assert vectors.shape == (3, 128)
    assert vectors.dtype == np.float32
    assert tokens == 4 + 5 + 4
    assert close(vectors[0], vectors[2])
    assert not close(vectors[0], vectors[1])


def test_a_text_has_the_same_vector_alone_and_in_company(bert):
    texts = ["a b", "c d e f", "x y z"]
    together, _ = bert.embed(texts)
    for text, vector in zip(texts, together, strict=True):
        assert close(bert.embed([text])[0][0], vector)


def test_more_texts_than_fit_into_one_run(bert):
    texts = [f"{'abcdefghij'[number % 10]} b c d e f g h" for number in range(100)]
    vectors, tokens = bert.embed(texts)
    assert tokens == 100 * 10
    assert close(vectors[:10], vectors[90:])
    assert not close(vectors[0], vectors[1])


def test_a_text_too_long_is_refused_with_the_numbers(bert):
    with pytest.raises(RequestError, match="Text 2 has 102 tokens, but the model reads 64"):
        bert.embed(["a", "a " * 100])


def test_an_empty_text_is_refused(bert):
    with pytest.raises(InvalidRequestError, match="Text 1 is empty"):
        bert.embed([" "])


def test_the_number_of_threads_changes_no_vector(bert):
    before, _ = bert.embed(["a b c"])
    bert.set_threads(2)
    after, _ = bert.embed(["a b c"])
    assert close(before, after)


def test_a_decoder_without_pooling_gives_the_mean_of_its_tokens(load, tiny_path, registry_of):
    model = load(tiny_path, registry_of(Accepts.TEXTS))
    vectors, tokens = model.embed(["the cat", "the mat", "the cat"])
    assert vectors.shape == (3, 128)
    assert tokens > 3
    assert np.isfinite(vectors).all()
    assert close(vectors[0], vectors[2])
    assert not close(vectors[0], vectors[1])


def test_embedding_again_forgets_the_texts_before(load, tiny_path, registry_of):
    model = load(tiny_path, registry_of(Accepts.TEXTS))
    first, _ = model.embed(["the cat"])
    model.embed(["a mat"])
    again, _ = model.embed(["the cat"])
    assert close(first, again)


def test_the_plugin_puts_its_words_around_the_texts(load, bert_path, registry_of, plain_format):
    plain_format.embedding_text = lambda text, purpose: f"{purpose} {text}"
    model = load(bert_path, registry_of(Accepts.TEXTS, text_format=plain_format))
    assert model.prepare(EmbedRequest(model="bert", texts=("a", "b"))) == ("document a", "document b")
    assert model.prepare(EmbedRequest(model="bert", texts=("a",), purpose="query")) == ("query a",)
    assert not model.asks_outside
    plain_format.is_remote = True
    assert model.asks_outside


def test_an_empty_text_is_refused_before_words_are_put_around_it(load, bert_path, registry_of, plain_format):
    plain_format.embedding_text = lambda text, purpose: f"query: {text}"
    model = load(bert_path, registry_of(Accepts.TEXTS, text_format=plain_format))
    with pytest.raises(InvalidRequestError, match="Text 2 is empty"):
        model.prepare(EmbedRequest(model="bert", texts=("a", " ")))


def test_an_embedder_whose_plugin_has_gone_says_so(load, bert_path, registry_of):
    registry = registry_of(Accepts.TEXTS)
    model = load(bert_path, registry)
    registry.drop("any")
    with pytest.raises(CapabilityError, match="bert cannot make vectors: no plugin knows how"):
        model.prepare(EmbedRequest(model="bert", texts=("a",)))
