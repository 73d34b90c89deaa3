"""Download: one run of a download job, from the first look at the disk to the moment when the model appears."""

import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Final

from engine.cards import Arrival
from engine.errors import HubError
from engine.hub.transfer.disk import Room, disk_error
from engine.hub.transfer.fetch import Fetch, Way
from engine.hub.transfer.line import Line
from engine.hub.transfer.part import PartFile, digest_in, own_files, sync_folder
from engine.hub.transfer.place import alone
from engine.hub.transfer.remote import RemoteFile, Wanted
from engine.jobs import JobControl
from engine.models.digests import sha256_of
from engine.models.split_files import named_count

_TELL_S: Final = 0.1


class Download:
    """Fetches the files of a model.

    Thread: the job's.
    """

    def __init__(self, folder: Path, wanted: Wanted, way: Way, room: Room, control: JobControl) -> None:
        self._folder, self._wanted, self._way, self._room, self._control = folder, wanted, way, room, control
        self._files = tuple(zip(wanted.remotes(), wanted.paths(folder), strict=True))
        self._parts: dict[Path, PartFile] = {}  # of files that are not in place yet
        self._here = 0  # bytes of files that are in place already
        self._total = sum(remote.size_bytes for remote, _ in self._files)
        self._told_s = 0.0
        self._detail = ""

    def run(self) -> tuple[Path, Arrival]:
        """Fetch all of them; returns the model's file and what is known of it.

        Raises:
            JobStopped: the job has to end; what was fetched is kept.
            HubError: it failed; so is it then.
        """
        try:
            with ExitStack() as stack:
                for path in sorted(path for _, path in self._files):
                    self._keep_inside(path)
                    stack.enter_context(alone(path, self._control))
                stack.callback(self._room.release, id(self))
                return self._run(stack)
        except OSError as error:
            raise disk_error(error, self._folder) from error

    def _run(self, stack: ExitStack) -> tuple[Path, Arrival]:
        digests = [self._digest_if_here(remote, path) for remote, path in self._files]
        for (remote, path), digest in zip(self._files, digests, strict=True):
            if not digest:
                self._parts[path] = stack.enter_context(
                    closing(PartFile(path, remote, self._way.settings.checkpoint_s))
                )
        self._check_room()
        line = stack.enter_context(closing(Line(self._way.settings, self._way.network, self._control)))
        for number, (remote, path) in enumerate(self._files):
            if not digests[number]:
                self._say(self._which(number))
                part, say = self._parts[path], self._say_at(number)
                fetch = Fetch(remote, part, line, self._way, self._control, say, self._check_room)
                digests[number] = fetch.run()
        self._control.check()
        self._place()
        self._say("Checks the new model.")
        remote, path = self._files[0]
        is_split = named_count(path) > 1  # its digest is of all parts together
        sha256 = "" if is_split else digests[0]
        return path, Arrival(repo=self._wanted.repo, revision=self._wanted.revision, url=remote.url, sha256=sha256)

    def _keep_inside(self, path: Path) -> None:
        """Refuse a folder that leads out of the model folder by a link."""
        if not path.parent.resolve().is_relative_to(self._folder.resolve()):
            cause = f"{path.parent} leads out of the model folder."
            raise HubError(cause, "Remove the link that is in the way.")

    def _digest_if_here(self, remote: RemoteFile, path: Path) -> str:
        """SHA-256 of a file that is in place already and right, as after a crash; else an empty text."""
        part, note, _ = own_files(path)
        if not path.is_file() or part.exists() or (not remote.sha256 and not note.exists()):
            return ""
        size = path.stat().st_size
        if remote.size_bytes not in {0, size}:
            return ""
        self._say(f"Checks what is here of {remote.name}.")
        digest = sha256_of([path], lambda _done, _total: self._control.check())
        expected = remote.sha256 or digest_in(note)
        if digest != expected:
            return ""
        self._here += size
        return expected

    def _check_room(self) -> None:
        self._room.claim(id(self), self._folder, self._missing(), self._files[0][0].name)

    def _missing(self) -> int:
        return sum(max(0, part.size - part.have) for part in self._parts.values())

    def _which(self, number: int) -> str:
        count = len(self._files)
        return f"File {number + 1} of {count}: {self._files[number][0].name}" if count > 1 else ""

    def _say_at(self, number: int) -> Callable[[str], None]:
        usual = self._which(number)

        def say(text: str) -> None:
            self._say(text or usual)

        return say

    def _say(self, detail: str) -> None:
        """Tell how far it is; not more often than people can read."""
        now_s = time.monotonic()
        if detail == self._detail and now_s - self._told_s < _TELL_S:
            return
        self._told_s, self._detail = now_s, detail
        missing = self._missing()
        self._room.left(id(self), missing)
        done = self._here + sum(part.have for part in self._parts.values())
        self._control.tell(done, max(self._total, done + missing), detail)

    def _place(self) -> None:
        """Let the files appear, the model's own last: nobody sees it without what belongs to it."""
        for _, path in reversed(self._files):
            if path in self._parts:
                self._parts[path].place()
        for _, path in self._files:
            for own in own_files(path):
                own.unlink(missing_ok=True)
        sync_folder(self._folder)


def discard(folder: Path, wanted: Wanted) -> None:
    """Remove what a download has left; what another one fetches now stays.

    Raises:
        OSError: it cannot be removed.
    """
    for path in wanted.paths(folder):
        if not path.parent.is_dir():
            continue
        try:
            with alone(path):
                for own in own_files(path):
                    own.unlink(missing_ok=True)
        except HubError:
            continue
    _remove_empty(folder, wanted)


def _remove_empty(folder: Path, wanted: Wanted) -> None:
    for path in wanted.paths(folder):
        for parent in path.parents:
            if parent == folder or not parent.is_relative_to(folder):
                break
            try:
                parent.rmdir()
            except OSError:  # there is something in it
                break
