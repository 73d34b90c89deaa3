"""Loads that find no room: what was in the way may have left by the time that anybody looks."""

from collections.abc import Callable
from pathlib import Path

import pytest

from engine import Engine, GenerateRequest, Sampling
from engine.errors import OutOfMemoryError
from tests.computing import computing


def refusing(load: Callable[..., object], times: int) -> Callable[..., object]:
    """A residency's `load` for which others were in the way the first times, and had left right afterwards."""
    left = [times]

    def refused(*args: object, **kwargs: object) -> object:
        if left[0] > 0:
            left[0] -= 1
            raise OutOfMemoryError("starter needs about 33 MB of memory, but 23 MB is free.")
        return load(*args, **kwargs)

    return refused


async def written(engine: Engine) -> str:
    request = GenerateRequest(model="starter", prompt="def ", sampling=Sampling(temperature=0.0), max_tokens=4)
    return "".join([event.text async for event in engine.generate(request) if hasattr(event, "text")])


@pytest.mark.parametrize("times", [1, 3])
async def test_a_load_whose_room_was_taken_for_a_moment_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    async with Engine(computing(home=tmp_path)) as engine:
        residency = engine._residency()
        monkeypatch.setattr(residency, "load", refusing(residency.load, times))
        assert await written(engine)


async def test_a_load_that_never_finds_the_room_that_there_seems_to_be_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Engine(computing(home=tmp_path)) as engine:
        residency = engine._residency()
        monkeypatch.setattr(residency, "load", refusing(residency.load, 4))
        with pytest.raises(OutOfMemoryError, match="33 MB"):
            await written(engine)
        assert await written(engine)
