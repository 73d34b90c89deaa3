"""A screen that nobody sees: Xvfb, whose picture lies in a file and can be read at any moment.

Looking at the picture costs the program nothing, and no tool for screenshots is needed.
"""

import mmap
import os
import shutil
import struct
import subprocess
import tempfile
import time
import zlib
from pathlib import Path
from types import TracebackType
from typing import Final, Self

_SIZE: Final = "1440x900x24"
_START_S: Final = 20.0
_ROW_STEP: Final = 12
_BYTE_STEP: Final = 49  # of about every twelfth point a byte, each time of another colour


class NoScreenError(Exception):
    """There is no Xvfb here, or it does not start."""


class Screen:
    """A screen.

    Attributes:
        display: its name, such as `:99`.
    """

    def __init__(self) -> None:
        self.display = ""
        self._folder = Path(tempfile.mkdtemp(prefix="hearth-screen-"))
        self._server: subprocess.Popen[bytes] | None = None
        self._picture: mmap.mmap | None = None

    def __enter__(self) -> Self:
        """Start the server.

        Raises:
            NoScreenError: it is missing, or does not start.
        """
        if shutil.which("Xvfb") is None:
            raise NoScreenError("There is no Xvfb here; install it (Debian and Ubuntu: apt-get install xvfb).")
        reading, writing = os.pipe()
        command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", _SIZE, "-nolisten", "tcp"]
        command += ["-fbdir", str(self._folder)]
        quiet = subprocess.DEVNULL
        self._server = subprocess.Popen(command, pass_fds=[writing], stdout=quiet, stderr=quiet, start_new_session=True)
        os.close(writing)
        with os.fdopen(reading) as answer:
            self.display = f":{answer.readline().strip()}"
        if self.display == ":":
            self._server.wait(_START_S)
            raise NoScreenError(f"Xvfb ended with code {self._server.returncode}.")
        with (self._folder / "Xvfb_screen0").open("rb") as file:
            self._picture = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._picture is not None:
            self._picture.close()
        if self._server is not None and self._server.poll() is None:
            self._server.terminate()
            self._server.wait(_START_S)
        shutil.rmtree(self._folder, ignore_errors=True)

    def sample(self) -> bytes:
        """A coarse look: bytes of points in a grid; cheap enough to be taken a hundred times a second."""
        picture, layout = self._seen()
        rows = range(layout.start, layout.start + layout.height * layout.line_bytes, _ROW_STEP * layout.line_bytes)
        return b"".join(picture[row : row + layout.line_bytes][::_BYTE_STEP] for row in rows)

    def save(self, path: Path) -> None:
        """Write what is shown as a PNG file."""
        picture, layout = self._seen()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png_of(picture[:], layout))

    def _seen(self) -> "tuple[mmap.mmap, Layout]":
        assert self._picture is not None, "the screen has been entered"
        return self._picture, Layout.of(self._picture[:100])


class Layout:
    """Where the points of an X window dump are.

    Attributes:
        start: of the first line, in bytes.
        width: in points.
        height: in lines.
        line_bytes: of one line.
    """

    def __init__(self, start: int, width: int, height: int, line_bytes: int) -> None:
        self.start, self.width, self.height, self.line_bytes = start, width, height, line_bytes

    @classmethod
    def of(cls, header: bytes) -> "Layout":
        """Read the header of a dump with four bytes per point.

        Raises:
            NoScreenError: it is another kind.
        """
        fields = struct.unpack(">25I", header)
        if fields[1] != 7 or fields[11] != 32:
            raise NoScreenError("Xvfb's picture has a form that cannot be read.")
        return cls(fields[0] + 12 * fields[19], fields[4], fields[5], fields[12])


def png_of(dump: bytes, layout: Layout) -> bytes:
    """A PNG file of a dump whose points are blue, green, red and a byte that says nothing."""
    lines = bytearray()
    for number in range(layout.height):
        begin = layout.start + number * layout.line_bytes
        line = dump[begin : begin + 4 * layout.width]
        points = bytearray(3 * layout.width)
        points[0::3], points[1::3], points[2::3] = line[2::4], line[1::4], line[0::4]
        lines += b"\0" + points
    header = struct.pack(">IIBBBBB", layout.width, layout.height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(lines), 6)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def watch(screen: Screen, before: bytes, began_s: float, settle_s: float, limit_s: float) -> list[tuple[float, bytes]]:
    """Look at a screen until a window has been on it for a while.

    Args:
        screen: to look at.
        before: what it shows without the window.
        began_s: when the program was started, by the monotonic clock.
        settle_s: how long to go on once something has appeared.
        limit_s: how long to wait for that.

    Returns:
        Every look that differed from the one before, with the seconds since the start.
    """
    looks: list[tuple[float, bytes]] = []
    last = before
    while (now_s := time.monotonic() - began_s) < (looks[0][0] + settle_s if looks else limit_s):
        look = screen.sample()
        if look != last:
            looks.append((now_s, look))
            last = look
        time.sleep(0.01)
    return looks


def painted_s(before: bytes, looks: list[tuple[float, bytes]], share: float = 0.9) -> float | None:
    """When the window was first there as it stays: seconds since the start, None if it never came.

    Of the points that the window changes for good, `share` must have their last value. So neither an empty frame nor a
    ground without its contents counts.

    Args:
        before: the screen without the window.
        looks: from `watch`.
        share: of the points, in [0, 1].
    """
    if not looks:
        return None
    last = looks[-1][1]
    changed = [place for place, value in enumerate(last) if value != before[place]]
    if len(changed) < len(last) // 20:
        return None
    for seconds, look in looks:
        if sum(look[place] == last[place] for place in changed) >= share * len(changed):
            return seconds
    return None
