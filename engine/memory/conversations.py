"""What models know of conversations while they are not in memory: a file per model, in the cache.

A file is a line that says what it is, a line of JSON that says what is in it, and arrays as they are in memory, each
conversation with a digest; nothing is ever unpickled. It may be deleted at any time: then prompts are read again.
"""

import hashlib
import json
import logging
import os
import shutil
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, Final

import numpy as np

from engine.backends.base import Backend, Conversation, TextModel

log = logging.getLogger(__name__)

LIMIT_BYTES: Final = 2_000_000_000
"""Most that all files together take, unless a quarter of what the disk has free is less."""
_DISK_SHARE: Final = 4
_MAGIC: Final = b"Hearth's conversations, format 1\n"
_SUFFIX: Final = ".kv"
_MOST_HEAD_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationKey:
    """What must be the same for a state to be understood: else a model does not find what it has left.

    Attributes:
        path: of the model's file.
        size_bytes: of the file.
        changed_ns: when it was written last.
        context_tokens: that the model was loaded with.
        library: what wrote the states, with its version.
        layout: how they are laid out; that depends on where the model runs.
    """

    path: str
    size_bytes: int
    changed_ns: int
    context_tokens: int
    library: str
    layout: str

    @property
    def file_name(self) -> str:
        """Name of the file that keeps them."""
        text = json.dumps(asdict(self), sort_keys=True)
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest() + _SUFFIX


def conversation_key(model: TextModel, backends: Mapping[str, Backend]) -> ConversationKey | None:
    """The key of a loaded model's conversations; None if its file is gone."""
    info = model.info
    try:
        stat = os.stat(info.path)
    except OSError:
        return None
    return ConversationKey(
        path=str(info.path),
        size_bytes=stat.st_size,
        changed_ns=stat.st_mtime_ns,
        context_tokens=model.context_tokens,
        library=f"{model.backend} {backends[info.format].version}",
        layout=f"f16 {model.whereabouts.interface}",
    )


class ConversationStore:
    """Conversations on disk, within a number of bytes; those of the models that left longest ago make room.

    Whatever goes wrong costs speed only, and is told in the log.

    Thread: any.
    """

    def __init__(self, folder: Path, limit_bytes: int = LIMIT_BYTES) -> None:
        """Use a folder, which need not be there yet.

        Args:
            folder: where the files are; nothing else may be in it.
            limit_bytes: most that they may take.
        """
        self._folder = folder
        self._limit_bytes = limit_bytes
        self._lock = threading.Lock()  # one thread writes or reads at a time
        self._aside: dict[ConversationKey, Sequence[Conversation]] = {}  # guarded by _aside_lock
        self._aside_lock = threading.Lock()

    def set_aside(self, key: ConversationKey | None, conversations: Sequence[Conversation]) -> None:
        """Take what a model knows, to be written by `write`; returns at once."""
        if key is not None:
            with self._aside_lock:
                self._aside[key] = conversations

    def write(self) -> None:
        """Write what was set aside; takes as long as the disk does."""
        with self._aside_lock:
            aside, self._aside = self._aside, {}
        for key, conversations in aside.items():
            self.save(key, conversations)

    def save(self, key: ConversationKey, conversations: Sequence[Conversation]) -> None:
        """Write what a model knows, instead of what was written before; the newest if there is no room for all."""
        path = self._folder / key.file_name
        new = path.with_suffix(".new")
        with self._lock:
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
                new.unlink(missing_ok=True)
                path.unlink(missing_ok=True)
                chosen = _newest(conversations, self._room())
                if chosen:
                    self._drop_oldest(self._room() - sum(map(_size, chosen)))
                    with new.open("xb") as file:
                        os.chmod(new, 0o600)
                        _write(file, key, chosen)
                    os.replace(new, path)
            except OSError as error:
                log.warning("Conversations of %s were not kept: %s.", Path(key.path).stem, error.strerror)
                with suppress(OSError):
                    new.unlink(missing_ok=True)

    def load(self, key: ConversationKey | None, most_bytes: int) -> list[Conversation]:
        """What was written of a model, the newest conversations up to a size, oldest first; empty if there is nothing.

        A damaged file is removed.
        """
        if key is None:
            return []
        path = self._folder / key.file_name
        with self._lock:
            try:
                with path.open("rb") as file:
                    return list(_read(file, key, most_bytes))
            except FileNotFoundError:
                return []
            except (OSError, ValueError, TypeError, KeyError) as error:
                log.warning("What was kept of conversations with %s is damaged: %s.", Path(key.path).stem, error)
                with suppress(OSError):
                    path.unlink()
                return []

    def clear(self) -> None:
        """Delete everything that is kept."""
        with self._lock:
            self._drop_oldest(0)

    def _room(self) -> int:
        """Bytes that all files together may take now."""
        ours = sum(size for _, size, _ in self._files())
        return min(self._limit_bytes, (shutil.disk_usage(self._folder).free + ours) // _DISK_SHARE)

    def _drop_oldest(self, most_bytes: int) -> None:
        files = sorted(self._files())
        left = sum(size for _, size, _ in files)
        for _, size, path in files:
            if left <= most_bytes:
                return
            with suppress(OSError):
                path.unlink()
            left -= size

    def _files(self) -> Iterable[tuple[int, int, Path]]:
        """When each file was written, its size, and the file."""
        for path in self._folder.glob("*"):
            with suppress(OSError):
                stat = path.stat()
                yield stat.st_mtime_ns, stat.st_size, path


def _newest(conversations: Sequence[Conversation], room_bytes: int) -> list[Conversation]:
    """Those used last that fit, oldest first."""
    chosen: list[Conversation] = []
    left = room_bytes
    for conversation in sorted(conversations, key=lambda it: it.last_used, reverse=True):
        left -= _size(conversation)
        if left < 0:
            break
        chosen.insert(0, conversation)
    return chosen


def _size(conversation: Conversation) -> int:
    return 4 * len(conversation.tokens) + int(conversation.state.nbytes)


def _write(file: IO[bytes], key: ConversationKey, conversations: Sequence[Conversation]) -> None:
    tokens = [np.array(it.tokens, np.int32) for it in conversations]
    entries = [
        {
            "tokens": len(it.tokens),
            "state_bytes": int(it.state.nbytes),
            "last_used": it.last_used,
            "digest": _digest(ids, it.state),
        }
        for it, ids in zip(conversations, tokens, strict=True)
    ]
    file.write(_MAGIC + json.dumps({"key": asdict(key), "conversations": entries}).encode() + b"\n")
    for it, ids in zip(conversations, tokens, strict=True):
        file.write(ids.data)
        file.write(np.ascontiguousarray(it.state).data)


def _read(file: IO[bytes], key: ConversationKey, most_bytes: int) -> Iterator[Conversation]:
    """Read the newest conversations, whose last ones are the newest.

    Raises:
        ValueError: the file is damaged.
    """
    if file.readline(len(_MAGIC)) != _MAGIC:
        raise ValueError("it is not of this format")
    line = file.readline(_MOST_HEAD_BYTES)
    head: dict[str, Any] = json.loads(line)
    entries = [(int(it["tokens"]), int(it["state_bytes"]), int(it["last_used"]), it) for it in head["conversations"]]
    sizes = [4 * tokens + state for tokens, state, _, _ in entries]
    start = file.tell()
    if any(tokens < 0 or state < 0 for tokens, state, _, _ in entries) or head["key"] != asdict(key):
        raise ValueError("its beginning makes no sense")
    if start + sum(sizes) != os.fstat(file.fileno()).st_size:
        raise ValueError("it has another size than it says")
    for number, (count, state_bytes, last_used, entry) in enumerate(entries):
        if sum(sizes[number:]) > most_bytes:
            continue
        file.seek(start + sum(sizes[:number]))
        tokens = np.fromfile(file, np.int32, count)
        state = np.fromfile(file, np.uint8, state_bytes)
        if _digest(tokens, state) != entry["digest"]:
            raise ValueError("its digest does not match")
        yield Conversation(tuple(tokens.tolist()), state, last_used)


def _digest(tokens: "np.ndarray[Any, np.dtype[np.int32]]", state: "np.ndarray[Any, np.dtype[np.uint8]]") -> str:
    digest = hashlib.blake2b(np.ascontiguousarray(tokens).data, digest_size=16)
    digest.update(np.ascontiguousarray(state).data)
    return digest.hexdigest()
