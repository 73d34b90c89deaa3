"""Compiled graphs that are kept: made once, used again, thrown away when they are broken, and bounded."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper

from engine.backends.onnx import compiled
from engine.backends.onnx.remote_session import RemoteSession
from engine.errors import DeviceError
from tests.engine.backends.onnx.openvino_wheel import needs_openvino
from tests.engine.backends.onnx.poked import FIXING_WORKER, OPENVINO, SPOILING_WORKER

MakeGraph = Callable[..., Path]
OpenGraph = Callable[..., RemoteSession]


def kept(cache: Path) -> list[Path]:
    return sorted(cache.iterdir()) if cache.is_dir() else []


@needs_openvino
def test_a_graph_is_compiled_once_and_gives_the_same(
    network: MakeGraph, on_openvino: OpenGraph, picture: np.ndarray, tmp_path: Path
):
    path, cache = network(split=True), tmp_path / "cache"
    plain = on_openvino(path)
    assert not plain.is_compiled
    expected = plain.run({"x": picture})[0]
    times: list[int] = []
    for _ in range(2):
        session = on_openvino(path, cache=cache)
        assert session.is_compiled
        np.testing.assert_array_equal(session.run({"x": picture})[0], expected)
        assert session.assignment.counts == {OPENVINO: 6, "CPUExecutionProvider": 1}  # not: one opaque part
        [folder] = kept(cache)
        times.append((folder / compiled.MODEL).stat().st_mtime_ns)
    assert times[0] == times[1]


@needs_openvino
def test_what_a_compiled_graph_depends_on_is_in_its_name(
    network: MakeGraph, on_openvino: OpenGraph, picture: np.ndarray, tmp_path: Path
):
    path, cache = network(), tmp_path / "cache"
    on_openvino(path, cache=cache)
    assert on_openvino(path, cache=cache, worker=FIXING_WORKER).inputs[0].shape == (1, 3, 16, 16)
    assert len(kept(cache)) == 2  # a free batch, and a fixed one
    on_openvino(network(split=True), cache=cache)
    assert len(kept(cache)) == 3


@needs_openvino
def test_a_broken_one_is_thrown_away_and_the_model_opened_as_it_is(
    network: MakeGraph, on_openvino: OpenGraph, picture: np.ndarray, tmp_path: Path
):
    path, cache = network(), tmp_path / "cache"
    on_openvino(path, cache=cache)
    [folder] = kept(cache)
    for entry in folder.iterdir():
        entry.write_bytes(b"broken" * 10)
        os.utime(entry, (1_000_000, 1_000_000))
    session = on_openvino(path, cache=cache)
    assert not session.is_compiled
    assert session.run({"x": picture})[0].shape == (1, 4)
    assert kept(cache) == []
    assert on_openvino(path, cache=cache).is_compiled


@needs_openvino
def test_where_nothing_can_be_kept_the_model_is_opened_as_it_is(
    network: MakeGraph, on_openvino: OpenGraph, tmp_path: Path
):
    (tmp_path / "file").write_text("no folder")
    session = on_openvino(network(), cache=tmp_path / "file" / "cache")
    assert not session.is_compiled
    assert session.assignment.share == 1.0


@needs_openvino
def test_a_graph_that_cannot_be_compiled_is_tried_once(save_graph: MakeGraph, on_openvino: OpenGraph, tmp_path: Path):
    path = save_graph(
        [helper.make_node("LpPool", ["x"], ["y"], kernel_shape=[2, 2])],
        {"x": (TensorProto.FLOAT, [1, 3, 8, 8])},
        {"y": [1, 3, 7, 7]},
    )
    for _ in range(2):
        with pytest.raises(DeviceError, match="can run no operator"):
            on_openvino(path, cache=tmp_path / "cache")
        [folder] = kept(tmp_path / "cache")
        assert "Unable to compile any nodes" in (folder / compiled.REFUSED).read_text()
        assert len(kept(folder)) == 1


@needs_openvino
def test_what_is_compiled_but_does_not_open_is_not_compiled_again(
    network: MakeGraph, on_openvino: OpenGraph, picture: np.ndarray, tmp_path: Path
):
    path, cache = network(), tmp_path / "cache"
    session = on_openvino(path, cache=cache, worker=SPOILING_WORKER)
    assert not session.is_compiled
    [folder] = kept(cache)
    assert "refuses model.onnx" in (folder / compiled.REFUSED).read_text()
    session = on_openvino(path, cache=cache)
    assert not session.is_compiled
    assert session.run({"x": picture})[0].shape == (1, 4)


def test_the_folder_is_bounded_and_the_oldest_go_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(compiled, "MOST_BYTES", 250)
    for age, name in enumerate(("new", "middle", "old")):
        (tmp_path / name).mkdir()
        (tmp_path / name / compiled.MODEL).write_bytes(b"x" * 100)
        os.utime(tmp_path / name, (1_000_000 - age, 1_000_000 - age))
    (tmp_path / "making-other").mkdir()  # of another process, which is not finished
    compiled._make_room(tmp_path, 100)
    assert {entry.name for entry in kept(tmp_path)} == {"new", "making-other"}
