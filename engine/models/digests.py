"""SHA-256 of whole files, however large."""

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

BLOCK_BYTES: Final = 4 << 20


def sha256_of(files: Iterable[Path], on_block: Callable[[int, int], None] = lambda _done, _total: None) -> str:
    """SHA-256 of some files, one after another, in hexadecimal digits.

    Args:
        files: that are read to their end.
        on_block: called after each block with the bytes that were read and those of all files; may raise to end it.

    Raises:
        OSError: one cannot be read.
    """
    files = tuple(files)
    digest, done, total = hashlib.sha256(), 0, sum(file.stat().st_size for file in files)
    for file in files:
        with file.open("rb") as stream:
            while block := stream.read(BLOCK_BYTES):
                digest.update(block)
                done += len(block)
                on_block(done, total)
    return digest.hexdigest()
