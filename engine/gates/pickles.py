"""Tells files that run code when they are read: Python's pickles, and what PyTorch makes of them."""

import zipfile
from pathlib import Path
from typing import Final

from engine.errors import ModelFileError

_HEAD_BYTES: Final = 4096
_MOST_ENTRIES: Final = 100_000
_PICKLE: Final = tuple(bytes([0x80, protocol]) for protocol in range(2, 6))
_ZIP: Final = b"PK\x03\x04"


def refuse_pickles(path: Path) -> None:
    """Refuse files that hold pickles, by what is in them, whatever they are called.

    Raises:
        ModelFileError: it is one.
    """
    if is_pickle(path):
        raise ModelFileError(
            f"The file {path.name} is a PyTorch or pickle file, and such a file can run any code when it is read.",
            "Get the model as GGUF, ONNX or safetensors.",
            "pickle",
        )


def is_pickle(path: Path) -> bool:
    """Whether a file holds a pickle; false for what cannot be read."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
            if head.startswith(_PICKLE):
                return True
            if not head.startswith(_ZIP):
                return False
            with zipfile.ZipFile(file) as archive:
                names = archive.namelist()[:_MOST_ENTRIES]
    except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile):
        return False
    return any(name.endswith(".pkl") for name in names)
