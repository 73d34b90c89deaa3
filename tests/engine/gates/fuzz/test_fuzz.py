"""No damaged file gets further than a process that may die of it; the readers raise nothing but their own error.

Zero failures in n random cases means at most 3/n at 95 %, no more.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.cards import Trust
from engine.gates import Gatekeeper
from tests.engine.gates.fuzz.server import LARGE_BYTES, SLOW_S

ROOT = Path(__file__).parents[4]
CRASHES_TRIED = 6
"""Of the files that crash in the fork, those that are taken to the gates whole, at a second each."""


def damaged(kind: str, seed: int, count: int, folder: Path, case_s: int) -> Iterator[dict[str, object]]:
    """Results of the harness, case by case."""
    command = [sys.executable, str(Path(__file__).with_name("server.py")), kind, str(seed), str(count), str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "CASE_S": str(case_s)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, env=environment, text=True) as process:
        assert process.stdout is not None
        yield from map(json.loads, process.stdout)
    assert process.returncode == 0  # it has survived them all


def run(kind: str, seed: int, count: int, folder: Path, *, crashes: int, case_s: int) -> None:
    results = list(damaged(kind, seed, count, folder, case_s))
    assert len(results) == count
    assert [result for result in results if result.get("header") not in {"sound", "refused"}] == []
    assert [result for result in results if result["header"] == "refused" and not result["rule"]] == []
    slow = [result for result in results if result["header_s"] > SLOW_S or result["header_bytes"] > LARGE_BYTES]
    assert slow == []
    sound = [result for result in results if result["header"] == "sound"]
    assert len(sound) > count // 10  # or nothing but the header is tried
    kept = sorted(folder.glob(f"kept-*.{kind}"))
    gatekeeper = Gatekeeper(folder / "gates.json")
    for path in kept[:crashes]:
        report = gatekeeper.check(path)
        if "-late." not in path.name:  # on a busy machine a sound file may be late for the harness
            assert report.trust is Trust.REFUSED, f"{path.name}: {report}"
            assert report.rule.startswith("probe-")


@pytest.mark.models
@pytest.mark.timeout(300)
@pytest.mark.parametrize(("kind", "count"), [("gguf", 1000), ("onnx", 500)])
def test_damaged_files_end_at_the_gates(kind, count, tmp_path):
    run(kind, 1, count, tmp_path, crashes=CRASHES_TRIED, case_s=4)


@pytest.mark.models
@pytest.mark.long
@pytest.mark.timeout(7200)
@pytest.mark.parametrize(("kind", "count"), [("gguf", 20_000), ("onnx", 5_000)])
def test_many_damaged_files_end_at_the_gates(kind, count, tmp_path):
    run(kind, 7, count, tmp_path, crashes=100, case_s=10)
