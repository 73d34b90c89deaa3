"""Answers written several tokens per step are those that are written one by one, in every respect.

Both models have the same weights. A step of several rows may add up in another order than one of a single row, so what
is compared first is what every choice was made from: up to rounding, the same. Where rounding decides between two
tokens, the answers part there, and nothing behind it can be compared.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import llama_cpp.llama_cpp as llama
import numpy as np
import pytest

from engine.backends.base import LoadOptions, SequenceStep
from engine.backends.llama import LlamaBackend
from engine.backends.llama.drafting import DRAFT_ROWS
from engine.backends.llama.opening import open_decode_context
from engine.backends.llama.parking import ParkingLot
from engine.backends.llama.sequence import LlamaSequence
from engine.backends.llama.slots import SlotTable
from engine.backends.llama.text_model import LlamaTextModel
from engine.config import EngineConfig
from engine.engine import Engine
from engine.errors import EngineError, GrammarError
from engine.models.library import ModelLibrary
from engine.types import (
    Accepts,
    Finished,
    FinishReason,
    FloatArray,
    GenerateRequest,
    ModelInfo,
    Sampling,
    TextDelta,
    user,
)
from resources import models_dir

GREEDY = Sampling(temperature=0)
SEEDED = Sampling(temperature=0.8, seed=5, top_k=40, top_p=0.95)
PENALTIES = Sampling(temperature=0.9, seed=7, repeat_penalty=1.1, frequency_penalty=0.1)
ROUNDING = 0.02  # logits of the starter are between -10 and 20; its weights have 11 bits
PASSAGE = "the cat sat on the mat and looked at the river for a while. "
AGAIN = f'root ::= "{PASSAGE * 3}"'  # the model is free in how it splits the words, and does so differently each time
DIGITS = "314159265358979323846264338327950288419716939937510582097494"
DIGITS_AGAIN = f'root ::= "{DIGITS * 3}"'  # a digit is a token: what repeats is the same tokens

Pair = tuple[LlamaTextModel, LlamaTextModel]


def drafting(model: LlamaTextModel, options: LoadOptions) -> LlamaTextModel:
    """The same weights with a context of their own, and drafts."""
    weights, vocabulary = model._weights, model._vocabulary
    context, _ = open_decode_context(weights, options, vocabulary.size, drafts=True)
    can_share = weights.has_partial_memory
    slots = SlotTable(context.kv, options.max_sequences, ParkingLot(1 << 28), can_share=can_share)
    return LlamaTextModel(weights, context, slots, vocabulary, model._preparer, drafts=True)


class DraftingBackend(LlamaBackend):
    """Loads models that draft."""

    def load(self, info: ModelInfo, options: LoadOptions, progress: Callable[[float], bool]) -> LlamaTextModel:
        plain = super().load(info, options, progress)
        assert isinstance(plain, LlamaTextModel)
        self.model = drafting(plain, options)
        plain._context.free()
        return self.model


@pytest.fixture(scope="module")
def starter() -> ModelInfo:
    return ModelLibrary((models_dir(),)).find("starter")


@pytest.fixture
def pair(starter: ModelInfo) -> Iterator[Pair]:
    """One that writes token by token, and one that drafts."""
    options = LoadOptions(context_tokens=512, max_sequences=4, threads=1)
    plain = LlamaBackend(None, None).load(starter, options, lambda _fraction: True)
    assert isinstance(plain, LlamaTextModel)
    drafted = drafting(plain, options)
    yield plain, drafted
    drafted._context.free()
    plain.close()


@dataclass
class Answer:
    """What one answer came to, and what its tokens were chosen from."""

    steps: list[SequenceStep] = field(default_factory=list)
    logits: list[FloatArray] = field(default_factory=list)
    tokens: tuple[int, ...] = ()
    slot_tokens: list[int] = field(default_factory=list)
    decodes: int = 0

    @property
    def text(self) -> str:
        return "".join(step.text for step in self.steps)


class Watched:
    """A sampler that keeps what it is shown."""

    def __init__(self, inner: object, seen: list[FloatArray]) -> None:
        self._inner, self._seen = inner, seen

    def choose(self, logits: FloatArray) -> int:
        self._seen.append(logits.copy())
        return self._inner.choose(logits)

    def accept(self, token: int) -> None:
        self._inner.accept(token)

    def close(self) -> None:
        self._inner.close()


def ask(text: str = PASSAGE, **fields: object) -> GenerateRequest:
    return GenerateRequest(model="starter", prompt=text, **({"sampling": GREEDY, "max_tokens": 60} | fields))


def begin(
    model: LlamaTextModel, request: GenerateRequest, written: tuple[int, ...] = ()
) -> tuple[LlamaSequence, Answer]:
    sequence = model.admit(model.prepare(request), written)
    assert sequence is not None
    answer = Answer()
    sequence.sampler = Watched(sequence.sampler, answer.logits)
    return sequence, answer


def go_on(model: LlamaTextModel, running: dict[LlamaSequence, Answer], decodes: int = 1000, chunk: int = 512) -> None:
    """Step until all have ended, or so many times."""
    while running and decodes:
        decodes -= 1
        for answer in running.values():
            answer.decodes += 1
        for step in model.step(list(running), chunk):
            running[step.sequence].steps.append(step)
        for sequence, answer in list(running.items()):
            check_kv(model, sequence)
            answer.tokens = sequence.written_tokens
            if answer.steps and (answer.steps[-1].finish is not None or answer.steps[-1].error is not None):
                answer.slot_tokens = list(sequence.slot.tokens)
                model.release(sequence)
                del running[sequence]


def check_kv(model: LlamaTextModel, sequence: LlamaSequence) -> None:
    """What the slot says is in the KV cache is what is there, and no more than was reserved was ever needed."""
    slot, batch = sequence.slot, model._context.batch
    read = batch.position[: batch.rows][batch.sequence[: batch.rows] == slot.id]
    assert read.max(initial=-1) < slot.reserved
    last = llama.llama_memory_seq_pos_max(model._context.kv._memory, slot.id)
    assert last + 1 == len(slot.tokens)


def whole(model: LlamaTextModel, request: GenerateRequest, chunk: int = 512) -> Answer:
    sequence, answer = begin(model, request)
    go_on(model, {sequence: answer}, chunk=chunk)
    return answer


def told(answer: Answer) -> list[tuple[object, ...]]:
    return [(step.text, step.token_count, step.finish, step.thinking, step.blocks) for step in written(answer)]


def written(answer: Answer) -> list[SequenceStep]:
    return [step for step in answer.steps if step.token_count]


def assert_same(drafted: Answer, plain: Answer) -> None:
    for place, (one, other) in enumerate(zip(drafted.logits, plain.logits, strict=False)):
        np.testing.assert_allclose(one, other, atol=ROUNDING)
        if drafted.tokens[place : place + 1] != plain.tokens[place : place + 1]:
            assert not np.array_equal(one, other), "from the same logits came another token"
            return
    assert drafted.tokens == plain.tokens
    assert told(drafted) == told(plain)
    assert drafted.slot_tokens == plain.slot_tokens
    for told_one, told_other in zip(written(drafted), written(plain), strict=True):
        assert [report.text for report in told_one.logprobs] == [report.text for report in told_other.logprobs]
        assert [report.logprob for report in told_one.logprobs] == pytest.approx(
            [report.logprob for report in told_other.logprobs], abs=2 * ROUNDING
        )


PROMPTS = [
    "def f(x):\n    return x\n\ndef g(x):\n    return x\n\ndef h(x):\n",
    "for i in range(3):\n    print(i)\nfor i in range(3):\n",
    PASSAGE * 3,
    "A list is a list of lists, and a list of lists is a list.",
    "import os\nimport sys\nimport os\nimport sys\n",
    "Hearth",
]
QUESTIONS = ["What is Hearth?", "Write a for loop in Python.", "hello hello hello hello", "Explain what a list is."]


@pytest.mark.parametrize("sampling", [GREEDY, SEEDED, PENALTIES], ids=["greedy", "seeded", "penalties"])
def test_answers_are_the_same_with_drafts(pair: Pair, sampling: Sampling):
    plain, drafted = pair
    requests = [ask(text, sampling=sampling) for text in PROMPTS]
    requests += [replace(ask(sampling=sampling), prompt=None, messages=(user(text),)) for text in QUESTIONS]
    for request in requests:
        assert_same(whole(drafted, request), whole(plain, request))
    assert drafted.draft_counts.drafted > drafted.draft_counts.accepted > 0
    assert plain.draft_counts.drafted == 0


def test_a_passage_that_is_repeated_takes_few_steps(pair: Pair):
    plain, drafted = pair
    request = ask(DIGITS, grammar=DIGITS_AGAIN, max_tokens=300)
    one, other = whole(drafted, request), whole(plain, request)
    assert_same(one, other)
    assert one.text == DIGITS * 3
    assert len(one.tokens) > 4 * one.decodes
    counts = drafted.draft_counts
    assert counts.accepted > 0.7 * counts.drafted


@pytest.mark.parametrize("most", [1, 2, 3, 11, 12, 13, 29, 40])
def test_no_answer_is_longer_than_allowed(pair: Pair, most: int):
    plain, drafted = pair
    request = ask(DIGITS, grammar=DIGITS_AGAIN, max_tokens=most)
    one = whole(drafted, request)
    assert_same(one, whole(plain, request))
    assert (len(one.tokens), one.steps[-1].finish) == (most, FinishReason.LENGTH)


def test_a_context_can_be_filled_to_its_end(pair: Pair):
    plain, drafted = pair
    left = plain.context_tokens - len(plain.prepare(ask()).tokens)
    request = ask(grammar='root ::= "12"{300}', max_tokens=left)
    one = whole(drafted, request)
    assert_same(one, whole(plain, request))
    assert (len(one.tokens), one.steps[-1].finish) == (left, FinishReason.LENGTH)
    assert len(one.tokens) > 8 * one.decodes


def test_an_end_inside_a_draft_ends_the_answer_there_and_the_next_turn_goes_on_behind_it(pair: Pair):
    plain, drafted = pair
    request = ask(DIGITS, grammar=DIGITS_AGAIN, max_tokens=300, stop=(f"{DIGITS[40:]}{DIGITS[:25]}",))
    one = whole(drafted, request)
    assert_same(one, whole(plain, request))
    assert (one.text, one.steps[-1].finish) == (DIGITS[:40], FinishReason.STOP)
    following = ask(DIGITS + DIGITS + DIGITS[:20] + "!")
    turns = [begin(model, following) for model in pair]
    known = len(DIGITS + DIGITS + DIGITS[:20])
    assert [sequence.cached_tokens for sequence, _ in turns] == [known + 1] * 2  # and the token that begins a text
    for model, (sequence, answer) in zip(pair, turns, strict=True):
        go_on(model, {sequence: answer})
    assert_same(turns[1][1], turns[0][1])


def test_log_probabilities_are_those_of_every_token(pair: Pair):
    plain, drafted = pair
    request = ask(PASSAGE, grammar=AGAIN, max_tokens=80, logprobs=3)
    one = whole(drafted, request)
    assert_same(one, whole(plain, request))
    reports = [report for step in one.steps for report in step.logprobs]
    assert "".join(report.text for report in reports) == one.text
    assert all(len(report.top) == 3 for report in reports)


@pytest.mark.parametrize("sampling", [GREEDY, SEEDED], ids=["greedy", "seeded"])
def test_a_schema_is_kept(pair: Pair, sampling: Sampling):
    plain, drafted = pair
    item = {"type": "object", "properties": {"name": {"enum": ["river", "lake"]}, "deep": {"type": "boolean"}}}
    schema = {"type": "array", "minItems": 6, "maxItems": 6, "items": item | {"required": ["name", "deep"]}}
    request = ask("Rivers and lakes: ", json_schema=json.dumps(schema), max_tokens=400, sampling=sampling)
    one = whole(drafted, request)
    assert_same(one, whole(plain, request))
    assert one.decodes < len(one.tokens)


def test_several_answers_share_the_rows(pair: Pair):
    plain, drafted = pair
    texts = [PASSAGE, PASSAGE * 2, PROMPTS[0], "Hearth"]
    requests = [ask(text, grammar=AGAIN if "cat" in text else None, max_tokens=150) for text in texts]
    running = dict(begin(drafted, request) for request in requests)
    answers, most = list(running.values()), 0
    while running:
        go_on(drafted, running, decodes=1, chunk=24)  # some still read while others write
        most = max(most, drafted._context.batch.outputs)
    assert 4 < most <= 4 + DRAFT_ROWS
    for answer, request in zip(answers, requests, strict=True):
        assert_same(answer, whole(plain, request))
    assert len(answers[0].tokens) > 1.5 * answers[0].decodes


@pytest.mark.parametrize("decodes", [1, 4, 9])
def test_an_answer_may_be_suspended_between_drafts(pair: Pair, decodes: int):
    plain, drafted = pair
    request = ask(PASSAGE, grammar=AGAIN, max_tokens=150, sampling=SEEDED)
    sequence, answer = begin(drafted, request)
    go_on(drafted, {sequence: answer}, decodes)
    drafted.suspend(sequence)
    assert sequence.written_tokens == answer.tokens
    between = whole(drafted, ask(PROMPTS[0]))
    assert drafted.resume(sequence)
    assert sequence.prompt_tokens - sequence.prefilled_tokens == 1
    go_on(drafted, {sequence: answer})
    assert_same(answer, whole(plain, request))
    assert_same(between, whole(plain, ask(PROMPTS[0])))


@pytest.mark.parametrize("decodes", [2, 6])
def test_another_copy_goes_on_behind_what_was_drafted(pair: Pair, decodes: int):
    plain, drafted = pair
    request = ask(PASSAGE, grammar=AGAIN, max_tokens=150)
    for first, second in (pair, pair[::-1]):
        sequence, answer = begin(first, request)
        go_on(first, {sequence: answer}, decodes)
        written = answer.tokens
        first.release(sequence)
        sequence, rest = begin(second, request, written)
        go_on(second, {sequence: rest})
        expected = whole(plain, request)
        assert rest.tokens == expected.tokens
        assert answer.text + rest.text == expected.text
    assert drafted.draft_counts.accepted > 20


def test_what_was_read_ahead_is_forgotten_when_the_grammar_finds_nothing(pair: Pair):
    _, drafted = pair
    sequence, answer = begin(drafted, ask(DIGITS, grammar=DIGITS_AGAIN, max_tokens=150))
    go_on(drafted, {sequence: answer}, 8)
    refused = sequence.sampler

    class Refusing:
        chosen = 0

        def choose(self, logits: FloatArray) -> int:
            self.chosen += 1
            if self.chosen == 2:
                raise GrammarError("No token fits.", "Loosen the grammar.")
            return refused.choose(logits)

        def close(self) -> None:
            refused.close()

    sequence.sampler = Refusing()
    first, second = drafted.step([sequence], 512)
    assert (first.error, second.token_count) == (None, 0)
    assert isinstance(second.error, GrammarError)
    check_kv(drafted, sequence)
    drafted.release(sequence)
    assert sequence.slot.tokens == []


def test_memory_that_cannot_take_it_back_ends_the_model(pair: Pair, monkeypatch: pytest.MonkeyPatch):
    _, drafted = pair
    monkeypatch.setattr(drafted._context.kv, "trim", lambda _sequence, _length: False)
    sequence, answer = begin(drafted, ask(PROMPTS[0]))
    with pytest.raises(EngineError, match="cannot be taken back"):
        go_on(drafted, {sequence: answer})


def test_models_that_keep_one_state_do_without(mamba_path, registry_of):
    info = ModelInfo(
        id="mamba", path=mamba_path, format="gguf", name="mamba", architecture="mamba", size_bytes=1, plugins=("any",)
    )
    options = LoadOptions(context_tokens=256, max_sequences=1, threads=1)
    plain = LlamaBackend(registry_of(Accepts.PROMPT)).load(info, options, lambda _fraction: True)
    drafted = drafting(plain, options)
    try:
        request = GenerateRequest(model="mamba", prompt="the cat " * 8, sampling=GREEDY, max_tokens=40)
        assert whole(drafted, request).tokens == whole(plain, request).tokens
        assert drafted.draft_counts.drafted == 0
    finally:
        drafted._context.free()
        plain.close()


async def test_through_the_door_every_token_counts(tmp_path):
    backend = DraftingBackend(None, None)
    config = EngineConfig(home=tmp_path, context_tokens=512, max_sequences=2, model_dirs=(models_dir(),))
    async with Engine(config, backends={"gguf": backend}) as engine:
        request = ask(DIGITS, grammar=DIGITS_AGAIN, max_tokens=300)
        events = [event async for event in engine.generate(request)]
        (ended,) = engine.queue().ended
    finished = events[-1]
    assert isinstance(finished, Finished)
    deltas = [event for event in events if isinstance(event, TextDelta)]
    assert finished.result.text == DIGITS * 3 == "".join(delta.text for delta in deltas)
    assert sum(delta.token_count for delta in deltas) == finished.result.usage.output_tokens
    assert len(DIGITS * 3) <= finished.result.usage.output_tokens <= len(DIGITS * 3) + 1  # the token that ends it
    assert ended.output_tokens == finished.result.usage.output_tokens
    assert backend.model.draft_counts.accepted > len(DIGITS * 2)
