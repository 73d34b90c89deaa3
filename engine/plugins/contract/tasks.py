"""Task: typed inputs to typed outputs, with models in between."""

from collections.abc import Callable, Sequence
from typing import Literal, Protocol

from engine.errors import EngineError
from engine.plugins.contract.values import Field, Values
from engine.types import (
    Accepts,
    EmbedResult,
    GenerateRequest,
    GenerateResult,
    ModelInfo,
    RecognizeRequest,
    RecognizeResult,
)

OnText = Callable[[int, str], None]
"""Called with the index of a request and more text of its answer; on any thread, one call at a time."""


class Models(Protocol):
    """The engine's door, as a task sees it. Every call waits for its result and carries the urgency of whoever
    started the task, so that it is scheduled like everything else. Needs the permission `models`.

    Every call raises `TaskCancelledError` once the task is cancelled, and `EngineError` if the request fails.

    >>> from engine.plugins.api import GenerateRequest, user
    >>> from engine.testing import FakeTaskContext
    >>> def translate(models, model, text):
    ...     request = GenerateRequest(model=model, messages=(user(f"In French: {text}"),))
    ...     return models.generate(request).text
    >>> translate(FakeTaskContext().models, "any", "Good day")
    'fine'
    """

    def available(self, accepts: Accepts | None = None) -> tuple[ModelInfo, ...]:
        """Models on disk, those only that take this form of request."""

    def count_tokens(self, model: str, text: str) -> int:
        """Number of tokens that a text has for a model; loads the model if it must."""

    def context_tokens(self, model: str) -> int:
        """Longest prompt plus answer that one request to a model may have."""

    def generate(self, request: GenerateRequest, on_text: Callable[[str], None] | None = None) -> GenerateResult:
        """Answer one request; `on_text` gets the answer while it is being written."""

    def generate_all(
        self, requests: Sequence[GenerateRequest], on_text: OnText | None = None
    ) -> list[GenerateResult | EngineError]:
        """Answer several requests at once; those to one model share its batches. A request that fails gives its error
        in place of a result, and the others go on.
        """

    def recognize(self, request: RecognizeRequest) -> RecognizeResult:
        """Say what is in an image."""

    def embed(
        self, model: str, texts: Sequence[str], purpose: Literal["document", "query"] = "document"
    ) -> EmbedResult:
        """Turn texts into vectors."""


class TaskContext(Protocol):
    """What a running task can reach.

    >>> from engine.testing import FakeTaskContext
    >>> def count(rows, context):
    ...     for done, row in enumerate(rows):
    ...         context.progress(done / len(rows), f"row {done + 1}")
    ...         context.emit("report", f"{row}: {len(row)}\\n")
    >>> context = FakeTaskContext()
    >>> count(["one", "three"], context)
    >>> context.emitted["report"]
    'one: 3\\nthree: 5\\n'
    """

    @property
    def models(self) -> Models:
        """The models."""

    def progress(self, fraction: float, note: str = "") -> None:
        """Say how far it is, in [0, 1], and in a few words what it is doing.

        Raises:
            TaskCancelledError: the user has cancelled it.
        """

    def emit(self, output: str, text: str) -> None:
        """Append text to a TEXT or MARKDOWN output while it grows; what `run` returns replaces it at the end.

        Raises:
            TaskCancelledError: the user has cancelled it.
        """


class Task(Protocol):
    """Something that people do with models; drawn as a form, offered in the command palette and as `hearth task ID`.

    >>> from engine.plugins.api import Field, Kind
    >>> class Shout:
    ...     id = "shout"
    ...     title = "Shout"
    ...     summary = "Writes a text in capitals."
    ...     inputs = (Field(name="text", title="Text", multiline=True),)
    ...     outputs = (Field(name="loud", title="Loud text"),)
    ...     def run(self, inputs, context):
    ...         context.progress(0.5, "shouting")
    ...         return {"loud": inputs["text"].upper()}
    >>> from engine.testing import FakeTaskContext
    >>> Shout().run({"text": "hi"}, FakeTaskContext())
    {'loud': 'HI'}
    """

    id: str
    """Unique in Hearth: lower case, digits and hyphens."""
    title: str
    """A verb and its object."""
    summary: str
    """One sentence."""
    inputs: tuple[Field, ...]
    """What the form asks for."""
    outputs: tuple[Field, ...]
    """What `run` returns."""

    def run(self, inputs: Values, context: TaskContext) -> Values:
        """Do it. Inputs are complete and of the right types; outputs must be.

        Raises:
            EngineError: it cannot be done; says why and what to do.
            TaskCancelledError: let it pass.
        """
