"""PrefixStore: the states of all models on disk, within a number of bytes; the tier behind the models' own memory."""

import logging
import threading
import weakref
from collections import deque
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from engine.backends.base import Conversation
from engine.backends.prefix_tier import PrefixMatch
from engine.caching import CacheTierInfo
from engine.memory.prefixes import file
from engine.memory.prefixes.index import BLOCK_TOKENS, PrefixIndex, Tokens
from engine.memory.prefixes.key import PrefixKey
from engine.memory.prefixes.shelf import Shelf

log = logging.getLogger(__name__)

PENDING_BYTES: Final = 256 << 20
"""Most memory that states waiting to be written take, but for a single larger one; the newest wait, others are lost."""
_CLOSE_S: Final = 60.0
_PATIENCE_S: Final = 0.1  # longest wait of a front end for the disk


@dataclass(slots=True, eq=False, kw_only=True)
class _Kept:
    """One state.

    Attributes:
        name: of its file.
        tokens: whose KV it is.
        size_bytes: what must be read for it.
        waiting: the state itself until it is written.
        lent: the state that was read last, while somebody still has it.
    """

    name: str
    tokens: Tokens
    size_bytes: int
    waiting: Conversation | None = None
    lent: "weakref.ref[Conversation] | None" = None


class PrefixStore:
    """States on disk, found by the tokens they begin with.

    A thread, `hearth-prefixes`, writes what models give; until then it is found in memory. Whatever goes wrong costs
    speed only, and is told in the log. Several processes may share the folder.

    Thread: any.
    """

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        """Use a folder, which need not be there yet.

        Args:
            folder: where the files are; nothing else may be in it.
            limit_bytes: most that they may take, though never more than a quarter of what the disk has free.
        """
        self._shelf = Shelf(folder, limit_bytes)  # guarded by _disk
        self._disk = threading.Lock()  # held while files come and go; may take as long as the disk does
        self._lock = threading.Lock()  # held for microseconds; taken after _disk, never before it
        self._changed = threading.Condition(self._lock)
        self._models: dict[PrefixKey, ModelPrefixes] = {}  # guarded by _lock
        self._pending: deque[tuple[ModelPrefixes, _Kept]] = deque()  # guarded by _lock
        self._hits = 0  # guarded by _lock
        self._saved_tokens = 0  # guarded by _lock
        self._thread: threading.Thread | None = None  # guarded by _lock
        self._is_writing = False  # guarded by _lock
        self._is_closed = False  # guarded by _lock

    @property
    def saved_tokens(self) -> int:
        """Prompt tokens that were not read again, thanks to memory or disk, since this was made."""
        return self._saved_tokens

    def of(self, key: PrefixKey, *, whole: bool) -> "ModelPrefixes":
        """The states of a model; those on disk are noted now.

        Args:
            key: of the model.
            whole: whether the model cannot cut states, so that one is of use only as a whole.
        """
        with self._lock:
            model = self._models.setdefault(key, ModelPrefixes(self, key, whole=whole))
        with self._disk:
            self._shelf.look()
            self._shelf.trim(self._shelf.limit_bytes)
            self._learn(model)
        return model

    def info(self) -> CacheTierInfo:
        """What is on disk, of all models; never waits for the disk."""
        self.refresh()
        shelf = self._shelf
        return CacheTierInfo(
            entries=len(shelf.files), size_bytes=shelf.size_bytes, limit_bytes=shelf.limit_bytes, hits=self._hits
        )

    def set_limit(self, limit_bytes: int) -> None:
        """Change how much the files may take; what is too much is deleted at once, or after the file being written."""
        self._shelf.limit_bytes = limit_bytes
        if self._disk.acquire(timeout=_PATIENCE_S):
            try:
                self._shelf.look()
                self._trim()
            finally:
                self._disk.release()

    def clear(self) -> None:
        """Delete everything that is kept, also what waits to be written; may wait for the file being written."""
        with self._disk:
            with self._lock:
                dropped = [*self._pending]
                self._pending.clear()
            for model, kept in dropped:
                model.forget(kept)
            self._shelf.look()
            self._shelf.trim(0)
            self._forget_the_gone()

    def flush(self, timeout_s: float = _CLOSE_S) -> bool:
        """Wait until everything is written; False if that takes too long."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._pending and not self._is_writing, timeout_s)

    def close(self) -> None:
        """Write what waits, and end the thread."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join(_CLOSE_S)

    # ------------------------------------------------------------------------------------- for `ModelPrefixes`

    def refresh(self) -> None:
        """Take note of what other processes did, unless the disk is busy."""
        if self._disk.acquire(blocking=False):
            try:
                if self._shelf.look():
                    for model in self._all():
                        self._learn(model)
                    self._forget_the_gone()
            finally:
                self._disk.release()

    def put(self, model: "ModelPrefixes", kept: _Kept) -> None:
        """Let a state be written; what waited longest is lost if too much does."""
        dropped: list[tuple[ModelPrefixes, _Kept]] = []
        with self._changed:
            if self._is_closed or not self._shelf.limit_bytes:
                dropped.append((model, kept))
            else:
                self._pending.append((model, kept))
                while sum(one.size_bytes for _, one in self._pending) > PENDING_BYTES and len(self._pending) > 1:
                    dropped.append(self._pending.popleft())
                if self._thread is None:
                    self._thread = threading.Thread(target=self._run, name="hearth-prefixes", daemon=True)
                    self._thread.start()
                self._changed.notify_all()
        for owner, one in dropped:
            owner.forget(one)

    def read(self, model: "ModelPrefixes", kept: _Kept) -> Conversation | None:
        """A state, read and checked; None if it is gone or damaged."""
        known = kept.waiting or (kept.lent() if kept.lent is not None else None)
        if known is not None:
            self._count_hit()
            return known
        try:
            conversation = file.read(self._shelf.path(kept.name), model.key)
        except FileNotFoundError:
            model.forget(kept)
            return None
        except (OSError, ValueError, MemoryError) as error:
            self._damaged(model, kept.name, error)
            model.forget(kept)
            return None
        kept.lent = weakref.ref(conversation)
        self._count_hit()
        self.touch(kept.name)
        return conversation

    def touch(self, name: str) -> None:
        """Note that a file was used: it leaves later."""
        self._shelf.touch(name)

    def note_saved(self, tokens: int) -> None:
        """Count prompt tokens that were not read again."""
        with self._lock:
            self._saved_tokens += tokens

    def _count_hit(self) -> None:
        with self._lock:
            self._hits += 1

    # ------------------------------------------------------------------------------------------------- the writer

    def _run(self) -> None:
        while (found := self._next()) is not None:
            model, kept = found
            try:
                with self._disk:
                    self._write(model, kept)
                    self._trim()
            except Exception:
                log.exception("a state was not kept")
                model.forget(kept)
            finally:
                with self._changed:
                    self._is_writing = False
                    self._changed.notify_all()

    def _next(self) -> tuple["ModelPrefixes", _Kept] | None:
        """Wait for the next state; None once all is written and the store closes."""
        with self._changed:
            self._changed.wait_for(lambda: bool(self._pending) or self._is_closed)
            if not self._pending:
                return None
            self._is_writing = True
            return self._pending.popleft()

    def _write(self, model: "ModelPrefixes", kept: _Kept) -> None:
        """Write a state, in place of those that it makes needless."""
        waiting = kept.waiting
        needless = model.made_needless_by(kept)
        if waiting is None or needless is None:
            model.forget(kept)
            return
        for other in needless:
            self._shelf.remove(other.name)
            model.forget(other)
        try:
            if not self._shelf.prepare(kept.size_bytes):
                model.forget(kept)
                return
            self._forget_the_gone()
            file.write(self._shelf.path(kept.name), model.key, kept.tokens, waiting.state)
        except OSError as error:
            log.warning("What was read with %s was not kept: %s.", Path(model.key.path).stem, error.strerror)
            model.forget(kept)
            return
        self._shelf.add(kept.name)
        kept.waiting = None

    def _trim(self) -> None:
        self._shelf.trim(self._shelf.limit_bytes)
        self._forget_the_gone()

    def _learn(self, model: "ModelPrefixes") -> None:
        """Note states of a model that lie on the shelf; damaged files are deleted."""
        for name in model.unknown(self._shelf.files):
            try:
                head = file.read_head(self._shelf.path(name), model.key)
            except FileNotFoundError:
                continue
            except (OSError, ValueError) as error:
                self._damaged(model, name, error)
                continue
            model.note(_Kept(name=name, tokens=head.tokens, size_bytes=head.at + head.state_bytes))

    def _damaged(self, model: "ModelPrefixes", name: str, error: Exception) -> None:
        log.warning("What was kept of a prompt for %s is damaged: %s.", Path(model.key.path).stem, error)
        with suppress(OSError):
            self._shelf.path(name).unlink()

    def _forget_the_gone(self) -> None:
        for model in self._all():
            model.forget_all_but(self._shelf.files)

    def _all(self) -> Sequence["ModelPrefixes"]:
        with self._lock:
            return list(self._models.values())


class ModelPrefixes:
    """The states of one model: what `PrefixTier` asks for.

    Thread: any.
    """

    def __init__(self, store: PrefixStore, key: PrefixKey, *, whole: bool) -> None:
        self.key = key
        self._store = store
        self._index: PrefixIndex[_Kept] = PrefixIndex(whole=whole)  # guarded by _lock
        self._kept: dict[str, _Kept] = {}  # guarded by _lock
        self._lock = threading.Lock()

    def find(self, tokens: Sequence[int]) -> PrefixMatch | None:
        """The state that shares most with a prompt."""
        self._store.refresh()
        with self._lock:
            kept, shared = self._index.longest(tokens)
        return None if kept is None else PrefixMatch(shared, kept.size_bytes, kept)

    def read(self, match: PrefixMatch) -> Conversation | None:
        """Read a state and check it."""
        assert isinstance(match.entry, _Kept)
        return self._store.read(self, match.entry)

    def store(self, conversation: Conversation) -> None:
        """Let a state be written soon; it is found at once."""
        if len(conversation.tokens) < BLOCK_TOKENS or not conversation.state.nbytes:
            return
        tokens = np.array(conversation.tokens, np.int32)
        size_bytes = tokens.nbytes + int(conversation.state.nbytes)
        kept = _Kept(name=file.file_name(self.key, tokens), tokens=tokens, size_bytes=size_bytes, waiting=conversation)
        if self.note(kept):
            self._store.put(self, kept)
        else:
            self._store.touch(kept.name)

    def note_saved(self, tokens: int) -> None:
        """Count prompt tokens that were not read again."""
        self._store.note_saved(tokens)

    # -------------------------------------------------------------------------------------------- for `PrefixStore`

    def unknown(self, names: Collection[str]) -> list[str]:
        """Those of these files that belong to this model and are not known."""
        mine = f"{self.key.digest}-"
        with self._lock:
            return [name for name in names if name.startswith(mine) and name not in self._kept]

    def note(self, kept: _Kept) -> bool:
        """Take a state into the index; False if one of the same tokens is there already."""
        with self._lock:
            if kept.name in self._kept:
                return False
            self._kept[kept.name] = kept
            self._index.add(kept)
            return True

    def forget(self, kept: _Kept) -> None:
        """Take a state out of the index."""
        with self._lock:
            self._index.remove(kept)
            if self._kept.get(kept.name) is kept:
                del self._kept[kept.name]
        kept.waiting = None

    def forget_all_but(self, names: Collection[str]) -> None:
        """Forget all that is neither among these files nor waits to be one."""
        with self._lock:
            gone = [kept for name, kept in self._kept.items() if name not in names and kept.waiting is None]
        for kept in gone:
            self.forget(kept)

    def made_needless_by(self, kept: _Kept) -> list[_Kept] | None:
        """States that a new one replaces; None if the new one is needless itself."""
        with self._lock:
            if self._kept.get(kept.name) is not kept or self._index.covered(kept.tokens):
                return None
            return [one for one in self._index.covered_by(kept.tokens) if one is not kept and one.waiting is None]
