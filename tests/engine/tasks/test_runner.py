import threading
from contextlib import aclosing

import pytest

from engine.errors import EngineError, InvalidRequestError, PluginError, TaskCancelledError
from engine.plugins.contract.values import Field
from engine.plugins.infos import TaskFinished, TaskProgress, TaskRequest, TaskText
from engine.tasks.runner import TaskRunner
from engine.types import GenerateRequest, user


class Shout:
    """Does what its tests want."""

    id, title, summary = "shout", "Shout", "Writes a text in capitals."
    inputs = (Field(name="text", title="Text"),)
    outputs = (Field(name="loud", title="Loud"),)

    def __init__(self, work=None):
        self.work = work or (lambda inputs, context: {"loud": inputs["text"].upper()})

    def run(self, inputs, context):
        return self.work(inputs, context)


async def events_of(runner: TaskRunner, **values):
    async with aclosing(runner.run(TaskRequest(task="shout", inputs=values or {"text": "hi"}))) as events:
        return [event async for event in events]


async def test_a_task_runs_on_its_own_thread(runner_of):
    names = []

    def work(inputs, context):
        names.append(threading.current_thread().name)
        return {"loud": inputs["text"].upper()}

    events = await events_of(runner_of(Shout(work)))
    assert isinstance(events[-1], TaskFinished)
    assert events[-1].outputs == {"loud": "HI"}
    assert names == ["hearth-task-shout"]


async def test_text_is_joined_and_only_the_newest_progress_is_kept(runner_of):
    def work(_inputs, context):
        for step in range(1000):
            context.progress(step / 1000, f"step {step}")
            context.emit("loud", "x")
        return {"loud": "x" * 1000}

    events = await events_of(runner_of(Shout(work)))
    assert "".join(event.text for event in events if isinstance(event, TaskText)) == "x" * 1000
    assert [event for event in events if isinstance(event, TaskProgress)][-1] == TaskProgress(0.999, "step 999")
    assert len(events) < 200


@pytest.mark.parametrize(
    ("work", "said"),
    [
        (lambda i, c: 1 / 0, "failed inside: ZeroDivisionError"),
        (lambda i, c: {}, "returned something wrong: Loud is missing"),
        (lambda i, c: {"loud": 5}, "Loud is not text"),
        (lambda i, c: {"loud": "x", "more": "y"}, "no field called more"),
        (lambda i, c: c.emit("quiet", "x"), "no output called quiet"),
        (lambda i, c: [c.emit("loud", "x" * (1 << 20)) for _ in range(20)], "16 million"),
    ],
)
async def test_a_wrong_task_is_named(runner_of, work, said):
    with pytest.raises(EngineError, match=said) as caught:
        await events_of(runner_of(Shout(work)))
    if isinstance(caught.value, PluginError):
        assert caught.value.plugin == "mine"


async def test_a_task_may_refuse(runner_of):
    def work(_inputs, _context):
        raise InvalidRequestError("That is too quiet.", "Shout.")

    with pytest.raises(InvalidRequestError, match="too quiet"):
        await events_of(runner_of(Shout(work)))


async def test_unknown_tasks_and_inputs_are_refused_before_anything_starts(runner_of):
    runner = runner_of(Shout(lambda i, c: pytest.fail("it ran")))
    with pytest.raises(InvalidRequestError, match="no field called txt"):
        await events_of(runner, txt="a")
    with pytest.raises(InvalidRequestError, match=r"no task called whisper\..*shout"):
        await anext(runner.run(TaskRequest(task="whisper", inputs={})))


async def test_closing_the_generator_cancels(runner_of):
    stopped = threading.Event()

    def work(_inputs, context):
        try:
            while True:
                context.progress(0.5)
        except TaskCancelledError:
            stopped.set()
            raise

    async with aclosing(runner_of(Shout(work)).run(TaskRequest(task="shout", inputs={"text": "a"}))) as events:
        await anext(events)
    assert stopped.wait(5)


async def test_models_need_a_permission(runner_of):
    def work(_inputs, context):
        context.models.generate(GenerateRequest(model="a", messages=(user("hi"),)))
        return {"loud": "x"}

    with pytest.raises(PluginError, match="may not ask the models"):
        await events_of(runner_of(Shout(work), allowed=False))
