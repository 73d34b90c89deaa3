"""Two hundred plugins whose numbers change all the time do not hold up the window."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from engine import PluginState, Sample
from tests.app.own_time import SLOT_MS, TRIES, least_ms


@pytest.fixture
def crowd(run, bench, make_bench, dressed):
    weather = bench.host.plugins["weather"]
    many = make_bench(*(replace(weather, id=f"plugin-{n}", name=f"Plugin {n}") for n in range(200)))

    def show(check: Callable) -> None:
        async def body() -> None:
            dressed(many.appearance)
            async with many:
                many.parts.table.choose("plugin-3")
                check(many)

        run(body())

    return show


def test_numbers_of_all_plugins(crowd):
    def check(many) -> None:
        rounds = []
        for attempt in range(TRIES):
            samples = (Sample("Temperature outside", attempt, "°C"), Sample("Wind", 1.0, "m/s"))
            rounds.append({k: replace(info, samples=samples) for k, info in many.host.plugins.items()})

        def work(attempt: int) -> None:
            many.host.plugins = rounds[attempt]
            many.controller.refresh()

        assert least_ms(work) <= SLOT_MS

    crowd(check)


def test_states_of_all_plugins(crowd):
    def check(many) -> None:
        states = (PluginState.DISABLED, PluginState.ACTIVE)
        rounds = [{k: replace(info, state=state) for k, info in many.host.plugins.items()} for state in states]

        def work(attempt: int) -> None:
            many.host.plugins = rounds[attempt % 2]
            many.controller.refresh()

        assert least_ms(work) <= SLOT_MS

    crowd(check)


def test_choosing_another_plugin(crowd):
    def check(many) -> None:
        assert least_ms(lambda attempt: many.parts.table.choose(f"plugin-{attempt + 10}")) <= SLOT_MS

    crowd(check)


def test_searching(crowd):
    def check(many) -> None:
        assert least_ms(lambda attempt: many.parts.search.setText("plugin 1" if attempt % 2 else "")) <= SLOT_MS

    crowd(check)


def test_painting_all_rows(crowd):
    def check(many) -> None:
        assert least_ms(lambda _: many.parts.table.view.viewport().repaint()) <= SLOT_MS

    crowd(check)
