"""Which models make vectors, and the words that each wants before a text."""

import pytest

from engine.plugins.api import Accepts, CapabilityError, GenerateRequest, ModelFacts, TensorFacts
from plugins.embed.family import EmbedFamily

TOKENS = (TensorFacts("input_ids", (None, None), "int64"), TensorFacts("attention_mask", (None, None), "int64"))
PICTURE = (TensorFacts("pixel_values", (None, 3, 224, 224), "float32"),)
INSTRUCT = "Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery:"
NAMES = {
    "e5-small-v2": ("query: x", "passage: x"),
    "multilingual-e5-base": ("query: x", "passage: x"),
    "multilingual-e5-large-instruct": (f"{INSTRUCT} x", "x"),
    "bge-small-en-v1.5": ("Represent this sentence for searching relevant passages: x", "x"),
    "bge-base-zh-v1.5": ("为这个句子生成表示以用于检索相关文章：x", "x"),
    "bge-m3": ("x", "x"),
    "mxbai-embed-large-v1": ("Represent this sentence for searching relevant passages: x", "x"),
    "snowflake-arctic-embed-m-v1.5": ("Represent this sentence for searching relevant passages: x", "x"),
    "snowflake-arctic-embed-l": ("Represent this sentence for searching relevant passages: x", "x"),
    "snowflake-arctic-embed-l-v2.0": ("query: x", "x"),
    "nomic-embed-text-v1.5": ("search_query: x", "search_document: x"),
    "nomic-embed-code": ("Represent this query for searching relevant code: x", "x"),
    "Embedding Gemma 300m": ("task: search result | query: x", "title: none | text: x"),
    "Qwen3 Embedding 0.6B": (f"{INSTRUCT}x", "x"),
    "jina-embeddings-v3": (
        "Represent the query for retrieving evidence documents: x",
        "Represent the document for retrieval: x",
    ),
    "jina-embeddings-v4-text-retrieval": ("Query: x", "Passage: x"),
    "jina-embeddings-v5-text-small": ("Query: x", "Document: x"),
    "all-MiniLM-L6-v2": ("x", "x"),
    "gte-base-en-v1.5": ("x", "x"),
}


def gguf(architecture: str, pooling: int | None = None, name: str = "Model", file_name: str = "m.gguf") -> ModelFacts:
    metadata = {} if pooling is None else {f"{architecture}.pooling_type": pooling}
    return ModelFacts(file_name=file_name, format="gguf", name=name, architecture=architecture, metadata=metadata)


def onnx(**changes: object) -> ModelFacts:
    return ModelFacts(file_name="model.onnx", format="onnx", architecture="onnx", **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "facts",
    [
        gguf("bert"),
        gguf("nomic-bert"),
        gguf("gemma-embedding"),
        gguf("modern-bert", 2),
        gguf("qwen3", 3),
        gguf("llama", 1),
        onnx(has_tokenizer=True),
        onnx(has_tokenizer=True, inputs=TOKENS),
        onnx(card={"task": "embedding"}, inputs=TOKENS),
    ],
)
def test_embedders_are_taken(facts):
    recognition = EmbedFamily().recognise(facts)
    assert recognition is not None
    assert (recognition.accepts, recognition.tasks) == ({Accepts.TEXTS}, ("embedding",))
    assert recognition.confidence <= 0.5


@pytest.mark.parametrize(
    "facts",
    [
        gguf("llama"),
        gguf("qwen3", 0),
        gguf("bert", 4),
        gguf("qwen3", 4),
        gguf("t5"),
        onnx(),
        onnx(inputs=TOKENS),
        onnx(inputs=PICTURE, has_tokenizer=True),
        onnx(card={"task": "classification"}, has_tokenizer=True),
    ],
)
def test_others_are_left_alone(facts):
    assert EmbedFamily().recognise(facts) is None


@pytest.mark.parametrize("name", NAMES)
def test_texts_get_the_words_that_the_model_was_trained_with(name):
    query, document = NAMES[name]
    for facts in (gguf("bert", name=name), gguf("bert", file_name=f"{name}-q8_0.gguf")):
        opened = EmbedFamily().open(facts)
        assert opened.embedding_text("x", "query") == query
        assert opened.embedding_text("x", "document") == document


@pytest.mark.parametrize("architecture", ["nomic-bert", "nomic-bert-moe", "gemma-embedding"])
def test_an_architecture_can_say_enough(architecture):
    opened = EmbedFamily().open(gguf(architecture))
    assert opened.embedding_text("x", "query") != opened.embedding_text("x", "document")


def test_embedders_write_nothing():
    opened = EmbedFamily().open(gguf("bert"))
    with pytest.raises(CapabilityError, match="writes nothing"):
        opened.compose(GenerateRequest(model="m", prompt="x"))
    assert opened.read_tool_calls(["x"]) == ()
