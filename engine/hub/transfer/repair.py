"""Finds the blocks of a part that are wrong, and fetches those again.

What the disk has damaged is known by its CRC and costs one block each. What came wrong over the network is not: hubs
name one digest for the whole file. So those blocks are fetched first in which a connection ended, then all in their
order, until the whole fits; a single wrong block costs half the file on average, and never more than the file once.
"""

import hashlib
from typing import TYPE_CHECKING, Final

from engine.errors import HubError
from engine.hub.transfer.disk import gigabytes

if TYPE_CHECKING:
    from engine.hub.transfer.fetch import Fetch

_MOST_ROUNDS: Final = 3
_MOST_TESTS: Final = 16  # each reads the rest of the file; where more is wrong, only the end tells


def mend(fetch: "Fetch") -> None:
    """Read what is there again, and fetch anew what the disk has not kept.

    Raises:
        HubError: the disk does not keep what is written, or the block cannot be had.
        JobStopped: the job has to end.
    """
    part = fetch.part

    def look(read: int) -> None:
        fetch.control.check()
        fetch.say(f"Checks what is here of {fetch.remote.name}: {gigabytes(read)} of {gigabytes(part.have)}.")

    for _ in range(_MOST_ROUNDS):
        if not (bad := part.verify(look)):
            return
        if not fetch.expected:  # small, and nobody could tell whether the block is still the same file's
            part.restart()
            return
        for block in bad:
            fetch.say(f"Fetches block {block + 1} of {fetch.remote.name} again: the disk has damaged it.")
            part.write_block(block, _block(fetch, block))
    cause = f"The disk gives back other bytes of {part.path} than were written."
    raise HubError(cause, "Check the disk, or choose another folder for models.")


def repair(fetch: "Fetch") -> None:
    """Make a complete part fit the digest that the hub names.

    Raises:
        HubError: what the hub sends does not fit what it names, or cannot be had.
        JobStopped: the job has to end.
    """
    part = fetch.part
    if fetch.expected:
        mend(fetch)
        if fetch.is_right() or _mend_seams(fetch) or _scan(fetch):
            return
    else:
        part.restart()
        fetch.bring()
        if fetch.is_right():
            return
    part.restart()
    cause = f"What was sent as {fetch.remote.name} does not have the digest that the hub names, also not when repeated."
    raise HubError(cause, "Try another network or mirror; if it stays, the file on the hub is broken.")


def _block(fetch: "Fetch", block: int) -> bytes:
    fresh = bytearray()

    def take(data: bytes) -> bool:
        fresh.extend(data)
        return True

    fetch.bring_span(*fetch.part.span(block), take)
    return bytes(fresh)


def _mend_seams(fetch: "Fetch") -> bool:
    has_changed = False
    for block in fetch.part.seams:
        fetch.say(f"Fetches block {block + 1} of {fetch.remote.name} again.")
        fresh = _block(fetch, block)
        if fresh != fetch.part.read_block(block):
            fetch.part.write_block(block, fresh)
            has_changed = True
    if not has_changed:
        return False
    mend(fetch)
    return fetch.is_right()


def _scan(fetch: "Fetch") -> bool:
    scan = _Scan(fetch)
    fetch.bring_span(0, fetch.part.have, scan.take)
    mend(fetch)  # which reads the digest anew
    return fetch.is_right()


class _Scan:
    """Compares what comes with what is there, and replaces what differs, until the whole fits."""

    def __init__(self, fetch: "Fetch") -> None:
        self._fetch, self._part = fetch, fetch.part
        self._before = hashlib.sha256()  # of all blocks before this one
        self._block = 0
        self._came = bytearray()
        self._tests = 0

    def take(self, data: bytes) -> bool:
        """Compare; says whether more is wanted."""
        self._came += data
        while self._block < self._part.blocks:
            start, end = self._part.span(self._block)
            if len(self._came) < end - start:
                return True
            self._say()
            fresh = bytes(self._came[: end - start])
            del self._came[: end - start]
            if self._fits(fresh):
                return False
            self._before.update(fresh)
            self._block += 1
        return False

    def _say(self) -> None:
        where = f"block {self._block + 1} of {self._part.blocks}"
        self._fetch.say(f"Looks for what came wrong of {self._fetch.remote.name}: {where}.")

    def _fits(self, fresh: bytes) -> bool:
        """Replace a block that differs; returns whether the whole is right by that."""
        if fresh == self._part.read_block(self._block):
            return False
        self._part.write_block(self._block, fresh)
        self._tests += 1
        if self._tests > _MOST_TESTS:
            return False
        whole = self._before.copy()
        whole.update(fresh)
        for later in range(self._block + 1, self._part.blocks):
            self._fetch.control.check()
            whole.update(self._part.read_block(later))
        return whole.hexdigest() == self._fetch.expected
