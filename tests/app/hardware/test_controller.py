"""The controller: it looks while it is watched, and says what did not work."""

import threading

import pytest

from app.hardware import HardwareController
from app.tasks import Tasks
from engine import EngineError
from engine.hardware import PlacementReport


@pytest.fixture
def make(run, make_bench):
    """Run a check on a controller without a page."""

    def start(check) -> None:
        async def body() -> None:
            source = make_bench().source
            errors: list[Exception] = []
            tasks = Tasks(errors.append)
            controller = HardwareController(source, tasks, tuple, source.clock)
            try:
                await check(controller, source, tasks)
            finally:
                controller.close()
                await tasks.close()
            assert errors == []

        run(body())

    return start


async def settled(tasks: Tasks, bench) -> None:
    await bench.until(lambda: tasks.count == 0)


def test_nothing_is_asked_before_somebody_watches_and_after(make):
    async def check(controller, source, _tasks) -> None:
        controller.open()
        assert source.looks == 0
        controller.watch(True)
        assert source.looks == 1
        assert controller._timer.isActive()
        controller.watch(False)
        assert not controller._timer.isActive()
        assert source.looks == 1

    make(check)


def test_watching_before_the_engine_is_open_waits_for_it(make):
    async def check(controller, source, _tasks) -> None:
        controller.watch(True)
        assert source.looks == 0
        assert controller.snapshot is None
        controller.open()
        assert source.looks == 1

    make(check)


def test_only_new_samples_are_asked_for(make):
    async def check(controller, source, _tasks) -> None:
        said: list[bool] = []
        controller.ticked.connect(said.append)
        controller.open()
        controller.watch(True)
        controller.refresh()
        source.pass_time()
        controller.refresh()
        assert said == [True, False, True]
        assert source.telemetry.asked == [source.now_s - 0.5 - 3600, source.now_s - 0.5, source.now_s - 0.5]

    make(check)


def test_an_engine_that_has_been_closed_ends_the_looking(make):
    async def check(controller, source, _tasks) -> None:
        controller.open()
        controller.watch(True)
        source.is_closed = True
        controller.refresh()
        assert not controller._timer.isActive()
        assert controller.report() == ""
        controller.measure()
        assert not controller.is_measuring

    make(check)


def test_measuring_says_how_far_it_is_from_any_thread(make, make_bench):
    async def check(controller, source, tasks) -> None:
        bench = make_bench()
        controller.open()
        source.gate.clear()
        controller.measure()
        controller.measure()
        await bench.until(lambda: source.progress is not None)
        thread = threading.Thread(target=source.progress, args=(0.42, "Measuring GPU"))
        thread.start()
        thread.join()
        await bench.until(lambda: controller.progress == (0.42, "Measuring GPU"))
        source.gate.set()
        await bench.until(lambda: not controller.is_measuring)
        assert source.calls == [("measure",)]

    make(check)


def test_measuring_can_be_cancelled(make, make_bench):
    async def check(controller, source, tasks) -> None:
        failures: list[tuple[str, str]] = []
        controller.failed.connect(lambda *words: failures.append(words))
        controller.open()
        source.gate.clear()
        controller.measure()
        await make_bench().until(lambda: source.calls)
        controller.cancel()
        await make_bench().until(lambda: not controller.is_measuring)
        controller.cancel()
        assert failures == []
        source.gate.set()
        controller.measure()
        await make_bench().until(lambda: not controller.is_measuring)
        assert source.calls == [("measure",), ("measure",)]

    make(check)


def test_a_failure_has_cause_and_remedy(make, make_bench):
    async def check(controller, source, _tasks) -> None:
        failures: list[tuple[str, str]] = []
        controller.failed.connect(lambda *words: failures.append(words))
        controller.open()
        source.error = EngineError("The driver ended.", "Restart the computer.")
        controller.find_devices()
        assert controller.is_looking
        await make_bench().until(lambda: not controller.is_looking and failures)
        source.error = ValueError("nobody thought of this")
        controller.measure()
        await make_bench().until(lambda: len(failures) == 2)
        assert failures[0] == ("The driver ended.", "Restart the computer.")
        assert failures[1][0] == "Something in Hearth went wrong."

    make(check)


def test_a_choice_is_passed_on_and_looked_up_again(make, make_bench):
    async def check(controller, source, _tasks) -> None:
        placed: list[PlacementReport] = []
        refused: list[tuple[str, str, str]] = []
        controller.placed.connect(placed.append)
        controller.not_placed.connect(lambda *words: refused.append(words))
        controller.open()
        controller.choose_device("starter", "cpu")
        await make_bench().until(lambda: placed)
        assert (placed[0].model, placed[0].override) == ("starter", "cpu")
        source.error = EngineError("There is no gpu:7.", "Choose another device.")
        controller.choose_device("starter", "gpu:7")
        assert refused == [("starter", "There is no gpu:7.", "Choose another device.")]
        source.error = EngineError("The file is gone.")
        controller.look_up("starter")
        await make_bench().until(lambda: len(refused) == 2)
        assert refused[1] == ("starter", "The file is gone.", "")

    make(check)


def test_a_controller_that_is_closed_while_it_measures_ends_quietly(make, make_bench):
    async def check(controller, source, _tasks) -> None:
        controller.open()
        controller.watch(True)
        source.gate.clear()
        controller.measure()
        await make_bench().until(lambda: source.calls)
        controller.close()

    make(check)
