"""Offers: all that one plugin has registered, checked against its manifest."""

import re
from dataclasses import dataclass, field

from engine.errors import PluginError
from engine.plugins.contract.models import ModelFamily
from engine.plugins.contract.offers import TelemetrySource, Tool
from engine.plugins.contract.tasks import Task
from engine.plugins.contract.values import Values
from engine.plugins.contract.vision import VisionPipeline
from engine.plugins.manifest import Manifest, OfferKind

_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")


@dataclass(slots=True, kw_only=True)
class Offers:
    """What a plugin offers; proxies of it where the plugin runs in its own process."""

    families: list[ModelFamily] = field(default_factory=list)
    pipelines: list[VisionPipeline] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    tools: list[Tool] = field(default_factory=list)
    telemetry: list[TelemetrySource] = field(default_factory=list)


class OfferCollector:
    """The registrar that a plugin's `register` is called with.

    Attributes:
        offers: what has been added so far.
    """

    def __init__(self, manifest: Manifest, settings: Values) -> None:
        self.offers = Offers()
        self._manifest = manifest
        self._settings = settings
        self._seen: set[tuple[OfferKind, str]] = set()

    @property
    def settings(self) -> Values:
        """The plugin's settings."""
        return self._settings

    def add_family(self, family: ModelFamily) -> None:
        """Take a model family."""
        self._check(OfferKind.FAMILY, family.id)
        self.offers.families.append(family)

    def add_pipeline(self, pipeline: VisionPipeline) -> None:
        """Take a vision pipeline."""
        self._check(OfferKind.PIPELINE, pipeline.id)
        self.offers.pipelines.append(pipeline)

    def add_task(self, task: Task) -> None:
        """Take a task."""
        self._check(OfferKind.TASK, task.id)
        self.offers.tasks.append(task)

    def add_tool(self, tool: Tool) -> None:
        """Take a tool."""
        self._check(OfferKind.TOOL, tool.spec.name)
        allowed = {permission.kind.value for permission in self._manifest.permissions}
        if tool.permission and tool.permission not in allowed:
            raise self._wrong(f"offers the tool {tool.spec.name}, which needs the permission {tool.permission!r}")
        self.offers.tools.append(tool)

    def add_telemetry(self, source: TelemetrySource) -> None:
        """Take a telemetry source."""
        self._check(OfferKind.TELEMETRY, source.id)
        self.offers.telemetry.append(source)

    def finish(self) -> Offers:
        """All offers, once `register` has returned.

        Raises:
            PluginError: something that the manifest promises was not offered.
        """
        for kind, name in self._manifest.provides:
            if (kind, name) not in self._seen:
                raise self._wrong(f"provides {kind}:{name}, but does not register it")
        return self.offers

    def _check(self, kind: OfferKind, name: str) -> None:
        if not isinstance(name, str) or not _ID.fullmatch(name):
            raise self._wrong(f"offers a {kind} called {name!r}, which is no id")
        if (kind, name) not in self._manifest.provides:
            raise self._wrong(f"registers {kind}:{name}, which is not in `provides`")
        if (kind, name) in self._seen:
            raise self._wrong(f"registers {kind}:{name} twice")
        self._seen.add((kind, name))

    def _wrong(self, what: str) -> PluginError:
        return PluginError(
            self._manifest.id, f"The plugin {self._manifest.name} {what}.", "Its author has to correct plugin.toml."
        )
