"""kill -9 at random moments: no acknowledged answer is lost or damaged, and the start always succeeds."""

import hashlib
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.memory.answers.disk_tier import DiskTier

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")

LIMIT = 100_000_000

WRITER = """
import hashlib, sys
from pathlib import Path
from engine.memory.answers.disk_tier import DiskTier
tier = DiskTier(Path(sys.argv[1]), int(sys.argv[2]), 1000.0)
number = int(sys.argv[3])
while True:
    key = hashlib.sha256(b"%d" % number).digest()
    if tier.put({key: hashlib.shake_256(key).digest(number * 37 % 20_000)}):
        sys.stdout.write(f"{number}\\n")
        sys.stdout.flush()
    number += 1
"""


def expected(number: int) -> tuple[bytes, bytes]:
    key = hashlib.sha256(b"%d" % number).digest()
    return key, hashlib.shake_256(key).digest(number * 37 % 20_000)


def written_before_a_kill(folder: Path, first: int, after_s: float) -> list[int]:
    """Let a process write until it is killed; returns what it had acknowledged."""
    command = [sys.executable, "-c", WRITER, str(folder), str(LIMIT), str(first)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        began = [int(writer.stdout.readline())]  # it is at work
        timer = threading.Timer(after_s, writer.send_signal, [signal.SIGKILL])
        timer.start()
        acknowledged = began + [int(line) for line in writer.stdout if line.endswith("\n")]
        timer.join()
    assert writer.returncode == -signal.SIGKILL
    return acknowledged


# The fast one starts a program four times, which takes most of its seconds.
@pytest.mark.timeout(900)
@pytest.mark.parametrize("kills", [4, pytest.param(100, marks=pytest.mark.long)])
def test_no_acknowledged_answer_is_lost(tmp_path: Path, kills: int, record_property: Callable[[str, object], None]):
    draw, folder = random.Random(kills), tmp_path / "answers"
    acknowledged: list[int] = []
    for _ in range(kills):
        next_number = acknowledged[-1] + 2 if acknowledged else 0
        acknowledged += written_before_a_kill(folder, next_number, draw.uniform(0.0, 0.5))
        tier = DiskTier(folder, LIMIT, 1000.0)
        tier.open()
        assert tier.trouble == ""
        for number in acknowledged[-400:]:
            key, value = expected(number)
            assert tier.get(key) == value, f"{number} of {len(acknowledged)}"
        tier.close()
    assert not list(tmp_path.glob("answers.*"))  # nothing was set aside
    record_property("acknowledged", len(acknowledged))
