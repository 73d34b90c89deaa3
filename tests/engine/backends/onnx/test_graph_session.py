"""Values that cross processes: arrays, shares of graphs, and what native errors become."""

from pathlib import Path

import numpy as np
import pytest
from onnxruntime.capi import onnxruntime_pybind11_state as native

from engine.backends.onnx.arrays import pack_arrays, pack_feeds, unpack_arrays, unpack_feeds
from engine.backends.onnx.graph_session import Assignment
from engine.backends.onnx.native_errors import load_error, reason_of, run_error
from engine.errors import DeviceError, DeviceLostError, ModelFileError, OutOfMemoryError, RequestError
from engine.hardware import DeviceKind

NPU = "OpenVINO on npu:0"


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6, dtype=np.float32).reshape(2, 3),
        np.arange(6, dtype=np.float16).reshape(2, 3)[:, ::2],
        np.array(7, np.int64),
        np.zeros((0, 3), np.uint8),
        np.array([[True, False]]),
        np.arange(4, dtype=">i4"),
    ],
)
def test_arrays_arrive_as_they_were(array: np.ndarray):
    heads, payloads = pack_feeds({"x": array})
    found = unpack_feeds(heads, [bytearray(payload) for payload in payloads])["x"]
    assert (found.dtype, found.shape) == (array.dtype, array.shape)
    np.testing.assert_array_equal(found, array)
    assert found.flags.writeable or not found.size


def test_what_is_no_array_of_numbers_keeps_its_place():
    heads, payloads = pack_arrays([np.array(["a"], object), np.ones(2, np.float32)])
    texts, numbers = unpack_arrays(heads, payloads)
    assert (texts.size, texts.dtype.kind) == (0, "O")
    assert numbers.tolist() == [1.0, 1.0]
    with pytest.raises(RequestError, match="input words is no array of numbers"):
        pack_feeds({"words": np.array(["a"])})


@pytest.mark.parametrize(
    ("kind", "counts", "share", "text"),
    [
        (DeviceKind.NPU, {"A": 12, "B": 2}, 12 / 14, "12 of 14 operators on the NPU, 2 on the processor"),
        (DeviceKind.GPU, {"A": 1_500}, 1.0, "All 1,500 operators on the graphics processor"),
        (DeviceKind.NPU, {"A": 1}, 1.0, "The only operator on the NPU"),
        (DeviceKind.CPU, {"A": 3, "B": 1}, 0.75, "3 of 4 operators with Title, 1 without it"),
        (DeviceKind.NPU, {"B": 2}, 0.0, "0 of 2 operators on the NPU, 2 on the processor"),
        (DeviceKind.NPU, {}, 0.0, ""),
    ],
)
def test_the_share_in_words(kind: DeviceKind, counts: dict[str, int], share: float, text: str):
    assignment = Assignment(provider="A", title="Title", kind=kind, counts=counts)
    assert assignment.share == pytest.approx(share)
    assert assignment.text == text


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"")
    return path


@pytest.mark.parametrize(
    ("error", "device", "kind", "says"),
    [
        (native.EPFail("[ONNXRuntimeError] : 11 : EP_FAIL : bad weather"), NPU, DeviceError, "refuses.*: bad weather"),
        (
            native.InvalidGraph("[OpenVINO-EP] a.cc:1 - unsupported opset: x"),
            NPU,
            DeviceError,
            "refuses.*: unsupported",
        ),
        (native.InvalidGraph("This is an invalid model."), NPU, ModelFileError, "damaged"),
        (native.Fail("std::bad_alloc"), NPU, OutOfMemoryError, f"the memory of {NPU}"),
        (native.Fail("ZE_RESULT_ERROR_OUT_OF_DEVICE_MEMORY"), NPU, OutOfMemoryError, f"the memory of {NPU}"),
        (MemoryError(), "", OutOfMemoryError, "does not fit into memory"),
        (native.Fail("DXGI_ERROR_DEVICE_REMOVED 887A0005"), NPU, DeviceLostError, "was lost while it opened"),
        (native.InvalidProtobuf("Protobuf parsing failed."), NPU, ModelFileError, "damaged"),
        (native.EPFail("bad weather"), "", ModelFileError, "damaged"),
        (native.NotImplemented("Could not find an implementation for Wonder"), NPU, ModelFileError, "lacks"),
    ],
)
def test_why_a_graph_does_not_open(model: Path, error: Exception, device: str, kind: type, says: str):
    found = load_error(model, error, device)
    assert type(found) is kind
    with pytest.raises(kind, match=says):
        raise found


@pytest.mark.parametrize(
    ("error", "device", "kind", "says"),
    [
        (native.InvalidArgument("Got invalid dimensions"), NPU, RequestError, "invalid dimensions"),
        (native.RuntimeException("device hung"), NPU, DeviceLostError, "was lost while it ran"),
        (native.Fail("CUDA error: out of memory"), NPU, OutOfMemoryError, f"memory of {NPU}"),
        (native.EPFail("bad weather"), NPU, DeviceError, "failed on model.onnx: bad weather"),
        (native.RuntimeException("out of memory"), "", RequestError, "out of memory"),
    ],
)
def test_why_a_run_fails(model: Path, error: Exception, device: str, kind: type, says: str):
    found = run_error(model, error, device)
    assert type(found) is kind
    with pytest.raises(kind, match=says):
        raise found


def test_reasons_are_said_without_codes_and_source_files():
    said = (
        "[ONNXRuntimeError] : 11 : EP_FAIL : Exception from src/inference/src/cpp/core.cpp:117:\n"
        "Exception from src/plugins/intel_cpu/src/config.cpp:505:\nNotFound: Unsupported property X by CPU plugin.\n"
    )
    assert reason_of(native.EPFail(said)) == "NotFound: Unsupported property X by CPU plugin"
    said = "[ONNXRuntimeError] : 11 : EP_FAIL : [OpenVINO-EP] /opt/src/plugin/ov.cc:210 - Error: Invalid magic number."
    assert reason_of(native.EPFail(said)) == "Error: Invalid magic number"
    assert reason_of(MemoryError()) == "MemoryError"
