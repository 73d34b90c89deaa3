"""Similar texts: which of many texts mean most nearly the same as one."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from engine.plugins.api import Field, FloatArray, InputFile, InvalidRequestError, Kind, Table, TaskContext, Values

AT_ONCE: Final = 64
MOST_SHOWN_CHARS: Final = 200


class SimilarTexts:
    """Ranks texts by how near their meaning is to that of one text."""

    id = "similar-texts"
    title = "Find similar texts"
    summary = "Ranks texts, or the paragraphs of a file, by how near they are in meaning to one text."
    inputs: tuple[Field, ...] = (
        Field(name="query", title="Text", multiline=True, help="What the others are compared with."),
        Field(
            name="texts",
            title="Texts",
            multiline=True,
            required=False,
            default="",
            help="One per line, if not from a file.",
        ),
        Field(
            name="file",
            title="File",
            kind=Kind.FILE,
            required=False,
            suffixes=(".txt", ".md", ".csv"),
            help="Its paragraphs are compared.",
        ),
        Field(name="model", title="Model", kind=Kind.MODEL, accepts="texts"),
        Field(name="most", title="Most results", kind=Kind.INTEGER, default=20, least=1, most=1_000),
    )
    outputs: tuple[Field, ...] = (Field(name="ranking", title="Most similar first", kind=Kind.TABLE),)

    def run(self, inputs: Values, context: TaskContext) -> Values:
        """Rank.

        Raises:
            InvalidRequestError: there are no texts.
        """
        model, query = str(inputs["model"]), str(inputs["query"]).strip()
        texts = _texts(inputs)
        if not query or not texts:
            raise InvalidRequestError("There is nothing to compare.", "Give one text, and others to compare it with.")
        context.progress(0.0, "Reading the text")
        wanted = _normal(context.models.embed(model, [query], "query").vectors)[0]
        scores: list[float] = []
        for start in range(0, len(texts), AT_ONCE):
            context.progress(0.1 + 0.9 * start / len(texts), f"Comparing {start + 1} of {len(texts)}")
            vectors = _normal(context.models.embed(model, texts[start : start + AT_ONCE]).vectors)
            scores += [float(score) for score in vectors @ wanted]
        context.progress(1.0)
        most = inputs["most"]
        assert isinstance(most, int)
        order = sorted(range(len(texts)), key=lambda index: -scores[index])[:most]
        rows = tuple((str(rank), f"{scores[at]:.3f}", _shown(texts[at])) for rank, at in enumerate(order, 1))
        return {"ranking": Table(("Rank", "Similarity", "Text"), rows)}


def _texts(inputs: Values) -> Sequence[str]:
    """Every text once: lines of the form, else paragraphs of the file."""
    lines = str(inputs.get("texts", "")).splitlines()
    file = inputs.get("file")
    if not any(line.strip() for line in lines) and isinstance(file, InputFile):
        if b"\0" in file.data and file.data[:2] not in {b"\xff\xfe", b"\xfe\xff"}:
            raise InvalidRequestError(f"{file.name} holds no text.", "Choose a text file.")
        text = file.text().replace("\r\n", "\n")
        lines = text.split("\n\n") if "\n\n" in text.strip() else text.split("\n")
    return list(dict.fromkeys(" ".join(line.split()) for line in lines if line.strip()))


def _normal(vectors: FloatArray) -> FloatArray:
    """Vectors of length 1, float32, shape as given; those of length 0 stay so."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, np.finfo(np.float32).tiny), dtype=np.float32)


def _shown(text: str) -> str:
    return text if len(text) <= MOST_SHOWN_CHARS else f"{text[: MOST_SHOWN_CHARS - 1]}…"
