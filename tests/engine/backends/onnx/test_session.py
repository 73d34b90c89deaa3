"""Opening graphs: broken files, threads, memory, and a window that stays alive meanwhile."""

import re
import threading
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from engine.backends.base import LoadOptions
from engine.backends.onnx import OnnxBackend, providers
from engine.backends.onnx.session import Session
from engine.errors import EngineError, ModelFileError, ModelNotFoundError
from engine.models.onnx import describe
from engine.testing import recognize_images
from engine.types import RecognizeRequest

RELEASE = tuple(int(part) for part in onnxruntime.__version__.split(".")[:2])


def test_name_and_version() -> None:
    assert OnnxBackend().name == "onnxruntime"
    assert OnnxBackend().version == onnxruntime.__version__


@pytest.mark.parametrize("package", ["onnxruntime", "onnxruntime-directml"])
def test_the_version_is_that_of_whichever_package_it_came_in(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def version(name: str) -> str:
        if name != package:
            raise PackageNotFoundError(name)
        return "1.2.3"

    monkeypatch.setattr(providers, "version", version)
    assert OnnxBackend().version == "1.2.3"


def test_not_a_model(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    for data in (b"", b"this is a text file, not a model\n" * 20):
        path.write_bytes(data)
        with pytest.raises(ModelFileError, match="no ONNX model, or damaged") as caught:
            Session(path, 1)
        assert "\n" not in str(caught.value)


def test_truncated(colour_model: Callable[..., Path]) -> None:
    path = colour_model()
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ModelFileError, match="damaged"):
        Session(path, 1)


def test_missing(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError):
        Session(tmp_path / "none.onnx", 1)


def test_name_that_no_library_can_open() -> None:
    with pytest.raises(ModelFileError, match="cannot be used"):
        Session(Path("mod\udcffel.onnx"), 1)


@pytest.mark.parametrize("change", ["opset", "ir"])
def test_too_new(colour_model: Callable[..., Path], change: str) -> None:
    path = colour_model()
    model = onnx.load(path)
    if change == "opset":
        model.opset_import[0].version = 99
    else:
        model.ir_version = 60
    path.write_bytes(model.SerializeToString())
    with pytest.raises(ModelFileError) as caught:
        Session(path, 1)
    what = r"its operators \(ai\.onnx\) have version 99" if change == "opset" else "its format has version 60"
    runtime = re.escape(onnxruntime.__version__)
    assert re.search(rf"newer than ONNX Runtime {runtime} .*{what}, and up to \d\d can be", caught.value.cause)
    assert "export for older versions" in caught.value.remedy


@pytest.mark.parametrize("domain", ["", "com.example"])
def test_unknown_operator(colour_model: Callable[..., Path], domain: str) -> None:
    path = colour_model()
    model = onnx.load(path)
    model.graph.node[0].op_type, model.graph.node[0].domain = "Wonder", domain
    if domain:
        model.opset_import.add(domain=domain, version=1)
    path.write_bytes(model.SerializeToString())
    with pytest.raises(ModelFileError, match=r"operator that ONNX Runtime lacks.*Wonder"):
        Session(path, 1)


@pytest.mark.parametrize("at", [0.0, 1.0])
def test_load_can_be_cancelled(colour_model: Callable[..., Path], at: float) -> None:
    info = describe(colour_model(), "test")
    seen: list[float] = []

    def progress(fraction: float) -> bool:
        seen.append(fraction)
        return fraction != at

    with pytest.raises(EngineError, match="cancelled"):
        OnnxBackend().load(info, LoadOptions(), progress)
    assert seen[-1] == at


def test_threads_change_without_changing_results(colour_model: Callable[..., Path], load: Any, png: Any) -> None:
    path = colour_model()
    model = load(path, threads=2)
    request = RecognizeRequest(model="test", image=png((30, 200, 90)))
    before = recognize_images(model, [request])
    model.set_threads(1)
    assert recognize_images(model, [request]) == before
    path.unlink()
    model.set_threads(2)  # the file is gone: what is loaded goes on
    assert recognize_images(model, [request]) == before


def test_close_twice_and_memory(colour_model: Callable[..., Path], load: Any) -> None:
    model = load(colour_model())
    assert model.memory_bytes > 0
    model.close()
    model.close()
    model.set_threads(2)
    assert model.memory_bytes == 0


@pytest.mark.skipif(RELEASE <= (1, 24), reason="it keeps the interpreter's lock while it reads a file")
def test_other_threads_run_while_a_large_model_loads(save_graph: Callable[..., Path]) -> None:
    """50 MB: if ONNX Runtime kept the interpreter lock, as it does for a model from bytes, hardly a tick would pass."""
    side, layers = 2048, 3
    table = np.random.default_rng(0).standard_normal((side, side), dtype=np.float32)
    names = ["x", *(f"y{index}" for index in range(layers))]
    path = save_graph(
        [helper.make_node("MatMul", [names[i], f"w{i}"], [names[i + 1]]) for i in range(layers)],
        {"x": (TensorProto.FLOAT, ["n", side])},
        {names[-1]: ["n", side]},
        {f"w{index}": table for index in range(layers)},
    )
    ticks = 0
    over = threading.Event()

    def tick() -> None:
        nonlocal ticks
        while not over.wait(0.001):
            ticks += 1

    ticker = threading.Thread(target=tick)
    ticker.start()
    try:
        before, started = ticks, time.perf_counter()
        session = Session(path, 1)
        took, during = time.perf_counter() - started, ticks - before
    finally:
        over.set()
        ticker.join()
    assert session.memory_bytes >= side * side * 4 * layers
    assert during > 5 + 0.05 * took / 0.001
