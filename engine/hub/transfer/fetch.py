"""Fetch: brings one file, whole and right, into its part."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from engine.errors import HubError, OfflineError
from engine.hub.transfer.answers import Answer, git_blob, is_strong
from engine.hub.transfer.faults import Fault, Nonsense, Patience
from engine.hub.transfer.line import Ask, Line
from engine.hub.transfer.network import Network
from engine.hub.transfer.part import PartFile
from engine.hub.transfer.remote import RemoteFile
from engine.hub.transfer.repair import mend, repair
from engine.hub.transfer.settings import TransferSettings
from engine.hub.transfer.throttle import Throttle
from engine.jobs import JobControl

_MOST_IGNORED: Final = 2
_MOST_CHANGES: Final = 3
_OFFLINE_LOOK_S: Final = 0.5

Sink = Callable[[bytes], bool]
"""Takes bytes in their order; says whether more are wanted."""


@dataclass(slots=True)
class Way:
    """What all downloads of a program share.

    Attributes:
        settings: how.
        throttle: how fast.
        network: whether.
    """

    settings: TransferSettings
    throttle: Throttle
    network: Network


@dataclass(slots=True)
class _Span:
    """Bytes of a file that are wanted: from `at` to before `end`, which is 0 while that is unknown."""

    at: int
    end: int
    is_done: bool = False


class Fetch:
    """Brings one file.

    Thread: the job's.

    Attributes:
        remote: it.
        part: that it is brought into.
        control: of its job.
        say: told what happens, in a sentence, or with an empty text that bytes came.
    """

    def __init__(
        self,
        remote: RemoteFile,
        part: PartFile,
        line: Line,
        way: Way,
        control: JobControl,
        say: Callable[[str], None],
        check_room: Callable[[], None],
    ) -> None:
        self.remote, self.part, self.control, self.say, self._check_room = remote, part, control, say, check_room
        self._line, self._way = line, way
        self._patience = Patience(way.settings, control.sleep, say)
        self._ignored = 0  # ranges that were asked for and not heard
        self._changes = 0

    @property
    def expected(self) -> str:
        """SHA-256 that the file has to have; empty if nobody knows."""
        return self.remote.sha256 or self.part.learned

    def run(self) -> str:
        """Bring it; returns its SHA-256.

        Raises:
            JobStopped: the job has to end.
            HubError: it cannot be had, or what is sent is not what the hub names.
            OSError: the disk failed.
        """
        if self.part.have:
            self.say(f"Checks what is here of {self.remote.name}.")
            mend(self)
        self.bring()
        if not self.is_right():
            repair(self)
        self.part.finish()
        return self.part.sha256

    def bring(self) -> None:
        """Bring what is missing."""
        if not self.part.is_complete:
            self._go(_Span(self.part.have, self.part.size), self._append)

    def bring_span(self, start: int, end: int, sink: Sink) -> None:
        """Bring bytes again that are there already."""
        self._go(_Span(start, end), sink)

    def is_right(self) -> bool:
        """Whether the whole file is what the hub names."""
        if self.expected:
            return self.part.sha256 == self.expected
        if not (blob := git_blob(self.remote.etag)):
            return True
        digest = hashlib.sha1(b"blob %d\0" % self.part.have, usedforsecurity=False)
        for block in range(self.part.blocks):
            digest.update(self.part.read_block(block))
        return digest.hexdigest() == blob

    def _append(self, data: bytes) -> bool:
        self.part.append(data)
        self.say("")
        return True

    def _go(self, span: _Span, sink: Sink) -> None:
        """Bring bytes through all faults that may go away."""
        while not span.is_done:
            etag = "" if self.expected or not is_strong(self.part.etag) else self.part.etag
            end = span.end if span.end < self.part.size else None
            try:
                with self._line.open(self.remote, Ask(span.at, end, etag)) as answer:
                    self._agree(answer, span)
                    self._drain(answer, span, sink)
            except OfflineError:
                self._wait_for_network()
            except Fault as fault:
                self.part.seam()
                self._patience.endure(fault)

    def _agree(self, answer: Answer, span: _Span) -> None:
        """See whether what comes continues what is here; begin anew if it does not."""
        part = self.part
        if part.have and self._is_other(answer):
            self._begin_anew(answer, span)
        elif part.size and answer.size and answer.size != part.size:
            cause = f"{answer.host} says that {self.remote.name} has {answer.size:,} bytes, not {part.size:,}."
            raise Nonsense(cause, "Try again later or through another network; or cancel it and begin it anew.")
        if answer.start < span.at:
            self._ignored += 1
            if self._ignored <= _MOST_IGNORED:  # most do not mean it; if they do, what is here already comes again
                raise Fault(f"{answer.host} begins {self.remote.name} anew.")
        if not part.have:
            part.learned = answer.sha256
            if not part.size:
                part.size = span.end = answer.size
                self._check_room()
            part.begin(part.size, answer.etag)

    def _is_other(self, answer: Answer) -> bool:
        if answer.sha256 and self.expected:
            return answer.sha256 != self.expected
        if self.expected:
            return False  # servers of one hub name the same content differently; the digest tells in the end
        return not is_strong(answer.etag) or answer.etag != self.part.etag

    def _begin_anew(self, answer: Answer, span: _Span) -> None:
        self._changes += 1
        if self._changes > _MOST_CHANGES:
            cause = f"{self.remote.name} changes on {answer.host} while it is fetched."
            raise HubError(cause, "Try again later.")
        self.part.restart()
        span.at, span.end = 0, self.part.size
        if answer.start:
            raise Fault(f"{self.remote.name} has changed on {answer.host}.")

    def _drain(self, answer: Answer, span: _Span, sink: Sink) -> None:
        known = span.at - answer.start  # bytes that come again
        for came in answer.chunks:
            self.control.check()
            self._way.throttle.take(len(came), self.control.sleep)
            chunk = came[known:] if known else came
            known = max(0, known - len(came))
            if span.end:
                chunk = chunk[: span.end - span.at]
            if not chunk:
                continue
            self._patience.note(len(chunk))
            span.at += len(chunk)
            if not sink(chunk) or span.at == span.end:
                span.is_done = True
                return
        if span.at < span.end:
            raise Fault(f"{answer.host} ended {span.end - span.at:,} bytes too early.")
        span.is_done = True
        if not self.part.size:
            self.part.begin(span.at, self.part.etag)

    def _wait_for_network(self) -> None:
        self.say("Waits: Hearth is switched to offline.")
        while self._way.network.is_offline:
            self.control.sleep(_OFFLINE_LOOK_S)
