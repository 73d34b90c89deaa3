"""Frozen values that cross the engine's door: requests, events, results, infos.

Everything here is immutable, has no behaviour beyond construction, and imports nothing but the standard library and
numpy, so that a front end can depend on it without depending on an inference engine.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from engine.caching import Cached
from engine.footprint import PagingInfo
from engine.requests import Accepts as Accepts
from engine.requests import EmbedRequest as EmbedRequest
from engine.requests import GenerateRequest as GenerateRequest
from engine.requests import Message as Message
from engine.requests import OverflowPolicy as OverflowPolicy
from engine.requests import RecognizeRequest as RecognizeRequest
from engine.requests import Sampling as Sampling
from engine.requests import ToolCall as ToolCall
from engine.requests import ToolSpec as ToolSpec
from engine.requests import Urgency as Urgency
from engine.requests import assistant as assistant
from engine.requests import system as system
from engine.requests import user as user

FloatArray = NDArray[np.float32]


class FinishReason(StrEnum):
    """Why an answer ended."""

    STOP = "stop"  # end-of-turn token or a stop string
    LENGTH = "length"  # max_tokens reached, or the context is full


# ------------------------------------------------------------------------------------------------- parts of results


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens of one request; `cached_tokens` of the prompt were already in the KV cache."""

    prompt_tokens: int
    cached_tokens: int = 0
    output_tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Timings:
    """Where the time of one request went, in seconds of wall-clock time.

    Attributes:
        queued_s: from arrival until its first step, loading not counted.
        load_s: waiting for the model to load; 0 when it was loaded.
        prefill_s: from its first step until the prompt was read.
        first_token_s: from arrival until the first token.
        decode_s: from the first token until the last.
        total_s: from arrival until the end.
    """

    queued_s: float
    load_s: float
    prefill_s: float
    first_token_s: float
    decode_s: float
    total_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where a request really ran, and why there.

    Attributes:
        device: `cpu`, `gpu:N` or `npu:N`; several that share the model are joined with `+`.
        backend: `llama.cpp` or `onnxruntime`.
        threads: CPU threads at the end of the request.
        reason: one sentence.
        interface: what the backend went through (`CPU`, `Vulkan`, an execution provider, ...).
        layers: of the model on the device, of `total_layers`; both 0 for a graph.
        total_layers: of the model.
        note: what stayed with the processor, in one sentence; or empty.
        step_downs: where it was before, and why it did not stay there, a sentence each.
        device_s: seconds of the device that it took; steps that it shared count by its share.
        energy_j: joules that the device took for it; None where the power is unknown.
    """

    device: str
    backend: str
    threads: int
    reason: str
    interface: str = "CPU"
    layers: int = 0
    total_layers: int = 0
    note: str = ""
    step_downs: tuple[str, ...] = ()
    device_s: float = 0.0
    energy_j: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenLogprob:
    """Natural-log probability of one generated token, and of the most likely ones at that position."""

    text: str
    logprob: float
    top: tuple[tuple[str, float], ...] = ()


# ------------------------------------------------------------------------------------------------------------ events


@dataclass(frozen=True, slots=True)
class Queued:
    """The request waits.

    Attributes:
        position: among all that wait for the same lane, 1 is next.
        starts_in_s: predicted; None where that cannot be said.
        reason: why it waits, in one sentence; or empty.
    """

    position: int
    starts_in_s: float | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Loading:
    """The model is being loaded; `fraction` in [0, 1]."""

    fraction: float


@dataclass(frozen=True, slots=True)
class SteppedDown:
    """The request goes on elsewhere, because a device failed; `sentence` says all of it."""

    from_device: str
    to_device: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Prefill:
    """The prompt is being read: `done_tokens` of `total_tokens`."""

    done_tokens: int
    total_tokens: int


@dataclass(frozen=True, slots=True)
class TextDelta:
    """More text of the answer; several tokens are merged when the reader is slower than the model."""

    text: str
    token_count: int
    logprobs: tuple[TokenLogprob, ...] = ()


@dataclass(frozen=True, slots=True)
class ThinkingDelta:
    """More of what the model thinks before it answers; no part of the answer."""

    text: str
    token_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerateResult:
    """A finished answer.

    Attributes:
        text: the whole answer, equal to the joined deltas.
        finish_reason: why it ended.
        seed: the seed that was used; the same request with it gives the same text when it runs alone.
        dropped_messages: indexes of the messages dropped by `OverflowPolicy.DROP_OLDEST`.
        thinking: what it thought before, equal to the joined `ThinkingDelta`s.
        tool_calls: what it asks to be called before it goes on. What no plugin can read as a call is part of the text.
        cached: set if it was not computed for this request; timings and placement are then those of the computation.
    """

    text: str
    finish_reason: FinishReason
    usage: Usage
    timings: Timings
    placement: Placement
    seed: int
    logprobs: tuple[TokenLogprob, ...] = ()
    dropped_messages: tuple[int, ...] = ()
    thinking: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    cached: Cached | None = None


@dataclass(frozen=True, slots=True)
class Finished:
    """Last event of every answer that did not fail."""

    result: GenerateResult


Event = Queued | Loading | SteppedDown | Prefill | TextDelta | ThinkingDelta | Finished


# ----------------------------------------------------------------------------------------------------- other results


@dataclass(frozen=True, slots=True)
class Label:
    """One answer of a classifier; `score` in [0, 1]."""

    name: str
    score: float


@dataclass(frozen=True, slots=True)
class TextLine:
    """One line of text found in an image.

    Attributes:
        text: what it says.
        score: mean probability of its characters, in [0, 1].
        box: left, top, right, bottom in pixels of the upright image.
    """

    text: str
    score: float
    box: tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Detection:
    """One thing found in an image.

    Attributes:
        name: what it is.
        score: in [0, 1].
        box: left, top, right, bottom in pixels of the upright image.
    """

    name: str
    score: float
    box: tuple[int, int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class VisionOutput:
    """What a vision model says about one image; fields that its task does not fill are None.

    Attributes:
        task: what was done, as the pipeline calls it.
        image_size: width, height in pixels, after EXIF rotation.
        labels: most likely first.
        lines: top to bottom.
        detections: most certain first.
        mask: uint8, shape (rows, columns) of any resolution, stretched over the whole image: 0 is nothing, i is
            `mask_names[i - 1]`.
        mask_names: what the values of the mask stand for.
        features: float32 vector, shape (n,).
    """

    task: str
    image_size: tuple[int, int]
    labels: tuple[Label, ...] | None = None
    lines: tuple[TextLine, ...] | None = None
    detections: tuple[Detection, ...] | None = None
    mask: NDArray[np.uint8] | None = None
    mask_names: tuple[str, ...] = ()
    features: FloatArray | None = None

    @property
    def text(self) -> str:
        """All lines, one per row."""
        return "\n".join(line.text for line in self.lines or ())


@dataclass(frozen=True, slots=True, kw_only=True)
class RecognizeResult:
    """What is in an image, and what it took to find out."""

    output: VisionOutput
    timings: Timings
    placement: Placement
    cached: Cached | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbedResult:
    """Vectors, float32, shape (texts, dimensions), in the order of the request's texts."""

    vectors: FloatArray
    usage: Usage
    timings: Timings
    placement: Placement
    cached: Cached | None = None


# ------------------------------------------------------------------------------------------------------------- infos


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelInfo:
    """A model on disk, described from its header alone.

    Attributes:
        id: short name, unique in the library.
        path: the file.
        format: `gguf` or `onnx`.
        name: what its author calls it.
        architecture: `llama`, `qwen2`, ... or `onnx`.
        size_bytes: of the file.
        parameters: number of weights; None if unknown.
        quantization: `F16`, `Q8_0`, `Q4_K_M`, ...; None if unknown.
        context_tokens: trained context; None for vision models.
        accepts: forms of request that it can serve.
        tasks: what it is good for, as the plugins that serve it say.
        plugins: ids of those plugins.
        licence: as written in the file; None if it says nothing.
        sampling: what its author recommends; the defaults where the file says nothing.
    """

    id: str
    path: Path
    format: Literal["gguf", "onnx"]
    name: str
    architecture: str
    size_bytes: int
    parameters: int | None = None
    quantization: str | None = None
    context_tokens: int | None = None
    accepts: frozenset[Accepts] = frozenset()
    tasks: tuple[str, ...] = ()
    plugins: tuple[str, ...] = ()
    licence: str | None = None
    sampling: Sampling = field(default_factory=Sampling)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedModelInfo:
    """A model in memory.

    Attributes:
        info: the model on disk.
        device: where it lives.
        memory_bytes: weights plus KV cache and compute buffers, as the backend reports them.
        running: requests being answered now.
        idle_s: seconds since its last step.
        device_bytes: of `memory_bytes`, in the device's own memory.
        device_s: seconds that its steps have taken since it was loaded.
        is_pinned: whether it stays until it is unpinned.
        waiting: requests that wait for it.
        paging: set if it is larger than its memory, and its weights come and go.
    """

    info: ModelInfo
    device: str
    memory_bytes: int
    running: int
    idle_s: float
    device_bytes: int = 0
    device_s: float = 0.0
    is_pinned: bool = False
    waiting: int = 0
    paging: PagingInfo | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSnapshot:
    """What the engine is doing, as plain numbers; cheap enough to take ten times a second.

    Attributes:
        loaded: models in memory.
        waiting: requests not yet started.
        running: requests being answered.
        threads: CPU threads that the lane uses now.
        threads_reason: why that many, in one sentence.
        tokens_per_s: output tokens per second over the last second, all models together.
        memory_bytes: resident memory of this process.
        memory_limit_bytes: what this process may use (RAM or cgroup limit).
        cpu_ours: share of all cores used by this process, in [0, 1].
        cpu_others: share of all cores used by other programs, in [0, 1].
    """

    loaded: tuple[LoadedModelInfo, ...]
    waiting: int
    running: int
    threads: int
    threads_reason: str
    tokens_per_s: float
    memory_bytes: int
    memory_limit_bytes: int
    cpu_ours: float
    cpu_others: float
