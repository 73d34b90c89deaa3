"""Registry: what all active plugins offer, and who serves which model."""

import logging
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from engine.errors import CapabilityError
from engine.plugins.contract.models import ModelFacts, ModelFamily, Recognition, TextFormat
from engine.plugins.contract.offers import Tool
from engine.plugins.contract.tasks import Task
from engine.plugins.contract.vision import ImageFormat, VisionPipeline
from engine.plugins.offers import Offers
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
    """Offers of all active plugins.

    Thread: any.

    Attributes:
        version: grows with every change, so that what was derived from it can be derived anew.
    """

    def __init__(self) -> None:
        self.version = 0
        self._lock = threading.Lock()
        self._offers: dict[str, Offers] = {}  # guarded by _lock; replaced, never changed

    def put(self, plugin: str, offers: Offers) -> None:
        """Add the offers of a plugin, or replace them."""
        with self._lock:
            self._offers = {**self._offers, plugin: offers}
            self.version += 1

    def drop(self, plugin: str) -> None:
        """Remove the offers of a plugin, if there are any."""
        with self._lock:
            self._offers = {known: offers for known, offers in self._offers.items() if known != plugin}
            self.version += 1

    def tasks(self) -> Iterator[tuple[str, Task]]:
        """Plugin and task, for all tasks; of two with the same id the first."""
        yield from _first((plugin, task, task.id) for plugin, offers in self._offers.items() for task in offers.tasks)

    def tools(self) -> Iterator[tuple[str, Tool]]:
        """Plugin and tool, for all tools; of two with the same name the first."""
        yield from _first(
            (plugin, tool, tool.spec.name) for plugin, offers in self._offers.items() for tool in offers.tools
        )

    def serve(self, facts: ModelFacts) -> Served:
        """Say who serves a model; nobody, if no plugin recognises it."""
        found = sorted(self._recognitions(facts), key=lambda entry: -entry[2].confidence)  # stable: first come
        families: dict[Accepts, ModelFamily] = {}
        pipeline: VisionPipeline | None = None
        plugins: dict[str, None] = {}
        tasks: dict[str, None] = {}
        for plugin, offer, recognition in found:
            if isinstance(offer, _Family):
                new = [form for form in recognition.accepts if form not in families and form is not Accepts.IMAGE]
                families |= dict.fromkeys(new, offer.family)
                used = bool(new)
            else:
                used = pipeline is None
                pipeline = pipeline or offer.pipeline
            if used:
                plugins[plugin] = None
                tasks |= dict.fromkeys(recognition.tasks)
        accepts = frozenset(families) | ({Accepts.IMAGE} if pipeline else frozenset())
        return Served(accepts, tuple(tasks), tuple(plugins), families, pipeline)

    def open_text(self, facts: ModelFacts) -> Mapping[Accepts, TextFormat]:
        """Get ready to talk to a model: a format for each form of request.

        Raises:
            EngineError: a family refuses it; says why.
        """
        opened: dict[int, TextFormat] = {}
        formats: dict[Accepts, TextFormat] = {}
        for form, family in self.serve(facts).families.items():
            if id(family) not in opened:
                opened[id(family)] = family.open(facts)
            formats[form] = opened[id(family)]
        return formats

    def open_image(self, facts: ModelFacts) -> ImageFormat:
        """Get ready to use a graph.

        Raises:
            CapabilityError: no plugin knows what to do with it.
            EngineError: the pipeline refuses it; says why.
        """
        pipeline = self.serve(facts).pipeline
        if pipeline is None:
            raise CapabilityError(
                f"No plugin knows what to do with {facts.file_name}.", "Describe it in a card beside it."
            )
        return pipeline.open(facts)

    def _recognitions(self, facts: ModelFacts) -> "Iterator[tuple[str, _Family | _Pipeline, Recognition]]":
        for plugin, offers in self._offers.items():
            candidates: list[_Family | _Pipeline] = [_Family(family) for family in offers.families]
            candidates += [_Pipeline(pipeline) for pipeline in offers.pipelines]
            for offer in candidates:
                recognition = offer.recognise(facts)
                if recognition is not None:
                    yield plugin, offer, recognition


@dataclass(frozen=True, slots=True)
class _Family:
    family: ModelFamily

    def recognise(self, facts: ModelFacts) -> Recognition | None:
        return self.family.recognise(facts)


@dataclass(frozen=True, slots=True)
class _Pipeline:
    pipeline: VisionPipeline

    def recognise(self, facts: ModelFacts) -> Recognition | None:
        return self.pipeline.recognise(facts)


def _first(entries: Iterator[tuple[str, T, str]]) -> Iterator[tuple[str, T]]:
    seen: set[str] = set()
    for plugin, offer, name in entries:
        if name not in seen:
            seen.add(name)
            yield plugin, offer
