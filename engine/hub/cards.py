"""HubCards: everything that is to be known of a model before its first byte is fetched."""

import re
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from engine.errors import HubError, ModelFileError, OfflineError
from engine.finds import HubCard, HubFile, HubModel
from engine.hub.addresses import file_path
from engine.hub.answers import architecture_of, files_of, is_repo, model_of
from engine.hub.catalogue import Catalogue
from engine.hub.connection import HubConnection
from engine.hub.files import RepoFile, is_graph, models_among
from engine.hub.front_matter import Fields, split_card
from engine.hub.judge import Judge, Known
from engine.hub.licences import MOST_BYTES, file_among, where, words
from engine.hub.recommend import recommended
from engine.hub.remote_header import RemoteHeaders
from engine.models.gguf import GgufHeader
from engine.models.gguf_facts import facts_of
from engine.models.gguf_info import can_run, check_is_model
from engine.models.page_plan import layout_of_headers
from engine.models.shape import shape_of_tensors
from engine.plugins.bundled import bundled_registry
from engine.types import Accepts

CARD_BYTES: Final = 1 << 20
_REVISION: Final = re.compile(r"[\w][\w./-]{0,200}", re.ASCII)
_CANNOT: Final = "Hearth cannot run models of this kind."


class HubCards:
    """Reads cards of models on one hub.

    Thread: any; blocks.
    """

    def __init__(self, connection: HubConnection, headers: RemoteHeaders, catalogue: Catalogue, judge: Judge) -> None:
        self._connection, self._headers = connection, headers
        self._catalogue, self._judge = catalogue, judge

    def card(self, repo: str) -> HubCard:
        """A model with its files, what its author says, and its licence.

        Raises:
            OfflineError: the network is switched off.
            HubError: it is not there, or the hub cannot be asked.
        """
        repo = self.checked(repo)
        info = self._info(repo, "")
        model, names = self._model(info, repo), tuple(file.name for file in files_of(info))
        licence_file = file_among(names)
        with ThreadPoolExecutor(2, thread_name_prefix="hearth-hub") as pool:
            readme = pool.submit(self._text, model, "README.md" if "README.md" in names else "", CARD_BYTES)
            licence = pool.submit(self._text, model, licence_file, MOST_BYTES)
            described = self._described(info, model)
            fields, text = split_card(readme.result())
            licence_text = licence.result()
        described = _with_fields(described, fields)
        page = f"{self._connection.url}/{repo}/blob/{model.revision}"
        link = fields.get("license_link", ("",))[0]
        url = where(described.licence, link, page, self._catalogue.licences)
        url = url or (f"{page}/{licence_file}" if licence_file else "")
        licence_text = licence_text or words(described.licence, url, self._catalogue.licences)
        return HubCard(model=described, text=text, licence_text=licence_text, licence_url=url)

    def files(self, repo: str, revision: str) -> tuple[HubModel, Mapping[str, RepoFile]]:
        """A model with its files, and all files of its repository by name.

        Raises:
            OfflineError: the network is switched off.
            HubError: it is not there, or the hub cannot be asked.
        """
        repo = self.checked(repo)
        if revision and not _REVISION.fullmatch(revision):
            raise HubError(f"{revision[:80]!r} is no revision.", "Give a commit or a branch, or leave it out.")
        info = self._info(repo, revision)
        model = self._described(info, self._model(info, repo))
        return model, {file.name: file for file in files_of(info)}

    def checked(self, repo: str) -> str:
        """The name of a repository; its address will do as well.

        Raises:
            HubError: it is none.
        """
        name = repo.strip().removeprefix(f"{self._connection.url}/").rstrip("/")
        if not is_repo(name):
            raise HubError(f"{repo[:80]!r} is no name of a model on the hub.", "Write it as OWNER/NAME.")
        return name

    def _info(self, repo: str, revision: str) -> Any:
        with self._connection.asking() as api:
            return api.model_info(repo, revision=revision or None, files_metadata=True)

    def _model(self, info: Any, repo: str) -> HubModel:
        """The model, under the name that the hub has for it now if that is one: it may have moved."""
        model = model_of(info, self._catalogue.tasks)
        return model if is_repo(model.repo) else replace(model, repo=repo)

    def _text(self, model: HubModel, name: str, most_bytes: int) -> str:
        """A text of the repository; empty if it is not to be had."""
        if not name:
            return ""
        try:
            return self._connection.text(file_path(model.repo, model.revision, name), most_bytes)
        except OfflineError:
            raise
        except HubError:
            return ""

    def _described(self, info: Any, model: HubModel) -> HubModel:
        """The model with its files, judged by the header of one of them where that can be read."""
        files = files_of(info)
        found = models_among(files)
        model, known = self._known(info, model)
        about = self._judged(found, known)
        first = _first(about)
        if first is None:
            return replace(model, files=about, recommended=recommended(about))
        try:
            headers = self._headers.read(model.repo, model.revision, first, {it.name: it.size_bytes for it in files})
            if headers:
                check_is_model(headers[0])
        except ModelFileError as error:
            return replace(model, summary=error.cause, files=_unjudged(about))
        if not headers:
            return replace(model, files=about, recommended=recommended(about))
        if not can_run(headers[0]):
            return replace(model, summary=_CANNOT, files=_unjudged(about))
        known = _with_headers(known, first, headers)
        judged = self._judged(found, known)
        return replace(
            model,
            files=judged,
            recommended=recommended(judged),
            parameters=known.parameters or model.parameters,
            context_tokens=headers[0].number("{arch}.context_length") or model.context_tokens,
        )

    def _known(self, info: Any, model: HubModel) -> tuple[HubModel, Known]:
        """What the hub, and the catalogue if it has the model, know of it."""
        listed = self._catalogue.find(model.repo)
        if listed is not None:
            model = replace(model, name=listed.name, summary=listed.summary, tasks=listed.tasks, is_catalogued=True)
        known = Known(
            name=model.name,
            architecture=architecture_of(info) or (listed.architecture if listed is not None else ""),
            parameters=model.parameters,
            context_tokens=model.context_tokens or 0,
            numbers=listed.numbers if listed is not None else None,
            reads=self._catalogue.tasks.reads(model.tasks),
        )
        return model, known

    def _judged(self, files: Sequence[HubFile], known: Known) -> tuple[HubFile, ...]:
        found = {
            file.name: file
            for are_graphs in (False, True)
            for file in self._judge.judged(
                (file for file in files if is_graph(file) is are_graphs), replace(known, is_graph=are_graphs)
            )
        }
        return tuple(found[file.name] for file in files)


def _first(files: Sequence[HubFile]) -> HubFile | None:
    """The file whose header is to be read: the one to recommend, as far as that is known; None for graphs."""
    wanted = recommended(files)
    headed = [file for file in files if not is_graph(file)]
    return next((file for file in headed if file.name == wanted), headed[0] if headed else None)


def _with_headers(known: Known, file: HubFile, headers: tuple[GgufHeader, ...]) -> Known:
    shape = shape_of_tensors(headers[0], [tensor for header in headers for tensor in header.tensors])
    paths = tuple(Path(part.rpartition("/")[2]) for part in file.parts)
    served = bundled_registry().serve(facts_of(headers[0]))
    return replace(
        known,
        architecture=headers[0].architecture,
        parameters=shape.parameters,
        shape=shape,
        layout=layout_of_headers(paths, headers),
        shape_of=file.name,
        reads=served.accepts == {Accepts.TEXTS},
    )


def _unjudged(files: Iterable[HubFile]) -> tuple[HubFile, ...]:
    """Files of which nothing is said, since Hearth could not run them; graphs have nothing to do with that."""
    return tuple(file if is_graph(file) else replace(file, fit=None, tokens_per_s=None) for file in files)


def _with_fields(model: HubModel, fields: Fields) -> HubModel:
    """A model with what its card states where the hub does not."""
    licence = model.licence or fields.get("license_name", fields.get("license", ("",)))[0]
    return replace(model, licence=licence)
