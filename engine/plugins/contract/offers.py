"""Tools, telemetry, and the registrar that takes all offers of a plugin."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from engine.plugins.contract.models import ModelFamily
from engine.plugins.contract.tasks import Task
from engine.plugins.contract.values import Json, Values
from engine.plugins.contract.vision import VisionPipeline
from engine.types import ToolSpec


class Tool(Protocol):
    """A function that a model may call, if the user allows it.

    >>> from engine.plugins.api import ToolSpec
    >>> class Add:
    ...     spec = ToolSpec(
    ...         name="add",
    ...         description="Adds two numbers.",
    ...         parameters={
    ...             "type": "object",
    ...             "properties": {"a": {"type": "number"}, "b": {"type": "number"}},
    ...             "required": ["a", "b"],
    ...         },
    ...     )
    ...     permission = ""
    ...     def call(self, arguments):
    ...         return str(arguments["a"] + arguments["b"])
    >>> Add().call({"a": 1, "b": 2})
    '3'
    """

    spec: ToolSpec
    """What the model is told: name (unique in Hearth), description, JSON schema of the arguments."""
    permission: str
    """Kind of the permission in `plugin.toml` that it needs; empty: it reaches nothing outside its arguments."""

    def call(self, arguments: Mapping[str, Json]) -> str:
        """Do it; the text goes back to the model. The arguments satisfy the schema.

        Raises:
            EngineError: it cannot be done; the model is told the reason.
        """


@dataclass(frozen=True, slots=True)
class Sample:
    """One number at one moment: what it is (`GPU memory`), how much, and in which unit (`MiB`)."""

    name: str
    value: float
    unit: str


class TelemetrySource(Protocol):
    """Numbers about the machine that are worth watching.

    >>> from engine.plugins.api import Sample
    >>> class Uptime:
    ...     id = "uptime"
    ...     title = "Uptime"
    ...     period_s = 10.0
    ...     def sample(self):
    ...         return (Sample("uptime", 12.5, "s"),)
    >>> Uptime().sample()[0].unit
    's'
    """

    id: str
    """Unique within the plugin: lower case, digits and hyphens."""
    title: str
    """What the numbers are about."""
    period_s: float
    """Seconds between two samples; at least 0.5."""

    def sample(self) -> Sequence[Sample]:
        """Read the numbers; quick."""


class Registrar(Protocol):
    """Takes what a plugin offers. Only what `provides` in `plugin.toml` names may be offered.

    >>> def register(registrar):
    ...     if registrar.settings["loud"]:
    ...         registrar.add_task(Shout())
    """

    @property
    def settings(self) -> Values:
        """The plugin's settings: what the user chose, else the defaults in `plugin.toml`. A change reloads it."""

    def add_family(self, family: ModelFamily) -> None:
        """Offer a model family; `provides` must have `family:ID`."""

    def add_pipeline(self, pipeline: VisionPipeline) -> None:
        """Offer a vision pipeline; `provides` must have `pipeline:ID`."""

    def add_task(self, task: Task) -> None:
        """Offer a task; `provides` must have `task:ID`."""

    def add_tool(self, tool: Tool) -> None:
        """Offer a tool; `provides` must have `tool:NAME`."""

    def add_telemetry(self, source: TelemetrySource) -> None:
        """Offer a telemetry source; `provides` must have `telemetry:ID`."""
