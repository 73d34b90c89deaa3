"""Limits are applied at once, off the UI thread, and kept for the next start."""

from dataclasses import replace

from engine import ConfigError, EngineConfig, EngineError

GIB = 1 << 30


def test_a_limit_is_applied_once_it_rests_and_is_kept(shown) -> None:
    async def check(bench) -> None:
        for size in (1, 2, 3):
            bench.controller.set_limits(replace(bench.controller.limits, cache_disk_bytes=size * 1_000_000_000))
        assert bench.source.calls == []
        assert bench.controller.limits.cache_disk_bytes == 3_000_000_000
        await bench.until(lambda: bench.source.calls and bench.tasks.count == 0)
        assert [limits.cache_disk_bytes for limits in bench.source.calls] == [3_000_000_000]
        assert bench.source.threads[0].startswith("hearth-settings")
        config = EngineConfig.load(bench.settings_file)
        assert (config.cache_disk_bytes, config.memory_budget_bytes) == (3_000_000_000, None)
        assert bench.settings_file.read_text(encoding="utf-8") == "cache_disk_bytes = 3000000000\n"

    shown(check)


def test_going_back_to_automatic_takes_the_setting_out_of_the_file(shown) -> None:
    async def check(bench) -> None:
        bench.controller.set_limits(replace(bench.controller.limits, memory_budget_bytes=6 * GIB))
        await bench.applied()
        assert EngineConfig.load(bench.settings_file).memory_budget_bytes == 6 * GIB
        bench.controller.set_limits(replace(bench.controller.limits, memory_budget_bytes=None))
        await bench.applied()
        assert bench.settings_file.read_text(encoding="utf-8") == ""
        assert bench.source.now.memory_budget_bytes is None

    shown(check)


def test_a_limit_that_is_refused_goes_back_and_is_not_kept(shown) -> None:
    async def check(bench) -> None:
        bench.source.error = ConfigError("The budget is less than what the models take.", "Choose more.")
        bench.controller.set_limits(replace(bench.controller.limits, memory_budget_bytes=GIB))
        await bench.applied()
        assert bench.failures == [("bad", "The budget is less than what the models take.", "Choose more.")]
        assert "Choose more." in bench.page.banner.message
        assert bench.controller.limits.memory_budget_bytes is None
        assert not bench.settings_file.exists()

    shown(check)


def test_a_file_that_cannot_be_written_is_one_sentence_and_is_tried_again_with_the_next_change(shown) -> None:
    async def check(bench) -> None:
        bench.settings_file.mkdir()
        bench.controller.set_limits(replace(bench.controller.limits, memory_budget_bytes=2 * GIB))
        await bench.applied()
        kind, cause, remedy = bench.failures[0]
        assert (kind, remedy) == ("warn", "They apply until Hearth is closed.")
        assert cause.startswith(f"The settings cannot be written to {bench.settings_file}: ")
        assert bench.source.now.memory_budget_bytes == 2 * GIB
        bench.settings_file.rmdir()
        bench.controller.set_limits(replace(bench.controller.limits, prefix_disk_bytes=5))
        await bench.applied()
        config = EngineConfig.load(bench.settings_file)
        assert (config.memory_budget_bytes, config.prefix_disk_bytes) == (2 * GIB, 5)

    shown(check)


def test_a_broken_file_is_left_alone(shown) -> None:
    async def check(bench) -> None:
        bench.settings_file.write_text("a = = 1", encoding="utf-8")
        bench.controller.set_limits(replace(bench.controller.limits, prefix_disk_bytes=5))
        await bench.applied()
        assert bench.failures[0][0] == "warn"
        assert bench.settings_file.read_text(encoding="utf-8") == "a = = 1"

    shown(check)


def test_what_is_wanted_when_the_window_closes_is_still_kept(run, make_bench) -> None:
    async def body() -> None:
        async with make_bench() as bench:
            bench.controller.set_limits(replace(bench.controller.limits, cache_disk_bytes=7))
        assert bench.source.now.cache_disk_bytes == 7
        assert EngineConfig.load(bench.settings_file).cache_disk_bytes == 7

    run(body())


def test_deleting_says_when_it_is_done_and_what_went_wrong(shown) -> None:
    async def check(bench) -> None:
        bench.source.gate.clear()
        bench.controller.clear(answers=True)
        bench.controller.clear(answers=True)
        assert bench.controller.is_clearing
        assert not bench.board.answers.delete.isEnabled()
        bench.source.error = EngineError("The disk cannot be read.", "Try again.")
        bench.source.gate.set()
        await bench.until(lambda: not bench.controller.is_clearing)
        assert bench.failures == [("bad", "The disk cannot be read.", "Try again.")]
        bench.controller.clear(prefixes=True)
        await bench.until(lambda: not bench.controller.is_clearing)
        assert bench.source.calls == [("clear", True, False), ("clear", False, True)]
        assert bench.source.kept.prefixes.entries == 0

    shown(check)


def test_nothing_is_looked_at_while_nobody_looks_or_the_engine_is_closed(run, make_bench) -> None:
    async def body() -> None:
        async with make_bench() as bench:
            bench.window.hide()
            looks = bench.source.looks
            assert not bench.controller._timer.isActive()
            bench.window.show()
            assert bench.source.looks == looks + 1
            bench.source.is_closed = True
            bench.controller.refresh()
            assert not bench.controller._timer.isActive()
            assert bench.failures == []
            bench.source.is_closed = False

    run(body())
