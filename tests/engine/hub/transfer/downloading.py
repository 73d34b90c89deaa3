"""Downloads for tests: quick to give up a connection, and with everything noted that they say."""

import hashlib
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from engine.background import JobUnit
from engine.cards import Arrival
from engine.hub.transfer import DownloadWork, Network, RemoteFile, Throttle, TransferSettings, download_spec
from engine.jobs import JobControl, Spec

MIB = 1 << 20


@cache
def noise(size: int, seed: int = 1) -> bytes:
    """Bytes of which no two blocks are equal."""
    dice = random.Random(seed)
    return b"".join(dice.randbytes(min(MIB, size - at)) for at in range(0, size, MIB))


def quick(**changes: Any) -> TransferSettings:
    """Settings that do not let a test wait."""
    usual = {
        "stall_s": 0.5,
        "connect_s": 1.0,
        "tries": 8,
        "first_wait_s": 0.005,
        "longest_wait_s": 0.05,
        "reserve_bytes": 0,
    }
    return TransferSettings(**{**usual, **changes})


def spec_of(files: Sequence[RemoteFile], target: str = "owner--model") -> Spec:
    return download_spec("owner/model", "main", target, files)


def control_of(told: list[Any] | None = None) -> JobControl:
    def tell(done: int, total: int, _unit: JobUnit, detail: str) -> None:
        if told is not None:
            told.append((done, total, detail))

    return JobControl(tell, lambda _spec: None)


class CountingThrottle(Throttle):
    """Also counts what comes: a server does not know what of its bytes was under way when somebody hung up."""

    came = 0

    def take(self, count: int, sleep: Callable[[float], None] = time.sleep) -> None:
        self.came += count
        super().take(count, sleep)


@dataclass
class Downloads:
    """A model folder and what comes into it."""

    folder: Path
    settings: TransferSettings = field(default_factory=quick)
    throttle: CountingThrottle = field(default_factory=CountingThrottle)
    network: Network = field(default_factory=Network)
    arrivals: list[tuple[Path, Arrival]] = field(default_factory=list)
    told: list[tuple[int, int, str]] = field(default_factory=list)

    def work(self) -> DownloadWork:
        arrived = lambda path, arrival: self.arrivals.append((path, arrival))  # noqa: E731
        return DownloadWork(self.folder, self.settings, self.throttle, self.network, arrived)

    def fetch(self, *files: RemoteFile, control: JobControl | None = None) -> Path:
        """Run a download to its end."""
        return Path(self.work().run(spec_of(files), control or control_of(self.told)))

    def said(self, text: str) -> bool:
        """Whether somebody who looked could have read it."""
        return any(text in detail for _, _, detail in self.told)

    def left(self) -> list[str]:
        """All files in the folder."""
        return sorted(path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*") if path.is_file())


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
