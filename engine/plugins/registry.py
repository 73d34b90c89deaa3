"""Registry: what all active plugins offer, and who serves which model."""

import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from engine.errors import CapabilityError, EngineError
from engine.plugins.contract.models import ModelFacts, ModelFamily, Recognition, TextFormat
from engine.plugins.contract.offers import TelemetrySource, Tool
from engine.plugins.contract.tasks import Task
from engine.plugins.contract.vision import ImageFormat, VisionPipeline
from engine.plugins.offers import Offers
from engine.plugins.recognition import RemoteRecognition, is_remote
from engine.requests import Accepts

log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Served:
    """Who serves a model, and how.

    Attributes:
        accepts: forms of request that somebody serves.
        tasks: what it is good for, in the order of confidence.
        plugins: who serves it, without repetition.
        families: the family of each form of text request.
        pipeline: of an image graph.
    """

    accepts: frozenset[Accepts] = frozenset()
    tasks: tuple[str, ...] = ()
    plugins: tuple[str, ...] = ()
    families: Mapping[Accepts, ModelFamily] = field(default_factory=dict)
    pipeline: VisionPipeline | None = None


class Registry:
    """Offers of all active plugins; the bundled ones come first where two offer the same.

    Thread: any.

    Attributes:
        version: grows with every change, so that what was derived from it can be derived anew.
    """

    def __init__(self) -> None:
        self.version = 0  # written under _lock
        self._lock = threading.Lock()
        self._offers: dict[str, Offers] = {}  # guarded by _lock; replaced, never changed
        self._strangers: set[str] = set()  # guarded by _lock
        self._puts = Counter[str]()  # guarded by _lock; how often each plugin has offered something
        self._listeners: tuple[Callable[[], None], ...] = ()  # guarded by _lock; replaced, never changed
        self._remote = RemoteRecognition(self._change)

    def put(self, plugin: str, offers: Offers, *, is_stranger: bool = False) -> None:
        """Add the offers of a plugin, or replace them; a stranger's come after all others."""
        self._remote.forget(plugin)
        with self._lock:
            offered = {**self._offers, plugin: offers}
            self._puts[plugin] += 1  # its settings may be others than before
            self._strangers = self._strangers - {plugin} | ({plugin} if is_stranger else set())
            # Sorting is stable: otherwise it is first come, first served.
            self._offers = dict(sorted(offered.items(), key=lambda entry: entry[0] in self._strangers))
        self._change()

    def drop(self, plugin: str) -> None:
        """Remove the offers of a plugin, if there are any."""
        self._remote.forget(plugin)
        with self._lock:
            if plugin not in self._offers:
                return
            self._offers = {known: offers for known, offers in self._offers.items() if known != plugin}
        self._change()

    def add_listener(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call back after every change of `version`, on any thread; returns what ends that."""
        with self._lock:
            self._listeners = (*self._listeners, callback)

        def remove() -> None:
            with self._lock:
                self._listeners = tuple(known for known in self._listeners if known is not callback)

        return remove

    def tasks(self) -> Iterator[tuple[str, Task]]:
        """Plugin and task, for all tasks; of two with the same id the first."""
        yield from _first((plugin, task, task.id) for plugin, offers in self._offers.items() for task in offers.tasks)

    def tools(self) -> Iterator[tuple[str, Tool]]:
        """Plugin and tool, for all tools; of two with the same name the first."""
        yield from _first(
            (plugin, tool, tool.spec.name) for plugin, offers in self._offers.items() for tool in offers.tools
        )

    def telemetry(self) -> Iterator[tuple[str, TelemetrySource]]:
        """Plugin and source, for all sources of telemetry."""
        yield from ((plugin, source) for plugin, offers in self._offers.items() for source in offers.telemetry)

    def serve(self, facts: ModelFacts, *, wait: bool = False) -> Served:
        """Say who serves a model; nobody, if no plugin recognises it.

        Plugins in other processes are asked in the background: until one has answered it counts as not knowing the
        model, and `version` grows when it turns out to know it.

        Args:
            facts: of the model.
            wait: whether to wait for them, for as long as one call may take.
        """
        found = sorted(self._recognitions(facts, wait), key=lambda entry: -entry.recognition.confidence)  # stable
        families: dict[Accepts, ModelFamily] = {}
        pipeline: VisionPipeline | None = None
        plugins: dict[str, None] = {}
        tasks: dict[str, None] = {}
        for entry in found:
            if entry.family is not None:
                new = [form for form in entry.recognition.accepts if form not in families and form is not Accepts.IMAGE]
                families |= dict.fromkeys(new, entry.family)
                used = bool(new)
            else:
                used = pipeline is None
                pipeline = pipeline or entry.pipeline
            if used:
                plugins[entry.plugin] = None
                tasks |= dict.fromkeys(entry.recognition.tasks)
        accepts = frozenset(families) | ({Accepts.IMAGE} if pipeline else frozenset())
        return Served(accepts, tuple(tasks), tuple(plugins), families, pipeline)

    def recognisers(self) -> str:
        """Says who would recognise models; equal in another run only if they would say the same there.

        Returns:
            Empty if a plugin in another process is among them, which nobody can know.
        """
        with self._lock:
            offered, puts = self._offers, dict(self._puts)
        if any(is_remote(offer) for offers in offered.values() for offer in (*offers.families, *offers.pipelines)):
            return ""
        return " ".join(f"{plugin}:{puts[plugin]}" for plugin in offered)

    def wait(self) -> None:
        """Wait until plugins in other processes have answered all that they were asked in the background."""
        self._remote.wait()

    def open_text(self, facts: ModelFacts) -> Mapping[Accepts, TextFormat]:
        """Get ready to talk to a model: a format for each form of request. Waits for plugins in other processes.

        Raises:
            EngineError: a family refuses it; says why.
        """
        opened: dict[int, TextFormat] = {}
        formats: dict[Accepts, TextFormat] = {}
        for form, family in self.serve(facts, wait=True).families.items():
            if id(family) not in opened:
                opened[id(family)] = family.open(facts)
            formats[form] = opened[id(family)]
        return formats

    def open_image(self, facts: ModelFacts) -> ImageFormat:
        """Get ready to use a graph. Waits for plugins in other processes.

        Raises:
            CapabilityError: no plugin knows what to do with it.
            EngineError: the pipeline refuses it; says why.
        """
        pipeline = self.serve(facts, wait=True).pipeline
        if pipeline is None:
            raise _unknown(facts)
        return pipeline.open(facts)

    def _recognitions(self, facts: ModelFacts, wait: bool) -> "Iterator[_Found]":
        for plugin, offers in self._offers.items():
            for family in offers.families:
                if recognition := self._recognise(plugin, family, facts, wait):
                    yield _Found(plugin, recognition, family=family)
            for pipeline in offers.pipelines:
                if recognition := self._recognise(plugin, pipeline, facts, wait):
                    yield _Found(plugin, recognition, pipeline=pipeline)

    def _recognise(
        self, plugin: str, offer: ModelFamily | VisionPipeline, facts: ModelFacts, wait: bool
    ) -> Recognition | None:
        if is_remote(offer):
            return self._remote.recall(plugin, offer.recognise, offer, facts, wait=wait)
        try:
            return offer.recognise(facts)
        except EngineError as error:  # its guard has reported it; the other plugins may still know the model
            log.warning("%s cannot say whether it knows %s: %s", plugin, facts.file_name, error)
            return None

    def _change(self) -> None:
        with self._lock:
            self.version += 1
            listeners = self._listeners
        for callback in listeners:
            callback()


@dataclass(frozen=True, slots=True)
class _Found:
    """That an offer, which is a family or a pipeline, recognises a model."""

    plugin: str
    recognition: Recognition
    family: ModelFamily | None = None
    pipeline: VisionPipeline | None = None


def _unknown(facts: ModelFacts) -> CapabilityError:
    task = facts.card.get("task")
    if task:
        return CapabilityError(
            f"No plugin knows how to do what the card of {facts.file_name} names as its task: {str(task)[:40]}.",
            "Correct the card, or install a plugin for it.",
        )
    return CapabilityError(f"No plugin knows what to do with {facts.file_name}.", "Describe it in a card beside it.")


def _first(entries: Iterator[tuple[str, T, str]]) -> Iterator[tuple[str, T]]:
    seen: set[str] = set()
    for plugin, offer, name in entries:
        if name not in seen:
            seen.add(name)
            yield plugin, offer
