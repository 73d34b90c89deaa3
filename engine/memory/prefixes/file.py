"""A kept state as a file: a line that says what it is, a line of JSON that says what is in it, and arrays.

Nothing is ever unpickled. A file appears whole or not at all, and may be deleted at any time.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.backends.base import Conversation
from engine.memory.prefixes.key import PrefixKey

MAGIC: Final = b"Hearth's prefix, format 1\n"
SUFFIX: Final = ".kv"
UNFINISHED: Final = ".new"
_MOST_HEAD_BYTES: Final = 1 << 16
_STATE_LIMIT: Final = 1 << 40

Tokens = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Head:
    """What a file says of itself.

    Attributes:
        tokens: whose KV it holds.
        state_bytes: size of their state.
        digest: of tokens and state.
        at: where the state begins.
    """

    tokens: Tokens
    state_bytes: int
    digest: str
    at: int


def file_name(key: PrefixKey, tokens: Tokens) -> str:
    """Name of the file of a state: equal tokens of equal models have one file."""
    return f"{key.digest}-{hashlib.blake2b(tokens.tobytes(), digest_size=12).hexdigest()}{SUFFIX}"


def write(path: Path, key: PrefixKey, tokens: Tokens, state: NDArray[np.uint8]) -> None:
    """Write a state.

    Raises:
        OSError: the disk is full, or the folder cannot be written; nothing is left behind.
    """
    new = path.with_name(f"{path.name}.{os.getpid()}{UNFINISHED}")
    state = np.ascontiguousarray(state)
    head = {
        "key": asdict(key),
        "tokens": len(tokens),
        "state_bytes": int(state.nbytes),
        "digest": _digest(tokens, state),
    }
    try:
        new.unlink(missing_ok=True)
        handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(MAGIC + json.dumps(head).encode() + b"\n")
            file.write(tokens.data)
            file.write(state.data)
        os.replace(new, path)
    except OSError:
        with suppress(OSError):
            new.unlink(missing_ok=True)
        raise


def read_head(path: Path, key: PrefixKey) -> Head:
    """Read all of a file but the state.

    Raises:
        FileNotFoundError: it is gone.
        ValueError: it is damaged, or another model's.
        OSError: it cannot be read.
    """
    with path.open("rb") as file, _nonsense_is_an_error():
        head = _head(file, key)
    if file_name(key, head.tokens) != path.name:
        raise ValueError("its tokens are not those that it is named for")
    return head


def read(path: Path, key: PrefixKey) -> Conversation:
    """Read a state and check it.

    Raises:
        FileNotFoundError: it is gone.
        ValueError: it is damaged, or another model's.
        OSError: it cannot be read.
    """
    with path.open("rb", buffering=0) as file:
        with _nonsense_is_an_error(), open(file.fileno(), "rb", closefd=False) as buffered:
            head = _head(buffered, key)
        file.seek(head.at)
        state = np.empty(head.state_bytes, np.uint8)
        _fill(file, state.data)
    if _digest(head.tokens, state) != head.digest:
        raise ValueError("its digest does not match")
    return Conversation(tuple(head.tokens.tolist()), state, 0)


def _head(file: IO[bytes], key: PrefixKey) -> Head:
    if file.readline(len(MAGIC)) != MAGIC:
        raise ValueError("it is not of this format")
    said: dict[str, Any] = json.loads(file.readline(_MOST_HEAD_BYTES))
    if said["key"] != asdict(key):
        raise ValueError("its beginning makes no sense")
    count, state_bytes = int(said["tokens"]), int(said["state_bytes"])
    if not 0 < count < 1 << 31 or not 0 <= state_bytes < _STATE_LIMIT:
        raise ValueError("its beginning makes no sense")
    at = file.tell() + 4 * count
    if at + state_bytes != os.fstat(file.fileno()).st_size:
        raise ValueError("it has another size than it says")
    return Head(np.frombuffer(file.read(4 * count), np.int32, count), state_bytes, str(said["digest"]), at)


@contextmanager
def _nonsense_is_an_error() -> Iterator[None]:
    try:
        yield
    except (TypeError, KeyError, RecursionError) as error:
        raise ValueError("its beginning makes no sense") from error


def _fill(file: IO[bytes], target: memoryview) -> None:
    """Read a state straight into its memory: a buffer would copy it once more."""
    done = 0
    while done < len(target):
        count = file.readinto(target[done:])  # type: ignore[attr-defined]
        if not count:
            raise ValueError("it ends too early")
        done += count


def _digest(tokens: Tokens, state: NDArray[np.uint8]) -> str:
    digest = hashlib.blake2b(np.ascontiguousarray(tokens).data, digest_size=16)
    digest.update(state.data)
    return digest.hexdigest()
