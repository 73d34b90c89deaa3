"""A program that downloads through a job board, until it is done or killed.

Arguments: folder, address, name, size, SHA-256, and optionally the largest file that the system allows it.
"""

import os
import sys
import time
from pathlib import Path

from engine.background import JobKind
from engine.hub.transfer import DownloadWork, Network, RemoteFile, Throttle, TransferSettings, download_spec
from engine.jobs import JobBoard


def say(text: str) -> None:
    os.write(1, f"{text}\n".encode())


def main(home: Path, url: str, name: str, size: str, sha256: str, largest: str = "") -> None:
    if largest:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (int(largest), int(largest)))
    settings = TransferSettings(first_wait_s=0.01, longest_wait_s=0.1, reserve_bytes=0)
    work = DownloadWork(home / "models", settings, Throttle(), Network(), lambda *_: None)
    board = JobBoard(home / "jobs.json", {JobKind.DOWNLOAD: work})
    board.open()
    if not board.jobs():
        remote = RemoteFile(url=url, name=name, size_bytes=int(size), sha256=sha256)
        board.add(JobKind.DOWNLOAD, name, download_spec("owner/model", "main", "owner--model", [remote]))
    say("open")
    while not (job := board.jobs()[0]).is_over:
        time.sleep(0.005)
    board.close()
    say(f"{job.state} {job.result or job.error} {job.remedy}".strip())


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
