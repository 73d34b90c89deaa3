"""Ollama's store: small JSON files that name a model, and blobs that are called by their digest."""

import json
import logging
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from engine.cards import Origin
from engine.models.sources import Found
from engine.models.walk import MAX_FILES, Seen

log = logging.getLogger(__name__)

MAX_MANIFEST_BYTES: Final = 1 << 20

_DIGEST: Final = re.compile(r"sha256[:-]([0-9a-f]{64})")
_LEVELS: Final = 4  # host, owner, name, tag
_USUAL: Final = ("registry.ollama.ai", "library")
_MEDIA: Final = "application/vnd.ollama.image."


@dataclass(frozen=True, slots=True)
class _Manifest:
    """What a manifest names, each as the hex digits of a blob's digest; empty if it names none."""

    model: str
    licence: str
    template: str


@dataclass(frozen=True, slots=True)
class OllamaStore:
    """The models that Ollama has fetched.

    A manifest is never taken for more than it may say: names of blobs that are digests. No path in it is followed.

    Attributes:
        folder: with `manifests` and `blobs`.
    """

    folder: Path
    _read: dict[tuple[str, int, int], _Manifest | None] = field(default_factory=dict, repr=False, compare=False)

    @property
    def origin(self) -> Origin:
        """Whose it is."""
        return Origin.OLLAMA

    def files(self, seen: Seen) -> Iterator[Found]:
        """Find the blobs that are models."""
        blobs = self.folder / "blobs"
        for folder in (self.folder, blobs):  # a manifest may come before its blob
            with suppress(OSError):
                seen[str(folder)] = os.stat(folder).st_mtime_ns
        for parts, path in _manifests(str(self.folder / "manifests"), seen, ()):
            manifest = self._manifest(path)
            blob = None if manifest is None else _blob(blobs, manifest.model)
            if manifest is not None and blob is not None:
                yield Found(
                    path=blob,
                    real=os.path.realpath(blob),
                    origin=self.origin,
                    folder=self.folder,
                    id=_name(parts).lower(),
                    licence_file=_blob(blobs, manifest.licence),
                    template_file=_blob(blobs, manifest.template),
                )

    def _manifest(self, path: str) -> _Manifest | None:
        try:
            status = os.stat(path)
            key = (path, status.st_mtime_ns, status.st_size)
            if key not in self._read:
                self._read[key] = _parse(path, status.st_size)
            return self._read[key]
        except OSError:
            return None  # removed since it was listed


def _manifests(folder: str, seen: Seen, parts: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    try:
        seen[folder] = os.stat(folder).st_mtime_ns
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)[:MAX_FILES]
    except OSError:
        return
    for entry in entries:
        here = (*parts, entry.name)
        if entry.name.startswith("."):
            continue
        if len(here) < _LEVELS and entry.is_dir():
            yield from _manifests(entry.path, seen, here)
        elif len(here) == _LEVELS and entry.is_file():
            yield here, entry.path


def _parse(path: str, size: int) -> _Manifest | None:
    """Read a manifest; None if it is none, or names no model."""
    try:
        if size > MAX_MANIFEST_BYTES:
            raise ValueError(f"it has {size:,} bytes")
        with open(path, "rb") as file:
            manifest = json.loads(file.read(MAX_MANIFEST_BYTES))
        found = _digests(manifest)
    except (OSError, ValueError, RecursionError, TypeError, AttributeError) as error:
        log.warning("the manifest %s is left out: %s", path, error)
        return None
    return _Manifest(found["model"], found.get("license", ""), found.get("template", "")) if "model" in found else None


def _digests(manifest: Mapping[str, Any]) -> dict[str, str]:
    """Digest of the first layer of each kind.

    Raises:
        ValueError: a layer that counts has no digest but something else.
    """
    found: dict[str, str] = {}
    for layer in manifest.get("layers", ()):
        kind, digest = str(layer.get("mediaType", "")).removeprefix(_MEDIA), layer.get("digest", "")
        if kind not in {"model", "license", "template"} or kind in found:
            continue
        match = _DIGEST.fullmatch(digest) if isinstance(digest, str) else None
        if match is None:
            raise ValueError(f"{digest!r:.100} is no digest")
        found[kind] = match[1]
    return found


def _blob(blobs: Path, digest: str) -> Path | None:
    path = blobs / f"sha256-{digest}"
    return path if digest and path.is_file() else None


def _name(parts: tuple[str, ...]) -> str:
    """`name:tag`, with owner and host in front where they are not the usual ones."""
    host, owner, name, tag = parts
    if (host, owner) == _USUAL:
        return f"{name}:{tag}"
    return f"{owner}/{name}:{tag}" if host == _USUAL[0] else f"{host}/{owner}/{name}:{tag}"
