"""KV of earlier turns: found again, equal in effect, given up when room is needed."""

import pytest

from engine.types import GenerateRequest, Sampling, assistant, system, user

GREEDY = Sampling(temperature=0)


def test_the_same_prompt_again_reads_only_its_last_token(tiny, answer):
    first = answer(tiny, prompt="the cat sat on a mat")
    second = answer(tiny, prompt="the cat sat on a mat")
    prompt_tokens = len(tiny.prepare(GenerateRequest(model="tiny", prompt="the cat sat on a mat")).tokens)
    assert first.cached == 0
    assert second.cached == prompt_tokens - 1
    assert second.text == first.text


def test_the_next_turn_of_a_conversation_reuses_the_last_one(load, tiny_path, answer):
    letters = Sampling(temperature=0, logit_bias=dict.fromkeys(range(280, 300), 50.0))
    turn = (system("on a mat"), user("the cat sat"))
    used = load(tiny_path, context_tokens=256, max_sequences=2)
    reply = answer(used, messages=turn, sampling=letters, max_tokens=8)
    following = (*turn, assistant(reply.text), user("and a mat"))
    warm = answer(used, messages=following)
    cold = answer(load(tiny_path, context_tokens=256, max_sequences=2), messages=following)
    assert cold.cached == 0
    assert warm.cached >= len(used.prepare(GenerateRequest(model="tiny", messages=turn)).tokens)
    assert warm.text == cold.text


def test_an_edited_conversation_is_cut_back_to_what_it_shares(load, tiny_path, answer):
    used = load(tiny_path, context_tokens=256, max_sequences=1)
    answer(used, prompt="the cat sat on the mat and a hat")
    warm = answer(used, prompt="the cat sat on the hat")
    cold = answer(load(tiny_path, context_tokens=256, max_sequences=1), prompt="the cat sat on the hat")
    assert 0 < warm.cached < cold.tokens
    assert warm.text == cold.text


def test_a_prefix_of_a_running_sequence_is_shared(tiny, load, tiny_path, answer):
    shared = "the cat sat on a mat and the mat sat on a cat, "
    running = tiny.admit(tiny.prepare(GenerateRequest(model="tiny", prompt=shared + "he", sampling=GREEDY)))
    tiny.step([running], 512)
    warm = answer(tiny, prompt=shared + "wor")
    cold = answer(load(tiny_path, context_tokens=256, max_sequences=1), prompt=shared + "wor")
    assert warm.cached > 16
    assert warm.text == cold.text
    tiny.release(running)


def test_sharing_a_prefix_does_not_disturb_its_owner(load, tiny_path, answer):
    shared = "the cat sat on a mat and the mat sat on a cat, "
    alone = answer(load(tiny_path, context_tokens=256, max_sequences=1), prompt=shared + "he", max_tokens=20).text
    model = load(tiny_path, context_tokens=256, max_sequences=3)
    request = GenerateRequest(model="tiny", prompt=shared + "he", sampling=GREEDY, max_tokens=20)
    owner = model.admit(model.prepare(request))
    text = "".join(step.text for _ in range(5) for step in model.step([owner], 512))
    answer(model, prompt=shared + "wor")
    while True:
        (step,) = model.step([owner], 512)
        text += step.text
        if step.finish:
            break
    assert text == alone


def test_an_idle_conversation_survives_another_one_with_the_same_start(tiny, answer):
    start = "the cat sat on a mat and the mat sat on a cat, "
    long_one = start + "the cat sat on a mat and the mat sat on a cat and then the cat and the mat sat on the mat"
    answer(tiny, prompt=long_one)
    other = answer(tiny, prompt=start + "wor")
    again = answer(tiny, prompt=long_one)
    assert other.cached > 0
    assert again.cached == len(tiny.prepare(GenerateRequest(model="tiny", prompt=long_one)).tokens) - 1


def test_a_parked_conversation_goes_on_where_it_was(load, tiny_path, answer):
    model = load(tiny_path, context_tokens=256, max_sequences=1)
    first = answer(model, prompt="the cat sat on a mat and the mat")
    answer(model, prompt="a mat sat on hello world, it did")
    assert model.memory_bytes > model._weights.memory_bytes
    again = answer(model, prompt="the cat sat on a mat and the mat")
    assert (
        again.cached
        == len(model.prepare(GenerateRequest(model="x", prompt="the cat sat on a mat and the mat")).tokens) - 1
    )
    assert again.text == first.text


def test_idle_conversations_make_room(load, tiny_path, answer):
    model = load(tiny_path, context_tokens=256, max_sequences=2, available_bytes=1 << 22)
    prompts = ["a cat " * 12, "the mat " * 12]
    for prompt in prompts:
        answer(model, prompt=prompt)
    cells = model._context.kv.cells
    # Leaves room for one of the two only.
    big = model.admit(model.prepare(GenerateRequest(model="tiny", prompt="hello", sampling=GREEDY, max_tokens=None)))
    assert big is not None
    assert sum(max(slot.reserved, len(slot.tokens)) for slot in model._slots._slots) <= cells
    model.release(big)


def test_a_request_that_finds_no_room_is_not_admitted_until_there_is(load, tiny_path):
    model = load(tiny_path, context_tokens=256, max_sequences=4, available_bytes=1 << 20)
    assert model._context.kv.cells == 256
    first = model.admit(model.prepare(GenerateRequest(model="tiny", prompt="the cat", max_tokens=200)))
    waiting = model.prepare(GenerateRequest(model="tiny", prompt="the mat", max_tokens=100))
    assert model.admit(waiting) is None
    model.release(first)
    assert model.admit(waiting) is not None


def test_reservations_let_every_admitted_answer_finish(load, tiny_path, answer_all, tokens):
    endless = Sampling(temperature=0, logit_bias={tokens.eos: -1000.0, tokens.special("<|end|>"): -1000.0})
    model = load(tiny_path, context_tokens=256, max_sequences=4, available_bytes=1 << 20)
    requests = [{"prompt": f"a cat {number}", "max_tokens": 48, "sampling": endless} for number in range(4)]
    answers = answer_all(model, requests)
    assert [one.tokens for one in answers] == [48] * 4


def test_a_cancelled_prefill_leaves_only_what_was_read(tiny, answer):
    prompt = tiny.prepare(GenerateRequest(model="tiny", prompt="the cat sat on a mat", sampling=GREEDY))
    sequence = tiny.admit(prompt)
    tiny.step([sequence], 5)
    tiny.release(sequence)
    again = tiny.admit(prompt)
    assert again.cached_tokens == 5
    tiny.release(again)
    assert answer(tiny, prompt="the cat sat on a mat").finish is not None


@pytest.mark.parametrize("rounds", [30])
def test_many_conversations_in_few_slots_never_mix(load, tiny_path, answer, rounds):
    fresh = load(tiny_path, context_tokens=256, max_sequences=1)
    used = load(tiny_path, context_tokens=256, max_sequences=3)
    for number in range(rounds):
        prompt = f"the cat sat on mat {number % 7} and {'so ' * (number % 5)}on"
        fresh._slots.give_back(fresh._slots._slots[0], keep=False)
        fresh._slots.parked._parked.clear()
        assert answer(used, prompt=prompt, max_tokens=6).text == answer(fresh, prompt=prompt, max_tokens=6).text
