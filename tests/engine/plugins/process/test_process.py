"""A plugin in its own process does what it would do in Hearth's, and is started again when it fails."""

import os
import signal
import threading
import time

import numpy as np
import pytest

from engine.errors import CapabilityError, ModelFileError, PluginError, RequestError
from engine.plugins.contract.models import Composition, ModelFacts, Recognition, TensorFacts, Text, Token
from engine.plugins.contract.offers import Sample
from engine.plugins.contract.vision import Picture
from engine.plugins.infos import PluginState
from engine.plugins.manifest import OfferKind
from engine.plugins.process.life import ending_of
from engine.types import Accepts, GenerateRequest, ToolCall, ToolSpec, VisionOutput, user

FAMILY = """
from engine.plugins.api import *

class Format:
    def compose(self, request):
        if request.suffix is not None:
            raise CapabilityError("It fills no gaps.", "Take another.")
        return Composition(parts=(Token(1), Text(request.messages[0].content, special=True)), stop=("end",))
    def read_tool_calls(self, blocks):
        return [ToolCall(block, {"a": 1}) for block in blocks]
    def embedding_text(self, text, purpose):
        return f"{purpose}: {text}"

class Family:
    id = "parrots"
    def recognise(self, facts):
        if facts.architecture != "parrot":
            return None
        return Recognition(accepts=frozenset({Accepts.MESSAGES}), tasks=("chat",), confidence=facts.metadata["sure"])
    def open(self, facts):
        if not facts.bos:
            raise ModelFileError("It begins with nothing.")
        return Format()

def register(registrar):
    registrar.add_family(Family())
"""
PIPELINE = """
import numpy as np
from engine.plugins.api import *

class Format:
    enough_pixels = 64
    def prepare(self, picture):
        return Prepared(runs=({"x": picture.pixels.astype(np.float32)[None]},), notes=list(picture.size))
    def finish(self, picture_size, notes, outputs, top_k):
        assert notes == list(picture_size)
        scores = outputs[0]["y"][0]
        labels = tuple(Label(str(i), scores[i]) for i in np.argsort(-scores)[:top_k])
        return VisionOutput(task="classification", image_size=picture_size, labels=labels, features=scores)

class Pipeline:
    id = "colours"
    def recognise(self, facts):
        if facts.inputs[0].shape[0] is None:
            return Recognition(accepts=frozenset({Accepts.IMAGE}), tasks=("x",))
    def open(self, facts):
        return Format()

def register(registrar):
    registrar.add_pipeline(Pipeline())
"""
FACTS = ModelFacts(
    file_name="a.gguf", format="gguf", architecture="parrot", bos="<s>", metadata={"sure": 0.75}, card={"a": [1, None]}
)
REQUEST = GenerateRequest(model="a", messages=(user("Polly " * 1000),))


@pytest.fixture
def parrots(make_plugin):
    plugin = make_plugin(FAMILY, (OfferKind.FAMILY, "parrots"), name="parrots")
    return plugin, plugin.start().families[0]


def kill(plugin):
    """End the process from outside, and wait until Hearth has noticed."""
    os.kill(plugin.process._life._process.pid, signal.SIGKILL)
    plugin.wait_for(lambda: plugin.process.status().state is not PluginState.ACTIVE)


def test_a_family(parrots):
    plugin, family = parrots
    assert (family.id, family.is_remote) == ("parrots", True)
    assert family.recognise(FACTS) == Recognition(
        accepts=frozenset({Accepts.MESSAGES}), tasks=("chat",), confidence=0.75
    )
    assert family.recognise(ModelFacts(file_name="b", format="gguf")) is None
    text_format = family.open(FACTS)
    assert text_format.compose(REQUEST) == Composition(
        parts=(Token(1), Text("Polly " * 1000, special=True)), stop=("end",)
    )
    assert text_format.read_tool_calls(["add"]) == (ToolCall("add", {"a": 1}),)
    assert text_format.embedding_text("tree", "query") == "query: tree"
    assert plugin.process.status().state is PluginState.ACTIVE
    assert plugin.process.status().failures == 0


def test_errors_of_the_contract_are_no_failures(parrots):
    plugin, family = parrots
    with pytest.raises(ModelFileError, match=r"It begins with nothing\."):
        family.open(ModelFacts(file_name="b", format="gguf"))
    with pytest.raises(CapabilityError) as caught:
        family.open(FACTS).compose(GenerateRequest(model="a", prompt="a", suffix="b"))
    assert (caught.value.cause, caught.value.remedy) == ("It fills no gaps.", "Take another.")
    assert plugin.process.status().failures == 0


def test_a_pipeline(make_plugin):
    plugin = make_plugin(PIPELINE, (OfferKind.PIPELINE, "colours"))
    [pipeline] = plugin.start().pipelines
    facts = ModelFacts(file_name="a.onnx", format="onnx", inputs=(TensorFacts("x", (None, 3), "float32"),))
    assert pipeline.recognise(facts).accepts == {Accepts.IMAGE}
    image_format = pipeline.open(facts)
    assert image_format.enough_pixels == 64
    pixels = np.random.default_rng(1).integers(0, 255, (200, 300, 3), np.uint8)
    prepared = image_format.prepare(Picture(pixels, (600, 400)))
    np.testing.assert_array_equal(prepared.runs[0]["x"][0], pixels)
    scores = np.array([[0.25, 0.5, 0.125]], np.float32)
    output = image_format.finish((600, 400), prepared.notes, [{"y": scores}], 2)
    assert isinstance(output, VisionOutput)
    assert [(label.name, label.score) for label in output.labels] == [("1", 0.5), ("0", 0.25)]
    np.testing.assert_array_equal(output.features, scores[0])


def test_tools_telemetry_and_settings(make_plugin):
    source = """
from engine.plugins.api import *
class Tool:
    spec = ToolSpec("greet", "Greets.", {"type": "object"})
    permission = ""
    def __init__(self, word): self.word = word
    def call(self, arguments): return f"{self.word} {arguments['name']}"
class Source:
    id, title, period_s = "room", "Room", 2.0
    def sample(self): return [Sample("warmth", 20.5, "°C")]
def register(registrar):
    registrar.add_tool(Tool(registrar.settings["word"]))
    registrar.add_telemetry(Source())
"""
    provides = ((OfferKind.TOOL, "greet"), (OfferKind.TELEMETRY, "room"))
    offers = make_plugin(source, *provides, settings={"word": "Hi"}).start()
    assert offers.tools[0].spec == ToolSpec("greet", "Greets.", {"type": "object"})
    assert offers.tools[0].call({"name": "Ann"}) == "Hi Ann"
    assert (offers.telemetry[0].title, offers.telemetry[0].period_s) == ("Room", 2.0)
    assert offers.telemetry[0].sample() == (Sample("warmth", 20.5, "°C"),)


def test_several_calls_at_once(make_plugin):
    source = """
import threading
both = threading.Barrier(2)
def go(arguments): return both.wait(5)
"""
    plugin = make_plugin(source, limits={"call_s": 5.0})
    plugin.start()
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(plugin.go())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == ["0", "1"]


def test_too_many_calls_at_once_are_no_failure(make_plugin):
    plugin = make_plugin("import time\ndef go(a): time.sleep(0.3)", limits={"calls": 1, "call_s": 5.0})
    plugin.start()
    first = threading.Thread(target=plugin.go)
    first.start()
    while plugin.process._life._connection.is_idle():
        first.join(0.005)
    with pytest.raises(RequestError, match="has 1 calls to answer already"):
        plugin.go()
    first.join()
    assert plugin.process.status().failures == 0


def test_working_hard_for_many_short_calls_is_no_failure(make_plugin):
    source = "import time\ndef go(a):\n    end = time.process_time() + 0.02\n    while time.process_time() < end: pass"
    plugin = make_plugin(source, limits={"busy_s": 0.3, "call_s": 5.0})
    plugin.start()
    end = time.monotonic() + 1.5
    while time.monotonic() < end:
        plugin.go()
    assert plugin.process.status().failures == 0


@pytest.mark.parametrize(
    ("code", "what"),
    [
        (None, "has closed its line to Hearth"),
        (3, "has ended by itself with the exit code 3"),
        (-signal.SIGSEGV, "has crashed (SIGSEGV)"),
        (-signal.SIGTERM, "was ended from outside (SIGTERM)"),
        (-200, "has crashed (signal 200)"),
    ],
)
def test_ends_have_names(code, what):
    assert ending_of(code) == what


def test_a_plugin_imports_its_own_modules_and_no_bundled_ones(make_plugin):
    source = """
from plugins.offender.inner import value
def go(arguments):
    try:
        import plugins.chat
    except ImportError:
        return value
"""
    plugin = make_plugin(source)
    (plugin.folder / "inner.py").write_text("value = 'inner'", encoding="utf-8")
    plugin.start()
    assert plugin.go() == "inner"


def test_it_is_started_again_and_formats_are_opened_again(parrots):
    plugin, family = parrots
    text_format = family.open(FACTS)
    kill(plugin)
    plugin.wait_for(lambda: plugin.process.status().state is PluginState.ACTIVE)
    assert text_format.compose(REQUEST).stop == ("end",)
    status = plugin.process.status()
    assert (status.failures, status.reason) == (1, "The plugin Parrots was ended from outside (SIGKILL).")


def test_while_it_is_not_running_calls_fail_at_once(make_plugin):
    plugin = make_plugin("def go(a): return 'here'", limits={"backoff_s": (60.0,)})
    plugin.start()
    kill(plugin)
    with pytest.raises(PluginError, match=r"Offender is not running\. Hearth starts it again by itself"):
        plugin.go()
    plugin.process.stop()
    assert plugin.process.status().state is PluginState.DISABLED


def test_it_stays_stopped_after_three_failures(make_plugin):
    plugin = make_plugin("import os\ndef go(a): os._exit(1)")
    plugin.start()
    for number in range(1, 4):
        plugin.wait_for(lambda: plugin.process.status().state is PluginState.ACTIVE)
        with pytest.raises(PluginError, match="exit code 1"):
            plugin.go()
        assert plugin.process.status().failures == number
    assert plugin.process.status().state is PluginState.STOPPED
    with pytest.raises(PluginError, match=r"exit code 1\. It stays stopped until you enable it again"):
        plugin.go()


def test_old_failures_are_forgotten(make_plugin):
    plugin = make_plugin("def go(a): raise ValueError", limits={"failure_window_s": 0.0})
    plugin.start()
    for _ in range(4):
        with pytest.raises(PluginError):
            plugin.go()
    assert (plugin.process.status().state, plugin.process.status().failures) == (PluginState.ACTIVE, 0)


def test_what_it_prints_is_in_the_details(make_plugin):
    plugin = make_plugin("import os, sys\ndef go(a):\n    print('before the end', flush=True)\n    os._exit(1)")
    plugin.start()
    with pytest.raises(PluginError) as caught:
        plugin.go()
    assert "before the end" in caught.value.details


@pytest.mark.parametrize(
    ("source", "cause"),
    [
        ("def register(registrar): pass", r"provides tool:go, but does not register it"),
        ("x = 1", r"has no function register"),
        ("import os\nos._exit(0)", r"has ended by itself with the exit code 0"),
        ("def register(registrar): registrar.add_task(3)", r"could not be loaded: AttributeError"),
    ],
)
def test_a_plugin_that_cannot_start_says_why(make_plugin, source, cause):
    plugin = make_plugin(source, (OfferKind.TOOL, "go"))
    with pytest.raises(PluginError, match=cause):
        plugin.start()
    assert plugin.process.status().state is PluginState.STOPPED


def test_a_plugin_whose_files_change_is_not_started_again(make_plugin):
    plugin = make_plugin("def go(a): return 'allowed'", limits={"failures": 2})
    plugin.start()
    (plugin.folder / "more.py").touch()
    assert plugin.go() == "allowed"
    kill(plugin)
    plugin.wait_for(lambda: plugin.process.status().state is PluginState.STOPPED)
    reason = "The plugin Offender has other files now than those that were allowed to run."
    assert plugin.process.status().reason == reason


def test_a_plugin_whose_offers_change_is_stopped(make_plugin):
    source = """
import os
from engine.plugins.api import *
class Go:
    spec = ToolSpec("go", str(os.getpid()), {})
    permission = ""
    def call(self, arguments): return "a"
def register(registrar): registrar.add_tool(Go())
"""
    plugin = make_plugin(source, (OfferKind.TOOL, "go"), limits={"failures": 2})
    plugin.start()
    kill(plugin)
    plugin.wait_for(lambda: plugin.process.status().state is PluginState.STOPPED)
    assert plugin.process.status().reason == (
        "The plugin Offender offers something else than when it was started first."
    )


def test_it_can_be_stopped_while_it_is_starting(make_plugin):
    plugin = make_plugin("import time\ntime.sleep(1e9)", (OfferKind.TOOL, "go"))
    errors = []

    def start():
        with pytest.raises(PluginError) as caught:
            plugin.start()
        errors.append(caught.value.cause)

    thread = threading.Thread(target=start)
    thread.start()
    plugin.wait_for(lambda: plugin.process.status().state is PluginState.STARTING)
    plugin.process.stop()
    thread.join()
    assert errors == ["The plugin Offender was stopped while it was starting."]
    assert plugin.process.status().failures == 0


def test_what_cannot_be_handed_over_is_no_failure_of_the_plugin(parrots):
    plugin, family = parrots
    with pytest.raises(PluginError, match=r"was to be given a value that cannot be handed over"):
        family.open(FACTS).embedding_text("\ud800", "query")
    assert plugin.process.status().failures == 0


def test_formats_that_nobody_has_any_more_are_dropped_there_too(make_plugin):
    source = (
        FAMILY
        + """
alive = []
class Counted(Family):
    def open(self, facts):
        import weakref
        opened = Format()
        alive.append(weakref.ref(opened))
        return opened
    def recognise(self, facts):
        count = sum(it() is not None for it in alive)
        return Recognition(accepts=frozenset(), tasks=(), confidence=count / 10)
def register(registrar): registrar.add_family(Counted())
"""
    )
    [family] = make_plugin(source, (OfferKind.FAMILY, "parrots")).start().families
    kept = family.open(FACTS)
    for _ in range(5):
        family.open(FACTS)
    assert family.recognise(FACTS).confidence == 0.2  # the last one is told with the next
    assert kept.embedding_text("a", "query") == "query: a"
