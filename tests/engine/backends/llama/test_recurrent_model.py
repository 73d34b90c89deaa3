"""Recurrent models keep one state per sequence: it can be continued, but neither cut back nor shared."""


def test_it_generates_and_batches(load, mamba_path, answer, answer_all):
    model = load(mamba_path, context_tokens=256, max_sequences=4)
    prompts = ["the cat", "a mat sat on", "on the mat"]
    alone = [answer(load(mamba_path, context_tokens=256), prompt=prompt).text for prompt in prompts]
    together = answer_all(model, [{"prompt": prompt} for prompt in prompts], chunk=3)
    assert [one.text for one in together] == alone


def test_a_longer_prompt_continues_the_state_of_a_shorter_one(load, mamba_path, answer):
    model = load(mamba_path, context_tokens=256, max_sequences=2)
    sequence = model.admit(model.prepare(request("the cat sat")))
    model.step([sequence], 512)
    read = list(sequence.slot.tokens)
    model.release(sequence)
    warm = answer(model, prompt="the cat sat on a mat")
    cold = answer(load(mamba_path, context_tokens=256), prompt="the cat sat on a mat")
    assert warm.cached == len(read)
    assert warm.text == cold.text


def test_a_parked_state_is_continued(load, mamba_path, answer):
    model = load(mamba_path, context_tokens=256, max_sequences=1)
    start = "the cat sat on a mat and then it did"
    sequence = model.admit(model.prepare(request(start)))
    model.step([sequence], 512)
    read = len(sequence.slot.tokens)
    model.release(sequence)
    answer(model, prompt="a mat")
    warm = answer(model, prompt=start + " a cat")
    cold = answer(load(mamba_path, context_tokens=256), prompt=start + " a cat")
    assert warm.cached == read
    assert warm.text == cold.text


def test_a_prompt_that_differs_starts_afresh(load, mamba_path, answer):
    model = load(mamba_path, context_tokens=256, max_sequences=1)
    answer(model, prompt="the cat sat on the mat")
    warm = answer(model, prompt="the cat sat on a mat")
    cold = answer(load(mamba_path, context_tokens=256), prompt="the cat sat on a mat")
    assert warm.cached == 0
    assert warm.text == cold.text


def request(prompt: str):
    from engine.types import GenerateRequest, Sampling

    return GenerateRequest(model="m", prompt=prompt, sampling=Sampling(temperature=0))
