"""The models that Hearth recommends: read from the list that comes with it, without any network."""

import tomllib
from pathlib import Path
from typing import Final

import msgspec

from engine.errors import EngineError
from engine.finds import HubFile, HubModel
from engine.hub.imagined import Numbers
from engine.hub.judge import Judge, Known
from engine.hub.licences import Licence
from engine.hub.recommend import recommended
from engine.hub.task_words import TaskWord, TaskWords

_FORMAT: Final = 1


class CatalogueFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file of a recommended model.

    Attributes:
        name: in the repository.
        size: about so many bytes.
        quantization: of its weights.
        sha256: empty where it is asked from the hub.
    """

    name: str
    size: int
    quantization: str
    sha256: str = ""


class CatalogueModel(msgspec.Struct, frozen=True, kw_only=True):
    """A recommended model.

    Attributes:
        repo: `owner/name`.
        name: for people.
        summary: one sentence.
        tasks: what it is good for.
        licence: as on the hub.
        architecture: as its header says; empty for a graph.
        numbers: of its inside; None for a graph.
        parameters: of a graph.
        context_tokens: of a graph that reads texts.
        files: smallest first.
    """

    repo: str
    name: str
    summary: str
    tasks: tuple[str, ...]
    licence: str
    files: tuple[CatalogueFile, ...]
    architecture: str = ""
    numbers: Numbers | None = None
    parameters: int | None = None
    context_tokens: int | None = None


class CatalogueList(msgspec.Struct, frozen=True, kw_only=True):
    """The whole list.

    Attributes:
        format: of this file.
        task: what tasks are called.
        licence: where licences can be read.
        model: the models, the best of each kind in no order.
    """

    format: int
    task: tuple[TaskWord, ...]
    licence: tuple[Licence, ...]
    model: tuple[CatalogueModel, ...]


def read_catalogue(file: Path) -> CatalogueList:
    """Read the list.

    Raises:
        EngineError: it came in a form that this version does not know, or is damaged.
    """
    try:
        found = msgspec.convert(tomllib.loads(file.read_text(encoding="utf-8")), CatalogueList)
    except (OSError, ValueError, msgspec.ValidationError) as error:
        raise EngineError(f"The list of recommended models is damaged: {error}.", "Install Hearth again.") from error
    if found.format != _FORMAT:
        raise EngineError("The list of recommended models is of another version.", "Install Hearth again.")
    return found


class Catalogue:
    """The recommended models, judged for this machine.

    Thread: any.

    Attributes:
        tasks: what tasks are called.
        licences: by their name on the hub.
        models: as the list has them.
    """

    def __init__(self, file: Path) -> None:
        """Read the list.

        Raises:
            EngineError: it is damaged.
        """
        found = read_catalogue(file)
        self.models = found.model
        self.tasks = TaskWords(found.task)
        self.licences = {licence.id: licence for licence in found.licence}
        self._by_repo = {model.repo.lower(): model for model in self.models}

    def find(self, repo: str) -> CatalogueModel | None:
        """The recommended model of this repository; None if it is not one."""
        return self._by_repo.get(repo.lower())

    def judged(self, judge: Judge) -> tuple[HubModel, ...]:
        """All of them, with what fits this machine; nothing is asked from the network."""
        return tuple(self._judged(model, judge) for model in self.models)

    def _judged(self, model: CatalogueModel, judge: Judge) -> HubModel:
        numbers = model.numbers
        known = Known(
            name=model.name,
            architecture=model.architecture,
            parameters=numbers.parameters if numbers is not None else model.parameters,
            numbers=numbers,
            is_graph=numbers is None,
            reads=self.tasks.reads(model.tasks),
        )
        files = judge.judged((_file(file) for file in model.files), known)
        return HubModel(
            repo=model.repo,
            name=model.name,
            summary=model.summary,
            tasks=model.tasks,
            licence=model.licence,
            parameters=known.parameters,
            context_tokens=numbers.context_tokens if numbers is not None else model.context_tokens,
            is_catalogued=True,
            files=files,
            recommended=recommended(files),
        )


def _file(file: CatalogueFile) -> HubFile:
    return HubFile(
        name=file.name,
        parts=(file.name,),
        size_bytes=file.size,
        sha256=(file.sha256,),
        quantization=file.quantization,
    )
