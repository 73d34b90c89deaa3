"""ModelFamily: how to recognise a text model, how to prompt it, and how to read what it writes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from engine.plugins.contract.values import Json
from engine.types import Accepts, GenerateRequest, ToolCall


@dataclass(frozen=True, slots=True)
class TensorFacts:
    """An input or output of a graph; `shape` has None where a side is free; `dtype` as in `float32`, `int64`."""

    name: str
    shape: tuple[int | None, ...]
    dtype: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFacts:
    """What is known of a model file without loading it.

    Attributes:
        file_name: without folders.
        format: of the file.
        name: what its author calls it.
        architecture: as the file says; `onnx` for a graph.
        metadata: GGUF keys, or metadata properties of an ONNX file; long arrays are left out.
        special_tokens: texts of a GGUF vocabulary that stand for more than their letters -> token id.
        bos: text of the token that begins a text; empty if there is none.
        eos: text of the token that ends one; empty if there is none.
        inputs: of an ONNX graph.
        outputs: of an ONNX graph.
        card: the JSON object beside an ONNX file (`name.json`); empty if there is none.
        has_tokenizer: whether a `tokenizer.json` lies beside an ONNX file.
    """

    file_name: str
    format: Literal["gguf", "onnx"]
    name: str = ""
    architecture: str = ""
    metadata: Mapping[str, str | int | float | bool] = field(default_factory=dict)
    special_tokens: Mapping[str, int] = field(default_factory=dict)
    bos: str = ""
    eos: str = ""
    inputs: tuple[TensorFacts, ...] = ()
    outputs: tuple[TensorFacts, ...] = ()
    card: Mapping[str, Json] = field(default_factory=dict)
    has_tokenizer: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognition:
    """That a model is one of ours.

    Attributes:
        accepts: forms of request that it can then serve.
        tasks: names of what it is good for, shown to people: `chat`, `detect`...
        confidence: in [0, 1]; for each form the offer with the highest one serves the model. The bundled ones that
            take any file of a kind say 0.5 or less, so that something more special can step before them.
    """

    accepts: frozenset[Accepts]
    tasks: tuple[str, ...]
    confidence: float = 0.5


@dataclass(frozen=True, slots=True)
class Text:
    """Part of a prompt. With `special`, texts like `<|im_end|>` become the tokens that they name."""

    text: str
    special: bool = False


@dataclass(frozen=True, slots=True)
class Token:
    """Part of a prompt: one token by its id."""

    id: int


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of an answer that is no answer: between `open` and `close` stand thoughts, or a call of a tool, or
    nothing that anybody wants to see (`mark`), which is dropped.

    The marks themselves are taken out, and line breaks that follow one. `close` may be empty: the span then goes on to
    the end of the answer. Marks may be texts of special tokens, and inside a `tool` span special tokens are kept as
    text. Where several spans open at the same place, the longest `open` counts.
    """

    kind: Literal["thinking", "tool", "mark"]
    open: str
    close: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Composition:
    """A request in the words of a model.

    Attributes:
        parts: of the prompt, in order. The token that begins a text is put before them where the model wants it.
        stop: texts that end the answer, in addition to the model's end tokens and the request's own.
        spans: how the answer is to be split.
        begins_in: the kind of span in which the answer begins, because the prompt has opened it already; None: in none.
    """

    parts: tuple[Text | Token, ...]
    stop: tuple[str, ...] = ()
    spans: tuple[Span, ...] = ()
    begins_in: Literal["thinking", "tool"] | None = None


class TextFormat(Protocol):
    """How to talk to one model. Methods may be called from several threads; keep no state between calls.

    >>> from engine.plugins.api import Composition, GenerateRequest, Text, user
    >>> class Plain:
    ...     def compose(self, request):
    ...         turns = [f"{message.role}: {message.content}" for message in request.messages]
    ...         return Composition(parts=(Text("\\n".join([*turns, "assistant:"])),), stop=("\\nuser:",))
    ...     def read_tool_calls(self, blocks):
    ...         return ()
    ...     def embedding_text(self, text, purpose):
    ...         return text
    >>> Plain().compose(GenerateRequest(model="any", messages=(user("Hi"),))).parts
    (Text(text='user: Hi\\nassistant:', special=False),)
    """

    def compose(self, request: GenerateRequest) -> Composition:
        """Turn a request into a prompt. It has been checked: messages, or a prompt, or a prompt with a suffix.

        Raises:
            EngineError: the model cannot do this; says why.
        """

    def read_tool_calls(self, blocks: Sequence[str]) -> Sequence[ToolCall]:
        """Read the calls out of what stood in `tool` spans, marks taken out; called only if there is any.

        Raises:
            EngineError: a block is no call; says why. The caller then gets the answer without calls.
        """

    def embedding_text(self, text: str, purpose: Literal["document", "query"]) -> str:
        """Put the words around a text that the model wants to see around it before making a vector of it."""


class ModelFamily(Protocol):
    """A kind of text model.

    >>> from engine.plugins.api import Accepts, ModelFacts, Recognition
    >>> class Shouters:
    ...     id = "shouters"
    ...     def recognise(self, facts):
    ...         if facts.architecture != "shout":
    ...             return None
    ...         return Recognition(accepts=frozenset({Accepts.MESSAGES}), tasks=("chat",), confidence=0.9)
    ...     def open(self, facts):
    ...         raise NotImplementedError
    >>> Shouters().recognise(ModelFacts(file_name="a.gguf", format="gguf", architecture="llama")) is None
    True
    """

    id: str
    """Unique within the plugin: lower case, digits and hyphens."""

    def recognise(self, facts: ModelFacts) -> Recognition | None:
        """Say what can be done with a model; None if it is none of ours. Quick, and pure: the result is kept."""

    def open(self, facts: ModelFacts) -> TextFormat:
        """Get ready to talk to a model; called once each time it is loaded.

        Raises:
            EngineError: the model cannot be talked to (its template is broken, say).
        """
