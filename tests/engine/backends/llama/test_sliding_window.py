"""Layers that attend to the last tokens only: whatever is reused, the answer is that of a fresh model.

llama.cpp gives cells that have left the window to other sequences, and leaves them out of states. So a beginning may
not be there any more though all tokens of a sequence seem to be.
"""

from pathlib import Path

import numpy as np
import pytest

from engine.backends.base import LoadOptions
from engine.backends.llama import LlamaBackend
from engine.types import GenerateRequest, Sampling
from tests.engine.backends.llama.conftest import info_for
from tests.engine.backends.llama.kept import Kept
from tests.engine.backends.llama.windowed import WINDOW, write_windowed

GREEDY = Sampling(temperature=0)
LONG = "the cat sat on a mat and the mat sat on a cat, " * 5


@pytest.fixture(scope="module")
def windowed_path(model_dir: Path) -> Path:
    return write_windowed(model_dir / "windowed.gguf")


@pytest.fixture
def make(load, windowed_path):
    def make_one(**options: int):
        return load(windowed_path, **{"context_tokens": 256, "max_sequences": 3, **options})

    return make_one


@pytest.fixture(scope="module")
def fresh(windowed_path):
    """First logits and greedy text of a prompt, by a model that has read nothing before."""
    known = {}
    model = LlamaBackend(None).load(info_for(windowed_path), LoadOptions(context_tokens=256), lambda _: True)

    def answer(prompt: str):
        if prompt not in known:
            forget(model)
            known[prompt] = answer_of(model, prompt)
        return known[prompt][:2]

    yield answer
    model.close()


def answer_of(model, prompt: str, tokens: int = 6):
    """First logits, text, and how many tokens of the prompt were not read again."""
    prepared = model.prepare(GenerateRequest(model="m", prompt=prompt, sampling=GREEDY, max_tokens=tokens))
    sequence = model.admit(prepared)
    text, logits, finish = "", None, None
    while finish is None:
        (step,) = model.step([sequence], 512)
        if logits is None and not sequence.is_prefilling:
            logits = model._context.logits()[0].copy()
        text, finish = text + step.text, step.finish
    model.release(sequence)
    return logits, text, sequence.cached_tokens


def check(model, prompt: str, fresh) -> int:
    logits, text, cached = answer_of(model, prompt)
    expected, expected_text = fresh(prompt)
    assert np.allclose(logits, expected, atol=0.05)
    assert text == expected_text
    return cached


def forget(model) -> None:
    for slot in model._slots._slots:
        model._slots.give_back(slot, keep=False)
    model._slots.parked._parked.clear()


def test_it_has_a_window(make):
    model = make()
    assert model._context.kv.window == WINDOW
    assert not model.can_cut_states


def test_a_sequence_in_the_cache_is_cut_back(make, fresh):
    model = make()
    check(model, LONG, fresh)
    assert check(model, LONG[:120] + "hello", fresh) > 40
    assert check(model, LONG[:60] + "wor", fresh) >= 20


def test_a_beginning_is_shared_with_one_that_runs(make, fresh):
    model = make()
    running = model.admit(model.prepare(GenerateRequest(model="m", prompt=LONG, sampling=GREEDY)))
    model.step([running], 512)
    assert check(model, LONG[:120] + "hello", fresh) > 40
    model.release(running)


def test_a_hole_is_noticed(make, fresh):
    """Another sequence takes cells that have left the window of a running one, whose beginning is then lost."""
    model = make()
    short, running = (
        model.admit(model.prepare(GenerateRequest(model="m", prompt=prompt, sampling=GREEDY, max_tokens=20)))
        for prompt in ("a mat sat", LONG)
    )
    for sequence in (short, running):
        model.step([sequence], 512)
    model.release(short)
    kv = model._context.kv
    assert kv._is_whole(running.slot.id, 40)
    check(model, "hello world " * 9, fresh)  # its cells begin where the short one was, before the running one's
    assert not kv._is_whole(running.slot.id, 40)
    assert kv._is_whole(running.slot.id, len(running.slot.tokens))
    assert check(model, LONG[:120] + "hello", fresh) == 0
    rest, finish = "", None
    while finish is None:
        (step,) = model.step([running], 512)
        rest, finish = rest + step.text, step.finish
    model.release(running)
    forget(model)
    assert answer_of(model, LONG, 20)[1].endswith(rest)


def test_a_parked_state_goes_on_only_where_it_ends(make, fresh):
    model = make(max_sequences=1)
    check(model, LONG, fresh)
    check(model, "hello world " * 9, fresh)  # parks the other
    assert check(model, LONG[:120] + "hello", fresh) <= 1
    whole = list(max(model._slots.parked.states(), key=lambda state: len(state.tokens)).tokens)
    assert model._slots._best_outside((*whole, 5, 5), 0, None)[1] == len(whole)
    assert model._slots._best_outside((*whole[:-1], 5, 5), 0, None)[1] == len(whole) - 1
    assert model._slots._best_outside((*whole[:-4], 5, 5), 0, None)[1] == 0


def test_a_suspended_one_goes_on_from_its_parked_state(make, fresh):
    expected = fresh(LONG)[1]
    model = make(max_sequences=1)
    request = GenerateRequest(model="m", prompt=LONG, sampling=GREEDY, max_tokens=6)
    sequence = model.admit(model.prepare(request))
    text = "".join(step.text for _ in range(3) for step in model.step([sequence], 512))
    model.suspend(sequence)
    check(model, "hello world " * 9, fresh)
    assert model.resume(sequence)
    assert sequence.prompt_tokens - sequence.prefilled_tokens == 1
    finish = None
    while finish is None:
        (step,) = model.step([sequence], 512)
        text, finish = text + step.text, step.finish
    assert text == expected


def test_a_conversation_goes_on_in_another_life(make, fresh):
    model = make()
    first = answer_of(model, LONG)
    conversations = model.conversations()
    back = make()
    back.tier = Kept(conversations, whole=True)
    longer = LONG + first[1] + " hello"
    prompt = back.prepare(GenerateRequest(model="m", prompt=longer, sampling=GREEDY))
    if prompt.found is not None:  # its text may be read as other tokens than were written
        assert check(back, longer, fresh) == len(conversations[-1].tokens)
    assert check(back, LONG[:120] + "hello", fresh) <= 1
