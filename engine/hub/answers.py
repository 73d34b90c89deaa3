"""What the hub says of models, brought into Hearth's values; nothing that it says is taken for granted."""

import datetime as dt
import math
import re
from collections.abc import Iterable
from typing import Any, Final

from engine.finds import HubModel
from engine.hub.files import RepoFile
from engine.hub.task_words import TaskWords

MOST_FILES: Final = 20_000
_LONGEST_NAME: Final = 512
_LICENCE: Final = "license:"
_REPO: Final = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", re.ASCII)
_COMMIT: Final = re.compile(r"\w[\w.-]{0,80}", re.ASCII)
_FORMAT: Final = re.compile(r"[-_.](gguf|onnx)$", re.IGNORECASE)
_MOST: Final = 1 << 50


def is_repo(name: str) -> bool:
    """Whether this can be the name of a repository: `owner/name`."""
    return bool(_REPO.fullmatch(name)) and ".." not in name


def model_of(info: Any, words: TaskWords) -> HubModel:
    """A model as the hub describes it, without its files.

    Args:
        info: `huggingface_hub`'s `ModelInfo`.
        words: what tasks are called.
    """
    repo = text_of(info.id)
    tags = [text_of(tag) for tag in _list(info.tags)][:1000]
    return HubModel(
        repo=repo,
        name=_FORMAT.sub("", repo.partition("/")[2]) or repo,
        tasks=words.of_tags([*tags, text_of(info.pipeline_tag)]),
        licence=licence_of(info, tags),
        parameters=_parameters(info),
        context_tokens=_number(_dict(info.gguf).get("context_length")) or None,
        downloads=_number(info.downloads),
        likes=_number(info.likes),
        updated_at=_seconds(info.last_modified),
        is_gated=bool(info.gated),
        revision=sha if _COMMIT.fullmatch(sha := text_of(info.sha)) else "main",
    )


def files_of(info: Any) -> tuple[RepoFile, ...]:
    """The files of a repository."""
    found = []
    for sibling in _list(info.siblings)[:MOST_FILES]:
        lfs = sibling.lfs
        size = _number(getattr(lfs, "size", None)) or _number(sibling.size) or 0
        name = text_of(sibling.rfilename)
        if name and "\\" not in name:
            sha256 = text_of(getattr(lfs, "sha256", None))
            found.append(RepoFile(name=name, size_bytes=size, sha256=sha256, blob=text_of(sibling.blob_id)))
    return tuple(found)


def licence_of(info: Any, tags: Iterable[str]) -> str:
    """The licence, as the hub writes it; of another one than usual the name that its author gave it."""
    card = _dict(info.card_data.to_dict() if hasattr(info.card_data, "to_dict") else None)
    named = next((tag.removeprefix(_LICENCE) for tag in tags if tag.startswith(_LICENCE)), "")
    named = named or text_of(card.get("license"))
    return text_of(card.get("license_name")) or named if named in {"other", ""} else named


def architecture_of(info: Any) -> str:
    """What the header of its GGUF files calls it; empty if the hub does not say."""
    return text_of(_dict(info.gguf).get("architecture"))


def text_of(value: object) -> str:
    """A short text without anything that is not seen; empty if it is none."""
    if not isinstance(value, str):
        return ""
    return "".join(letter for letter in value[:_LONGEST_NAME] if letter.isprintable()).strip()


def _parameters(info: Any) -> int | None:
    counts = (_dict(info.gguf).get("total"), getattr(info.safetensors, "total", None))
    return next((number for count in counts if (number := _number(count))), None)


def _number(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not math.isfinite(value) or not 0 <= value <= _MOST:
        return None
    return int(value)


def _seconds(value: object) -> float | None:
    return value.timestamp() if isinstance(value, dt.datetime) else None


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
