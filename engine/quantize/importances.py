"""ImportanceShelf: what was found out about which weights of a source matter, kept for the next recipe."""

import contextlib
import hashlib
import os
import zipfile
import zlib
from pathlib import Path
from typing import Any, Final, Protocol

from engine.errors import CapabilityError
from engine.jobs import JobControl
from resources import calibration_file

MOST_TEXT_BYTES: Final = 4 << 20
MOST_CHUNKS: Final = 64  # of 512 tokens; more hardly changes anything
_FORMAT: Final = "1"  # changes when importances are counted differently
_KEPT: Final = 8


class Child(Protocol):
    """The process that computes with the source.

    Attributes:
        source: the model.
        threads: that it may use.
    """

    source: Path
    threads: int

    def call(self, name: str, body: Any, control: JobControl) -> Any:
        """Let it do something."""


class ImportanceShelf:
    """Importances in files, by source and text.

    Thread: one.
    """

    def __init__(self, folder: Path, source_digest: str) -> None:
        """Make one.

        Args:
            folder: for the files.
            source_digest: of the content of the source.
        """
        self._folder, self._digest = folder / "importances", source_digest

    def importances(self, child: Child, calibration: Path | None, control: JobControl) -> Path | None:
        """The file with the importances for a text, measured now or before; None if the model reads no texts.

        Args:
            child: measures them.
            calibration: the text; None takes the one that comes with Hearth.
            control: of the job.

        Raises:
            CapabilityError: the text cannot be used.
        """
        text = read_text(calibration)
        key = hashlib.sha256("\n".join((_FORMAT, self._digest, text)).encode()).hexdigest()[:32]
        path = self._folder / f"{key}.npz"
        if _is_sound(path):
            with contextlib.suppress(OSError):
                os.utime(path)
            return path
        self._folder.mkdir(parents=True, exist_ok=True)
        body = {
            "source": str(child.source),
            "text": text,
            "threads": child.threads,
            "most_chunks": MOST_CHUNKS,
            "result": str(path),
        }
        count = child.call("importance", body, control)
        self._forget_old()
        return path if count else None

    def _forget_old(self) -> None:
        with contextlib.suppress(OSError):
            kept = sorted(self._folder.glob("*.npz"), key=lambda path: path.stat().st_mtime)
            for path in kept[:-_KEPT]:
                path.unlink()


def read_text(calibration: Path | None) -> str:
    """The calibration text.

    Raises:
        CapabilityError: the file is no text, or cannot be read.
    """
    path = calibration_file() if calibration is None else calibration
    try:
        with path.open("rb") as stream:
            data = stream.read(MOST_TEXT_BYTES)
        text = data.decode("utf-8", "strict" if len(data) < MOST_TEXT_BYTES else "ignore")
    except UnicodeDecodeError as error:
        raise CapabilityError(f"{path.name} is no text in UTF-8.", "Choose a text file for calibration.") from error
    except OSError as error:
        raise CapabilityError(f"{path} cannot be read: {error.strerror}.", "Choose another text.") from error
    if not text.strip():
        raise CapabilityError(f"{path.name} is empty.", "Choose a text of at least a few pages for calibration.")
    return text


def _is_sound(path: Path) -> bool:
    """Whether a file was kept whole; a damaged one is measured again."""
    import numpy as np

    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as kept:
            return all(np.isfinite(kept[name]).all() for name in kept.files) and bool(kept.files)
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error):
        return False
