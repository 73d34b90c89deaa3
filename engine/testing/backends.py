"""Backends without weights: everything but the arithmetic is real: threads, queue, streams, cancelling."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from engine.backends.base import (
    Conversation,
    ImageOutputs,
    LoadedModel,
    LoadOptions,
    LoadProgress,
    PreparedImage,
    Prompt,
    SequenceStep,
    TextSequence,
    ToolBlock,
    Whereabouts,
)
from engine.backends.prefix_tier import NoPrefixTier, PrefixTier
from engine.errors import ContextOverflowError, EngineError, InvalidRequestError, ModelError, RequestError
from engine.plugins.contract.vision import Prepared
from engine.types import (
    Accepts,
    EmbedRequest,
    FinishReason,
    FloatArray,
    GenerateRequest,
    Label,
    ModelInfo,
    RecognizeRequest,
    TextLine,
    ToolCall,
    VisionOutput,
)


@dataclass(slots=True, eq=False)
class FakeSequence:
    """A scripted answer in progress."""

    prompt: Prompt
    cached_tokens: int = 0
    prefilled_tokens: int = 0
    emitted: int = 0

    @property
    def prompt_tokens(self) -> int:
        """Length of the prompt."""
        return len(self.prompt.tokens)

    @property
    def is_prefilling(self) -> bool:
        """Whether part of the prompt is still to be read."""
        return self.prefilled_tokens < self.prompt_tokens

    @property
    def written_tokens(self) -> tuple[int, ...]:
        """A token per piece of the script."""
        return tuple(range(self.emitted))


class _FakeModel:
    """What all fake models share.

    Attributes:
        threads: what the lane has set last.
        is_closed: whether `close` was called.
    """

    backend = "fake"
    asks_outside = False

    def __init__(self, info: ModelInfo, options: LoadOptions) -> None:
        self.info = info
        self.memory_bytes = max(1 << 20, info.size_bytes)
        self.threads = options.threads
        self.whereabouts = Whereabouts(device=options.target.device, interface=options.target.interface)
        self.is_closed = False

    @property
    def device(self) -> str:
        """Id of the device that it was loaded on."""
        return self.whereabouts.device

    def set_threads(self, threads: int) -> None:
        """Note the number of threads."""
        self.threads = threads

    def close(self) -> None:
        """Note that it is closed."""
        self.is_closed = True


class FakeTextModel(_FakeModel):
    """Answers every prompt with the same script, one piece per step; a prompt has one token per word."""

    parking_bytes = 0
    can_cut_states = True
    paging = None

    def __init__(self, info: ModelInfo, options: LoadOptions, backend: "FakeBackend") -> None:
        super().__init__(info, options)
        self._options = options
        self._backend = backend
        self.context_tokens = options.context_tokens
        self.admitted: list[FakeSequence] = []
        self.released: list[FakeSequence] = []
        self.suspended: list[FakeSequence] = []
        self.kept: list[Conversation] = []
        self.tier: PrefixTier = NoPrefixTier()
        self.batch_sizes: list[int] = []

    def count_tokens(self, text: str) -> int:
        """Count words."""
        return len(text.split())

    def prepare(self, request: GenerateRequest) -> Prompt:
        """Split the prompt, or the conversation, into words."""
        text = request.prompt if request.prompt is not None else " ".join(m.content for m in request.messages)
        words = text.split()
        if not words:
            raise InvalidRequestError("The prompt is empty.", "Write something.")
        if len(words) >= self._options.context_tokens:
            raise ContextOverflowError(len(words), self._options.context_tokens)
        most = self._options.context_tokens - len(words)
        seed = 0 if request.sampling is None or request.sampling.seed is None else request.sampling.seed
        return Prompt(
            request=request,
            tokens=tuple(range(len(words))),
            max_tokens=most if request.max_tokens is None else min(most, request.max_tokens),
            seed=seed,
            read_tool_calls=lambda blocks: self._backend.calls[: len(blocks)],
            begins_thinking=bool(self._backend.thinking),
        )

    def look_up(self, prompt: Prompt, written: Sequence[int] = ()) -> Prompt:
        """Find nothing more."""
        return prompt

    def admit(self, prompt: Prompt, written: Sequence[int] = ()) -> FakeSequence | None:
        """Take the prompt if there is a free place in the batch; the script goes on behind what was written."""
        if not self._has_place:
            return None
        sequence = FakeSequence(prompt, min(self.held_tokens(prompt), len(prompt.tokens) - 1), emitted=len(written))
        sequence.prefilled_tokens = sequence.cached_tokens
        self.admitted.append(sequence)
        return sequence

    def step(self, sequences: Sequence[TextSequence], prefill_tokens: int) -> list[SequenceStep]:
        """Read part of the prompts and emit a piece of the script for each of the others."""
        time.sleep(self._backend.step_s)
        self.batch_sizes.append(len(sequences))
        self._backend.check_step(self.device, len(self.batch_sizes))
        steps = []
        for sequence in sequences:
            assert isinstance(sequence, FakeSequence)
            if sequence.is_prefilling:
                read = min(prefill_tokens, sequence.prompt_tokens - sequence.prefilled_tokens)
                sequence.prefilled_tokens += read
                prefill_tokens -= read
            step = SequenceStep(sequence) if sequence.is_prefilling else self._emit(sequence)
            steps.append(step)
        return steps

    def release(self, sequence: TextSequence) -> None:
        """Note that a sequence has left."""
        assert isinstance(sequence, FakeSequence)
        self.released.append(sequence)
        if sequence in self.suspended:
            self.suspended.remove(sequence)

    def suspend(self, sequence: TextSequence) -> None:
        """Give its place to others."""
        assert isinstance(sequence, FakeSequence)
        self.suspended.append(sequence)

    def resume(self, sequence: TextSequence) -> bool:
        """Give it a place again, if there is one."""
        assert isinstance(sequence, FakeSequence)
        if not self._has_place:
            return False
        self.suspended.remove(sequence)
        return True

    def held_tokens(self, prompt: Prompt) -> int:
        """All of them, if a conversation of that length is kept: words have no ids of their own."""
        return max((len(it.tokens) for it in self.kept if len(it.tokens) <= len(prompt.tokens)), default=0)

    def conversations(self) -> Sequence[Conversation]:
        """What is kept, and whatever is suspended."""
        asleep = [Conversation(it.prompt.tokens, np.zeros(64, np.uint8), at) for at, it in enumerate(self.suspended)]
        return [*self.kept, *asleep]

    @property
    def _has_place(self) -> bool:
        running = len(self.admitted) - len(self.released) - len(self.suspended)
        return running < self._options.max_sequences

    def _emit(self, sequence: FakeSequence) -> SequenceStep:
        thinking, script = self._backend.thinking, self._backend.script
        at = sequence.emitted - len(thinking)  # negative while it thinks
        sequence.emitted += 1
        finish = None
        if sequence.emitted >= sequence.prompt.max_tokens:
            finish = FinishReason.LENGTH
        elif not self._backend.repeat and at + 1 >= len(script):
            finish = FinishReason.STOP
        if at < 0:
            return SequenceStep(sequence, "", 1, finish=finish, thinking=thinking[at])
        blocks = tuple(ToolBlock(call.name, call.name) for call in self._backend.calls) if finish else ()
        return SequenceStep(sequence, script[at % len(script)], 1, finish=finish, blocks=blocks)


class FakeVisionModel(_FakeModel):
    """Sees the same labels in every image; an image whose bytes are empty is broken."""

    max_batch = 8

    def __init__(self, info: ModelInfo, options: LoadOptions, backend: "FakeBackend") -> None:
        super().__init__(info, options)
        self._backend = backend
        self.batch_sizes: list[int] = []

    def prepare(self, request: RecognizeRequest) -> PreparedImage:
        """Read the file."""
        image = request.image.read_bytes() if isinstance(request.image, Path) else request.image
        if not image:
            raise InvalidRequestError("The image is empty.", "Choose another file.")
        return PreparedImage(size=self._backend.sees.image_size, prepared=Prepared(runs=()))

    def run(self, images: Sequence[PreparedImage]) -> list[ImageOutputs | RequestError]:
        """Note how many came together."""
        time.sleep(self._backend.step_s)
        self.batch_sizes.append(len(images))
        self._backend.check_step(self.device, len(self.batch_sizes))
        return [() for _ in images]

    def finish(self, image: PreparedImage, outputs: ImageOutputs, top_k: int) -> VisionOutput:
        """Return the scripted output."""
        labels = self._backend.sees.labels
        return replace(self._backend.sees, labels=None if labels is None else labels[:top_k])


class FakeEmbeddingModel(_FakeModel):
    """Embeds a text as the counts of its first letters."""

    max_batch = 4

    def __init__(self, info: ModelInfo, options: LoadOptions) -> None:
        super().__init__(info, options)
        self.batch_sizes: list[int] = []

    def prepare(self, request: EmbedRequest) -> tuple[str, ...]:
        """Leave the texts as they are."""
        return request.texts

    def embed(self, texts: Sequence[str]) -> tuple[FloatArray, int]:
        """Return vectors of shape (texts, 26)."""
        self.batch_sizes.append(len(texts))
        vectors = np.zeros((len(texts), 26), np.float32)
        for row, text in zip(vectors, texts, strict=True):
            if not text:
                raise InvalidRequestError("A text is empty.", "Leave it out.")
            for letter in text.lower():
                if "a" <= letter <= "z":
                    row[ord(letter) - ord("a")] += 1
        return vectors, sum(len(text.split()) for text in texts)


_SIGN = VisionOutput(
    task="reading",
    image_size=(320, 64),
    labels=(Label("letter", 0.9), Label("digit", 0.1)),
    lines=(TextLine("HEARTH 42", 0.98, (10, 12, 300, 52)),),
)


@dataclass(slots=True, eq=False)
class FakeBackend:
    """Opens any file; the model's kind follows from what its `ModelInfo` accepts.

    Attributes:
        script: pieces of text, one per step.
        thinking: what it thinks before every answer, one piece per step.
        calls: tools that every answer asks for at its end.
        repeat: start the script again instead of ending the answer.
        step_s: how long a step takes.
        load_s: how long loading takes.
        load_error: raised by `load`.
        step_error: raised by a step, after `fail_after_steps` good ones.
        fails_on: the device where these errors happen; empty for all.
        sees: what every image shows.
        models: all models that were loaded, newest last.
    """

    script: tuple[str, ...] = ("Hello", ", ", "world", ".")
    thinking: tuple[str, ...] = ()
    calls: tuple[ToolCall, ...] = ()
    repeat: bool = False
    step_s: float = 0.0
    load_s: float = 0.0
    load_error: EngineError | None = None
    step_error: Exception | None = None
    fail_after_steps: int = 0
    fails_on: str = ""
    sees: VisionOutput = _SIGN
    models: list[LoadedModel] = field(default_factory=list)
    name: str = "fake"
    version: str = "1"

    def load(self, info: ModelInfo, options: LoadOptions, progress: LoadProgress) -> LoadedModel:
        """Make a model of the kind that the info asks for."""
        if self.load_error is not None and self.fails_on in {"", options.target.device}:
            raise self.load_error
        if not progress(0.5):
            raise ModelError(f"Loading {info.id} was cancelled.")
        time.sleep(self.load_s)
        model = self._make(info, options)
        self.models.append(model)
        return model

    def check_step(self, device: str, steps: int) -> None:
        """Fail if it is time to."""
        if self.step_error is not None and self.fails_on in {"", device} and steps > self.fail_after_steps:
            raise self.step_error

    def _make(self, info: ModelInfo, options: LoadOptions) -> LoadedModel:
        if Accepts.TEXTS in info.accepts:
            return FakeEmbeddingModel(info, options)
        if Accepts.IMAGE in info.accepts:
            return FakeVisionModel(info, options, self)
        return FakeTextModel(info, options, self)
