"""The controller: a few at a time, one failure at a time, and stop means stop."""

import asyncio
from pathlib import Path

import pytest
from PySide6.QtGui import QColor, QImage

from app.recognize.picture import State
from engine.errors import EngineDeadError, ModelFileError
from engine.types import Label, Urgency, VisionOutput


def test_the_bundled_reader_is_chosen_and_chat_models_are_left_out(run, bench):
    async def body() -> None:
        async with bench:
            assert [model.id for model in bench.controller.models] == ["animals", "reader"]
            assert bench.controller.model_id == "reader"

    run(body())


def test_the_remembered_model_is_chosen_if_it_is_still_there(run, make_bench):
    async def body(wanted: str, got: str) -> None:
        async with make_bench(wanted) as bench:
            assert bench.controller.model_id == got

    run(body("animals", "animals"))
    run(body("deleted", "reader"))


def test_pictures_are_looked_at_in_batches(run, bench, pictures):
    async def body() -> None:
        async with bench:
            bench.controller.add_files(pictures)
            await bench.all_ended(12)
            assert bench.summaries == ["1 line"] * 12
            assert bench.controller.is_loaded
            assert not bench.controller.is_busy
            assert sum(bench.backend.models[0].batch_sizes) == 12
            assert max(bench.backend.models[0].batch_sizes) > 1

    run(body())


def test_pictures_added_before_the_engine_is_open_wait(run, bench, pictures):
    async def body() -> None:
        bench.controller.add_files(pictures[:2])
        await bench.until(lambda: bench.controller.batch.rowCount() == 2)
        assert bench.summaries == ["Waiting", "Waiting"]
        async with bench:
            await bench.all_ended(2)
        assert bench.summaries == ["1 line", "1 line"]

    run(body())


def test_a_broken_picture_spoils_only_itself(run, bench, pictures):
    async def body() -> None:
        pictures[1].write_bytes(b"")
        async with bench:
            bench.controller.add_files(pictures[:3])
            await bench.all_ended(3)
            states = [picture.state for picture in bench.controller.batch]
            assert states == [State.DONE, State.FAILED, State.DONE]
            failed = list(bench.controller.batch)[1]
            assert failed.error == "The image is empty. Choose another file."
            assert bench.failures == []

    run(body())


def test_a_broken_model_stops_the_batch_and_says_it_once(run, make_bench, pictures):
    async def body() -> None:
        bench = make_bench(load_error=ModelFileError("The file ends early.", "Download it again."))
        async with bench:
            bench.controller.add_files(pictures)
            await bench.until(lambda: bench.failures)
            await bench.until(lambda: not bench.controller.is_busy)
            assert bench.failures == [("The file ends early.", "Download it again.")]
            assert {picture.state for picture in bench.controller.batch} == {State.STOPPED}
            bench.backend.load_error = None
            bench.controller.resume()
            await bench.all_ended(12)
            assert bench.summaries == ["1 line"] * 12

    run(body())


def test_stop_lets_go_at_once_and_resume_goes_on(run, make_bench, pictures):
    async def body() -> None:
        async with make_bench(step_s=0.05) as bench:
            bench.controller.add_files(pictures)
            await bench.until(lambda: bench.controller.is_busy)
            bench.controller.stop()
            assert not bench.controller.is_busy
            assert {picture.state for picture in bench.controller.batch} <= {State.STOPPED, State.DONE}
            await bench.until(lambda: bench.engine.snapshot().running == 0)
            assert State.STOPPED in {picture.state for picture in bench.controller.batch}
            bench.controller.resume()
            await bench.all_ended(12)
            assert bench.summaries == ["1 line"] * 12

    run(body())


@pytest.mark.parametrize(("count", "rest"), [(4, Urgency.NORMAL), (12, Urgency.BATCH)])
def test_the_first_picture_is_urgent_and_many_fill_gaps(run, make_bench, pictures, count: int, rest: Urgency):
    async def body() -> None:
        async with make_bench(step_s=0.05) as bench:
            bench.engine.pause_queue(True)
            bench.controller.add_files(pictures[:count])
            expected = min(count, 8)
            await bench.until(lambda: len(bench.engine.queue().requests) == expected)
            requests = {request.title: request for request in bench.engine.queue().requests}
            assert {request.client for request in requests.values()} == {"Recognize"}
            urgencies = [requests[picture.name].urgency for picture in list(bench.controller.batch)[:expected]]
            assert urgencies == [Urgency.INTERACTIVE, *[rest] * (expected - 1)]
            bench.engine.pause_queue(False)
            await bench.all_ended(count)

    run(body())


def test_a_picture_that_is_cancelled_in_the_queue_stops_alone(run, make_bench, pictures):
    async def body() -> None:
        async with make_bench(step_s=0.02) as bench:
            bench.engine.pause_queue(True)
            bench.controller.add_files(pictures[:3])
            await bench.until(lambda: len(bench.engine.queue().requests) == 3)
            request = next(it for it in bench.engine.queue().requests if it.title == pictures[1].name)
            assert bench.engine.cancel_request(request.id)
            bench.engine.pause_queue(False)
            await bench.until(lambda: not bench.controller.is_busy)
            states = [picture.state for picture in bench.controller.batch]
            assert states == [State.DONE, State.STOPPED, State.DONE]
            assert bench.failures == []

    run(body())


def test_another_model_looks_at_everything_again(run, make_bench, pictures):
    sees = VisionOutput(task="classification", image_size=(9, 9), labels=(Label("cat", 0.8), Label("dog", 0.2)))

    async def body() -> None:
        async with make_bench(sees=sees) as bench:
            bench.controller.add_files(pictures[:3])
            await bench.all_ended(3)
            bench.controller.choose_model("animals")
            assert {picture.result for picture in bench.controller.batch} == {None}
            await bench.all_ended(3)
            assert {picture.model_id for picture in bench.controller.batch} == {"animals"}
            assert bench.summaries == ["cat"] * 3

    run(body())


def test_a_model_that_vanished_is_told_with_a_remedy(run, bench, pictures):
    async def body() -> None:
        async with bench:
            bench.library.models = bench.library.models[:1]
            bench.controller.add_files(pictures[:1])
            await bench.until(lambda: bench.failures)
            assert bench.failures == [("There is no model reader.", "Choose another.")]

    run(body())


def test_a_dead_engine_is_told(run, make_bench, pictures):
    async def body() -> None:
        async with make_bench(step_s=0.02) as bench:
            bench.controller.add_files(pictures[:4])
            await bench.until(lambda: bench.controller.is_busy)
            await bench.engine.close()
            await bench.until(lambda: bench.failures)
            assert bench.failures[0][0] in ("The engine was closed.", "The engine is not open.")  # by when it came
            bench.engine.open()

    run(body())


def test_a_pasted_image_is_a_picture_like_any_other(run, bench):
    async def body() -> None:
        image = QImage(64, 64, QImage.Format.Format_RGB32)
        image.fill(QColor("white"))
        async with bench:
            bench.controller.add_image(image)
            bench.controller.add_image(image)
            await bench.all_ended(2)
            assert sorted(p.name for p in bench.controller.batch) == ["Pasted picture 1", "Pasted picture 2"]
            assert all(p.thumbnail is not None for p in bench.controller.batch)

    run(body())


def test_clear_forgets_everything(run, make_bench, pictures):
    async def body() -> None:
        async with make_bench(step_s=0.02) as bench:
            bench.controller.add_files(pictures)
            await bench.until(lambda: bench.controller.is_busy)
            bench.controller.clear()
            assert bench.controller.progress == (0, 0)
            assert not bench.controller.is_busy

    run(body())


def test_the_time_left_is_known_only_while_it_runs(run, make_bench, pictures):
    async def body() -> None:
        async with make_bench(step_s=0.02) as bench:
            assert bench.controller.seconds_left is None
            bench.controller.add_files(pictures)
            await bench.until(lambda: bench.controller.progress[0] > 0)
            if bench.controller.is_busy:
                assert bench.controller.seconds_left is not None
            await bench.all_ended(12)
            assert bench.controller.seconds_left is None

    run(body())


def test_thumbnails_are_small_and_upright(run, bench, tmp_path: Path):
    async def body() -> None:
        large = QImage(2000, 1000, QImage.Format.Format_RGB32)
        large.fill(QColor("red"))
        path = tmp_path / "large.png"
        assert large.save(str(path))
        async with bench:
            bench.controller.add_files([path])
            await bench.until(lambda: bench.summaries and next(iter(bench.controller.batch)).thumbnail is not None)
            thumbnail = next(iter(bench.controller.batch)).thumbnail
            assert (thumbnail.width(), thumbnail.height()) == (256, 128)

    run(body())


@pytest.mark.parametrize("count", [1, 12])
def test_closing_in_the_middle_of_work_ends_cleanly(run, make_bench, pictures, count: int):
    async def body() -> None:
        async with make_bench(step_s=0.02) as bench:
            bench.controller.add_files(pictures[:count])
            await bench.until(lambda: bench.controller.is_busy)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        with pytest.raises(Exception, match="not open"):
            bench.engine.snapshot()

    run(body())


def test_errors_of_the_engine_keep_their_words(run, make_bench, pictures):
    async def body() -> None:
        bench = make_bench(load_error=EngineDeadError("The lane died.", "Open Hearth again."))
        async with bench:
            bench.controller.add_files(pictures[:1])
            await bench.until(lambda: bench.failures)
            assert bench.failures == [("The lane died.", "Open Hearth again.")]

    run(body())
