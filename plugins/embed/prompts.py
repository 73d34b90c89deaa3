"""The words that embedding models were trained with around a text; without them they still work, but worse."""

import re
from dataclasses import dataclass
from typing import Final

from engine.plugins.api import ModelFacts

_NOTHING: Final = ("", "")
_SEARCH: Final = "Represent this sentence for searching relevant passages: "
_INSTRUCT: Final = "Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery:"


@dataclass(frozen=True, slots=True)
class Prompts:
    """What stands before and after a query, and before and after a document."""

    query: tuple[str, str] = _NOTHING
    document: tuple[str, str] = _NOTHING


PLAIN: Final = Prompts()
BY_NAME: Final = (
    # the first pattern that occurs in the model's name or its file's decides
    (r"multilingual-e5.*instruct|e5-mistral", Prompts(query=(f"{_INSTRUCT} ", ""))),
    (r"\be5-(small|base|large)|multilingual-e5", Prompts(query=("query: ", ""), document=("passage: ", ""))),
    (r"bge-m3|bge-.*-zh", PLAIN),
    (r"bge-(small|base|large).*-en|\bmxbai-embed|arctic-embed-(xs|s|m|l)(-v1)?(?!-v2)\b", Prompts(query=(_SEARCH, ""))),
    (r"arctic-embed-.*v2", Prompts(query=("query: ", ""))),
    (r"nomic-embed-code", Prompts(query=("Represent this query for searching relevant code: ", ""))),
    (r"nomic-embed|modernbert-embed", Prompts(query=("search_query: ", ""), document=("search_document: ", ""))),
    (
        r"embedding-?gemma",
        Prompts(query=("task: search result | query: ", ""), document=("title: none | text: ", "")),
    ),
    (r"qwen3-embedding", Prompts(query=(_INSTRUCT, ""))),
    (
        r"jina-embeddings-v3",
        Prompts(
            query=("Represent the query for retrieving evidence documents: ", ""),
            document=("Represent the document for retrieval: ", ""),
        ),
    ),
    (r"jina-(embeddings-v[45]|code-embeddings)", Prompts(query=("Query: ", ""), document=("Document: ", ""))),
)
BY_ARCHITECTURE: Final = {
    "gemma-embedding": Prompts(query=("task: search result | query: ", ""), document=("title: none | text: ", "")),
    "nomic-bert": Prompts(query=("search_query: ", ""), document=("search_document: ", "")),
    "nomic-bert-moe": Prompts(query=("search_query: ", ""), document=("search_document: ", "")),
}


def prompts_of(facts: ModelFacts) -> Prompts:
    """What a model wants around a text: by its name, else by its architecture, else nothing."""
    base = facts.metadata.get("general.basename", "")
    label = re.sub(r"[\s_/]+", "-", f"{facts.name} {base} {facts.file_name}".lower())
    for pattern, prompts in BY_NAME:
        if re.search(pattern, label):
            return prompts
    return BY_ARCHITECTURE.get(facts.architecture, PLAIN)
