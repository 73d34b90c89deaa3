"""Frozen values about models that are not here yet: what can be searched for, and what was found."""

from dataclasses import dataclass
from enum import StrEnum

from engine.footprint import Fit


class Sort(StrEnum):
    """Order of what is found."""

    DOWNLOADS = "downloads"
    LIKES = "likes"
    NEWEST = "newest"


@dataclass(frozen=True, slots=True, kw_only=True)
class HubQuery:
    """What to look for.

    Attributes:
        text: words in the name; empty for any.
        task: name of a task (`chat`, `code`, `embed`, `classify`, ...); empty for any.
        format: `gguf`, `onnx`, or empty for both.
        quantization: such as `Q4_K_M`; empty for any.
        licence: such as `apache-2.0`; empty for any.
        most_bytes: largest file; 0 for any size.
        fits_only: only what fits this machine, with or without paging.
        sort: order.
        limit: most results, 1 to 100.
    """

    text: str = ""
    task: str = ""
    format: str = ""
    quantization: str = ""
    licence: str = ""
    most_bytes: int = 0
    fits_only: bool = False
    sort: Sort = Sort.DOWNLOADS
    limit: int = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class HubFile:
    """A model that can be fetched: one file, or all parts of a split one.

    Attributes:
        name: of the file, or of the first part, as in the repository.
        parts: all files to fetch, with what belongs to them (weights beside a graph, tokenizer, card).
        size_bytes: of all parts.
        sha256: of the parts, in their order; an empty one where the hub does not say.
        quantization: such as `Q4_K_M`; empty if the name does not say.
        fit: whether it fits this machine; None if that is unknown.
        tokens_per_s: predicted; None if that is unknown.
    """

    name: str
    parts: tuple[str, ...]
    size_bytes: int
    sha256: tuple[str, ...] = ()
    quantization: str = ""
    fit: Fit | None = None
    tokens_per_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HubModel:
    """A model of the hub, or of the catalogue that comes with Hearth.

    Attributes:
        repo: `owner/name`.
        name: for people.
        summary: one sentence; empty if nobody wrote one.
        tasks: what it is good for.
        licence: such as `apache-2.0`; empty if it is not stated.
        parameters: number of weights; None if unknown.
        context_tokens: trained context; None if unknown.
        downloads: of the last month; None for the catalogue.
        likes: None for the catalogue.
        updated_at: seconds since 1970; None if unknown.
        is_gated: whether its author wants to know who takes it: an account and a token are needed.
        is_catalogued: whether it is one of the models that Hearth recommends.
        revision: commit that the files are of.
        files: what can be fetched, smallest first. In the catalogue and in what a search finds, their sizes are about,
            and no SHA-256 is given, until the details were asked for.
        recommended: name of the file to take here; empty if none fits, or the files are unknown.
    """

    repo: str
    name: str
    summary: str = ""
    tasks: tuple[str, ...] = ()
    licence: str = ""
    parameters: int | None = None
    context_tokens: int | None = None
    downloads: int | None = None
    likes: int | None = None
    updated_at: float | None = None
    is_gated: bool = False
    is_catalogued: bool = False
    revision: str = "main"
    files: tuple[HubFile, ...] = ()
    recommended: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HubCard:
    """What a model's author says, to be read before the first byte is fetched.

    Attributes:
        model: with its files.
        text: the card, Markdown; untrusted.
        licence_text: the licence, or where it can be read; empty if it is not stated.
        licence_url: where it can be read; empty if unknown.
    """

    model: HubModel
    text: str
    licence_text: str = ""
    licence_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HubState:
    """Whether the hub may be used, and how.

    Attributes:
        is_offline: whether all use of the network is switched off.
        url: of the hub, or of its mirror.
        proxy: address of the proxy; empty takes the system's.
        has_token: whether a token is known.
        token_kept_in: where it is kept, in words; empty if there is none.
        is_portable: whether a token goes into a file beside the program, and never into the system's keyring.
        bytes_per_s: limit of all downloads together; 0 for none.
        free_bytes: on the disk that models go to.
    """

    is_offline: bool
    url: str
    proxy: str = ""
    has_token: bool = False
    token_kept_in: str = ""
    is_portable: bool = False
    bytes_per_s: int = 0
    free_bytes: int = 0
