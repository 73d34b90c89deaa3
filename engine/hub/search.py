"""Searches the hub: asks it for models, and sorts out what it cannot be asked for."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Final

from engine.errors import InvalidRequestError
from engine.finds import HubFile, HubModel, HubQuery, Sort
from engine.footprint import Fit
from engine.hub.answers import architecture_of, files_of, is_repo, model_of
from engine.hub.connection import HubConnection
from engine.hub.files import is_graph, models_among, quantization_of
from engine.hub.imagined import bits_of
from engine.hub.judge import Judge, Known
from engine.hub.recommend import recommended
from engine.hub.task_words import TaskWord, TaskWords

FORMATS: Final = ("gguf", "onnx")
_MOST: Final = 100
_SORTS: Final = {Sort.DOWNLOADS: "downloads", Sort.LIKES: "likes", Sort.NEWEST: "last_modified"}
_WANTED: Final = (
    "cardData", "downloads", "gated", "gguf", "lastModified", "likes", "pipeline_tag", "safetensors", "sha",
    "siblings", "tags",
)  # fmt: skip
_UNQUANTIZED_BITS: Final = 16.0
_GRAPH_BITS: Final = 32.0


class HubSearch:
    """Searches one hub.

    Thread: any; blocks.
    """

    def __init__(self, connection: HubConnection, words: TaskWords, judge: Judge) -> None:
        self._connection, self._words, self._judge = connection, words, judge

    def find(self, query: HubQuery) -> tuple[HubModel, ...]:
        """Models that are what somebody looks for.

        Their files are as far as names and the number of weights tell: their sizes are about, and no SHA-256 is given.

        Raises:
            OfflineError: the network is switched off.
            HubError: the hub cannot be asked.
            InvalidRequestError: the query names a task or a format that there is none of, or too many results.
        """
        task = self._words.find(query.task) if query.task else None
        if query.format and query.format not in FORMATS:
            raise InvalidRequestError(f"There is no format {query.format!r}.", f"Choose from: {', '.join(FORMATS)}.")
        if not 1 <= query.limit <= _MOST:
            raise InvalidRequestError(f"A search brings from 1 to {_MOST} models, not {query.limit}.")
        formats = (query.format,) if query.format else FORMATS
        with ThreadPoolExecutor(len(formats), thread_name_prefix="hearth-hub") as pool:
            lists = list(pool.map(lambda kind: self._ask(query, task, kind), formats))
        found = {model.repo: model for models in lists for model in models}
        suited = [kept for model in found.values() if (kept := _narrowed(model, query, formats)) is not None]
        return tuple(sorted(suited, key=_order(query.sort), reverse=True)[: query.limit])

    def _ask(self, query: HubQuery, task: TaskWord | None, kind: str) -> Sequence[HubModel]:
        tags = [kind, *(task.also_tagged if task is not None else ())]
        if query.licence:
            tags.append(f"license:{query.licence.lower()}")
        is_picky = query.quantization or query.most_bytes or query.fits_only
        with self._connection.asking() as api:
            infos = api.list_models(
                filter=tags,
                search=query.text.strip() or None,
                pipeline_tag=task.tags[0] if task is not None else None,
                sort=_SORTS[query.sort],
                limit=_MOST if is_picky else query.limit,
                expand=list(_WANTED),
            )
            described = [self._described(info) for info in infos]
        return [model for model in described if is_repo(model.repo)]

    def _described(self, info: object) -> HubModel:
        model = model_of(info, self._words)
        known = Known(
            name=model.name,
            architecture=architecture_of(info),
            parameters=model.parameters,
            context_tokens=model.context_tokens or 0,
            reads=self._words.reads(model.tasks),
        )
        listed = [
            replace(file, size_bytes=_about_bytes(file, model.parameters), sha256=())
            for file in models_among(files_of(info))
        ]
        graphs = [file for file in listed if is_graph(file)]
        others = [file for file in listed if not is_graph(file)]
        judged = [*self._judge.judged(others, known), *self._judge.judged(graphs, replace(known, is_graph=True))]
        files = tuple(sorted(judged, key=lambda file: (file.size_bytes, file.name)))
        return replace(model, files=files, recommended=recommended(files))


def _about_bytes(file: HubFile, parameters: int | None) -> int:
    """About how large a file is, to two digits; 0 if that cannot be told."""
    if not parameters:
        return 0
    bits = bits_of(quantization_of(file.name)) or (_GRAPH_BITS if is_graph(file) else _UNQUANTIZED_BITS)
    size = parameters * bits / 8
    step = 10 ** max(0, len(str(int(size))) - 2)
    return int(-(-size // step) * step)


def _narrowed(model: HubModel, query: HubQuery, formats: Iterable[str]) -> HubModel | None:
    """The model with the files that are wanted; None if it has none."""
    files = tuple(file for file in model.files if _suits(file, query, tuple(formats)))
    if not files:
        return None
    return replace(model, files=files, recommended=recommended(files))


def _suits(file: HubFile, query: HubQuery, formats: Sequence[str]) -> bool:
    if not file.name.lower().endswith(tuple(formats)):
        return False
    if query.quantization and file.quantization.lower() != query.quantization.lower():
        return False
    if query.most_bytes and not 0 < file.size_bytes <= query.most_bytes:
        return False
    return not query.fits_only or file.fit in {Fit.FITS, Fit.PAGING}


def _order(sort: Sort) -> Callable[[HubModel], float]:
    return {
        Sort.DOWNLOADS: lambda model: model.downloads or 0,
        Sort.LIKES: lambda model: model.likes or 0,
        Sort.NEWEST: lambda model: model.updated_at or 0.0,
    }[sort]
