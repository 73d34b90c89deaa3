"""What loads have shown about architectures: what they took of KV cache and buffers, over what was expected.

Sizes that llama.cpp announces are compared. By how much the process grew is no measure: other models load and answer in
it at the same time, and a file's pages count or not as the system likes. A graph says nothing about other graphs.
"""

import logging
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import msgspec

from engine.plugins.atomic_file import exclusive, replace_file

log = logging.getLogger(__name__)

_FORMAT: Final = 1
_LARGEST_BYTES: Final = 1 << 20
_MOST_ARCHITECTURES: Final = 500
_NEWEST: Final = 8
"""Loads of an architecture that count. The one that took most decides: contexts differ, and a budget must hold."""
_BELIEVED: Final = 0.75
"""Of what they took less: the next load may have another context."""
_BOUNDS: Final = (0.25, 3.0)
_NOTICED: Final = 0.01

_Ratio = Annotated[float, msgspec.Meta(ge=0.0, le=1e6)]
Ratios = tuple[_Ratio, _Ratio]
"""Of the KV cache, and of buffers."""


class _File(msgspec.Struct, frozen=True):
    """What the file holds: the newest ratios by architecture, the last one last."""

    format: int = _FORMAT
    ratios: dict[str, tuple[Ratios, ...]] = {}


class Corrections:
    """Ratios by architecture, in one small file that several Hearths share; a damaged one counts as empty.

    Thread: any; a file is read when it is first needed, and written when something new was learned.
    """

    def __init__(self, path: Path | None = None) -> None:
        """Know what an earlier run has learned.

        Args:
            path: of the file; neither it nor its folder need exist. None keeps nothing.
        """
        self._path = path
        self._lock = threading.Lock()
        self._known: dict[str, tuple[Ratios, ...]] | None = None  # guarded by _lock

    def ratios(self, architecture: str) -> Ratios:
        """What loads took over what was expected; 1 each while nothing is known."""
        with self._lock:
            seen = self._ratios().get(architecture, ())
        if not seen:
            return 1.0, 1.0
        return _believed([kv for kv, _ in seen]), _believed([compute for _, compute in seen])

    def note(self, architecture: str, ratios: Ratios) -> None:
        """Learn from a load."""
        with self._lock:
            before = self._ratios().get(architecture, ())
            if before and all(abs(a - b) <= _NOTICED for a, b in zip(before[-1], ratios, strict=True)):
                return
            self._put(self._ratios(), architecture, ratios)
            self._save(architecture, ratios)

    def _ratios(self) -> dict[str, tuple[Ratios, ...]]:
        if self._known is None:
            self._known = self._read()
        return self._known

    def _put(self, known: dict[str, tuple[Ratios, ...]], architecture: str, ratios: Ratios) -> None:
        known[architecture] = (*known.pop(architecture, ()), ratios)[-_NEWEST:]
        while len(known) > _MOST_ARCHITECTURES:  # the first one is that which nobody has loaded for longest
            del known[next(iter(known))]

    def _save(self, architecture: str, ratios: Ratios) -> None:
        if self._path is None:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with exclusive(self._path):
                known = self._read()  # another Hearth may have learned something meanwhile
                self._put(known, architecture, ratios)
                replace_file(self._path, msgspec.json.encode(_File(ratios=known)))
        except OSError as error:
            log.warning("What models take cannot be kept in %s: %s", self._path, error)

    def _read(self) -> dict[str, tuple[Ratios, ...]]:
        if self._path is None:
            return {}
        try:
            with self._path.open("rb") as file:
                found = msgspec.json.decode(file.read(_LARGEST_BYTES + 1), type=_File)
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors
            log.warning("%s cannot be read (%s); what models take is learned anew", self._path, error)
            return {}
        if found.format != _FORMAT:
            return {}
        return {name: seen[-_NEWEST:] for name, seen in found.ratios.items() if seen}


def _believed(seen: Sequence[float]) -> float:
    most = max(seen)
    ratio = most if most >= 1.0 else 1.0 - _BELIEVED * (1.0 - most)
    low, high = _BOUNDS
    return min(high, max(low, ratio))
