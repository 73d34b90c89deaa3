"""What was compiled once is kept here for every later environment of this user: `hearth/<kind>/<key>/` in their cache.

That is `$XDG_CACHE_HOME`, `~/.cache` or, on Windows, `%LOCALAPPDATA%`. A folder is there whole or not at all.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path


def cache_folder(kind: str, env: Mapping[str, str] = os.environ) -> Path:
    """Where things of one kind are kept, for every checkout of this user."""
    if env.get("XDG_CACHE_HOME"):
        base = Path(env["XDG_CACHE_HOME"])
    elif sys.platform == "win32" and env.get("LOCALAPPDATA"):
        base = Path(env["LOCALAPPDATA"])
    else:
        base = Path.home() / ".cache"
    return base / "hearth" / kind


@contextmanager
def filling(folder: Path, key: str) -> Iterator[Path]:
    """An empty folder to fill, which becomes `folder/key` if the block succeeds and vanishes if it does not.

    The caller holds a lock, so that nobody else fills the same: whatever is half filled was left by a killed process.
    """
    for leftover in folder.glob(f"{key}.partial-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    partial = Path(tempfile.mkdtemp(prefix=f"{key}.partial-", dir=folder))
    try:
        yield partial
        shutil.rmtree(folder / key, ignore_errors=True)
        partial.rename(folder / key)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
