"""What a model's author recommends."""

from pathlib import Path

import pytest

from engine.models.gguf import GgufHeader
from engine.models.gguf_sampling import recommended_sampling
from engine.requests import Sampling


def header(**keys: object) -> GgufHeader:
    metadata = {f"general.sampling.{key}": value for key, value in keys.items()}
    return GgufHeader(path=Path("x.gguf"), version=3, metadata=metadata, tensors=(), size_bytes=0)


def test_a_file_that_says_nothing_gets_the_defaults() -> None:
    assert recommended_sampling(header()) == Sampling()


def test_what_the_file_says_replaces_the_defaults() -> None:
    # 0.20000000298 is 0.2 as a 32-bit float
    found = recommended_sampling(header(temp=0.20000000298023224, top_k=20, top_p=0.5, min_p=0.0, penalty_repeat=1.1))
    assert found == Sampling(temperature=0.2, top_k=20, top_p=0.5, min_p=0.0, repeat_penalty=1.1)


@pytest.mark.parametrize(
    "keys", [{"temp": -1.0}, {"temp": float("nan")}, {"temp": "hot"}, {"top_p": 2.0}, {"top_k": -4}]
)
def test_a_value_out_of_range_is_ignored(keys) -> None:
    assert recommended_sampling(header(**keys)) == Sampling()


def test_the_starter_asks_for_a_low_temperature() -> None:
    from engine.models.library import ModelLibrary
    from resources import models_dir

    assert ModelLibrary((models_dir(),)).find("starter").sampling.temperature == 0.2
