"""What loads have shown about architectures: what they took of KV cache and buffers, over what was expected.

Sizes that llama.cpp announces are compared, and bytes by which the process grew for a graph. Growth is no measure for
llama.cpp: other models load and answer in the same process at the same time, and a file's pages count or not as the
system likes.
"""

import logging
import threading
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


class _File(msgspec.Struct, frozen=True):
    """What the file holds: the newest ratios by architecture, the last one last."""

    format: int = _FORMAT
    ratios: dict[str, tuple[_Ratio, ...]] = {}


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
        self._known: dict[str, tuple[float, ...]] | None = None  # guarded by _lock

    def ratio(self, architecture: str) -> float:
        """What loads took over what was expected; 1 while nothing is known."""
        with self._lock:
            seen = self._ratios().get(architecture, ())
        if not seen:
            return 1.0
        most = max(seen)
        believed = most if most >= 1.0 else 1.0 - _BELIEVED * (1.0 - most)
        low, high = _BOUNDS
        return min(high, max(low, believed))

    def note(self, architecture: str, ratio: float) -> None:
        """Learn from a load."""
        ratio = max(0.0, ratio)
        with self._lock:
            before = self._ratios().get(architecture, ())
            if before and abs(before[-1] - ratio) <= _NOTICED:
                return
            self._put(self._ratios(), architecture, ratio)
            self._save(architecture, ratio)

    def _ratios(self) -> dict[str, tuple[float, ...]]:
        if self._known is None:
            self._known = self._read()
        return self._known

    def _put(self, known: dict[str, tuple[float, ...]], architecture: str, ratio: float) -> None:
        known[architecture] = (*known.pop(architecture, ()), ratio)[-_NEWEST:]
        while len(known) > _MOST_ARCHITECTURES:  # the first one is that which nobody has loaded for longest
            del known[next(iter(known))]

    def _save(self, architecture: str, ratio: float) -> None:
        if self._path is None:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with exclusive(self._path):
                known = self._read()  # another Hearth may have learned something meanwhile
                self._put(known, architecture, ratio)
                replace_file(self._path, msgspec.json.encode(_File(ratios=known)))
        except OSError as error:
            log.warning("What models take cannot be kept in %s: %s", self._path, error)

    def _read(self) -> dict[str, tuple[float, ...]]:
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
