"""Whatever a plugin in this process does wrong names it, is reported, and ends nothing else."""

import time
from collections.abc import Callable

import numpy as np
import pytest

from engine.errors import CapabilityError, EngineError, PluginError, TaskCancelledError
from engine.plugins.contract.models import Composition, ModelFacts, Recognition, Text
from engine.plugins.contract.offers import Sample
from engine.plugins.contract.vision import Picture, Prepared
from engine.plugins.guard import Guard, guarded
from engine.plugins.offers import Offers
from engine.requests import Accepts
from engine.testing import FakeTaskContext
from engine.types import GenerateRequest, ToolCall, ToolSpec, VisionOutput

FACTS = ModelFacts(file_name="a.gguf", format="gguf")
REQUEST = GenerateRequest(model="a", prompt="x")
PICTURE = Picture(np.zeros((1, 1, 3), np.uint8), (1, 1))


class Everything:
    """Offers of every kind in one; `does` is what each call does."""

    id = "every-thing"
    title = "Everything"
    summary = "All."
    inputs = ()
    outputs = ()
    spec = ToolSpec("tell", "Tells.", {})
    permission = ""
    period_s = 1.0

    def __init__(self, does: Callable[[], object]) -> None:
        self.does = does

    def recognise(self, facts: ModelFacts) -> object:
        return self.does()

    def open(self, facts: ModelFacts) -> "Everything":
        return self

    def compose(self, request: GenerateRequest) -> object:
        return self.does()

    def read_tool_calls(self, blocks: object) -> object:
        return self.does()

    def embedding_text(self, text: str, purpose: str) -> object:
        return self.does()

    @property
    def enough_pixels(self) -> object:
        return self.does()

    def prepare(self, picture: Picture) -> object:
        return self.does()

    def finish(self, *args: object) -> object:
        return self.does()

    def run(self, inputs: object, context: object) -> object:
        return self.does()

    def call(self, arguments: object) -> object:
        return self.does()

    def sample(self) -> object:
        return self.does()


CALLS: dict[str, Callable[[Offers], object]] = {
    "family recognises": lambda o: o.families[0].recognise(FACTS),
    "composes": lambda o: o.families[0].open(FACTS).compose(REQUEST),
    "reads calls": lambda o: o.families[0].open(FACTS).read_tool_calls(["x"]),
    "embeds": lambda o: o.families[0].open(FACTS).embedding_text("x", "query"),
    "pipeline recognises": lambda o: o.pipelines[0].recognise(FACTS),
    "says pixels": lambda o: o.pipelines[0].open(FACTS).enough_pixels,
    "prepares": lambda o: o.pipelines[0].open(FACTS).prepare(PICTURE),
    "finishes": lambda o: o.pipelines[0].open(FACTS).finish((1, 1), None, [], 1),
    "runs": lambda o: o.tasks[0].run({}, FakeTaskContext()),
    "calls": lambda o: o.tools[0].call({}),
    "samples": lambda o: o.telemetry[0].sample(),
}
RESULTS = {
    "family recognises": Recognition(accepts=frozenset({Accepts.PROMPT}), tasks=("chat",)),
    "composes": Composition(parts=(Text("x"),)),
    "reads calls": (ToolCall("tell", {}),),
    "embeds": "x",
    "pipeline recognises": None,
    "says pixels": 64,
    "prepares": Prepared(runs=()),
    "finishes": VisionOutput(task="x", image_size=(1, 1)),
    "runs": {"loud": "X"},
    "calls": "x",
    "samples": (Sample("x", 1.0, "s"),),
}


def raising(error: BaseException) -> Callable[[], object]:
    def does() -> object:
        raise error

    return does


class Desk:
    """Takes reports."""

    def __init__(self) -> None:
        self.reports: list[PluginError] = []

    def offers(self, does: Callable[[], object]) -> Offers:
        every = Everything(does)
        bare = Offers(families=[every], pipelines=[every], tasks=[every], tools=[every], telemetry=[every])
        return guarded(bare, Guard("every", "Everything", self.reports.append))


@pytest.mark.parametrize("call", CALLS)
def test_results_pass(call: str):
    desk = Desk()
    assert CALLS[call](desk.offers(lambda: RESULTS[call])) == RESULTS[call]
    assert desk.reports == []


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    "error", [ValueError("odd"), MemoryError(), RecursionError(), SystemExit(1), AssertionError("x")], ids=repr
)
def test_a_failure_names_the_plugin_and_is_reported(call: str, error: BaseException):
    desk = Desk()
    with pytest.raises(PluginError) as raised:
        CALLS[call](desk.offers(raising(error)))
    assert raised.value.plugin == "every"
    assert type(error).__name__ in raised.value.cause
    assert "in does" in raised.value.details
    assert desk.reports == [raised.value]


@pytest.mark.parametrize("error", [CapabilityError("It cannot."), TaskCancelledError(), EngineError("No.")], ids=repr)
def test_errors_that_the_contract_knows_pass(error: EngineError):
    desk = Desk()
    with pytest.raises(type(error)) as raised:
        CALLS["runs"](desk.offers(raising(error)))
    assert raised.value is error
    assert desk.reports == []


def test_only_its_own_failures_are_reported():
    desk = Desk()
    for error in (PluginError("every", "It failed."), PluginError("another", "It failed.")):
        with pytest.raises(PluginError):
            CALLS["runs"](desk.offers(raising(error)))
    assert [report.plugin for report in desk.reports] == ["every"]


@pytest.mark.parametrize("call", sorted(CALLS.keys() - {"reads calls", "calls"}))
def test_results_of_the_wrong_type_are_failures(call: str):
    desk = Desk()
    with pytest.raises(PluginError):
        CALLS[call](desk.offers(lambda: [object()]))
    assert len(desk.reports) == 1


@pytest.mark.parametrize(
    "recognition",
    [
        Recognition(accepts=frozenset({"chat"}), tasks=()),
        Recognition(accepts=frozenset(), tasks=(3,)),
        Recognition(accepts=frozenset(), tasks=(), confidence=float("nan")),
        Recognition(accepts=None, tasks=()),
    ],
)
def test_a_recognition_of_wrong_types_is_a_failure(recognition: Recognition):
    desk = Desk()
    with pytest.raises(PluginError):
        desk.offers(lambda: recognition).families[0].recognise(FACTS)
    assert len(desk.reports) == 1


def test_keyboard_interrupts_pass():
    with pytest.raises(KeyboardInterrupt):
        CALLS["runs"](Desk().offers(raising(KeyboardInterrupt())))


def test_what_is_shown_of_offers_stays():
    offers = Desk().offers(lambda: None)
    assert offers.families[0].id == offers.pipelines[0].id == offers.telemetry[0].id == "every-thing"
    assert (offers.tasks[0].title, offers.tasks[0].summary) == ("Everything", "All.")
    assert offers.tools[0].spec.name == "tell"
    assert not hasattr(offers.families[0], "is_remote")


def test_a_guard_costs_microseconds():
    composition = Composition(parts=())
    text_format = Desk().offers(lambda: composition).families[0].open(FACTS)
    best_s = 1.0
    for _ in range(5):
        began_s = time.perf_counter()
        for _ in range(1000):
            text_format.compose(REQUEST)
        best_s = min(best_s, (time.perf_counter() - began_s) / 1000)
    assert best_s < 50e-6
