"""Graphs on a device: OpenVINO's CPU device for real, in processes that crash, hang and are closed."""

import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import psutil
import pytest
from onnx import TensorProto, helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, quantize_static

from engine.backends.base import CPU_TARGET, DeviceTarget, LoadOptions, VisionModel
from engine.backends.onnx import OnnxBackend, opening, remote_session
from engine.backends.onnx.graph_outline import is_qdq
from engine.backends.onnx.opening import is_plain, open_session
from engine.backends.onnx.remote_session import RemoteSession
from engine.backends.onnx.session import Session
from engine.errors import DeviceError, DeviceLostError, EngineError, ModelFileError, ModelNotFoundError, RequestError
from engine.hardware import DeviceKind
from engine.models.onnx import describe
from engine.testing import recognize_images
from engine.types import RecognizeRequest
from tests.engine.backends.onnx.openvino_wheel import needs_openvino
from tests.engine.backends.onnx.poked import FIXING_WORKER, OPENVINO, SLOW_WORKER, WORKER

pytestmark = needs_openvino

MakeGraph = Callable[..., Path]
OpenGraph = Callable[..., RemoteSession]


def on_processor(path: Path, feeds: dict[str, np.ndarray]) -> list[np.ndarray]:
    session = Session(path, 1)
    try:
        return session.run(feeds)
    finally:
        session.close()


# ---------------------------------------------------------------------------------------------------- what runs where


def test_a_whole_graph_runs_there_and_gives_what_the_processor_gives(
    network: MakeGraph, on_openvino: OpenGraph, picture: np.ndarray
):
    path = network()
    session = on_openvino(path)
    assert session.assignment.share == 1.0
    assert session.assignment.kind is DeviceKind.CPU
    assert session.assignment.text == "All 6 operators with OpenVINO"
    assert (session.device, session.whereabouts.interface) == ("cpu", OPENVINO)
    assert session.whereabouts.process_ids == (session.pid,)
    assert session.whereabouts.note == "All 6 operators with OpenVINO."
    for batch in (1, 3):
        feeds = {"x": np.repeat(picture, batch, axis=0)}
        [output] = session.run(feeds)
        np.testing.assert_allclose(output, on_processor(path, feeds)[0], atol=1e-4)
    assert session.memory_bytes >= path.stat().st_size
    session.close()
    assert session.memory_bytes == 0


def test_what_stays_with_the_processor_is_counted(network: MakeGraph, on_openvino: OpenGraph, picture: np.ndarray):
    path = network(split=True)
    session = on_openvino(path)
    assert session.assignment.counts == {OPENVINO: 6, "CPUExecutionProvider": 1}
    assert session.assignment.share == pytest.approx(6 / 7)
    assert session.assignment.text == "6 of 7 operators with OpenVINO, 1 without it"
    np.testing.assert_allclose(session.run({"x": picture})[0], on_processor(path, {"x": picture})[0], atol=1e-4)


def test_a_graph_of_which_nothing_would_run_there_is_refused(save_graph: MakeGraph, on_openvino: OpenGraph):
    path = save_graph(
        [helper.make_node("LpPool", ["x"], ["y"], kernel_shape=[2, 2])],
        {"x": (TensorProto.FLOAT, [1, 3, 8, 8])},
        {"y": [1, 3, 7, 7]},
    )
    with pytest.raises(DeviceError, match=r"OpenVINO on cpu can run no operator of model\.onnx\..*on the processor"):
        on_openvino(path)


def test_a_static_int8_graph_is_taken_whole(
    network: MakeGraph, on_openvino: OpenGraph, picture: np.ndarray, tmp_path: Path
):
    class Pictures(CalibrationDataReader):
        def __init__(self):
            self.left = [{"x": picture * scale} for scale in (1.0, 0.5)]

        def get_next(self):
            return self.left.pop() if self.left else None

    plain, path = network(batch=1), tmp_path / "int8.onnx"
    quantize_static(str(plain), str(path), Pictures(), quant_format=QuantFormat.QDQ, per_channel=True)
    assert is_qdq(path)
    assert not is_qdq(plain)
    session = on_openvino(path)
    assert session.assignment.share == 1.0
    np.testing.assert_allclose(session.run({"x": picture})[0], on_processor(path, {"x": picture})[0], atol=0.05)


def test_a_device_that_wants_fixed_shapes_gets_a_batch_of_one(network: MakeGraph, on_openvino: OpenGraph):
    path = network()
    assert on_openvino(path).inputs[0].shape == (None, 3, 16, 16)
    fixed = on_openvino(path, worker=FIXING_WORKER)
    assert fixed.inputs[0].shape == (1, 3, 16, 16)
    assert fixed.outputs[0].shape == (1, 4)
    with pytest.raises(RequestError, match="invalid dimensions"):
        fixed.run({"x": np.zeros((2, 3, 16, 16), np.float32)})


# ------------------------------------------------------------------------------------------------ through the backend


def test_a_vision_model_on_a_device(colour_model: MakeGraph, load: Any, png: Any, openvino: DeviceTarget):
    """Three pictures at once through a graph whose batch is free, and one by one where it was fixed to 1."""
    path = colour_model()
    requests = [RecognizeRequest(model="test", image=png(colour)) for colour in ("red", "lime", "blue")]
    expected = recognize_images(load(path), requests)
    for worker in (WORKER, FIXING_WORKER):
        backend = OnnxBackend(worker=worker)
        with closing(backend.load(describe(path, "test"), LoadOptions(target=openvino), lambda _: True)) as model:
            assert isinstance(model, VisionModel)
            assert (model.device, model.whereabouts.interface) == ("cpu", OPENVINO)
            assert model.max_batch == (1 if worker == FIXING_WORKER else 8)
            found = recognize_images(model, requests)
            assert [outcome.labels[0].name for outcome in found] == ["red", "green", "blue"]
            for outcome, other in zip(found, expected, strict=True):
                assert outcome.labels[0].score == pytest.approx(other.labels[0].score, abs=1e-4)
            model.set_threads(2)
            assert recognize_images(model, requests[:1])[0].labels[0].name == "red"


def test_only_the_plain_processor_runs_in_this_process(network: MakeGraph, openvino: DeviceTarget):
    assert is_plain(CPU_TARGET)
    assert is_plain(DeviceTarget(interface="CPUExecutionProvider", targets=("CPU",)))
    assert not is_plain(openvino)
    assert not is_plain(replace(openvino, device="npu:0"))
    session = open_session(network(), 1, CPU_TARGET)
    assert isinstance(session, Session)
    assert session.whereabouts.process_ids == ()
    assert session.assignment.share == 1.0
    session.close()
    remote = opening.open_session(network(), 1, openvino, worker=WORKER)
    assert isinstance(remote, RemoteSession)
    remote.close()


# --------------------------------------------------------------------------------------------------- what goes wrong


@pytest.mark.parametrize(
    ("targets", "kind", "says"),
    [
        (("MadeUpExecutionProvider|npu|1:2|0",), DeviceError, "ONNX Runtime knows no device"),
        ((), DeviceError, "runs on one device, not on 0"),
        (("a", "b"), DeviceError, "runs on one device, not on 2"),
    ],
)
def test_a_target_that_is_not_there(network: MakeGraph, targets: tuple[str, ...], kind: type[EngineError], says: str):
    target = DeviceTarget(device="npu:0", interface=OPENVINO, targets=targets)
    with pytest.raises(kind, match=says) as caught:
        Session(network(), 1, target)
    assert type(caught.value) is kind


def test_a_device_that_is_gone(network: MakeGraph, on_openvino: OpenGraph):
    target = DeviceTarget(device="npu:0", interface=OPENVINO, targets=("OpenVINOExecutionProvider|npu|8086:7d1d|0",))
    with pytest.raises(DeviceLostError, match=r"OpenVINO finds no device .*7d1d\|0 any more"):
        on_openvino(network(), target=target)


def test_files_that_are_wrong_are_wrong_on_a_device_too(tmp_path: Path, on_openvino: OpenGraph):
    with pytest.raises(ModelNotFoundError):
        on_openvino(tmp_path / "none.onnx")
    path = tmp_path / "model.onnx"
    path.write_bytes(b"this is a text file, not a model\n" * 20)
    with pytest.raises(ModelFileError, match="no ONNX model, or damaged"):
        on_openvino(path)


def test_inputs_that_do_not_fit_fail_alone(network: MakeGraph, on_openvino: OpenGraph, picture: np.ndarray):
    session = on_openvino(network())
    with pytest.raises(RequestError, match="invalid dimensions"):
        session.run({"x": picture[:, :, :5]})
    with pytest.raises(RequestError, match="no array of numbers"):
        session.run({"x": np.array(["text"])})
    assert session.run({"x": picture})[0].shape == (1, 4)


def test_a_process_that_is_killed_is_a_lost_device(network: MakeGraph, on_openvino: OpenGraph, picture: np.ndarray):
    session = on_openvino(network())
    session.run({"x": picture})
    os.kill(session.pid, signal.SIGKILL)
    with pytest.raises(DeviceLostError, match=r"cpu \(OpenVINO\) crashed \(SIGKILL\)"):
        session.run({"x": picture})
    session.set_threads(2)  # nothing to set any more
    session.close()
    session.close()


def test_a_driver_that_aborts_in_the_middle_of_a_run(network: MakeGraph, on_openvino: OpenGraph):
    """A large batch keeps the process busy; the kill comes while it computes."""
    session = on_openvino(network())
    large = np.zeros((4096, 3, 16, 16), np.float32)
    process = psutil.Process(session.pid)
    before = sum(process.cpu_times()[:2])

    def kill_when_busy() -> None:
        while sum(process.cpu_times()[:2]) < before + 0.05:
            time.sleep(0.005)
        process.send_signal(signal.SIGABRT)

    killer = threading.Thread(target=kill_when_busy)
    killer.start()
    with pytest.raises(DeviceLostError, match="SIGABRT"):
        list(iter(lambda: session.run({"x": large}), None))  # until it fails
    killer.join()


def test_a_process_that_hangs_is_ended(
    network: MakeGraph, on_openvino: OpenGraph, picture: np.ndarray, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(remote_session, "RUN_S", 0.5)
    monkeypatch.setattr(remote_session, "PATIENCE", 0.0)
    session = on_openvino(network())
    session.run({"x": picture})
    os.kill(session.pid, signal.SIGSTOP)
    began = time.monotonic()
    with pytest.raises(DeviceLostError, match="no sign of life"):
        session.run({"x": picture})
    assert time.monotonic() - began < 5
    session.close()
    assert not psutil.pid_exists(session.pid)


def test_a_run_may_take_as_long_as_earlier_ones_did(monkeypatch: pytest.MonkeyPatch):
    asked: list[float] = []

    class Process:
        def call(self, name, body, payloads, *, within_s):
            asked.append(within_s)
            clock[0] += 3.0
            return {"memory_bytes": 1, "outputs": []}, []

    clock = [0.0]
    monkeypatch.setattr(remote_session.time, "perf_counter", lambda: clock[0])
    session = RemoteSession.__new__(RemoteSession)
    session._process, session._longest_s = Process(), None
    for _ in range(2):
        session.run({})
    assert asked == [remote_session.FIRST_RUN_S, 3.0 * remote_session.PATIENCE]


def test_opening_can_be_cancelled_and_takes_no_longer_than_allowed(
    network: MakeGraph, on_openvino: OpenGraph, monkeypatch: pytest.MonkeyPatch
):
    with pytest.raises(EngineError, match=r"Loading model\.onnx was cancelled") as caught:
        on_openvino(network(), worker=SLOW_WORKER, goes_on=lambda: False)
    assert not isinstance(caught.value, DeviceError)
    monkeypatch.setattr(remote_session, "OPEN_S", 0.0)
    with pytest.raises(DeviceLostError, match=r"cpu \(OpenVINO\) has not opened model\.onnx within 0 s"):
        on_openvino(network(), worker=SLOW_WORKER)


def test_no_process_is_left_when_a_graph_does_not_open(tmp_path: Path, on_openvino: OpenGraph):
    before = {child.pid for child in psutil.Process().children()}
    with pytest.raises(ModelNotFoundError):
        on_openvino(tmp_path / "none.onnx")
    assert {child.pid for child in psutil.Process().children()} <= before


def test_a_graph_too_large_for_the_reader_s_bounds_is_opened_all_the_same(
    network: MakeGraph, on_openvino: OpenGraph, picture: np.ndarray, monkeypatch: pytest.MonkeyPatch
):
    path = network()
    model = onnx.load(path)
    model.graph.doc_string = "x"
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "n" * 70_000
    path.write_bytes(model.SerializeToString())
    session = on_openvino(path, worker=FIXING_WORKER)
    assert session.inputs[0].shape[0] is None
    assert session.run({"x": picture})[0].shape == (1, 4)
