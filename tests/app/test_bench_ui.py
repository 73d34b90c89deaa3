import json
import math
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PySide6.QtTest import QTest

from app.bench_ui import LagMeter, Measured, percentile


def run_module(module: str, *arguments: str) -> str:
    command = [sys.executable, "-m", module, *arguments]
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=100).stdout


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [([3, 1, 2], 0.5, 2), ([1, 2, 3, 4], 0.99, 4), ([1, 2, 3, 4], 0.25, 1), ([7], 0.95, 7)],
)
def test_percentile(values: list[float], share: float, expected: float) -> None:
    assert percentile(values, share) == expected


def test_without_samples_there_is_no_figure() -> None:
    assert all(math.isnan(value) for value in Measured().figures().values())


def test_a_busy_loop_is_late(qapp) -> None:
    meter = LagMeter()
    meter.start()
    QTest.qWait(40)
    time.sleep(0.05)
    QTest.qWait(40)
    meter.stop()
    assert max(meter.late_ms) >= 40
    assert percentile(meter.late_ms, 0.5) < 40
    count = len(meter.late_ms)
    QTest.qWait(20)
    assert len(meter.late_ms) == count


@pytest.mark.models
def test_the_window_measures_itself() -> None:
    document = json.loads(run_module("app.bench_ui", "--quick", "--json").splitlines()[-1])
    figures = document["figures"]
    assert 0 <= figures["lag_ms_p50"] <= figures["lag_ms_p99"] <= figures["lag_ms_max"]
    assert 0 < figures["stop_ms_p95"] < 1000
    assert figures["tokens_per_s"] > 10
    assert len(document["samples"]["scripted_stop_ms"]) == 5


@pytest.mark.models
def test_a_start_says_its_times(tmp_path: Path) -> None:
    window, token = [json.loads(line) for line in run_module("app.bench_startup").splitlines()]
    assert 0 < window["window_s"] < token["first_token_s"] < 60
