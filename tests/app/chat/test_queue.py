"""A chat's request in the engine's queue: who asks, what about, and what becomes of it there."""

from app.chat.conversation import Role, TurnState

ENDLESS = {"script": ("word ",), "repeat": True, "step_s": 0.001}


def answer_of(bench) -> str:
    last = bench.session.last
    return last.text if last is not None and last.role is Role.ANSWER else ""


def test_the_queue_says_that_the_chat_asks_and_what_about(make_bench, run) -> None:
    async def story() -> None:
        async with make_bench(**ENDLESS) as bench:
            bench.controller.send("Write a letter to the landlord.\nIt is about the roof.")
            await bench.until(lambda: bench.engine.queue().requests)
            [request] = bench.engine.queue().requests
            assert (request.client, request.title) == ("Chat window", "Write a letter to the landlord")
            bench.controller.stop()
            await bench.settled()

    run(story())


def test_an_answer_that_is_cancelled_in_the_queue_is_stopped_and_not_failed(make_bench, run) -> None:
    async def story() -> None:
        async with make_bench(**ENDLESS) as bench:
            bench.controller.send("Count for ever")
            await bench.until(lambda: answer_of(bench))
            [request] = bench.engine.queue().requests
            assert bench.engine.cancel_request(request.id)
            await bench.settled()
            assert bench.session.last.state is TurnState.STOPPED
            assert answer_of(bench)
            assert bench.failures == []

    run(story())


def test_what_waits_says_place_and_reason_in_the_line_below(make_bench, run) -> None:
    async def story() -> None:
        async with make_bench(**ENDLESS) as bench:
            bench.engine.pause_queue(True)
            bench.controller.send("Hello")
            await bench.until(lambda: bench.session.progress and "in the queue" in bench.session.progress.words)
            assert bench.session.progress.words.startswith("Next in the queue")
            bench.engine.pause_queue(False)
            await bench.until(lambda: answer_of(bench))
            bench.controller.stop()
            await bench.settled()

    run(story())
