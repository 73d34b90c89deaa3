"""A loaded text model: continuous batching on one llama.cpp context."""

import logging
from collections.abc import Sequence

from engine.backends.base import IN_THIS_PROCESS, Conversation, Prompt, SequenceStep, TextSequence, Whereabouts
from engine.backends.llama.answer import AnswerText, SplitAnswer, report_logprob
from engine.backends.llama.batch import BATCH_TOKENS
from engine.backends.llama.composing import AnswerRules
from engine.backends.llama.context import Context
from engine.backends.llama.drafting import DRAFT_ROWS, DraftCounts, Drafter, share_rows
from engine.backends.llama.metered_context import MeteredContext
from engine.backends.llama.prepare import Preparer, SequencePlan
from engine.backends.llama.reuse import Reuse
from engine.backends.llama.sampling import build_sampler
from engine.backends.llama.sequence import LlamaSequence
from engine.backends.llama.slots import SlotTable
from engine.backends.llama.vocabulary import Vocabulary
from engine.backends.llama.weights import Weights
from engine.backends.prefix_tier import PrefixTier
from engine.errors import EngineError, RequestError
from engine.footprint import PagingInfo
from engine.types import FinishReason, FloatArray, GenerateRequest, ModelInfo

log = logging.getLogger(__name__)


class LlamaTextModel:
    """Generates text for several sequences at once.

    Thread: `prepare` and `count_tokens` on any, everything else on the lane's.

    Attributes:
        draft_counts: what became of the tokens that were drafted since it was loaded.
    """

    def __init__(
        self,
        weights: Weights,
        context: Context,
        slots: SlotTable,
        vocabulary: Vocabulary,
        preparer: Preparer,
        whereabouts: Whereabouts = IN_THIS_PROCESS,
        *,
        drafts: bool = False,
    ) -> None:
        """Put a model together.

        Args:
            weights: of it.
            context: decodes with them.
            slots: of that context.
            vocabulary: of it.
            preparer: turns requests into its tokens.
            whereabouts: where it lives.
            drafts: whether several tokens per step are tried, which pays where a step takes the same time with more
                rows; the context must have been made for it. Memory that cannot drop a tail does without.
        """
        self._whereabouts = whereabouts
        self._weights = weights
        self._context = MeteredContext(context, slots.rates)
        self._slots = slots
        self._vocabulary = vocabulary
        self._preparer = preparer
        self._reuse = Reuse(slots)
        self._running: set[LlamaSequence] = set()
        self._drafts = drafts and slots.can_share
        self.draft_counts = DraftCounts()

    @property
    def info(self) -> ModelInfo:
        """The model on disk."""
        return self._weights.info

    @property
    def device(self) -> str:
        """Id of the device where it lives."""
        return self._whereabouts.device

    @property
    def whereabouts(self) -> Whereabouts:
        """Where it lives, in full."""
        return self._whereabouts

    @property
    def backend(self) -> str:
        """The inference library."""
        return "llama.cpp"

    @property
    def memory_bytes(self) -> int:
        """Weights, KV cache and compute buffers, as llama.cpp announced them, and conversations beside the cache."""
        return self._weights.memory_bytes + self._slots.parked.used_bytes + self._reuse.travelling_bytes

    @property
    def parking_bytes(self) -> int:
        """Memory that idle conversations may still take, beyond `memory_bytes`. Thread: any."""
        return self._slots.parked.limit_bytes - self._slots.parked.used_bytes

    @property
    def paging(self) -> PagingInfo | None:
        """What it costs that its weights come and go; None if they do not. Thread: any."""
        return self._context.paging

    @property
    def asks_outside(self) -> bool:
        """Whether getting a request ready, or reading its calls, asks a plugin in a process of its own."""
        return self._preparer.asks_outside

    @property
    def can_cut_states(self) -> bool:
        """Whether a kept state is of use to a prompt that shares only its beginning, and not only as a whole."""
        return self._slots.can_cut_states

    @property
    def tier(self) -> PrefixTier:
        """Where it finds what was read before, and puts what memory has no room for."""
        return self._reuse.tier

    @tier.setter
    def tier(self, tier: PrefixTier) -> None:
        self._reuse.tier = tier

    @property
    def context_tokens(self) -> int:
        """Longest prompt plus answer that one request may have."""
        return self._preparer.context_tokens

    def count_tokens(self, text: str) -> int:
        """Number of tokens of a text, without those that begin or end one. Thread: any."""
        return len(self._vocabulary.tokenize(text, add_special=False, parse_special=False))

    def set_threads(self, threads: int) -> None:
        """Use this many CPU threads from the next step on."""
        self._context.set_threads(threads)

    def prepare(self, request: GenerateRequest) -> Prompt:
        """Check, compose and tokenise a request, and read from the tier what is faster than reading it anew.

        Raises:
            RequestError: the request cannot be served; says why.
            CapabilityError: no plugin can put this kind of request into the model's words.
            PluginError: the plugin that could has failed.
        """
        return self._reuse.look_up(self._preparer.prepare(request))

    def look_up(self, prompt: Prompt, written: Sequence[int] = ()) -> Prompt:
        """The same prompt, which another copy of this model has prepared, with what this one's tier has of it."""
        return self._reuse.look_up(prompt, written)

    def admit(self, prompt: Prompt, written: Sequence[int] = ()) -> LlamaSequence | None:
        """Give the prompt a place in the batch, reusing KV of an earlier turn; None if there is no room just now.

        Args:
            prompt: what to answer.
            written: token ids of an answer that another copy of this model has begun; it goes on behind them.
        """
        plan = prompt.plan
        if not isinstance(plan, SequencePlan):
            raise TypeError("this prompt was prepared by another backend")
        resumed = tuple(written)
        found = None if prompt.found is None else prompt.found.conversation
        slot = self._slots.take(prompt.tokens + resumed, prompt.max_tokens - len(resumed), found=found)
        if slot is None:
            return None
        self._reuse.used(prompt, min(len(slot.tokens), len(prompt.tokens)))
        sequence = LlamaSequence(
            prompt=prompt,
            slot=slot,
            sampler=build_sampler(plan.recipe, self._vocabulary, prompt.tokens),
            answer=self._answer(plan.rules),
            ends=plan.rules.ends,
            cached_tokens=min(len(slot.tokens), len(prompt.tokens)),
            drafter=Drafter(prompt.tokens + resumed) if self._drafts else None,
            resumed=resumed,
        )
        for token in resumed:  # what they stand for has been told already
            sequence.sampler.accept(token)
            sequence.answer.push(token, None)
        sequence.answer.take_thinking()
        self._running.add(sequence)
        return sequence

    def step(self, sequences: Sequence[TextSequence], prefill_tokens: int) -> list[SequenceStep]:
        """Run one decode: a token for each decoding sequence, and up to `prefill_tokens` prompt tokens of the others.

        A sequence with a draft gets several tokens at once, as far as its own choice is what was drafted.

        Args:
            sequences: a subset of the admitted ones; the others stay as they are.
            prefill_tokens: prompt tokens to read in this step at most, in the order of `sequences`.

        Returns:
            One entry per sequence that was touched; one per token, in their order, for a sequence with a draft.

        Raises:
            EngineError: the whole model failed; every sequence is lost.
        """
        context, batch = self._context, self._context.batch
        batch.clear()
        decoding: list[LlamaSequence] = []
        prefilling: list[LlamaSequence] = []
        for sequence in sequences:
            assert isinstance(sequence, LlamaSequence), "not a sequence of this model"
            (prefilling if sequence.is_prefilling else decoding).append(sequence)
        drafts = self._draft(decoding) if self._drafts else [()] * len(decoding)
        for sequence, draft in zip(decoding, drafts, strict=True):
            place, slot = len(sequence.slot.tokens), sequence.slot.id
            batch.add_token(sequence.next_token, place, slot)
            for ahead, token in enumerate(draft, 1):
                batch.add_token(token, place + ahead, slot)
        ready: list[LlamaSequence] = []  # whose prompt ends in this step
        chunks = self._add_chunks(prefilling, prefill_tokens, ready) if prefilling else []
        if not batch.rows:
            return []
        if not context.decode() and not (self._slots.park_idle() and context.decode()):
            return self._no_room([*decoding, *(sequence for sequence, _ in chunks)])
        for sequence in decoding:
            sequence.slot.tokens.append(sequence.next_token)
        for sequence, chunk in chunks:
            sequence.slot.tokens.extend(chunk)
        steps = [SequenceStep(sequence) for sequence, _ in chunks if sequence.is_prefilling]
        if batch.outputs:
            logits, row = context.logits(), 0
            for sequence, draft in zip([*decoding, *ready], [*drafts, *[()] * len(ready)], strict=True):
                steps += self._choose_along(sequence, draft, logits[row:])
                row += 1 + len(draft)
        context.note_tokens(sum(step.token_count for step in steps))
        return steps

    def release(self, sequence: TextSequence) -> None:
        """Take a finished or cancelled sequence out of the batch; its KV stays for the conversation's next turn."""
        if isinstance(sequence, LlamaSequence) and sequence in self._running:
            self._running.remove(sequence)
            sequence.sampler.close()
            if sequence.is_suspended:
                self._slots.disown(sequence)
            else:
                self._slots.give_back(sequence.slot, keep=not sequence.failed)

    def suspend(self, sequence: TextSequence) -> None:
        """Take a sequence out of the batch for a while; its KV stays, and is dropped last where room is short."""
        if isinstance(sequence, LlamaSequence) and sequence in self._running and not sequence.is_suspended:
            self._slots.give_back(sequence.slot, keep=not sequence.failed, owner=sequence)
            sequence.leave()

    def resume(self, sequence: TextSequence) -> bool:
        """Give a suspended sequence a place again, with only that to be read again which was lost; False if none is."""
        assert isinstance(sequence, LlamaSequence), "not a sequence of this model"
        if sequence.is_suspended:
            left = sequence.prompt.max_tokens - sequence.output_tokens
            slot = self._slots.take(sequence.tokens, left, owner=sequence)
            if slot is None:
                return False
            sequence.slot = slot
        return True

    def held_tokens(self, prompt: Prompt) -> int:
        """Number of tokens of a prompt whose KV is held and would be reused; what was found on disk counts for less."""
        return self._reuse.held(prompt)

    def conversations(self) -> Sequence[Conversation]:
        """All KV that is kept beside the batch, that of suspended sequences included, the least worth keeping first."""
        self._slots.park_idle()
        return [Conversation(tuple(it.tokens), it.state, it.last_used) for it in self._slots.parked.states()]

    def close(self) -> None:
        """Free everything; the model must not be used again. Safe to call twice."""
        for sequence in self._running:
            sequence.sampler.close()
        self._running.clear()
        self._context.free()
        self._weights.free()

    def _add_chunks(
        self, prefilling: list[LlamaSequence], prefill_tokens: int, ready: list[LlamaSequence]
    ) -> list[tuple[LlamaSequence, tuple[int, ...]]]:
        """Fill the batch with prompt tokens; sequences whose prompt ends in it are added to `ready`."""
        batch = self._context.batch
        left = min(prefill_tokens, batch.free_rows)
        chunks: list[tuple[LlamaSequence, tuple[int, ...]]] = []
        for sequence in prefilling:
            if left <= 0:
                break
            start = len(sequence.slot.tokens)
            chunk = sequence.tokens[start : start + left]
            last = start + len(chunk) == sequence.prompt_tokens
            batch.add_chunk(chunk, start, sequence.slot.id, last=last)
            if last:
                ready.append(sequence)
            chunks.append((sequence, chunk))
            left -= len(chunk)
        return chunks

    def _draft(self, decoding: list[LlamaSequence]) -> list[tuple[int, ...]]:
        """What each of these sequences may write beside its next token."""
        wanted = [
            () if sequence.drafter is None else sequence.drafter.draft(sequence.draft_room) for sequence in decoding
        ]
        shares = share_rows([len(draft) for draft in wanted], min(DRAFT_ROWS, BATCH_TOKENS - len(decoding)))
        return [draft[:share] for draft, share in zip(wanted, shares, strict=True)]

    def _choose_along(self, sequence: LlamaSequence, draft: tuple[int, ...], logits: FloatArray) -> list[SequenceStep]:
        """Choose a token, and more as long as each is what was drafted; the KV of the rest of the draft is dropped.

        Args:
            sequence: whose rows these are.
            draft: what was read behind its next token.
            logits: shape (1 + tokens of the draft, or more; vocabulary).
        """
        step = self._choose(sequence, logits[0])
        if not draft:
            return [step]
        steps, tokens, begin = [step], sequence.slot.tokens, len(sequence.slot.tokens)
        for row, token in enumerate(draft, 1):
            if step.finish is not None or step.error is not None or sequence.next_token != token:
                break
            tokens.append(token)
            step = self._choose(sequence, logits[row])
            steps.append(step)
        accepted = len(tokens) - begin
        if accepted < len(draft) and not self._context.kv.trim(sequence.slot.id, len(tokens)):
            raise EngineError(f"What {self.info.name} has read ahead cannot be taken back.", "Load the model again.")
        if step.finish is None and sequence.drafter is not None:
            sequence.drafter.judge(len(draft), accepted)
        self.draft_counts = self.draft_counts.plus(len(draft), accepted)
        log.debug("%s: %d of %d drafted tokens were accepted", self.info.id, accepted, len(draft))
        return steps

    def _choose(self, sequence: LlamaSequence, logits: FloatArray) -> SequenceStep:
        """Choose the next token of a sequence and say what that did to its text."""
        request = sequence.prompt.request
        raw = logits.copy() if request.logprobs else None
        try:
            token = sequence.sampler.choose(logits)
        except RequestError as error:
            sequence.failed = True
            return SequenceStep(sequence, error=error)
        sequence.next_token = token
        sequence.output_tokens += 1
        if sequence.drafter is not None:
            sequence.drafter.push(token)
        answer = sequence.answer
        finish: FinishReason | None = None
        if self._vocabulary.is_end(token) or token in sequence.ends:
            text, finish = answer.flush(), FinishReason.STOP
        else:
            report = None if raw is None else report_logprob(raw, token, request.logprobs, self._vocabulary.piece)
            text, stopped = answer.push(token, report)
            if stopped:
                finish = FinishReason.STOP
            elif sequence.output_tokens >= sequence.prompt.max_tokens:
                text, finish = text + answer.flush(), FinishReason.LENGTH
        logprobs = answer.take_logprobs(ended=finish is not None) if raw is not None else ()
        if not answer.is_split:
            return SequenceStep(sequence, text, 1, logprobs, finish)
        blocks = answer.blocks() if finish is not None else ()
        return SequenceStep(sequence, text, 1, logprobs, finish, thinking=answer.take_thinking(), blocks=blocks)

    def _answer(self, rules: AnswerRules) -> AnswerText:
        pieces = self._vocabulary.piece
        if not rules.splits:
            return AnswerText(pieces, rules.stop)
        return SplitAnswer(pieces, self._vocabulary.special, rules.stop, rules.scanner())

    def _no_room(self, sequences: list[LlamaSequence]) -> list[SequenceStep]:
        # Reservations rule this out for a plain KV cache; a cache with other rules (sliding windows) may still refuse.
        error = RequestError("The KV cache has no room for this answer.", "Ask again, or load a larger context.")
        for sequence in sequences:
            sequence.failed = True
        return [SequenceStep(sequence, error=error) for sequence in sequences]
