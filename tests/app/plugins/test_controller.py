"""The controller: following the host, and passing on what is wanted."""

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from engine import PluginError, PluginRefusedError, PluginState, Sample


def failures_of(bench) -> list[tuple[str, str, str]]:
    seen: list[tuple[str, str, str]] = []
    bench.controller.failed.connect(lambda *words: seen.append(words))
    return seen


def test_changes_from_any_thread_arrive_and_are_merged(run, bench):
    async def body() -> None:
        async with bench:
            before = bench.host.snapshots
            seen: list[float] = []
            bench.controller.changed.connect(
                lambda: seen.append(bench.controller.find("weather").samples[0].value)  # type: ignore[union-attr]
            )

            def hammer() -> None:
                for number in range(500):
                    bench.host.change("weather", samples=(Sample("x", float(number), "s"),))

            threads = [threading.Thread(target=hammer) for _ in range(2)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            await bench.until(lambda: seen and seen[-1] == 499.0)
            assert len(seen) <= 3  # at once, and a quarter of a second later
            assert bench.host.snapshots - before <= 4

    run(body())


def test_nothing_is_followed_after_the_end(run, bench):
    async def body() -> None:
        async with bench:
            bench.host.tell()
            bench.controller.close()
            bench.controller.close()
            assert bench.host.listeners == []
            before = bench.host.snapshots
            await bench.settled()
            assert bench.host.snapshots == before

    run(body())


@pytest.mark.parametrize(
    ("ask", "call"),
    [
        (lambda c: c.enable("weather", "abc"), ("enable", "weather", "abc")),
        (lambda c: c.disable("weather"), ("disable", "weather")),
        (lambda c: c.reload("weather"), ("reload", "weather")),
        (lambda c: c.remove("weather"), ("remove", "weather")),
        (lambda c: c.set_settings("weather", {"place": "Rome"}), ("set_settings", "weather", {"place": "Rome"})),
    ],
)
def test_what_is_wanted_reaches_the_host(run, bench, ask, call):
    async def body() -> None:
        async with bench:
            ask(bench.controller)
            assert bench.controller.doing("weather")
            await bench.settled()
            assert bench.host.calls == [call]
            assert bench.controller.doing("weather") == ""

    run(body())


def test_one_step_at_a_time_for_each_plugin(run, bench):
    async def body() -> None:
        async with bench:
            bench.host.gate.clear()
            bench.controller.reload("weather")
            bench.controller.remove("weather")
            bench.controller.reload("chat")
            assert bench.controller.doing("weather") == "Reloading"
            bench.host.gate.set()
            await bench.settled()
            assert bench.host.calls == [("reload", "weather"), ("reload", "chat")]

    run(body())


def test_a_failure_is_told_with_its_details_and_the_plugin_can_be_used_again(run, bench):
    async def body() -> None:
        async with bench:
            seen = failures_of(bench)
            bench.host.error = PluginError("weather", "It did not start.", "Ask its author.", "Traceback")
            bench.controller.reload("weather")
            await bench.settled()
            assert seen == [("It did not start.", "Ask its author.", "Traceback")]
            assert bench.controller.doing("weather") == ""

    run(body())


def test_a_fault_of_hearth_is_told_and_logged(run, bench, caplog):
    async def body() -> None:
        async with bench:
            seen = failures_of(bench)
            bench.host.error = ValueError("oops")
            bench.controller.reload("weather")
            await bench.settled()
            assert seen[0][0] == "Something in Hearth went wrong."

    run(body())
    assert "oops" in caplog.text


def test_each_of_several_installs_asks_for_consent_or_tells_why_not(run, bench):
    async def body() -> None:
        async with bench:
            seen = failures_of(bench)
            wanted: list[str] = []
            bench.controller.consent_wanted.connect(wanted.append)
            weather = bench.controller.find("weather")
            good, bad = Path("/tmp/good.zip"), Path("/tmp/bad.zip")
            bench.host.found[good] = replace(weather, id="good", state=PluginState.NEEDS_CONSENT)
            bench.host.error = PluginRefusedError("bad", "It holds a link.", "Ask its author.")
            bench.controller.install([bad, good])
            await bench.settled()
            assert seen == [("It holds a link.", "Ask its author.", "")]
            assert wanted == ["good"]
            assert bench.controller.find("good") is not None

    run(body())
