"""What a backend offers to the engine: four small protocols and the values that cross them.

A backend turns a model file into a loaded model. `load` and `prepare` run on the engine's loader thread; every other
method of a loaded model is called by one lane thread only, so loaded models need no locks of their own.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from engine.errors import RequestError
from engine.types import (
    FinishReason,
    FloatArray,
    GenerateRequest,
    ModelInfo,
    RecognizeRequest,
    TokenLogprob,
    VisionOutput,
)

LoadProgress = Callable[[float], bool]
"""Called with the loaded fraction in [0, 1]; returning False cancels the load."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadOptions:
    """How a model is loaded.

    Attributes:
        context_tokens: longest prompt plus answer of one request; capped by what the model was trained for.
        max_sequences: most requests decoded together, 1 to 64.
        threads: CPU threads to start with; the lane changes them with `set_threads`.
        available_bytes: memory that the model may take; None lets the backend ask the operating system.
    """

    context_tokens: int = 4096
    max_sequences: int = 16
    threads: int = 1
    available_bytes: int | None = None


class LoadedModel(Protocol):
    """A model in memory."""

    @property
    def info(self) -> ModelInfo:
        """The model on disk."""

    @property
    def device(self) -> str:
        """Where it lives: `cpu`, `gpu:N`, `npu:N`."""

    @property
    def backend(self) -> str:
        """`llama.cpp` or `onnxruntime`."""

    @property
    def memory_bytes(self) -> int:
        """Weights, KV cache and compute buffers."""

    def set_threads(self, threads: int) -> None:
        """Use this many CPU threads from the next step on."""

    def close(self) -> None:
        """Free everything; the model must not be used again. Safe to call twice."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prompt:
    """A generate request, checked, rendered and tokenised; nothing about it can fail for its shape any more.

    Attributes:
        request: where it came from.
        tokens: token ids, never empty.
        max_tokens: most tokens to generate; prompt and answer together fit the context.
        seed: the seed to use; chosen here if the request has none.
        dropped_messages: indexes of messages left out to make it fit.
        plan: what the backend wants to keep for the sequence (sampler recipe, grammar, stop strings); opaque.
    """

    request: GenerateRequest
    tokens: tuple[int, ...]
    max_tokens: int
    seed: int
    dropped_messages: tuple[int, ...] = ()
    plan: object = None


class TextSequence(Protocol):
    """One request being answered by a text model; owned by the model, read by the lane."""

    @property
    def prompt_tokens(self) -> int:
        """Length of the prompt."""

    @property
    def cached_tokens(self) -> int:
        """Prompt tokens that were already in the KV cache when the sequence was admitted."""

    @property
    def prefilled_tokens(self) -> int:
        """Prompt tokens in the KV cache now, the cached ones included."""

    @property
    def is_prefilling(self) -> bool:
        """Whether part of the prompt is still to be read."""


@dataclass(frozen=True, slots=True)
class SequenceStep:
    """What one step did for one sequence.

    Attributes:
        sequence: which one.
        text: text that became certain in this step (may be empty: half a character, or the start of a stop string).
        token_count: tokens generated in this step, 0 or 1.
        logprobs: of the tokens whose text is in `text`, if the request asked for them.
        finish: set on the last step of a sequence; the lane then calls `release`.
        error: set instead of `finish` when the sequence failed.
    """

    sequence: TextSequence
    text: str = ""
    token_count: int = 0
    logprobs: tuple[TokenLogprob, ...] = ()
    finish: FinishReason | None = None
    error: RequestError | None = None


@runtime_checkable
class TextModel(LoadedModel, Protocol):
    """Generates text for several sequences at once (continuous batching)."""

    def prepare(self, request: GenerateRequest) -> Prompt:
        """Check, render and tokenise a request.

        Thread: loader; must not touch anything that `step` changes.

        Raises:
            RequestError: the request cannot be served; says why.
            CapabilityError: the model cannot do this kind of request.
        """

    def admit(self, prompt: Prompt) -> TextSequence | None:
        """Give the prompt a place in the batch, reusing KV of an earlier turn; None if there is no room just now."""

    def step(self, sequences: Sequence[TextSequence], prefill_tokens: int) -> list[SequenceStep]:
        """Run one decode: a token for each decoding sequence, and up to `prefill_tokens` prompt tokens of the others.

        Args:
            sequences: a subset of the admitted ones; the others stay as they are.
            prefill_tokens: prompt tokens to read in this step at most, in the order of `sequences`.

        Returns:
            One entry per sequence that was touched.

        Raises:
            EngineError: the whole model failed; every sequence is lost.
        """

    def release(self, sequence: TextSequence) -> None:
        """Take a finished or cancelled sequence out of the batch; its KV may be kept for the next turn."""


@runtime_checkable
class VisionModel(LoadedModel, Protocol):
    """Recognises images."""

    @property
    def max_batch(self) -> int:
        """Most images per run."""

    def recognize(self, requests: Sequence[RecognizeRequest]) -> list[VisionOutput | RequestError]:
        """Run all images as one batch; a broken image gives its own error and does not spoil the others."""


@runtime_checkable
class EmbeddingModel(LoadedModel, Protocol):
    """Turns texts into vectors."""

    @property
    def max_batch(self) -> int:
        """Most texts per run."""

    def embed(self, texts: Sequence[str]) -> tuple[FloatArray, int]:
        """Embed texts, not normalised.

        Returns:
            float32 vectors, shape (texts, dimensions), and the number of tokens read.

        Raises:
            RequestError: a text cannot be embedded (too long, say).
        """


class Backend(Protocol):
    """Opens model files of one format."""

    @property
    def name(self) -> str:
        """`llama.cpp` or `onnxruntime`."""

    @property
    def version(self) -> str:
        """Version of the inference library, for `hearth doctor`."""

    def load(self, info: ModelInfo, options: LoadOptions, progress: LoadProgress) -> LoadedModel:
        """Load a model; blocks for as long as it takes.

        Raises:
            ModelFileError: the file is broken or of an unknown kind.
            OutOfMemoryError: it does not fit.
        """
