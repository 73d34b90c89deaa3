"""What a backend offers to the engine: four small protocols and the values that cross them.

A backend turns a model file into a loaded model. `load` runs on the engine's loader thread, and what gets a request
ready or finishes a result runs on threads of the intake, several at once where a model `asks_outside`; everything else
of a loaded model is called by one lane thread only, so loaded models need no locks of their own.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from engine.backends.conversation import Conversation as Conversation
from engine.backends.places import CPU_TARGET as CPU_TARGET
from engine.backends.places import IN_THIS_PROCESS as IN_THIS_PROCESS
from engine.backends.places import DeviceTarget as DeviceTarget
from engine.backends.places import Whereabouts as Whereabouts
from engine.backends.prefix_tier import Found, PrefixTier
from engine.errors import RequestError
from engine.footprint import PagingInfo
from engine.plugins.contract.vision import Prepared, Tensors
from engine.types import (
    EmbedRequest,
    FinishReason,
    FloatArray,
    GenerateRequest,
    ModelInfo,
    RecognizeRequest,
    TokenLogprob,
    ToolCall,
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
        target: where to load it.
        paged: let a part of the weights come and go, so that it fits into `available_bytes`; on the processor only.
        predicted_tokens_per_s: of a paged model, for one sequence; 0 if that is unknown.
    """

    context_tokens: int = 4096
    max_sequences: int = 16
    threads: int = 1
    available_bytes: int | None = None
    target: DeviceTarget = CPU_TARGET
    paged: bool = False
    predicted_tokens_per_s: float = 0.0


class LoadedModel(Protocol):
    """A model in memory."""

    @property
    def info(self) -> ModelInfo:
        """The model on disk."""

    @property
    def device(self) -> str:
        """Id of the device where it lives: `cpu`, `gpu:N`, `npu:N`."""

    @property
    def whereabouts(self) -> Whereabouts:
        """Where it lives, in full."""

    @property
    def backend(self) -> str:
        """`llama.cpp` or `onnxruntime`."""

    @property
    def memory_bytes(self) -> int:
        """Weights, KV cache and compute buffers."""

    @property
    def asks_outside(self) -> bool:
        """Whether getting a request ready, or finishing a result, asks a plugin in a process of its own.

        That can take as long as its time limit, so it must not happen on a thread that other requests need.
        """

    def set_threads(self, threads: int) -> None:
        """Use this many CPU threads from the next step on."""

    def close(self) -> None:
        """Free everything; the model must not be used again. Safe to call twice."""


ReadToolCalls = Callable[[Sequence[str]], Sequence[ToolCall]]
"""Reads the calls out of what stood in the tool spans of an answer; raises EngineError if that is no call."""


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
        read_tool_calls: turns the blocks of the answer into calls, off the lane; None if it has none.
        begins_thinking: whether the answer begins in thoughts.
        found: what was read from disk for it, until it has its place; None if there was nothing worth it.
    """

    request: GenerateRequest
    tokens: tuple[int, ...]
    max_tokens: int
    seed: int
    dropped_messages: tuple[int, ...] = ()
    plan: object = None
    read_tool_calls: ReadToolCalls | None = None
    begins_thinking: bool = False
    found: Found | None = None


class TextSequence(Protocol):
    """One request being answered by a text model; owned by the model, read by the lane."""

    @property
    def prompt_tokens(self) -> int:
        """Length of what it reads before it writes on: the prompt, and what it wrote elsewhere or before a break."""

    @property
    def cached_tokens(self) -> int:
        """Prompt tokens that were already in the KV cache when the sequence was admitted."""

    @property
    def prefilled_tokens(self) -> int:
        """Prompt tokens in the KV cache now, the cached ones included."""

    @property
    def is_prefilling(self) -> bool:
        """Whether part of the prompt is still to be read."""

    @property
    def written_tokens(self) -> tuple[int, ...]:
        """Token ids chosen so far, also those that it had written elsewhere before."""


@dataclass(frozen=True, slots=True)
class ToolBlock:
    """What stood in one tool span of an answer: without its marks, and as the model wrote it."""

    text: str
    written: str


@dataclass(frozen=True, slots=True)
class SequenceStep:
    """What one step did for one sequence.

    Attributes:
        sequence: which one.
        text: text that became certain in this step (may be empty: half a character, or the start of a stop string).
        token_count: tokens generated: 0, or 1; a sequence that got several in a step has an entry for each.
        logprobs: of the tokens whose text is in `text`, if the request asked for them.
        finish: set on the last step of a sequence; the lane then calls `release`.
        error: set instead of `finish` when the sequence failed.
        thinking: more of what stands in thinking spans; comes before `text`.
        blocks: with `finish`: all tool spans of the answer.
    """

    sequence: TextSequence
    text: str = ""
    token_count: int = 0
    logprobs: tuple[TokenLogprob, ...] = ()
    finish: FinishReason | None = None
    error: RequestError | None = None
    thinking: str = ""
    blocks: tuple[ToolBlock, ...] = ()


@runtime_checkable
class TextModel(LoadedModel, Protocol):
    """Generates text for several sequences at once (continuous batching).

    Attributes:
        tier: where it finds what was read before, and puts what memory has no room for; set before any other thread
            than the loader's knows the model.
    """

    tier: PrefixTier

    @property
    def context_tokens(self) -> int:
        """Longest prompt plus answer that one request may have."""

    @property
    def parking_bytes(self) -> int:
        """Memory that idle conversations may still take, beyond `memory_bytes`. Thread: any."""

    @property
    def paging(self) -> PagingInfo | None:
        """What it costs that its weights come and go; None if they do not. Thread: any."""

    @property
    def can_cut_states(self) -> bool:
        """Whether a kept state is of use to a prompt that shares only its beginning, and not only as a whole."""

    def count_tokens(self, text: str) -> int:
        """Number of tokens of a text, without those that begin or end one.

        Thread: any.

        Raises:
            InvalidRequestError: the text cannot be read.
        """

    def prepare(self, request: GenerateRequest) -> Prompt:
        """Check, render and tokenise a request, and read from the tier what is faster than reading it anew.

        Thread: any; must not change anything that `step` uses.

        Raises:
            RequestError: the request cannot be served; says why.
            CapabilityError: the model cannot do this kind of request.
        """

    def look_up(self, prompt: Prompt, written: Sequence[int] = ()) -> Prompt:
        """The same prompt, which another copy of this model has prepared, with what this one's tier has of it.

        Thread: any.

        Args:
            prompt: of the same model.
            written: token ids of an answer that was begun; they are read behind the prompt.
        """

    def admit(self, prompt: Prompt, written: Sequence[int] = ()) -> TextSequence | None:
        """Give the prompt a place in the batch, reusing KV of an earlier turn; None if there is no room just now.

        Args:
            prompt: what to answer.
            written: token ids of an answer that another copy of this model has begun; it goes on behind them.
        """

    def step(self, sequences: Sequence[TextSequence], prefill_tokens: int) -> list[SequenceStep]:
        """Run one decode: a token for each decoding sequence, and up to `prefill_tokens` prompt tokens of the others.

        Args:
            sequences: a subset of the admitted ones; the others stay as they are.
            prefill_tokens: prompt tokens to read in this step at most, in the order of `sequences`.

        Returns:
            At least one entry per sequence that was touched; one per token, in their order, for one that got several.

        Raises:
            EngineError: the whole model failed; every sequence is lost.
        """

    def release(self, sequence: TextSequence) -> None:
        """Take a finished or cancelled sequence out of the batch; its KV may be kept for the next turn."""

    def suspend(self, sequence: TextSequence) -> None:
        """Take a sequence out of the batch for a while; its KV is kept while there is room, the rest in any case."""

    def resume(self, sequence: TextSequence) -> bool:
        """Give a suspended sequence its place again, to read only what was lost; False if there is no room just now."""

    def held_tokens(self, prompt: Prompt) -> int:
        """Number of tokens of a prompt whose KV is held and would be reused; takes less than a millisecond.

        What was found on disk counts for somewhat less.
        """

    def conversations(self) -> Sequence[Conversation]:
        """All KV that is kept, but for that of sequences in the batch; taken before a model leaves."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PreparedImage:
    """An image, decoded and turned into what the graph is fed.

    Attributes:
        size: width, height of the upright original in pixels.
        prepared: by the model's format.
        maker: what prepared it, and will finish it; opaque.
    """

    size: tuple[int, int]
    prepared: Prepared
    maker: object = None


ImageOutputs = Sequence[Tensors]
"""What a graph gave for one image, an entry per run."""


@runtime_checkable
class VisionModel(LoadedModel, Protocol):
    """Recognises images: each is prepared by itself, many run together, and each is finished by itself.

    `prepare` and `finish` work after `close` as well: an image may be on its way when its model leaves.
    """

    @property
    def max_batch(self) -> int:
        """Most images per run."""

    def prepare(self, request: RecognizeRequest) -> PreparedImage:
        """Decode an image and make of it what the graph is fed.

        Thread: any but the lane; must not touch anything that `run` changes.

        Raises:
            ImageError: the image cannot be read.
            EngineError: it cannot be used, or the plugin failed.
        """

    def run(self, images: Sequence[PreparedImage]) -> list[ImageOutputs | RequestError]:
        """Run all images together; one that the graph fails on gives its own error and does not spoil the others.

        Thread: lane.
        """

    def finish(self, image: PreparedImage, outputs: ImageOutputs, top_k: int) -> VisionOutput:
        """Make a result of what the graph gave for an image.

        Thread: any but the lane; must not touch anything that `run` changes.

        Raises:
            EngineError: the outputs make no sense, or the plugin failed.
        """


@runtime_checkable
class EmbeddingModel(LoadedModel, Protocol):
    """Turns texts into vectors."""

    @property
    def max_batch(self) -> int:
        """Most texts per run."""

    def prepare(self, request: EmbedRequest) -> tuple[str, ...]:
        """Put the words around the texts that the model wants to see for this purpose.

        Thread: any.

        Raises:
            EngineError: a plugin failed.
        """

    def embed(self, texts: Sequence[str]) -> tuple[FloatArray, int]:
        """Embed texts that `prepare` has returned, not normalised.

        Returns:
            float32 vectors, shape (texts, dimensions), and the number of tokens read.

        Raises:
            RequestError: a text cannot be embedded (too long, say).
        """


def paging_of(model: LoadedModel) -> PagingInfo | None:
    """What it costs that a model's weights come and go; None if they do not. Thread: any."""
    return model.paging if isinstance(model, TextModel) else None


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
