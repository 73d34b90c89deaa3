"""What a new plugin consists of: a module and a test for each kind of offer. `@ID@` and the like are filled in."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from engine.plugins.manifest import OfferKind


@dataclass(frozen=True, slots=True)
class Pattern:
    """A plugin of one kind.

    Attributes:
        summary: one sentence for its manifest.
        module: source of the module that registers it.
        test: source of its test.
        use: how to use it once it is installed, in Markdown.
    """

    summary: str
    module: str
    test: str
    use: str


_TEST_HEAD: Final = '''"""Run with `python -m pytest` in the plugin's folder."""

from pathlib import Path

'''

_TASK: Final = Pattern(
    "Counts the words of a text.",
    '''"""@NAME@: a task."""

from engine.plugins.api import Field, Kind, Registrar, TaskContext, Values


class @CLASS@Task:
    """Counts words; a model is not needed for that. `context.models` would ask one."""

    id = "@ID@"
    title = "Count words"
    summary = "Says how many words a text has."
    inputs: tuple[Field, ...] = (
        Field(name="text", title="Text", multiline=True),
        Field(name="shortest", title="Shortest word", kind=Kind.INTEGER, default=1, least=1, most=50),
    )
    outputs: tuple[Field, ...] = (Field(name="words", title="Words", kind=Kind.INTEGER),)

    def run(self, inputs: Values, context: TaskContext) -> Values:
        """Count the words that are long enough."""
        text, shortest = str(inputs["text"]), int(str(inputs["shortest"]))
        context.progress(0.5, "counting")
        return {"words": sum(len(word) >= shortest for word in text.split())}


def register(registrar: Registrar) -> None:
    """Offer the task."""
    registrar.add_task(@CLASS@Task())
''',
    _TEST_HEAD
    + """from engine.testing import FakeTaskContext, load_plugin

OFFERS = load_plugin(Path(__file__).parents[1])


def test_long_words_are_counted() -> None:
    [task] = OFFERS.tasks
    context = FakeTaskContext()
    assert task.run({"text": "a few words", "shortest": 2}, context) == {"words": 2}
    assert context.progress_log == [(0.5, "counting")]
""",
    'It is in the window under Tasks, and on the command line: `hearth task @ID@ --text "a few words"`.',
)

_FAMILY: Final = Pattern(
    "Talks to models whose file says that they speak @NAME@.",
    '''"""@NAME@: a family of text models."""

from collections.abc import Sequence
from typing import Literal

from engine.plugins.api import (
    Accepts,
    Composition,
    GenerateRequest,
    ModelFacts,
    Recognition,
    Registrar,
    Text,
    ToolCall,
)


class @CLASS@Format:
    """How the models of this family are talked to: a line per turn."""

    def compose(self, request: GenerateRequest) -> Composition:
        """Write the conversation down and leave the last line to the model."""
        if request.prompt is not None:
            return Composition(parts=(Text(request.prompt),))
        lines = [f"{message.role}: {message.content}\\n" for message in request.messages]
        return Composition(parts=(Text("".join([*lines, "assistant:"])),), stop=("\\nuser:",))

    def read_tool_calls(self, blocks: Sequence[str]) -> Sequence[ToolCall]:
        """These models call no tools."""
        return ()

    def embedding_text(self, text: str, purpose: Literal["document", "query"]) -> str:
        """Put nothing around a text."""
        return text


class @CLASS@Family:
    """Models whose metadata has the key `@ID@.version`."""

    id = "@ID@"

    def recognise(self, facts: ModelFacts) -> Recognition | None:
        """Take the models that say so, before the bundled plugins do."""
        if "@ID@.version" not in facts.metadata:
            return None
        return Recognition(accepts=frozenset({Accepts.MESSAGES, Accepts.PROMPT}), tasks=("chat",), confidence=0.9)

    def open(self, facts: ModelFacts) -> @CLASS@Format:
        """All models of the family are talked to in the same way."""
        return @CLASS@Format()


def register(registrar: Registrar) -> None:
    """Offer the family."""
    registrar.add_family(@CLASS@Family())
''',
    _TEST_HEAD
    + """from engine.plugins.api import GenerateRequest, ModelFacts, Text, user
from engine.testing import load_plugin

OFFERS = load_plugin(Path(__file__).parents[1])
METADATA = {"@ID@.version": 1}
FACTS = ModelFacts(file_name="a.gguf", format="gguf", architecture="llama", metadata=METADATA)


def test_only_models_of_the_family_are_recognised() -> None:
    [family] = OFFERS.families
    assert family.recognise(FACTS) is not None
    assert family.recognise(ModelFacts(file_name="b.gguf", format="gguf", architecture="llama")) is None


def test_a_conversation_becomes_a_prompt() -> None:
    [family] = OFFERS.families
    composed = family.open(FACTS).compose(GenerateRequest(model="any", messages=(user("Hi"),)))
    assert composed.parts == (Text("user: Hi\\nassistant:"),)
    assert composed.stop == ("\\nuser:",)
""",
    "Models whose file has the metadata key `@ID@.version` are served by it; `hearth models list` shows what they do.",
)

_PIPELINE: Final = Pattern(
    "Says how certain a graph is that a picture shows something.",
    '''"""@NAME@: a kind of image graph."""

from collections.abc import Sequence

import numpy as np
from engine.plugins.api import (
    Accepts,
    ImageFormat,
    Json,
    Label,
    ModelFacts,
    ModelFileError,
    Picture,
    Prepared,
    Recognition,
    Registrar,
    Tensors,
    VisionOutput,
)


class @CLASS@Format:
    """Feeds the graph the mean colour, and takes its one number for a probability."""

    enough_pixels = 1

    def __init__(self, name: str) -> None:
        self._input = name

    def prepare(self, picture: Picture) -> Prepared:
        """Make an array of shape (1, 3): red, green and blue in [0, 1]."""
        colour = picture.pixels.reshape(-1, 3).mean(axis=0, dtype=np.float64) / 255
        return Prepared(runs=({self._input: colour.astype(np.float32)[None]},))

    def finish(
        self, picture_size: tuple[int, int], notes: Json, outputs: Sequence[Tensors], top_k: int
    ) -> VisionOutput:
        """Read the first number of the first output."""
        [numbers] = outputs[0].values()
        value = float(np.asarray(numbers, np.float64).reshape(-1)[0])
        score = 1 / (1 + np.exp(-min(max(value, -50.0), 50.0))) if np.isfinite(value) else 0.0
        label = Label("@NAME@", float(score))
        return VisionOutput(task="@ID@", image_size=picture_size, labels=(label,))


class @CLASS@Pipeline:
    """Graphs whose card says `"task": "@ID@"`."""

    id = "@ID@"

    def recognise(self, facts: ModelFacts) -> Recognition | None:
        """Take the graphs whose card names this pipeline."""
        if facts.card.get("task") != self.id:
            return None
        return Recognition(accepts=frozenset({Accepts.IMAGE}), tasks=(self.id,), confidence=0.9)

    def open(self, facts: ModelFacts) -> ImageFormat:
        """Make sure that the graph is fed one thing."""
        if len(facts.inputs) != 1:
            raise ModelFileError(f"{facts.file_name} has {len(facts.inputs)} inputs, not one.", "Choose another graph.")
        return @CLASS@Format(facts.inputs[0].name)


def register(registrar: Registrar) -> None:
    """Offer the pipeline."""
    registrar.add_pipeline(@CLASS@Pipeline())
''',
    _TEST_HEAD
    + """import numpy as np
from engine.plugins.api import ModelFacts, Picture, TensorFacts
from engine.testing import load_plugin

OFFERS = load_plugin(Path(__file__).parents[1])
INPUT = TensorFacts("colour", (None, 3), "float32")
CARD = {"task": "@ID@"}
FACTS = ModelFacts(file_name="a.onnx", format="onnx", inputs=(INPUT,), card=CARD)


def test_a_picture_becomes_a_label() -> None:
    [pipeline] = OFFERS.pipelines
    assert pipeline.recognise(FACTS) is not None
    opened = pipeline.open(FACTS)
    prepared = opened.prepare(Picture(np.full((4, 6, 3), 255, np.uint8), (6, 4)))
    assert prepared.runs[0]["colour"].tolist() == [[1.0, 1.0, 1.0]]
    output = opened.finish((6, 4), prepared.notes, [{"value": np.zeros((1, 1), np.float32)}], 5)
    assert output.labels is not None
    assert output.labels[0].score == 0.5
""",
    'ONNX files whose card (`name.json` beside `name.onnx`) says `{"task": "@ID@"}` are served by it.',
)

_TOOL: Final = Pattern(
    "Lets models count the letters of a word.",
    '''"""@NAME@: a tool that models may call."""

from collections.abc import Mapping

from engine.plugins.api import Json, Registrar, ToolSpec


class @CLASS@Tool:
    """Counts letters, which models are bad at."""

    spec = ToolSpec(
        name="@ID@",
        description="Counts how often a letter occurs in a word.",
        parameters={
            "type": "object",
            "properties": {"word": {"type": "string"}, "letter": {"type": "string", "minLength": 1, "maxLength": 1}},
            "required": ["word", "letter"],
            "additionalProperties": False,
        },
    )
    permission = ""

    def call(self, arguments: Mapping[str, Json]) -> str:
        """Count."""
        return str(str(arguments["word"]).lower().count(str(arguments["letter"]).lower()))


def register(registrar: Registrar) -> None:
    """Offer the tool."""
    registrar.add_tool(@CLASS@Tool())
''',
    _TEST_HEAD
    + """from engine.testing import load_plugin

OFFERS = load_plugin(Path(__file__).parents[1])


def test_letters_are_counted() -> None:
    [tool] = OFFERS.tools
    assert tool.call({"word": "Strawberry", "letter": "r"}) == "3"
""",
    "Models that can call tools may use it in a chat, or on the command line: `hearth run MODEL --tool @ID@`.",
)

_TELEMETRY: Final = Pattern(
    "Says how long it has been running.",
    '''"""@NAME@: numbers worth watching."""

import time
from collections.abc import Sequence

from engine.plugins.api import Registrar, Sample


class @CLASS@Source:
    """How long the plugin has been running."""

    id = "@ID@"
    title = "@NAME@"
    period_s = 2.0

    def __init__(self) -> None:
        self._started_s = time.monotonic()

    def sample(self) -> Sequence[Sample]:
        """Read the clock."""
        return (Sample("running for", time.monotonic() - self._started_s, "s"),)


def register(registrar: Registrar) -> None:
    """Offer the numbers."""
    registrar.add_telemetry(@CLASS@Source())
''',
    _TEST_HEAD
    + """from engine.testing import load_plugin

OFFERS = load_plugin(Path(__file__).parents[1])


def test_time_passes() -> None:
    [source] = OFFERS.telemetry
    [sample] = source.sample()
    assert (sample.name, sample.unit) == ("running for", "s")
    assert sample.value >= 0
""",
    "Its numbers are on the page Plugins.",
)

PATTERNS: Final[Mapping[OfferKind, Pattern]] = {
    OfferKind.TASK: _TASK,
    OfferKind.FAMILY: _FAMILY,
    OfferKind.PIPELINE: _PIPELINE,
    OfferKind.TOOL: _TOOL,
    OfferKind.TELEMETRY: _TELEMETRY,
}
