"""Sentence embedders, with a graph that looks up a vector per token."""

import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper
from tokenizers import Tokenizer, models, pre_tokenizers

from engine.backends.base import DeviceTarget, EmbeddingModel, LoadOptions
from engine.backends.onnx import OnnxBackend
from engine.errors import CapabilityError, InvalidRequestError, ModelFileError
from engine.models.onnx import describe
from engine.plugins.api import Accepts, EmbedRequest, ModelFacts, Recognition
from engine.plugins.offers import Offers
from engine.plugins.registry import Registry
from tests.engine.backends.onnx.openvino_wheel import needs_openvino
from tests.engine.backends.onnx.poked import FIXING_WORKER, OPENVINO, WORKER

WORDS = ["[PAD]", "[UNK]", "one", "two", "three"]
TABLE = np.array([[9, 9], [0, 0], [1, 0], [0, 2], [4, 4]], dtype=np.float32)

MakeEmbedder = Callable[..., Path]


@pytest.fixture
def embedder(save_graph: Callable[..., Path], tmp_path: Path) -> MakeEmbedder:
    def make(
        *,
        inputs: tuple[str, ...] = ("input_ids", "attention_mask"),
        kind: int = TensorProto.INT64,
        pooled: bool = False,
        shape: tuple[Any, Any] = ("n", "length"),
        **card: Any,
    ) -> Path:
        nodes = [helper.make_node("Gather", ["table", "input_ids"], ["last_hidden_state"])]
        outputs = {"last_hidden_state": [*shape, 2]}
        if pooled:
            nodes.append(
                helper.make_node("ReduceMax", ["last_hidden_state"], ["sentence_embedding"], axes=[1], keepdims=0)
            )
            outputs["sentence_embedding"] = [shape[0], 2]
        path = save_graph(
            nodes, {name: (kind, list(shape)) for name in inputs}, outputs, {"table": TABLE}, card or None
        )
        tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="[UNK]"))
        tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
        tokenizer.save(str(tmp_path / "tokenizer.json"))
        return path

    return make


@pytest.mark.parametrize("kind", [TensorProto.INT64, TensorProto.INT32])
def test_mean_over_tokens_without_padding(embedder: MakeEmbedder, load: Any, kind: int) -> None:
    model = load(embedder(kind=kind, inputs=("input_ids", "attention_mask", "token_type_ids", "position_ids")))
    vectors, tokens = model.embed(["one two", "three", "one one two three"])
    np.testing.assert_allclose(vectors, [[0.5, 1.0], [4.0, 4.0], [1.5, 1.5]])
    assert vectors.dtype == np.float32
    assert tokens == 7


def test_is_an_embedding_model(embedder: MakeEmbedder, load: Any) -> None:
    model = load(embedder())
    assert isinstance(model, EmbeddingModel)
    assert (model.device, model.backend) == ("cpu", "onnxruntime")
    model.set_threads(2)
    assert model.embed(["two"])[0].tolist() == [[0.0, 2.0]]


def test_a_pooled_output_is_taken_as_it_is(embedder: MakeEmbedder, load: Any) -> None:
    vectors, _ = load(embedder(inputs=("input_ids",), pooled=True)).embed(["one two"])
    assert vectors.tolist() == [[1.0, 2.0]]


def test_a_batch_gives_what_single_texts_give(embedder: MakeEmbedder, load: Any) -> None:
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(WORDS[2:], rng.integers(1, 20))) for _ in range(37)]
    model = load(embedder())
    vectors, tokens = model.embed(texts)
    np.testing.assert_allclose(vectors, np.concatenate([model.embed([text])[0] for text in texts]), rtol=1e-6)
    assert tokens == sum(len(text.split()) for text in texts)


def test_fixed_shape(embedder: MakeEmbedder, load: Any) -> None:
    model = load(embedder(shape=(1, 4)))
    assert model.max_batch == 1
    assert model.embed(["one", "two two"])[0].tolist() == [[1.0, 0.0], [0.0, 2.0]]
    with pytest.raises(InvalidRequestError, match=r"5 tokens.*at most 4"):
        model.embed(["one one one one one"])


@needs_openvino
@pytest.mark.parametrize(("worker", "batch"), [(WORKER, 16), (FIXING_WORKER, 1)])
def test_on_a_device_vectors_are_the_same(
    embedder: MakeEmbedder, load: Any, openvino: DeviceTarget, worker: str, batch: int
) -> None:
    path, texts = embedder(), ["one two", "three", "one one two three"]
    backend = OnnxBackend(worker=worker)
    with closing(backend.load(describe(path, "test"), LoadOptions(target=openvino), lambda _: True)) as model:
        assert isinstance(model, EmbeddingModel)
        assert (model.max_batch, model.whereabouts.interface) == (batch, OPENVINO)
        np.testing.assert_allclose(model.embed(texts)[0], load(path).embed(texts)[0], atol=1e-4)


def test_long_and_empty_texts_are_refused(embedder: MakeEmbedder, load: Any, tmp_path: Path) -> None:
    path = embedder()
    with pytest.raises(InvalidRequestError, match=r"Text 2 has 513 tokens.*at most 512"):
        load(path).embed(["one", "two " * 513])
    with pytest.raises(InvalidRequestError, match="Text 1 is empty"):
        load(path).embed([""])
    (tmp_path / "config.json").write_text(json.dumps({"max_position_embeddings": 3}))
    with pytest.raises(InvalidRequestError, match="at most 3"):
        load(path).embed(["one one one one"])


def test_truncation_of_the_tokenizer_is_a_limit_not_a_cut(embedder: MakeEmbedder, load: Any, tmp_path: Path) -> None:
    path = embedder()
    place = str(tmp_path / "tokenizer.json")
    tokenizer = Tokenizer.from_file(place)
    tokenizer.enable_truncation(2)
    tokenizer.enable_padding(pad_id=4, length=8)
    tokenizer.save(place)
    model = load(path)
    assert model.embed(["one two"])[1] == 2
    with pytest.raises(InvalidRequestError, match="at most 2"):
        model.embed(["one two three"])


def test_what_is_missing_is_said(embedder: MakeEmbedder, load: Any, tmp_path: Path) -> None:
    path = embedder(task="embedding")
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(ModelFileError, match=r"tokenizer .* cannot be read"):
        load(path)
    (tmp_path / "tokenizer.json").unlink()
    with pytest.raises(ModelFileError, match=r"no tokenizer\.json"):
        load(path)
    with pytest.raises(ModelFileError, match="wants pixels"):
        load(embedder(task="embedding", inputs=("input_ids", "pixels")), shouting())
    with pytest.raises(CapabilityError, match="No plugin knows"):
        load(embedder(task="embedding", inputs=("input_ids", "pixels")))


def test_words_are_put_around_texts(embedder: MakeEmbedder, load: Any) -> None:
    model = load(embedder(), shouting())
    assert not model.asks_outside
    assert model.prepare(EmbedRequest(model="test", texts=("one", "two"), purpose="query")) == (
        "query: one",
        "query: two",
    )
    model = load(embedder(), shouting(is_remote=True))
    assert model.asks_outside


def shouting(**marks: bool) -> Registry:
    """A registry with a family that takes every graph and puts the purpose before each text."""

    class Format:
        def embedding_text(self, text: str, purpose: str) -> str:
            return f"{purpose}: {text}"

    class Family:
        id = "shouting"

        def recognise(self, facts: ModelFacts) -> Recognition:
            return Recognition(accepts=frozenset({Accepts.TEXTS}), tasks=("embedding",))

        def open(self, facts: ModelFacts) -> Format:
            found = Format()
            vars(found).update(marks)
            return found

    registry = Registry()
    registry.put("shouting", Offers(families=[Family()]))
    return registry
