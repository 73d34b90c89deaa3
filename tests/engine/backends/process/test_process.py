"""Device processes: what goes there and back, and every way in which one can end."""

import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest

from engine.backends.process.frames import Frame, FrameError, receive, send
from engine.backends.process.process import DeviceProcess
from engine.backends.process.shared import SharedFloats
from engine.errors import DeviceLostError, EngineError, OutOfMemoryError

WORKER = "tests.engine.backends.process.odd_worker:OddWorker"
ROOT = Path(__file__).parents[4]


@pytest.fixture
def process() -> Iterator[DeviceProcess]:
    process = DeviceProcess(WORKER, "gpu:0")
    yield process
    process.close()


def test_bodies_and_arrays_come_back_as_they_went(process: DeviceProcess):
    array = np.arange(100_000, dtype=np.float32)
    body = {"numbers": [1, 2.5, -3], "text": "ä", "none": None}
    answer, payloads = process.call("echo", body, [array, b"", b"raw"], within_s=20)
    assert answer == body
    assert np.array_equal(np.frombuffer(payloads[0], np.float32), array)
    assert [bytes(payload) for payload in payloads[1:]] == [b"", b"raw"]


def test_shared_memory_needs_no_pipe():
    shared = SharedFloats(4, 1000)
    process = DeviceProcess(WORKER, "gpu:0", [shared.descriptor] if shared.descriptor is not None else [])
    try:
        row = np.linspace(0, 1, 1000, dtype=np.float32)
        process.call("fill", {"rows": 4, "columns": 1000, "shared": shared.argument}, [row], within_s=20)
        assert np.array_equal(shared.array, np.tile(row, (4, 1)))
    finally:
        process.close()
        shared.close()
        shared.close()


def test_progress_is_told_and_can_stop_the_process(process: DeviceProcess):
    told: list[float] = []
    assert process.call("count", 4, within_s=20, on_told=lambda f: told.append(f) is None)[0] == 4
    assert told == [0, 0.25, 0.5, 0.75]
    with pytest.raises(DeviceLostError, match="stopped"):
        process.call("count", 1000, within_s=20, on_told=lambda _: False)
    assert not process.is_alive


def test_an_error_of_the_engine_arrives_as_itself(process: DeviceProcess):
    with pytest.raises(OutOfMemoryError) as caught:
        process.call("refuse", within_s=20)
    assert (caught.value.cause, caught.value.remedy) == ("It does not fit.", "Take less.")
    with pytest.raises(EngineError, match="ZeroDivisionError"):
        process.call("fail", within_s=20)
    assert process.call("echo", 1, within_s=20)[0] == 1


def test_noise_on_standard_output_spoils_nothing(process: DeviceProcess):
    assert process.call("noise", within_s=20)[0] == "quiet"


def test_a_crash_is_named_and_its_last_words_are_logged(process: DeviceProcess, caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.WARNING), pytest.raises(DeviceLostError, match=r"gpu:0 crashed \(SIGABRT\)"):
        process.call("abort", within_s=20)
    assert "device lost, goodbye" in caplog.text
    with pytest.raises(DeviceLostError, match="crashed"):
        process.call("echo", within_s=20)


def test_a_process_that_ends_by_itself_is_noticed(process: DeviceProcess):
    with pytest.raises(DeviceLostError, match="code 3"):
        process.call("exit", within_s=20)


def test_a_hang_ends_when_the_time_is_up(process: DeviceProcess):
    process.call("echo", within_s=20)
    began = time.monotonic()
    with pytest.raises(DeviceLostError, match="no sign of life"):
        process.call("hang", within_s=0.5)
    assert time.monotonic() - began < 5
    assert not process.is_alive


def test_a_stopped_process_is_a_hang(process: DeviceProcess):
    process.call("echo", within_s=20)
    os.kill(process.pid, signal.SIGSTOP)
    with pytest.raises(DeviceLostError, match="no sign of life"):
        process.call("echo", within_s=0.5)


def test_closing_ends_a_call_in_flight(process: DeviceProcess):
    process.call("echo", within_s=20)
    caught: list[BaseException] = []

    def call() -> None:
        try:
            process.call("hang", within_s=60)
        except DeviceLostError as error:
            caught.append(error)

    thread = threading.Thread(target=call)
    thread.start()
    while not process._lock.locked():
        time.sleep(0.01)
    process.close()
    thread.join(10)
    assert "was closed" in str(caught[0])
    assert not psutil.pid_exists(process.pid)


def test_a_process_ends_with_whoever_started_it():
    code = (
        "from engine.backends.process.process import DeviceProcess\n"
        f"process = DeviceProcess({WORKER!r}, 'gpu:0')\n"
        "process.call('echo', within_s=20)\n"
        "print(process.pid, flush=True)\n"
        "process.call('hang', within_s=60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
        child.wait(10)


def test_a_worker_that_does_not_exist_ends_with_a_sentence():
    process = DeviceProcess("engine.no_such_module:Worker", "gpu:0")
    try:
        with pytest.raises(DeviceLostError, match="code 1"):
            process.call("echo", within_s=20)
    finally:
        process.close()


def test_rubbish_is_no_frame():

    ours, theirs = socket.socketpair()
    with ours, theirs:
        send(ours, Frame("a", [1], [b"xyz"]))
        frame = receive(theirs)
        assert frame is not None
        assert (frame.name, frame.body, bytes(frame.payloads[0])) == ("a", [1], b"xyz")
        ours.sendall(b"\xff" * 64)
        with pytest.raises(FrameError):
            receive(theirs)
        ours.sendall(b"\x01\x00\x00\x00\x00\x00\x00\x00\xc1")
