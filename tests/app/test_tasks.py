"""Tasks: errors are reported at once, and closing leaves nothing running."""

import asyncio
import logging

import pytest

from app.tasks import Tasks


async def fail() -> None:
    raise ValueError("broken")


async def test_an_error_reaches_the_given_callback_although_the_task_is_kept():
    errors: list[Exception] = []
    tasks = Tasks()
    kept = tasks.start(fail(), on_error=errors.append)
    await asyncio.wait([kept])
    await asyncio.sleep(0)
    assert [str(error) for error in errors] == ["broken"]
    assert tasks.count == 0


async def test_an_error_without_a_callback_is_logged_with_its_traceback(caplog):
    with caplog.at_level(logging.ERROR):
        await asyncio.wait([Tasks().start(fail())])
        await asyncio.sleep(0)
    assert "broken" in caplog.text
    assert "Traceback" in caplog.text


async def test_close_cancels_and_waits_for_clean_up():
    steps: list[str] = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            steps.append("cleaned")

    tasks = Tasks(on_error=lambda error: steps.append(repr(error)))
    tasks.start(work())
    await asyncio.sleep(0)
    await tasks.close()
    assert steps == ["cleaned"]
    assert tasks.count == 0


async def test_nothing_starts_after_close():
    tasks = Tasks()
    await tasks.close()
    with pytest.raises(RuntimeError):
        tasks.start(fail())


async def test_a_task_that_starts_another_while_closing_does_not_escape():
    tasks = Tasks()

    async def stubborn() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            with pytest.raises(RuntimeError):
                tasks.start(fail())

    tasks.start(stubborn())
    await asyncio.sleep(0)
    await tasks.close()
    assert tasks.count == 0
