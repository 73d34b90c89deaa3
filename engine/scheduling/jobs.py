"""The three kinds of jobs: answers, images, texts to embed."""

import logging
import time
from concurrent.futures import Future
from dataclasses import replace

import numpy as np

from engine.backends.base import (
    EmbeddingModel,
    ImageOutputs,
    LoadedModel,
    PreparedImage,
    Prompt,
    ReadToolCalls,
    SequenceStep,
    TextModel,
    TextSequence,
    ToolBlock,
    VisionModel,
)
from engine.errors import EngineError
from engine.scheduling.job import Job, Later, settle
from engine.scheduling.tickets import Ticket
from engine.stream import OutputStream
from engine.types import (
    EmbedRequest,
    EmbedResult,
    Finished,
    FinishReason,
    FloatArray,
    GenerateResult,
    Placement,
    Prefill,
    RecognizeRequest,
    RecognizeResult,
    SteppedDown,
    TextDelta,
    ThinkingDelta,
    TokenLogprob,
    ToolCall,
    Usage,
)

log = logging.getLogger(__name__)


class GenerateJob(Job):
    """An answer being written.

    Attributes:
        prompt: what to answer, ready for the model.
        sequence: its place in the model's batch, also while it is suspended; None before it begins.
        written: tokens of its answer that another copy of its model has written.
        is_cut: whether it ended only because it was as long as allowed.
    """

    def __init__(self, ticket: Ticket, model: TextModel, prompt: Prompt, stream: OutputStream, later: Later) -> None:
        """Make a job.

        Args:
            ticket: the request.
            model: what answers.
            prompt: what to answer.
            stream: takes the events.
            later: reads the calls of tools, which may ask a plugin.
        """
        super().__init__(ticket)
        self.prompt = prompt
        self.prompt_tokens = len(prompt.tokens)
        self.sequence: TextSequence | None = None
        self.written: tuple[int, ...] = ()
        self.is_cut = False
        self._model = model
        self._stream = stream
        self._later = later
        self._parts: list[str] = []
        self._thinking: list[str] = []
        self._is_thinking = prompt.begins_thinking
        self._logprobs: list[TokenLogprob] = []
        self._output_tokens = 0

    @property
    def model(self) -> TextModel:
        """What it runs on."""
        return self._model

    @property
    def most_output(self) -> int:
        """Tokens that it may come to."""
        return self.prompt.max_tokens

    @property
    def output_count(self) -> int:
        """Tokens so far."""
        return self._output_tokens

    @property
    def is_reading(self) -> bool:
        """Whether part of its prompt is still to be read."""
        return self.sequence is not None and self.sequence.is_prefilling

    def known_tokens(self) -> int:
        """Tokens of its prompt whose KV is held."""
        return self._model.held_tokens(self.prompt) if self.sequence is None else 0

    def begin(self) -> bool:
        """Take a place in the batch of its model, or take it again."""
        if self.sequence is not None:
            return self._model.resume(self.sequence)
        self.sequence = self._model.admit(self.prompt, self.written)
        return self.sequence is not None

    def suspend(self) -> None:
        """Give the place back; its KV stays as long as there is room."""
        assert self.sequence is not None
        self._model.suspend(self.sequence)

    def leave(self) -> None:
        """Leave the model, and keep the tokens that were chosen."""
        if self.sequence is not None:
            self.written = self.sequence.written_tokens
            self._model.release(self.sequence)
            self.sequence = None

    def move(self, model: LoadedModel) -> None:
        """Go on behind the last token that was chosen."""
        assert isinstance(model, TextModel)
        if self.sequence is not None:  # its model broke
            self.written = self.sequence.written_tokens
            self.sequence = None
        self._model = model

    def look_up(self) -> None:
        """Let the model find what of the prompt was read before; its KV stayed with the copy that it had."""
        self.prompt = self._model.look_up(self.prompt, self.written)

    def tell_step_down(self, event: SteppedDown) -> None:
        """Put the event."""
        super().tell_step_down(event)
        self._stream.put(event)

    def advance(self, step: SequenceStep, placement: Placement) -> None:
        """Pass on what a step did for this job."""
        if self.clock.prefilled_s is None:
            self._note_prefill(step.sequence)
        if step.token_count:
            if self.clock.first_token_s is None:
                self.clock.first_token_s = time.monotonic()
            self._output_tokens += step.token_count
        if step.text or step.thinking or step.token_count:
            self._pass_on(step)
        if step.error is not None:
            self._stream.fail(step.error)
        elif step.finish is not None:
            self.is_cut = step.finish is FinishReason.LENGTH
            self._finish(self._result(step.finish, step.sequence, placement), step.blocks)

    def _pass_on(self, step: SequenceStep) -> None:
        """Put what the step wrote; its token counts once, with what the model is at."""
        count = step.token_count
        if step.thinking:
            self._is_thinking = True
        if self._is_thinking and (step.thinking or not step.text):
            self._thinking.append(step.thinking)
            self._stream.put(ThinkingDelta(step.thinking, 0 if step.text else count))
        if step.text or not self._is_thinking:
            self._is_thinking = False
            self._parts.append(step.text)
            self._logprobs.extend(step.logprobs)
            self._stream.put(TextDelta(step.text, count, step.logprobs))

    def _finish(self, result: GenerateResult, blocks: tuple[ToolBlock, ...]) -> None:
        read = self.prompt.read_tool_calls
        if not blocks or read is None:
            self._stream.put(Finished(result))
            return
        # Not here: the plugin may take its time, and every other answer would wait for it.
        self._later(lambda: self._finish_with_calls(result, blocks, read))

    def _finish_with_calls(self, result: GenerateResult, blocks: tuple[ToolBlock, ...], read: ReadToolCalls) -> None:
        """End an answer that asks for tools; blocks that nobody can read become text at its end, so nothing is lost."""
        calls: tuple[ToolCall, ...] = ()
        try:
            calls = tuple(read([block.text for block in blocks]))
        except EngineError as error:
            log.info("the calls of an answer cannot be read: %s", error)
        if calls:
            self._stream.put(Finished(replace(result, tool_calls=calls)))
            return
        written = "".join(block.written for block in blocks)
        self._stream.put(TextDelta(written, 0))
        self._stream.put(Finished(replace(result, text=result.text + written)))

    def _note_prefill(self, sequence: TextSequence) -> None:
        if not sequence.is_prefilling:
            self.clock.prefilled_s = time.monotonic()
        self._stream.put(Prefill(sequence.prefilled_tokens, sequence.prompt_tokens))

    def _result(self, finish: FinishReason, sequence: TextSequence, placement: Placement) -> GenerateResult:
        return GenerateResult(
            text="".join(self._parts),
            finish_reason=finish,
            usage=Usage(
                prompt_tokens=len(self.prompt.tokens),
                cached_tokens=sequence.cached_tokens,
                output_tokens=self._output_tokens,
            ),
            timings=self.clock.timings(),
            placement=self.placed(placement),
            seed=self.prompt.seed,
            logprobs=tuple(self._logprobs),
            dropped_messages=self.prompt.dropped_messages,
            thinking="".join(self._thinking),
        )


class RecognizeJob(Job):
    """An image waiting to be recognised.

    Attributes:
        image: what the model is fed.
    """

    form = "image"

    def __init__(
        self,
        ticket: Ticket,
        model: VisionModel,
        request: RecognizeRequest,
        image: PreparedImage,
        future: "Future[RecognizeResult]",
        later: Later,
    ) -> None:
        """Make a job.

        Args:
            ticket: the request.
            model: what looks at it.
            request: which image.
            image: prepared by the model.
            future: completed with the result; the caller cancels it.
            later: makes the result of what the graph gave, which may ask a plugin.
        """
        super().__init__(ticket)
        self.image = image
        self._request = request
        self._model = model
        self._future = future
        self._later = later
        self._is_done = False

    @property
    def model(self) -> VisionModel:
        """What it runs on."""
        return self._model

    @property
    def output_count(self) -> int:
        """One, once it was looked at."""
        return int(self._is_done)

    def move(self, model: LoadedModel) -> None:
        """Be looked at by another copy of its model."""
        assert isinstance(model, VisionModel)
        self._model = model

    def finish(self, outputs: ImageOutputs, placement: Placement) -> None:
        """Complete the future soon, with a result made of what the graph gave."""
        self._is_done = True
        self._later(lambda: self._finish(outputs, placement))

    def _finish(self, outputs: ImageOutputs, placement: Placement) -> None:
        output = self._model.finish(self.image, outputs, self._request.top_k)
        self.clock.first_token_s = time.monotonic()
        result = RecognizeResult(output=output, timings=self.clock.timings(), placement=self.placed(placement))
        settle(self._future, result)


class EmbedJob(Job):
    """Texts being embedded, a batch a step.

    Attributes:
        request: which texts.
        future: completed with the result; the caller cancels it.
    """

    form = "texts"

    def __init__(
        self, ticket: Ticket, model: EmbeddingModel, request: EmbedRequest, future: "Future[EmbedResult]"
    ) -> None:
        super().__init__(ticket)
        self.request = request
        self.future = future
        self._model = model
        self._vectors: list[FloatArray] = []
        self._done_texts = 0
        self._tokens = 0

    @property
    def model(self) -> EmbeddingModel:
        """What it runs on."""
        return self._model

    @property
    def most_output(self) -> int:
        """Batches that it takes."""
        return -(-len(self.request.texts) // self._model.max_batch)

    @property
    def output_count(self) -> int:
        """Texts that have their vector."""
        return self._done_texts

    @property
    def is_done(self) -> bool:
        """Whether every text has its vector."""
        return self._done_texts == len(self.request.texts)

    def move(self, model: LoadedModel) -> None:
        """Go on with the texts that have no vector yet."""
        assert isinstance(model, EmbeddingModel)
        self._model = model

    def next_texts(self) -> tuple[str, ...]:
        """The texts of the next step."""
        return self.request.texts[self._done_texts : self._done_texts + self._model.max_batch]

    def advance(self, vectors: FloatArray, tokens: int, placement: Placement) -> None:
        """Add the vectors of a step, shape (texts of the step, dimensions); the last one completes the future."""
        self._vectors.append(vectors)
        self._done_texts += len(vectors)
        self._tokens += tokens
        if self.is_done:
            self.clock.first_token_s = time.monotonic()
            settle(self.future, self._result(placement))

    def _result(self, placement: Placement) -> EmbedResult:
        vectors = np.concatenate(self._vectors)
        if self.request.normalize:
            lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
            vectors = vectors / np.maximum(lengths, np.finfo(np.float32).tiny)
        return EmbedResult(
            vectors=vectors,
            usage=Usage(prompt_tokens=self._tokens),
            timings=self.clock.timings(),
            placement=self.placed(placement),
        )
