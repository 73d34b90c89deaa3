"""Tasks that ask the models, through a real engine without weights."""

import asyncio
import threading
from contextlib import aclosing
from dataclasses import replace

import pytest

from engine.errors import EngineError, ModelNotFoundError, TaskCancelledError
from engine.plugins.contract.values import Field
from engine.plugins.infos import TaskFinished, TaskRequest
from engine.tasks.bridge import MOST_AT_ONCE, Cancellation, DoorModels
from engine.types import Accepts, EmbedRequest, GenerateRequest, RecognizeRequest, Urgency, user


class Ask:
    """A task whose work is given."""

    id, title, summary = "ask", "Ask", "Asks the models."
    inputs = ()
    outputs = (Field(name="said", title="Said"),)

    def __init__(self, work):
        self.work = work

    def run(self, inputs, context):
        return {"said": str(self.work(context))}


def prompt(model="text", text="one two three"):
    return GenerateRequest(model=model, messages=(user(text),))


async def run(runner_of, engine, work):
    async with aclosing(runner_of(Ask(work), door=engine).run(TaskRequest(task="ask", inputs={}))) as events:
        return [event async for event in events]


async def said(runner_of, engine, work):
    events = await run(runner_of, engine, work)
    assert isinstance(events[-1], TaskFinished)
    return events[-1].outputs["said"]


async def test_answers_arrive_on_the_tasks_thread(runner_of, engine, backend):
    heard = []

    def work(context):
        result = context.models.generate(prompt(), lambda text: heard.append((threading.current_thread().name, text)))
        return result.text

    assert await said(runner_of, engine, work) == "Hello, world."
    assert "".join(text for _, text in heard) == "Hello, world."
    assert {name for name, _ in heard} == {"hearth-task-ask"}


async def test_several_answers_share_a_batch_and_failures_stay_apart(runner_of, engine, backend):
    backend.step_s = 0.02  # long enough for the second request to arrive
    heard = {0: "", 1: "", 2: ""}

    def hear(index, text):
        heard[index] += text

    def work(context):
        good, bad, other = context.models.generate_all([prompt(), prompt("nobody"), prompt()], hear)
        assert isinstance(bad, ModelNotFoundError)
        return good.text + other.text

    assert await said(runner_of, engine, work) == "Hello, world." * 2
    assert heard == {0: "Hello, world.", 1: "", 2: "Hello, world."}
    assert max(backend.models[0].batch_sizes) == 2


async def test_a_task_cannot_fill_the_queue(runner_of, engine, backend):
    backend.step_s = 0.001
    waiting = []

    def work(context):
        def look(_index, _text):
            snapshot = engine.snapshot()
            waiting.append(snapshot.waiting + snapshot.running)

        return len(context.models.generate_all([prompt()] * (3 * MOST_AT_ONCE), look))

    assert await said(runner_of, engine, work) == str(3 * MOST_AT_ONCE)
    assert 1 < max(waiting) <= MOST_AT_ONCE


async def test_what_else_the_models_can_do(runner_of, engine, png):
    def work(context):
        models = context.models
        assert [info.id for info in models.available(Accepts.TEXTS)] == ["vectors"]
        assert models.count_tokens("text", "one two three") == 3
        assert models.context_tokens("text") == engine.config.context_tokens
        assert models.embed("vectors", ["aab"]).vectors.shape == (1, 26)
        return models.recognize(RecognizeRequest(model="eyes", image=png)).output.text

    assert await said(runner_of, engine, work) == "HEARTH 42"


async def test_a_failed_request_is_the_tasks_to_handle(runner_of, engine):
    with pytest.raises(ModelNotFoundError, match="nobody"):
        await run(runner_of, engine, lambda context: context.models.generate(prompt("nobody")))


async def test_every_request_has_the_urgency_of_who_started_the_task():
    class Door:
        """Notes what it is asked."""

        def __init__(self):
            self.asked = []

        async def generate(self, request):
            self.asked.append(request)
            raise ModelNotFoundError("There is none.")
            yield

        async def recognize(self, request):
            self.asked.append(request)

        async def embed(self, request):
            self.asked.append(request)

    door = Door()
    models = DoorModels(door, asyncio.get_running_loop(), Cancellation(), Urgency.BATCH)

    def work():
        [error] = models.generate_all([replace(prompt(), urgency=Urgency.INTERACTIVE)])
        assert isinstance(error, EngineError)
        models.recognize(RecognizeRequest(model="a", image=b"x"))
        models.embed("a", ["b"], "query")

    await asyncio.to_thread(work)
    assert [request.urgency for request in door.asked] == [Urgency.BATCH] * 3
    assert door.asked[2] == EmbedRequest(model="a", texts=("b",), purpose="query", urgency=Urgency.BATCH)


async def test_cancelling_a_task_stops_its_answers(runner_of, engine, backend, idle):
    backend.repeat, backend.step_s = True, 0.001
    ended = threading.Event()

    def work(context):
        try:
            context.models.generate_all([prompt(), prompt()])
        except TaskCancelledError:
            ended.set()
            raise

    async def read():
        await run(runner_of, engine, work)

    task = asyncio.get_running_loop().create_task(read())
    await idle(engine, running=2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(ended.wait, 5)
    await idle(engine)


async def test_a_task_that_stops_listening_stops_its_answer(runner_of, engine, backend, idle):
    backend.repeat = True

    def stop(_text):
        raise ValueError("enough")

    with pytest.raises(EngineError, match="ValueError: enough"):
        await run(runner_of, engine, lambda context: context.models.generate(prompt(), stop))
    await idle(engine)


def test_a_cancelled_task_asks_nothing_more():
    cancellation = Cancellation()
    cancellation.set()
    loop = asyncio.new_event_loop()
    with pytest.raises(TaskCancelledError):
        DoorModels(None, loop, cancellation, Urgency.NORMAL).available()  # type: ignore[arg-type]
    loop.close()
