"""A plugin that raises in every hook: each call fails with its name and a traceback, and the third failure stops it."""

import numpy as np
import pytest

from engine.errors import PluginError
from engine.plugins.contract.models import ModelFacts
from engine.plugins.contract.vision import Picture
from engine.plugins.infos import PluginState
from engine.plugins.manifest import OfferKind
from engine.testing import FakeTaskContext
from engine.types import GenerateRequest

SOURCE = """
from engine.plugins.api import *

class Format:
    enough_pixels = 0
    def compose(self, request): raise ZeroDivisionError("compose")
    def read_tool_calls(self, blocks): raise ZeroDivisionError("read_tool_calls")
    def embedding_text(self, text, purpose): raise ZeroDivisionError("embedding_text")
    def prepare(self, picture): raise ZeroDivisionError("prepare")
    def finish(self, size, notes, outputs, top_k): raise ZeroDivisionError("finish")

class Kind:
    id = "any"
    def recognise(self, facts): raise ZeroDivisionError("recognise")
    def open(self, facts):
        if facts.file_name == "broken": raise ZeroDivisionError("open")
        return Format()

class Raiser:
    id = "any"
    title = summary = "Raise"
    inputs = outputs = ()
    spec = ToolSpec("any", "", {})
    permission = ""
    period_s = 1.0
    def run(self, inputs, context): raise ZeroDivisionError("run")
    def call(self, arguments): raise ZeroDivisionError("call")
    def sample(self): raise ZeroDivisionError("sample")

def register(registrar):
    registrar.add_family(Kind())
    registrar.add_pipeline(Kind())
    registrar.add_task(Raiser())
    registrar.add_tool(Raiser())
    registrar.add_telemetry(Raiser())
"""
FACTS = ModelFacts(file_name="a", format="gguf")
BROKEN = ModelFacts(file_name="broken", format="gguf")
PICTURE = Picture(np.zeros((2, 2, 3), np.uint8), (2, 2))
HOOKS = {
    "recognise": lambda offers: offers.families[0].recognise(FACTS),
    "open": lambda offers: offers.families[0].open(BROKEN),
    "compose": lambda offers: offers.families[0].open(FACTS).compose(GenerateRequest(model="a", prompt="b")),
    "read_tool_calls": lambda offers: offers.families[0].open(FACTS).read_tool_calls(["a"]),
    "embedding_text": lambda offers: offers.families[0].open(FACTS).embedding_text("a", "query"),
    "prepare": lambda offers: offers.pipelines[0].open(FACTS).prepare(PICTURE),
    "finish": lambda offers: offers.pipelines[0].open(FACTS).finish((2, 2), None, [], 1),
    "run": lambda offers: offers.tasks[0].run({}, FakeTaskContext()),
    "call": lambda offers: offers.tools[0].call({}),
    "sample": lambda offers: offers.telemetry[0].sample(),
}
PROVIDES = [(kind, "any") for kind in OfferKind]


def test_each_failure_is_named(make_plugin):
    plugin = make_plugin(SOURCE, *PROVIDES, limits={"failures": 100})
    offers = plugin.start()
    for number, (name, hook) in enumerate(HOOKS.items(), 1):
        with pytest.raises(PluginError) as caught:
            hook(offers)
        assert caught.value.cause == f"The plugin Offender failed inside: ZeroDivisionError: {name}."
        assert "Traceback" in caught.value.details
        assert plugin.process.status().failures == number
    assert plugin.process.status().state is PluginState.ACTIVE


def test_the_third_failure_stops_it(make_plugin):
    plugin = make_plugin(SOURCE, *PROVIDES)
    offers = plugin.start()
    for _ in range(3):
        with pytest.raises(PluginError):
            HOOKS["recognise"](offers)
    plugin.wait_for(lambda: plugin.process.status().state is PluginState.STOPPED)
    status = plugin.process.status()
    assert (status.reason, status.failures) == ("The plugin Offender failed inside: ZeroDivisionError: recognise.", 3)
    with pytest.raises(PluginError, match=r"ZeroDivisionError: recognise\. It stays stopped until you enable it again"):
        HOOKS["sample"](offers)
