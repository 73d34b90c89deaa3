"""A task in another process sees the context that it would see in Hearth's, and no more than it may."""

import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.errors import EngineError, InvalidRequestError, PluginError, TaskCancelledError
from engine.plugins.contract.values import InputFile, Table
from engine.plugins.infos import PluginState
from engine.plugins.manifest import OfferKind, Permission, PermissionKind
from engine.plugins.process.task_session import MOST_QUESTIONS
from engine.testing import FakeModels, FakeTaskContext
from engine.types import Accepts, ModelInfo

HEAD = """
import time
from engine.plugins.api import *

class Work:
    id = "work"
    title = "Work"
    summary = "Works."
    inputs = (Field(name="text", title="Text", required=False),)
    outputs = (Field(name="out", title="Out"),)
    def run(self, inputs, context):
        return {"out": work(inputs, context)}

def register(registrar):
    registrar.add_task(Work())
"""
MODELS = (Permission(PermissionKind.MODELS, "To ask them."),)
INFO = ModelInfo(
    id="starter",
    path=Path("/home/ann/models/starter.gguf"),
    format="gguf",
    name="Starter",
    architecture="llama",
    size_bytes=1,
    accepts=frozenset({Accepts.MESSAGES}),
)


@pytest.fixture
def task(make_plugin):
    """Make a task of the source of `work(inputs, context)`; the plugin is its `plugin`."""

    def make(source, **more):
        plugin = make_plugin(HEAD + source, (OfferKind.TASK, "work"), **({"permissions": MODELS} | more))
        [remote] = plugin.start().tasks
        remote.plugin = plugin
        return remote

    return make


def test_a_task_with_all_kinds_of_values(task):
    remote = task("def work(inputs, context): return Table(('a',), ((inputs['file'].text() + inputs['many'][1],),))")
    assert (remote.id, remote.title, remote.inputs[0].name) == ("work", "Work", "text")
    inputs = {"file": InputFile("a.txt", b"x" * 100_000), "many": ("a", "b"), "n": 1.5, "flag": True}
    assert remote.run(inputs, FakeTaskContext()) == {"out": Table(("a",), (("x" * 100_000 + "b",),))}


def test_progress_and_text_arrive_merged_and_complete(task):
    source = """
def work(inputs, context):
    for i in range(20_000):
        context.progress(i / 20_000, "counting")
        context.emit("out", f"{i} ")
    context.progress(1.0, "done")
    return "end"
"""
    context = FakeTaskContext()
    assert task(source).run({}, context) == {"out": "end"}
    assert context.emitted["out"] == "".join(f"{i} " for i in range(20_000))
    assert context.progress_log[0] == (0.0, "counting")
    assert context.progress_log[-1] == (1.0, "done")
    assert len(context.progress_log) < 200


def test_models_can_be_asked(task):
    source = """
def work(inputs, context):
    models = context.models
    [info] = models.available(Accepts.MESSAGES)
    heard = []
    request = GenerateRequest(model=info.id, messages=(user("x" * 5000),))
    result = models.generate(request, heard.append)
    both = models.generate_all([request, GenerateRequest(model="bad", prompt="b")])
    seen = models.recognize(RecognizeRequest(model="eyes", image=b"png"))
    vectors = models.embed("vectors", ["a", "b" * 5000], "query").vectors
    return "|".join(map(str, (
        info.path, result.text, heard, both[0].text, both[1].cause, seen.output.task, vectors.dtype, vectors.shape,
        models.count_tokens("starter", "one two"), models.context_tokens("starter"),
    )))
"""

    def answer(request):
        return EngineError("It is bad.") if request.model == "bad" else "fine day"

    context = FakeTaskContext(FakeModels(answer, [INFO]))
    out = task(source).run({}, context)["out"].split("|")
    rows, columns = context.models.embed("vectors", ["a", "b"]).vectors.shape
    assert out[:6] == ["starter.gguf", "fine day", "['fine', ' day']", "fine day", "It is bad.", "fake"]
    assert out[6:] == ["float32", f"({rows}, {columns})", "2", "4096"]
    assert context.models.requests[0].messages[0].content == "x" * 5000
    assert context.models.images[0].image == b"png"


@pytest.mark.parametrize(
    "ask",
    [
        "models.generate(GenerateRequest(model='/etc/passwd', prompt='a'))",
        "models.generate(GenerateRequest(model='a.gguf', prompt='a'))",
        "models.count_tokens('../a', 'b')",
        "models.recognize(RecognizeRequest(model=3, image=b'a'))",
        "models.embed('a', ['b'], 'other')",
        "models.generate(GenerateRequest(model='a', prompt='a', max_tokens='many'))",
        "models._ask('close', None)",
        "models.embed('a', ['b'] * 500_000)",
    ],
)
def test_what_models_must_not_be_asked_is_refused(task, ask):
    remote = task(f"def work(inputs, context):\n    models = context.models\n    return str({ask})")
    with pytest.raises(InvalidRequestError):
        remote.run({}, FakeTaskContext())
    assert remote.plugin.process.status().failures == 0


def test_without_the_permission_models_are_out_of_reach(task):
    remote = task("def work(inputs, context): return str(context.models.available())", permissions=())
    with pytest.raises(PluginError, match=r"may not ask the models"):
        remote.run({}, FakeTaskContext(FakeModels(infos=[INFO])))


def test_a_fault_of_hearth_is_answered(task):
    class BrokenModels(FakeModels):
        def available(self, accepts=None):
            raise ValueError("broken")

    remote = task("def work(inputs, context): return str(context.models.available())")
    with pytest.raises(EngineError, match="Hearth failed at what the task asked for: ValueError: broken"):
        remote.run({}, FakeTaskContext(BrokenModels()))
    assert remote.plugin.process.status().failures == 0


def test_waiting_for_models_does_not_count(task):
    class SlowModels(FakeModels):
        def count_tokens(self, model, text):
            time.sleep(0.8)
            return 3

    remote = task("def work(inputs, context): return str(context.models.count_tokens('a', 'b'))", time_limit_s=0.4)
    assert remote.run({}, FakeTaskContext(SlowModels())) == {"out": "3"}


def test_computing_too_long_is_a_failure(task):
    remote = task("def work(inputs, context):\n    while True: context.progress(0.5)", time_limit_s=0.5)
    with pytest.raises(PluginError, match=r"The plugin Offender computed for more than 0\.5 s"):
        remote.run({}, FakeTaskContext())


def test_a_context_that_says_no_ends_the_task(task):
    remote = task("def work(inputs, context):\n    while True: context.progress(0.5); time.sleep(0.03)")
    with pytest.raises(TaskCancelledError):
        remote.run({}, FakeTaskContext(cancel_after=2))
    assert remote.plugin.process.status().failures == 0


class Cancelled:
    """A context whose task is cancelled before it says anything."""

    class cancellation:  # noqa: N801 - as the contexts of real runs have it
        @staticmethod
        def check():
            raise TaskCancelledError


def test_cancelling_reaches_a_task_that_asks_nothing(task):
    source = """
def work(inputs, context):
    try:
        while True:
            time.sleep(0.01)
            context._check()
    finally:
        print("cleaned")
"""
    remote = task(source)
    with pytest.raises(TaskCancelledError):
        remote.run({}, Cancelled())
    assert remote.plugin.process.status().failures == 0


def test_a_task_that_does_not_end_when_cancelled_is_ended(task):
    remote = task("def work(inputs, context):\n    time.sleep(1e9)", limits={"backoff_s": (60.0,)})
    with pytest.raises(TaskCancelledError):
        remote.run({}, Cancelled())
    status = remote.plugin.process.status()
    assert status.reason == "The plugin Offender did not stop within 0.3 s of being cancelled."
    assert (status.failures, status.state) == (1, PluginState.STARTING)


def test_a_task_that_asks_and_asks_but_never_listens_is_ended(task):
    source = """
import os, struct, sys, threading, msgspec
def work(inputs, context):
    threading.Thread(target=context._line._listening.acquire, daemon=True).start()  # nobody else can receive now
    for ask in range(1000, 10 ** 9):
        head = msgspec.msgpack.encode([0, ask, "available", [context._call_id, None], []])
        os.write(int(sys.argv[-2]), struct.pack("<I", len(head)) + head)
        time.sleep(0.001)
"""
    remote = task(source, limits={"listen_s": 0.5, "call_s": 60.0}, time_limit_s=60.0)
    models = FakeModels(infos=[replace(INFO, name="a" * 10_000)])  # long answers soon fill the line
    with pytest.raises(PluginError, match=r"did not listen to Hearth for 0\.5 s"):
        remote.run({}, FakeTaskContext(models))
    asking = [thread for thread in threading.enumerate() if thread.name.startswith("hearth-plugin-ask")]
    assert len(asking) <= MOST_QUESTIONS


def test_other_calls_go_on_while_a_task_runs(make_plugin):
    source = (
        HEAD
        + """
class Go:
    spec = ToolSpec("go", "Does it.", {})
    permission = ""
    def call(self, arguments): return "here"
def register(registrar):
    registrar.add_task(Work()); registrar.add_tool(Go())
def work(inputs, context):
    return str(context.models.count_tokens("a", "b"))
"""
    )
    offers = make_plugin(source, (OfferKind.TASK, "work"), (OfferKind.TOOL, "go"), permissions=MODELS).start()
    asked, answered = threading.Event(), threading.Event()

    class WaitingModels(FakeModels):
        def count_tokens(self, model, text):
            asked.set()
            assert answered.wait(10)
            return 1

    outputs = []
    run = threading.Thread(target=lambda: outputs.append(offers.tasks[0].run({}, FakeTaskContext(WaitingModels()))))
    run.start()
    assert asked.wait(10)
    assert [offers.tools[0].call({}) for _ in range(3)] == ["here"] * 3
    answered.set()
    run.join()
    assert outputs == [{"out": "1"}]


def test_vectors_keep_their_numbers(task):
    remote = task("def work(inputs, context): return str(context.models.embed('a', ['b']).vectors.sum())")
    context = FakeTaskContext()
    assert np.isclose(float(remote.run({}, context)["out"]), context.models.embed("a", ["b"]).vectors.sum())
