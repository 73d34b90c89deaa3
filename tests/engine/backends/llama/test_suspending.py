"""Sequences that leave the batch and come back, and conversations that outlive their model: nobody can tell."""

from collections.abc import Callable, Iterator

import pytest

from engine.backends.base import LoadOptions, TextSequence
from engine.backends.llama import LlamaBackend
from engine.backends.llama.text_model import LlamaTextModel
from engine.models.library import ModelLibrary
from engine.types import GenerateRequest, Sampling, user
from resources import models_dir
from tests.engine.backends.llama.kept import Kept

GREEDY = Sampling(temperature=0)
SEEDED = Sampling(temperature=0.9, seed=7, top_k=40, repeat_penalty=1.1)
QUESTION, OTHER = "What is Hearth?", "Tell me about rivers, lakes and the sea."
LONG, LONG_OTHER = f"{QUESTION} {OTHER} " * 3, f"{OTHER} {QUESTION} " * 3  # the tier is not asked for less
TOKENS = 24

Load = Callable[..., LlamaTextModel]


@pytest.fixture(scope="module")
def load() -> Iterator[Load]:
    info = ModelLibrary((models_dir(),)).find("starter")
    models: list[LlamaTextModel] = []

    def load_model(**options: int) -> LlamaTextModel:
        settings = {"max_sequences": 2, "threads": 1, "context_tokens": 512, **options}
        models.append(LlamaBackend(None, None).load(info, LoadOptions(**settings), lambda _fraction: True))
        return models[-1]

    yield load_model
    for model in models:
        model.close()


@pytest.fixture
def model(load: Load) -> LlamaTextModel:
    return load()


def ask(text: str = QUESTION, sampling: Sampling = GREEDY, tokens: int = TOKENS) -> GenerateRequest:
    return GenerateRequest(model="starter", messages=(user(text),), sampling=sampling, max_tokens=tokens)


def begin(model: LlamaTextModel, request: GenerateRequest) -> TextSequence:
    sequence = model.admit(model.prepare(request))
    assert sequence is not None
    return sequence


def run(model: LlamaTextModel, sequence: TextSequence, steps: int = 1000, chunk: int = 512) -> str:
    """Text of some steps; an ended sequence is released."""
    text = ""
    for _ in range(steps):
        (step,) = model.step([sequence], chunk)
        text += step.text
        if step.finish is not None:
            model.release(sequence)
            break
    return text


def whole(model: LlamaTextModel, request: GenerateRequest) -> str:
    return run(model, begin(model, request))


@pytest.mark.parametrize("sampling", [GREEDY, SEEDED], ids=["greedy", "seeded"])
@pytest.mark.parametrize("steps", [1, 7])
def test_an_answer_goes_on_as_if_nothing_had_been(load: Load, sampling: Sampling, steps: int) -> None:
    expected = whole(load(), ask(sampling=sampling))
    model = load()
    sequence = begin(model, ask(sampling=sampling))
    text = run(model, sequence, steps)
    model.suspend(sequence)
    assert model.resume(sequence)
    assert sequence.prompt_tokens - sequence.prefilled_tokens == 1  # only the last token was not in the KV cache yet
    assert text + run(model, sequence) == expected


@pytest.mark.parametrize("sampling", [GREEDY, SEEDED], ids=["greedy", "seeded"])
def test_others_may_answer_meanwhile(load: Load, sampling: Sampling) -> None:
    expected, between = whole(load(), ask(sampling=sampling)), whole(load(), ask(OTHER))
    model = load(max_sequences=1)
    sequence = begin(model, ask(sampling=sampling))
    text = run(model, sequence, 7)
    model.suspend(sequence)
    assert whole(model, ask(OTHER)) == between
    assert model.resume(sequence)
    assert sequence.prompt_tokens - sequence.prefilled_tokens == 1
    assert text + run(model, sequence) == expected


@pytest.mark.parametrize("sampling", [GREEDY, SEEDED], ids=["greedy", "seeded"])
def test_what_was_lost_is_read_again(load: Load, sampling: Sampling) -> None:
    expected = whole(load(), ask(sampling=sampling))
    model = load(max_sequences=1)
    sequence = begin(model, ask(sampling=sampling))
    text = run(model, sequence, 7)
    model.suspend(sequence)
    whole(model, ask(OTHER))
    for state in model._slots.parked.states():
        model._slots.parked.remove(state)
    assert model.resume(sequence)
    assert sequence.prefilled_tokens < 8
    assert sequence.written_tokens != ()
    assert text + run(model, sequence, chunk=16) == expected


def test_a_prompt_half_read_goes_on_where_it_was(load: Load) -> None:
    expected = whole(load(), ask())
    model = load()
    sequence = begin(model, ask())
    run(model, sequence, 1, chunk=4)
    model.suspend(sequence)
    assert sequence.is_prefilling
    assert model.resume(sequence)
    assert sequence.prefilled_tokens == 4
    assert run(model, sequence) == expected


def test_a_suspended_answer_can_be_suspended_again_and_counts_its_tokens(load: Load) -> None:
    expected = whole(load(), ask(tokens=12))
    model = load()
    sequence = begin(model, ask(tokens=12))
    text = ""
    for _ in range(6):
        text += run(model, sequence, 2)
        model.suspend(sequence)
        model.suspend(sequence)  # twice does no harm
        assert model.resume(sequence)
        assert model.resume(sequence)
    assert text + (run(model, sequence) if len(sequence.written_tokens) < 12 else "") == expected


def test_there_may_be_no_room_to_come_back(model: LlamaTextModel) -> None:
    one, _two = (begin(model, ask(text)) for text in (QUESTION, OTHER))
    run(model, one, 3)
    model.suspend(one)
    third = begin(model, ask("And hills?"))
    assert not model.resume(one)
    model.release(third)
    assert model.resume(one)


def test_a_prompt_that_starts_alike_leaves_a_suspended_one_whole(load: Load) -> None:
    expected = whole(load(), ask())
    model = load()
    sequence = begin(model, ask())
    text = run(model, sequence, 4)
    model.suspend(sequence)
    again = begin(model, ask())
    assert again.cached_tokens > 0
    assert run(model, again) == expected
    assert model.resume(sequence)
    assert sequence.prompt_tokens - sequence.prefilled_tokens == 1
    assert text + run(model, sequence) == expected


def test_a_suspended_sequence_that_is_not_wanted_any_more_leaves_an_ordinary_conversation(
    model: LlamaTextModel,
) -> None:
    sequence = begin(model, ask())
    run(model, sequence, 4)
    model.suspend(sequence)
    model.release(sequence)
    assert all(slot.owner is None for slot in model._slots._slots)
    assert begin(model, ask()).cached_tokens == len(model.prepare(ask()).tokens) - 1


def test_what_is_held_of_a_prompt_is_what_it_would_find(model: LlamaTextModel) -> None:
    prompt = model.prepare(ask())
    assert model.held_tokens(prompt) == 0
    whole(model, ask())
    held = model.held_tokens(prompt)
    assert held == len(prompt.tokens) - 1
    sequence = model.admit(prompt)
    assert sequence is not None
    assert sequence.cached_tokens == held


def test_conversations_outlive_their_model(load: Load) -> None:
    expected = whole(load(), ask(LONG))
    model = load()
    sequence = begin(model, ask(LONG))
    text = run(model, sequence, 7)
    written = sequence.written_tokens
    model.suspend(sequence)
    whole(model, ask(LONG_OTHER))
    conversations = model.conversations()
    assert len(conversations) == 2
    model.close()

    back = load()
    back.tier = Kept(conversations)
    resumed = back.admit(back.look_up(back.prepare(ask(LONG)), written), written)
    assert resumed is not None
    assert resumed.prompt_tokens - resumed.prefilled_tokens == 1
    assert text + run(back, resumed) == expected
    other = back.prepare(ask(LONG_OTHER))
    assert back.held_tokens(other) == int(0.7 * (len(other.tokens) - 1))  # what is on disk counts for less
    sequence = back.admit(other)
    assert sequence is not None
    assert sequence.cached_tokens == len(other.tokens) - 1


def test_conversations_of_another_format_cost_nothing_but_speed(load: Load) -> None:
    model = load()
    expected = whole(model, ask(LONG))
    conversations = model.conversations()
    for conversation in conversations:
        conversation.state[:] = 0
    back = load()
    back.tier = Kept(conversations)
    assert whole(back, ask(LONG)) == expected


def test_memory_that_conversations_may_still_take_shrinks_as_they_take_it(model: LlamaTextModel) -> None:
    before = model.memory_bytes + model.parking_bytes
    whole(model, ask())
    model.conversations()
    assert model.memory_bytes + model.parking_bytes == before
