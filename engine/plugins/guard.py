"""Guard: calls of plugins, wrapped so that a failure names its plugin, is reported, and ends nothing else."""

import math
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal, TypeVar

from engine.errors import EngineError, PluginError
from engine.plugins.contract.models import Composition, ModelFacts, ModelFamily, Recognition, TextFormat
from engine.plugins.contract.offers import Sample, TelemetrySource, Tool
from engine.plugins.contract.tasks import Task, TaskContext
from engine.plugins.contract.values import Json, Values
from engine.plugins.contract.vision import ImageFormat, Picture, Prepared, Tensors, VisionPipeline
from engine.plugins.loader import one_line_of
from engine.plugins.offers import Offers
from engine.requests import Accepts
from engine.types import GenerateRequest, ToolCall, VisionOutput

T = TypeVar("T")

Report = Callable[[PluginError], None]
"""Told of every failure of a plugin; on the thread that made the call."""

_REMEDY: Final = "Try again; if it happens again, disable the plugin, or tell its author what the details say."


class Guard:
    """The boundary around one plugin's code, when it runs in this process."""

    def __init__(self, plugin: str, name: str, report: Report) -> None:
        """Make a guard.

        Args:
            plugin: its id.
            name: what people call it.
            report: told of every failure.
        """
        self._plugin = plugin
        self._name = name
        self._report = report

    def call(self, what: str, function: Callable[..., T], *args: Any) -> T:
        """Call a function of the plugin.

        Args:
            what: it does, for people: "recognise a model".
            function: of the plugin.
            args: for it.

        Raises:
            PluginError: it failed in a way that the contract does not know.
            EngineError: as the plugin raised it.
        """
        try:
            return function(*args)
        except EngineError as error:
            if isinstance(error, PluginError) and error.plugin == self._plugin:
                self._report(error)
            raise
        except (Exception, SystemExit) as error:  # a boundary: Hearth goes on, whatever a plugin raises
            raise self.failed(what, one_line_of(error), "".join(traceback.format_exception(error))) from error

    def failed(self, what: str, why: str, details: str = "") -> PluginError:
        """Report a failure, and make the error for it."""
        error = PluginError(self._plugin, f"The plugin {self._name} failed to {what}: {why}.", _REMEDY, details)
        self._report(error)
        return error


def guarded(offers: Offers, guard: Guard) -> Offers:
    """Offers whose every call goes through a guard."""
    return Offers(
        families=[GuardedFamily(family, guard) for family in offers.families],
        pipelines=[GuardedPipeline(pipeline, guard) for pipeline in offers.pipelines],
        tasks=[GuardedTask(task, guard) for task in offers.tasks],
        tools=[GuardedTool(tool, guard) for tool in offers.tools],
        telemetry=[GuardedTelemetry(source, guard) for source in offers.telemetry],
    )


class GuardedFamily:
    """A model family behind a guard."""

    def __init__(self, family: ModelFamily, guard: Guard) -> None:
        self.id = family.id
        self._family = family
        self._guard = guard

    def recognise(self, facts: ModelFacts) -> Recognition | None:
        """Ask the family."""
        return _recognition(self._guard, self._guard.call("recognise a model", self._family.recognise, facts))

    def open(self, facts: ModelFacts) -> "GuardedTextFormat":
        """Open the family's format."""
        return GuardedTextFormat(self._guard.call("get ready for a model", self._family.open, facts), self._guard)


class GuardedTextFormat:
    """A text format behind a guard."""

    def __init__(self, text_format: TextFormat, guard: Guard) -> None:
        self._format = text_format
        self._guard = guard

    def compose(self, request: GenerateRequest) -> Composition:
        """Ask the format."""
        found = self._guard.call("write a prompt", lambda: self._format.compose(request))
        if not isinstance(found, Composition):
            raise self._guard.failed("write a prompt", f"it returned {type(found).__name__}, no Composition")
        return found

    def read_tool_calls(self, blocks: Sequence[str]) -> Sequence[ToolCall]:
        """Ask the format."""
        return self._guard.call("read a model's tool calls", lambda: tuple(self._format.read_tool_calls(blocks)))

    def embedding_text(self, text: str, purpose: Literal["document", "query"]) -> str:
        """Ask the format."""
        found = self._guard.call("prepare a text", lambda: self._format.embedding_text(text, purpose))
        if not isinstance(found, str):
            raise self._guard.failed("prepare a text", f"it returned {type(found).__name__}, no text")
        return found


class GuardedPipeline:
    """A vision pipeline behind a guard."""

    def __init__(self, pipeline: VisionPipeline, guard: Guard) -> None:
        self.id = pipeline.id
        self._pipeline = pipeline
        self._guard = guard

    def recognise(self, facts: ModelFacts) -> Recognition | None:
        """Ask the pipeline."""
        return _recognition(self._guard, self._guard.call("recognise a graph", self._pipeline.recognise, facts))

    def open(self, facts: ModelFacts) -> "GuardedImageFormat":
        """Open the pipeline's format."""
        return GuardedImageFormat(self._guard.call("get ready for a graph", self._pipeline.open, facts), self._guard)


class GuardedImageFormat:
    """An image format behind a guard."""

    def __init__(self, image_format: ImageFormat, guard: Guard) -> None:
        self._format = image_format
        self._guard = guard

    @property
    def enough_pixels(self) -> int:
        """Shorter side that the format can make use of."""
        return self._guard.call("say how many pixels it needs", lambda: int(self._format.enough_pixels))

    def prepare(self, picture: Picture) -> Prepared:
        """Ask the format."""
        found = self._guard.call("prepare a picture", lambda: self._format.prepare(picture))
        if not isinstance(found, Prepared):
            raise self._guard.failed("prepare a picture", f"it returned {type(found).__name__}, no Prepared")
        return found

    def finish(
        self, picture_size: tuple[int, int], notes: Json, outputs: Sequence[Tensors], top_k: int
    ) -> VisionOutput:
        """Ask the format."""
        found = self._guard.call(
            "read what a graph found", lambda: self._format.finish(picture_size, notes, outputs, top_k)
        )
        if not isinstance(found, VisionOutput):
            raise self._guard.failed("read what a graph found", f"it returned {type(found).__name__}, no VisionOutput")
        return found


class GuardedTask:
    """A task behind a guard."""

    def __init__(self, task: Task, guard: Guard) -> None:
        self.id = task.id
        self.title = task.title
        self.summary = task.summary
        self.inputs = tuple(task.inputs)
        self.outputs = tuple(task.outputs)
        self._task = task
        self._guard = guard

    def run(self, inputs: Values, context: TaskContext) -> Values:
        """Run the task."""
        found = self._guard.call(f"run the task {self.title}", self._task.run, inputs, context)
        if not isinstance(found, Mapping):
            raise self._guard.failed(f"run the task {self.title}", f"it returned {type(found).__name__}, no outputs")
        return found


class GuardedTool:
    """A tool behind a guard."""

    def __init__(self, tool: Tool, guard: Guard) -> None:
        self.spec = tool.spec
        self.permission = tool.permission
        self._tool = tool
        self._guard = guard

    def call(self, arguments: Mapping[str, Json]) -> str:
        """Call the tool."""
        return self._guard.call(f"call the tool {self.spec.name}", self._tool.call, arguments)


class GuardedTelemetry:
    """A telemetry source behind a guard."""

    def __init__(self, source: TelemetrySource, guard: Guard) -> None:
        self.id = source.id
        self.title = source.title
        self.period_s = source.period_s
        self._source = source
        self._guard = guard

    def sample(self) -> Sequence[Sample]:
        """Read the numbers."""
        found = self._guard.call(f"measure {self.title}", lambda: tuple(self._source.sample()))
        if not all(isinstance(sample, Sample) for sample in found):
            raise self._guard.failed(f"measure {self.title}", "it returned something else than samples")
        return found


def _recognition(guard: Guard, found: Recognition | None) -> Recognition | None:
    """What a plugin says about a model, if it makes sense."""
    if found is None:
        return None
    if (
        isinstance(found, Recognition)
        and isinstance(found.accepts, frozenset)
        and isinstance(found.tasks, tuple)
        and all(isinstance(form, Accepts) for form in found.accepts)
        and all(isinstance(task, str) for task in found.tasks)
        and isinstance(found.confidence, int | float)
        and math.isfinite(found.confidence)
    ):
        return found
    raise guard.failed("recognise a model", "its Recognition holds values of the wrong types")
