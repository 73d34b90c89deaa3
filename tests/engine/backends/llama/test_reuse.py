"""What was read before and is kept by a tier: taken where that is faster, and never to be told from reading it."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from engine.backends.base import Conversation, LoadOptions
from engine.backends.llama import LlamaBackend
from engine.backends.llama.restore_rates import RestoreRates
from engine.backends.llama.text_model import LlamaTextModel
from engine.models.library import ModelLibrary
from engine.types import GenerateRequest, Sampling, system, user
from resources import models_dir
from tests.engine.backends.llama.kept import Kept

GREEDY = Sampling(temperature=0)
RULES = system("You are Hearth. You answer in one sentence, in plain words, and never longer than that. " * 3)
QUESTION, OTHER = user("What is Hearth?"), user("Tell me about rivers, lakes and the sea.")
SLOW = RestoreRates(prefill_tokens_per_s=1e9, put_bytes_per_s=1e6, read_bytes_per_s=1e6)

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


def ask(*messages, tokens: int = 12) -> GenerateRequest:
    return GenerateRequest(model="starter", messages=messages, sampling=GREEDY, max_tokens=tokens)


def answer(model: LlamaTextModel, request: GenerateRequest) -> tuple[str, int]:
    """Text, and how many tokens of the prompt were not read again."""
    sequence = model.admit(model.prepare(request))
    assert sequence is not None
    text, finish = "", None
    while finish is None:
        (step,) = model.step([sequence], 512)
        text, finish = text + step.text, step.finish
    model.release(sequence)
    return text, sequence.cached_tokens


@pytest.fixture(scope="module")
def states(load: Load) -> list[Conversation]:
    """What a model has read that answered a question under the rules."""
    model = load()
    answer(model, ask(RULES, QUESTION))
    return list(model.conversations())


def test_a_beginning_is_shared_with_another_conversation(load: Load, states):
    expected, nothing = answer(load(), ask(RULES, OTHER))
    model = load()
    model.tier = Kept(states)
    text, cached = answer(model, ask(RULES, OTHER))
    assert text == expected
    assert nothing == 0
    assert cached > 50
    assert model.tier.saved == [cached]


def test_it_is_read_off_the_lane_and_forgotten_once_it_is_used(load: Load, states):
    model = load()
    model.tier = Kept(states)
    prompt = model.prepare(ask(RULES, OTHER))
    assert prompt.found is not None
    assert prompt.found.conversation is states[0]
    assert prompt.found.shared > 50
    assert model.memory_bytes >= model._weights.memory_bytes + states[0].state.nbytes
    sequence = model.admit(prompt)
    assert prompt.found.conversation is None
    model.release(sequence)


def test_what_is_in_memory_is_not_asked_of_the_disk(load: Load, states):
    model = load()
    answer(model, ask(RULES, QUESTION))
    model.tier = Kept(states)
    assert model.prepare(ask(RULES, OTHER)).found is None
    assert model.tier.read_count == 0


def test_reading_again_is_preferred_where_it_is_faster(load: Load, states):
    model = load()
    model.tier = Kept(states)
    model._slots.rates = SLOW
    expected, _ = answer(load(), ask(RULES, OTHER))
    assert answer(model, ask(RULES, OTHER)) == (expected, 0)
    assert model.tier.read_count == 0


def test_the_same_is_decided_for_what_is_parked(load: Load):
    model = load(max_sequences=1)
    question = ask(RULES, RULES, RULES, QUESTION)  # a state large enough to say something
    expected, _ = answer(model, question)
    answer(model, ask(OTHER))
    prompt = model.prepare(question)
    assert model.held_tokens(prompt) == len(prompt.tokens) - 1
    model._slots.rates = SLOW
    assert model.held_tokens(prompt) < 10
    text, cached = answer(model, question)
    assert text == expected
    assert cached < 10


def test_what_memory_has_no_room_for_goes_to_the_tier(load: Load):
    model = load(max_sequences=1)
    model.tier = tier = Kept()
    answer(model, ask(RULES, QUESTION))
    answer(model, ask(OTHER))
    (parked,) = model._slots.parked.states()
    model._slots.parked.limit_bytes = parked.state.nbytes + 1
    answer(model, ask(user("And hills?")))
    assert [list(state.tokens) for state in tier.states] == [parked.tokens]
    text, cached = answer(model, ask(RULES, OTHER))
    assert cached > 50
    assert text == answer(load(), ask(RULES, OTHER))[0]


def test_many_that_wait_do_not_fill_the_memory(load: Load, states):
    model = load()
    copies = [replace(states[0], state=states[0].state.copy()) for _ in range(4)]

    class Copies(Kept):
        def read(self, match):
            super().read(match)
            return copies[self.read_count - 1]

    model.tier = Copies(states)
    model._slots.parked.limit_bytes = 2 * copies[0].state.nbytes
    prompts = [model.prepare(ask(RULES, user(f"Question {number}?"))) for number in range(4)]
    assert [prompt.found is not None for prompt in prompts] == [True, True, False, False]
    del prompts[0]
    assert len(prompts) == 3


def test_a_state_that_does_not_fit_costs_speed_only(load: Load, states):
    expected, _ = answer(load(), ask(RULES, OTHER))
    model = load()
    broken = states[0].state.copy()
    broken[:] = 0
    model.tier = Kept([replace(states[0], state=broken)])
    assert answer(model, ask(RULES, OTHER)) == (expected, 0)


def test_what_another_copy_found_is_looked_for_anew(load: Load, states):
    model, other = load(), load()
    model.tier = Kept(states)
    prompt = model.prepare(ask(RULES, OTHER))
    assert prompt.found is not None
    assert other.look_up(prompt).found is None
    assert model.look_up(prompt).found is not None


def test_prompts_are_looked_up_while_the_lane_works(load: Load, states):
    model = load()
    model.tier = Kept(states)
    ended, errors = threading.Event(), []

    def look_up():
        try:
            while not ended.is_set():
                model.prepare(ask(RULES, QUESTION))
        except Exception as error:  # noqa: BLE001 - shown below
            errors.append(error)

    thread = threading.Thread(target=look_up)
    thread.start()
    for number in range(12):
        answer(model, ask(RULES, user(f"Question {number}?")))
    ended.set()
    thread.join()
    assert errors == []
