"""Continuous batching on a real context: joining, leaving, reading in chunks, ending."""

from pathlib import Path

import pytest

from engine.backends.base import Prompt, TextModel
from engine.types import FinishReason, GenerateRequest, Sampling, user

GREEDY = Sampling(temperature=0)


def plain(prompt: str, **fields: object) -> GenerateRequest:
    return GenerateRequest(model="tiny", prompt=prompt, **{"sampling": GREEDY, "max_tokens": 24} | fields)


def test_it_is_a_text_model(tiny):
    assert isinstance(tiny, TextModel)
    assert (tiny.device, tiny.backend) == ("cpu", "llama.cpp")


def test_greedy_answers_are_repeatable(tiny, answer):
    first, second = (answer(tiny, prompt="the cat") for _ in range(2))
    assert first.text == second.text
    assert first.tokens == 24
    assert first.finish is FinishReason.LENGTH


def test_different_prompts_get_different_answers(tiny, answer):
    assert answer(tiny, prompt="the cat").text != answer(tiny, prompt="the mat").text


def test_a_seed_gives_the_same_text_again(tiny, answer):
    texts = [answer(tiny, prompt="the cat", sampling=Sampling(seed=seed)).text for seed in (5, 5, 6)]
    assert texts[0] == texts[1]
    assert texts[0] != texts[2]


def test_without_a_seed_a_fresh_one_is_drawn_and_reported(tiny, answer):
    prompts = [tiny.prepare(plain("the", sampling=Sampling())) for _ in range(3)]
    assert len({prompt.seed for prompt in prompts}) == 3
    sequence = tiny.admit(prompts[0])
    text = ""
    while True:
        (step,) = tiny.step([sequence], 512)
        text += step.text
        if step.finish:
            break
    tiny.release(sequence)
    assert answer(tiny, prompt="the", sampling=Sampling(seed=prompts[0].seed)).text == text


@pytest.mark.parametrize("chunk", [1, 3, 7])
def test_reading_the_prompt_in_chunks_changes_nothing(load, tiny_path, answer, chunk):
    prompt = "the cat sat on a mat, the cat sat on the mat."
    whole = answer(load(tiny_path, context_tokens=256, max_sequences=1), prompt=prompt)
    parts = answer(load(tiny_path, context_tokens=256, max_sequences=1), prompt=prompt, chunk=chunk)
    assert parts.text == whole.text
    assert parts.steps > whole.steps


def test_a_step_reads_no_more_of_the_prompt_than_it_may(tiny):
    prompt = tiny.prepare(plain("the cat sat on a mat"))
    sequence = tiny.admit(prompt)
    assert sequence.prompt_tokens == len(prompt.tokens) > 4
    (step,) = tiny.step([sequence], 4)
    assert (step.token_count, step.text, step.finish) == (0, "", None)
    assert sequence.prefilled_tokens == 4
    assert sequence.is_prefilling
    (step,) = tiny.step([sequence], 512)
    assert step.token_count == 1
    assert not sequence.is_prefilling
    assert sequence.prefilled_tokens == sequence.prompt_tokens
    tiny.release(sequence)


def test_no_prefill_budget_means_no_prefill(tiny):
    sequence = tiny.admit(tiny.prepare(plain("the cat")))
    assert tiny.step([sequence], 0) == []
    assert sequence.prefilled_tokens == 0
    tiny.release(sequence)


def test_a_running_answer_gets_a_token_in_every_step_while_another_prompt_is_read(tiny):
    first = tiny.admit(tiny.prepare(plain("the cat", max_tokens=60)))
    while first.is_prefilling:
        tiny.step([first], 512)
    second = tiny.admit(tiny.prepare(plain("on a mat sat the cat and it sat and sat", max_tokens=8)))
    while second.is_prefilling:
        steps = {step.sequence: step for step in tiny.step([first, second], 2)}
        assert steps[first].token_count == 1
    tiny.release(first)
    tiny.release(second)


def test_prompts_are_read_in_the_order_given(tiny):
    first, second = (tiny.admit(tiny.prepare(plain(text))) for text in ("the cat sat", "on a mat"))
    tiny.step([second, first], 3)
    assert second.prefilled_tokens == 3
    assert first.prefilled_tokens == 0
    for sequence in (first, second):
        tiny.release(sequence)


def test_answers_together_equal_answers_alone(tiny, answer, answer_all):
    prompts = ["the cat", "a mat sat on", "hello wor", "on the"]
    alone = [answer(tiny, prompt=prompt).text for prompt in prompts]
    together = answer_all(tiny, [{"prompt": prompt} for prompt in prompts], chunk=5)
    assert [one.text for one in together] == alone


def test_sequences_join_and_leave_without_disturbing_the_others(tiny, answer):
    alone = answer(tiny, prompt="the cat", max_tokens=40).text
    text = ""
    staying = tiny.admit(tiny.prepare(plain("the cat", max_tokens=40)))
    guest, finished = None, False
    for number in range(60):
        if number in {5, 15, 25}:
            guest = tiny.admit(tiny.prepare(plain(f"a mat {number}")))
        if number in {12, 16, 33}:
            tiny.release(guest)
            guest = None
        for step in tiny.step([staying, guest] if guest else [staying], 4):
            if step.sequence is staying:
                text += step.text
                finished = step.finish is not None
        if finished:
            break
    tiny.release(staying)
    assert text == alone


def test_a_step_leaves_the_others_as_they_are(tiny):
    first, second = (tiny.admit(tiny.prepare(plain(text))) for text in ("the cat", "a mat"))
    tiny.step([first], 512)
    assert second.prefilled_tokens == 0
    for sequence in (first, second):
        tiny.release(sequence)


def test_max_tokens_ends_the_answer(tiny, answer):
    result = answer(tiny, prompt="the cat", max_tokens=3)
    assert (result.tokens, result.finish) == (3, FinishReason.LENGTH)


def test_an_end_token_ends_the_answer_and_is_not_shown(tiny, answer, tokens):
    bias = {tokens.special("<|end|>"): 1000.0}
    result = answer(tiny, prompt="the cat", sampling=Sampling(temperature=0, logit_bias=bias))
    assert (result.text, result.finish, result.tokens) == ("", FinishReason.STOP, 1)


def test_an_answer_may_fill_the_context(load, tiny_path, answer):
    model = load(tiny_path, context_tokens=64, max_sequences=1)
    result = answer(model, prompt="the cat", max_tokens=None)
    prompt_tokens = len(model.prepare(plain("the cat")).tokens)
    assert result.finish is FinishReason.LENGTH
    assert result.tokens == 64 - prompt_tokens


def test_a_released_sequence_can_be_released_again(tiny):
    sequence = tiny.admit(tiny.prepare(plain("the cat")))
    tiny.release(sequence)
    tiny.release(sequence)
    assert tiny.admit(tiny.prepare(plain("the cat"))) is not None


def test_a_prompt_of_another_backend_is_refused(tiny):
    foreign = Prompt(request=plain("x"), tokens=(1,), max_tokens=1, seed=0)
    with pytest.raises(TypeError):
        tiny.admit(foreign)


def test_two_models_in_one_process_take_turns(load, tiny_path: Path, plain_path: Path, answer):
    first = load(tiny_path, context_tokens=256, max_sequences=2)
    second = load(plain_path, context_tokens=256, max_sequences=2)
    alone = answer(first, prompt="the cat").text, answer(second, prompt="the cat").text
    assert alone[0] != alone[1]
    texts = {}
    running = {model: model.admit(model.prepare(plain("the cat"))) for model in (first, second)}
    while running:
        for model, sequence in list(running.items()):
            (step,) = model.step([sequence], 512)
            texts[model] = texts.get(model, "") + step.text
            if step.finish:
                model.release(running.pop(model))
    assert (texts[first], texts[second]) == alone


def test_the_number_of_threads_can_change_between_steps(tiny, answer):
    before = answer(tiny, prompt="the cat").text
    tiny.set_threads(2)
    tiny.set_threads(2)
    assert answer(tiny, prompt="the cat").text == before


def test_sixteen_sequences_fit_and_the_seventeenth_waits(load, tiny_path, answer_all):
    model = load(tiny_path, context_tokens=256, max_sequences=16)
    running = [model.admit(model.prepare(plain(f"the cat {number}"))) for number in range(16)]
    assert None not in running
    assert model.admit(model.prepare(plain("one more"))) is None
    model.release(running[3])
    assert model.admit(model.prepare(plain("one more"))) is not None


def test_conversations_use_the_template_of_the_file(tiny, tokens):
    prompt = tiny.prepare(GenerateRequest(model="tiny", messages=(user("a"),)))
    assert prompt.tokens[0] == tokens.bos
    assert prompt.tokens.count(tokens.bos) == 1
    assert prompt.tokens[1] == tokens.special("<|user|>")
    assert prompt.tokens[-1] == tokens.special("<|assistant|>")
