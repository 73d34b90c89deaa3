"""A request whose answer copies its prompt with small changes."""

import numpy as np
import pytest

from engine.bench.random_model import write_random_gguf
from engine.bench.repetition import repetitive_request
from engine.config import EngineConfig
from engine.engine import Engine
from engine.types import Finished


def test_most_of_the_answer_stands_in_the_prompt():
    request = repetitive_request("m", 240, 1, copied=44, fresh=4)
    answer = (request.grammar or "").removeprefix('root ::= "').removesuffix('"')
    prompt = request.prompt or ""
    assert len(prompt) == len(answer) == request.max_tokens == 240
    same = np.array([one == other for one, other in zip(prompt, answer, strict=True)])
    assert same.mean() == pytest.approx(44 / 48)
    assert answer[:44] in prompt
    assert answer[44:48] not in prompt
    assert repetitive_request("m", 240, 2).prompt != prompt
    assert repetitive_request("m", 240, 1) == request


async def test_a_random_model_writes_it_token_by_token(tmp_path):
    path = tmp_path / "random.gguf"
    write_random_gguf(path, "tiny", "f32")
    request = repetitive_request(str(path), 96, 1)
    async with Engine(EngineConfig(home=tmp_path, context_tokens=256, max_sequences=1)) as engine:
        events = [event async for event in engine.generate(request)]
    finished = events[-1]
    assert isinstance(finished, Finished)
    assert f'root ::= "{finished.result.text}"' == request.grammar
    usage = finished.result.usage
    assert (usage.prompt_tokens, usage.output_tokens) == (96 + 1, 96)  # and the one that begins a text
