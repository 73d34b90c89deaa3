"""Proxies: what a plugin in another process offers, as objects of the contract.

All of them carry `is_remote = True`: a call can take up to the time limit, so it never runs on a thread that others
wait for.
"""

import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Literal, Protocol, TypeVar

from engine.plugins.contract.models import Composition, ModelFacts, Recognition
from engine.plugins.contract.offers import Registrar, Sample
from engine.plugins.contract.tasks import TaskContext
from engine.plugins.contract.values import Field, Json, Value, Values
from engine.plugins.contract.vision import Picture, Prepared, Tensors
from engine.plugins.process.descriptions import Description, OpenedForm, SourceForm, TaskForm, ToolForm
from engine.plugins.process.life import Life
from engine.plugins.process.shapes import (
    convert,
    read_composition,
    read_prepared,
    read_recognition,
    read_samples,
    read_text,
    read_tool_calls,
    read_vision_output,
)
from engine.plugins.process.wire import long_text
from engine.types import GenerateRequest, ToolCall, VisionOutput

T = TypeVar("T")


class Caller(Protocol):
    """Leads to the process that runs now."""

    def ask(self, do: Callable[[Life], T]) -> T:
        """Do something with the process that runs now; raises `PluginError` if it fails, or if there is none."""


class RemoteFamily:
    """A model family in another process."""

    is_remote: ClassVar = True

    def __init__(self, caller: Caller, index: int, name: str) -> None:
        self.id = name
        self._caller = caller
        self._index = index

    def recognise(self, facts: ModelFacts) -> Recognition | None:
        """Say what can be done with a model."""
        return self._caller.ask(lambda life: life.call("recognise_text", [self._index, facts], read_recognition))

    def open(self, facts: ModelFacts) -> "RemoteTextFormat":
        """Get ready to talk to a model."""
        return RemoteTextFormat(self._caller, self._index, facts)


class RemotePipeline:
    """A vision pipeline in another process."""

    is_remote: ClassVar = True

    def __init__(self, caller: Caller, index: int, name: str) -> None:
        self.id = name
        self._caller = caller
        self._index = index

    def recognise(self, facts: ModelFacts) -> Recognition | None:
        """Say what can be done with a graph."""
        return self._caller.ask(lambda life: life.call("recognise_image", [self._index, facts], read_recognition))

    def open(self, facts: ModelFacts) -> "RemoteImageFormat":
        """Get ready to use a graph."""
        return RemoteImageFormat(self._caller, self._index, facts)


class _Opened:
    """Something that was opened in the other process, and is opened again when that has been started anew.

    Thread: any.
    """

    def __init__(self, caller: Caller, name: str, index: int, facts: ModelFacts) -> None:
        self._caller = caller
        self._arguments = (name, index, facts)
        self._entry: tuple[Life, OpenedForm] | None = None  # replaced as a whole
        self._finalizer: weakref.finalize[..., _Opened] | None = None
        caller.ask(self._in)

    def call(self, name: str, arguments: Sequence[object], read: Callable[[Any], T]) -> T:
        """Do something with it."""
        return self._caller.ask(lambda life: life.call(name, [self._in(life).number, *arguments], read))

    def form(self) -> OpenedForm:
        """What is known of it."""
        return self._caller.ask(self._in)

    def _in(self, life: Life) -> OpenedForm:
        entry = self._entry
        if entry is not None and entry[0] is life:
            return entry[1]
        name, index, facts = self._arguments
        form = life.call(name, [index, facts, life.take_dropped()], lambda plain: convert(plain, OpenedForm))
        if self._finalizer is not None:
            self._finalizer.detach()
        self._entry = (life, form)
        self._finalizer = weakref.finalize(self, life.drop, form.number)
        self._finalizer.atexit = False
        return form


class RemoteTextFormat:
    """How to talk to one model; the code is in another process."""

    is_remote: ClassVar = True

    def __init__(self, caller: Caller, index: int, facts: ModelFacts) -> None:
        self._opened = _Opened(caller, "open_text", index, facts)

    def compose(self, request: GenerateRequest) -> Composition:
        """Turn a request into a prompt."""
        return self._opened.call("compose", [request], read_composition)

    def read_tool_calls(self, blocks: Sequence[str]) -> Sequence[ToolCall]:
        """Read the calls out of what stood in `tool` spans."""
        return self._opened.call("read_tool_calls", [list(blocks)], read_tool_calls)

    def embedding_text(self, text: str, purpose: Literal["document", "query"]) -> str:
        """Put the words around a text that the model wants to see around it."""
        return self._opened.call("embedding_text", [long_text(text), purpose], read_text)


class RemoteImageFormat:
    """How to use one graph; the code is in another process."""

    is_remote: ClassVar = True

    def __init__(self, caller: Caller, index: int, facts: ModelFacts) -> None:
        self._opened = _Opened(caller, "open_image", index, facts)

    @property
    def enough_pixels(self) -> int:
        """Shorter side of a picture that can be made use of; 0: all there are."""
        return self._opened.form().enough_pixels

    def prepare(self, picture: Picture) -> Prepared:
        """Make tensors of a picture."""
        return self._opened.call("prepare", [picture.pixels, picture.size], read_prepared)

    def finish(
        self, picture_size: tuple[int, int], notes: Json, outputs: Sequence[Tensors], top_k: int
    ) -> VisionOutput:
        """Make a result of the graph's outputs."""
        runs = [dict(run) for run in outputs]
        return self._opened.call("finish", [picture_size, notes, runs, top_k], read_vision_output)


class RemoteTask:
    """A task in another process."""

    is_remote: ClassVar = True

    def __init__(self, caller: Caller, index: int, form: TaskForm) -> None:
        self.id = form.id
        self.title = form.title
        self.summary = form.summary
        self.inputs: tuple[Field, ...] = form.inputs
        self.outputs: tuple[Field, ...] = form.outputs
        self._caller = caller
        self._index = index

    def run(self, inputs: Values, context: TaskContext) -> dict[str, Value]:
        """Do it."""
        return self._caller.ask(lambda life: life.run(self._index, inputs, context))


class RemoteTool:
    """A tool in another process."""

    is_remote: ClassVar = True

    def __init__(self, caller: Caller, index: int, form: ToolForm) -> None:
        self.spec = form.spec
        self.permission = form.permission
        self._caller = caller
        self._index = index

    def call(self, arguments: Mapping[str, Json]) -> str:
        """Do it; the text goes back to the model."""
        return self._caller.ask(lambda life: life.call("call_tool", [self._index, dict(arguments)], read_text))


class RemoteSource:
    """A telemetry source in another process."""

    is_remote: ClassVar = True

    def __init__(self, caller: Caller, index: int, form: SourceForm) -> None:
        self.id = form.id
        self.title = form.title
        self.period_s = form.period_s
        self._caller = caller
        self._index = index

    def sample(self) -> Sequence[Sample]:
        """Read the numbers."""
        return self._caller.ask(lambda life: life.call("sample", [self._index], read_samples))


def register_proxies(caller: Caller, description: Description, registrar: Registrar) -> None:
    """Offer proxies of everything that a plugin in another process offers."""
    for index, name in enumerate(description.families):
        registrar.add_family(RemoteFamily(caller, index, name))
    for index, name in enumerate(description.pipelines):
        registrar.add_pipeline(RemotePipeline(caller, index, name))
    for index, task in enumerate(description.tasks):
        registrar.add_task(RemoteTask(caller, index, task))
    for index, tool in enumerate(description.tools):
        registrar.add_tool(RemoteTool(caller, index, tool))
    for index, source in enumerate(description.telemetry):
        registrar.add_telemetry(RemoteSource(caller, index, source))
