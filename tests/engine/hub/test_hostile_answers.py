import random
from typing import Any

import pytest

from engine.errors import EngineError, HubError
from engine.finds import HubQuery
from engine.tasks.hub_desk import HubDesk
from tests.engine.hub.hub_server import HubServer

REPO = "hearth/starter-GGUF"
ODD: tuple[Any, ...] = (
    None, True, -1, 0, 1 << 70, 1e308, "", "x" * 3000, "../../../etc/passwd", "\x1b[2J\u202e", "a\0b", [], {}, [[]],
    {"a": {"b": None}}, ["x", 3, None], "2026-13-45T99:99:99.000Z", "\ud800", "CON", "nul.gguf",
)  # fmt: skip


class Mangler:
    """Puts odd values into what a hub says, at a few places, the same ones for the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def __call__(self, value: Any) -> Any:
        for _ in range(self._random.randint(1, 4)):
            value = self._changed(value)
        return value

    def _changed(self, value: Any) -> Any:
        if isinstance(value, dict) and value and self._random.random() < 0.9:
            key = self._random.choice(sorted(value))
            return {**value, key: self._changed(value[key])}
        if isinstance(value, list) and value and self._random.random() < 0.8:
            at = self._random.randrange(len(value))
            return [*value[:at], self._changed(value[at]), *value[at + 1 :]]
        return self._random.choice(ODD)


@pytest.mark.parametrize("seed", range(12))
def test_whatever_a_hub_says_only_sentences_come_of_it(desk: HubDesk, hub: HubServer, seed: int) -> None:
    hub.mangle = Mangler(seed)
    refusals: list[EngineError] = []
    for _ in range(12):
        for ask in (
            lambda: desk.search(HubQuery(text="starter", format="gguf")),
            lambda: desk.card(REPO),
            lambda: desk.order(REPO),
        ):
            try:
                ask()
            except EngineError as error:
                refusals.append(error)
    assert refusals, "not everything was harmless"
    assert all(isinstance(error, HubError) and len(str(error)) < 1000 for error in refusals)
