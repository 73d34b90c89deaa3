"""Files in `home/run`, one per engine that can be reached: where it listens, and the key; for their owner only."""

import logging
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec
import psutil

log = logging.getLogger(__name__)

_LARGEST_BYTES: Final = 1 << 14


class RunFile(msgspec.Struct, frozen=True, kw_only=True):
    """What one says.

    Attributes:
        process: id of the process that the engine runs in.
        title: what it is, such as `window` or `hearth run`.
        started_at: Unix time.
        address: where it listens.
        key: shared secret, as hexadecimal digits.
    """

    process: int
    title: str
    started_at: float
    address: str
    key: str


def write(home: Path, content: RunFile) -> Path:
    """Write one, readable by its owner only; it is there as a whole, or not at all.

    Raises:
        OSError: it cannot be written.
    """
    folder = home / "run"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{content.process}-{os.urandom(4).hex()}.json"  # a process may have several engines
    new = path.with_suffix(".new")
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(msgspec.json.encode(content))
        os.replace(new, path)
    except OSError:
        new.unlink(missing_ok=True)
        raise
    return path


def read_all(home: Path) -> list[tuple[Path, RunFile]]:
    """All that can be read, newest first; those of engines that were killed are removed."""
    found = []
    for path in (home / "run").glob("*.json"):
        try:
            with path.open("rb") as file:
                content = msgspec.json.decode(file.read(_LARGEST_BYTES), type=RunFile)
        except FileNotFoundError:
            continue  # it has ended just now
        except (OSError, msgspec.DecodeError) as error:
            log.warning("%s cannot be read: %s", path, error)
            continue
        if psutil.pid_exists(content.process):
            found.append((path, content))
        else:
            remove(path, content)
    return sorted(found, key=lambda item: item[1].started_at, reverse=True)


def remove(path: Path, content: RunFile) -> None:
    """Remove a file that leads nowhere, with what is left of the place where that engine listened."""
    with suppress(OSError):
        path.unlink()
    socket = Path(content.address)
    with suppress(OSError):
        if stat.S_ISSOCK(socket.lstat().st_mode):
            socket.unlink()
            socket.parent.rmdir()
