"""The words that embedding models were trained with around a text; without them they still work, but worse."""

import re
from dataclasses import dataclass
from typing import Final

from engine.plugins.api import ModelFacts


@dataclass(frozen=True, slots=True)
class Prompts:
    """What stands before a query, and before a document."""

    query: str = ""
    document: str = ""


PLAIN: Final = Prompts()
GEMMA: Final = Prompts("task: search result | query: ", "title: none | text: ")
NOMIC: Final = Prompts("search_query: ", "search_document: ")
SEARCH: Final = Prompts("Represent this sentence for searching relevant passages: ")
_INSTRUCTION: Final = "Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery:"

BY_NAME: Final = (
    # the first pattern that occurs in the model's name or its file's decides
    (r"e5-.*instruct|e5-mistral|sfr-embedding|linq-embed|llama-embed", Prompts(f"{_INSTRUCTION} ")),
    (r"\be5-(small|base|large)", Prompts("query: ", "passage: ")),
    (r"bge-(small|base|large)-zh", Prompts("为这个句子生成表示以用于检索相关文章：")),
    (r"bge-(small|base|large)-en|\bmxbai-embed|arctic-embed-(xs|s|m|l)(-v1)?(?!-v[2-9])\b", SEARCH),
    (r"arctic-embed-.*v2", Prompts("query: ")),
    (r"nomic-embed-code", Prompts("Represent this query for searching relevant code: ")),
    (r"nomic-embed|modernbert-embed", NOMIC),
    (r"embedding-?gemma", GEMMA),
    (r"qwen3-embedding", Prompts(_INSTRUCTION)),
    (
        r"jina-code-embeddings",
        Prompts("Find the most relevant code snippet given the following query:\n", "Candidate code snippet:\n"),
    ),
    (
        r"jina-embeddings-v3",
        Prompts("Represent the query for retrieving evidence documents: ", "Represent the document for retrieval: "),
    ),
    (r"jina-embeddings-v4", Prompts("Query: ", "Passage: ")),
    (r"jina-embeddings-v5", Prompts("Query: ", "Document: ")),
)
BY_ARCHITECTURE: Final = {"gemma-embedding": GEMMA, "nomic-bert": NOMIC, "nomic-bert-moe": NOMIC}


def prompts_of(facts: ModelFacts) -> Prompts:
    """What a model wants before a text: by its name, else by its architecture, else nothing."""
    base = facts.metadata.get("general.basename", "")
    label = re.sub(r"[\s_/]+", "-", f"{facts.name} {base} {facts.file_name}".lower())
    for pattern, prompts in BY_NAME:
        if re.search(pattern, label):
            return prompts
    return BY_ARCHITECTURE.get(facts.architecture, PLAIN)
