"""What the Hardware page costs, measured in the real window."""

import json
import math
import os
import subprocess
import sys
import time

import pytest

from app.bench_hardware import LivelyTelemetry, Measured, report
from engine.hardware import DeviceInfo, DeviceKind, Route

CPU = DeviceInfo(id="cpu", kind=DeviceKind.CPU, name="CPU", routes=(Route(backend="llama.cpp", interface="CPU"),))


def test_lively_numbers_are_an_hour_at_two_a_second_and_all_differ():
    telemetry = LivelyTelemetry((CPU,), 16 << 30)
    hour = telemetry.history(-math.inf)
    assert len(hour) == 7200
    assert hour[0].at_s < hour[-1].at_s <= time.monotonic()
    newest = telemetry.history(hour[-1].at_s)
    assert len(newest) == 1
    assert newest[0].devices["cpu"] != hour[-1].devices["cpu"]
    assert telemetry.latest() is newest[0]
    assert all(0 <= sample.devices["cpu"].ours <= sample.devices["cpu"].utilisation <= 1 for sample in hour)


def test_the_share_is_the_difference_and_never_below_nothing():
    measured = Measured(shown=[0.02, 0.03, 0.011], hidden=[0.01, 0.01, 0.01])
    assert measured.core_share == pytest.approx(0.01)
    assert Measured(shown=[0.01], hidden=[0.02]).core_share == 0.0
    assert math.isnan(Measured().core_share)


def test_the_figures_are_numbers():
    found = {"lively": Measured([0.02], [0.01], 3, (6, 0)), "idle": Measured([0.011], [0.01], 3, (6, 0))}
    assert report(found) == {
        "core_share": 0.01,
        "core_share_idle": 0.001,
        "shown": 0.02,
        "hidden": 0.01,
        "devices": 3,
        "ticks_shown": 6,
        "ticks_hidden": 0,
    }


@pytest.mark.models
def test_the_page_measures_itself():
    command = [sys.executable, "-m", "app.bench_hardware", "--quick"]
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    answer = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=100)
    figures = json.loads(answer.stdout.splitlines()[-1])
    assert figures["devices"] >= 1
    assert figures["ticks_shown"] >= 4
    assert figures["ticks_hidden"] == 0
    assert 0 <= figures["core_share"] < 0.2  # a bound for a loaded machine; the target is 0.02
