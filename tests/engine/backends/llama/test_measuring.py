import shutil
from collections import namedtuple
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from engine.backends.llama import measuring
from engine.backends.llama.measuring import MeasuringOrder, remove_measuring_models, time_models
from engine.backends.llama.probes import Turn, added_s, are_enough, times_of
from engine.errors import OutOfMemoryError
from engine.models.gguf_writer import WeightType


def order_in(folder: Path) -> MeasuringOrder:
    return MeasuringOrder(folder=folder, cache_bytes=1, types=(WeightType.Q4_K,), narrow_types=(), limit_s=0.01)


@pytest.mark.models
def test_models_are_timed_and_written_only_once(tmp_path: Path):
    folder = tmp_path / "models"
    timings = time_models(order_in(folder), others=lambda: 0.0)
    written = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert sorted(written) == [
        "measuring-deep.gguf", "measuring-keys.gguf", "measuring-tiny.gguf", "measuring-wide-2-q4_k.gguf"
    ]  # fmt: skip
    assert [timing.shape.layers for timing in timings] == [2, 48, 24, 2]
    assert all(0 < timing.token_s < 10 and timing.open_s > 0 for timing in timings)
    assert [timing.prompt_tokens > 0 for timing in timings] == [False, False, False, True]
    assert timings[3].prompt_s > timings[3].token_s
    assert [timing.far_s > 0 for timing in timings] == [False, False, True, False]
    assert [timing.later_s != 0 for timing in timings] == [False, False, True, False]
    assert all(timing.added_s is None for timing in timings)
    time_models(order_in(folder), others=lambda: 0.0)
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == written
    assert remove_measuring_models(folder) > 40e6
    assert list(folder.iterdir()) == []


@pytest.mark.models
def test_a_model_is_timed_once_more_as_requests_find_it(tmp_path: Path):
    order = replace(order_in(tmp_path), types=(), narrow_types=(measuring.ANSWERING_TYPE,))
    timings = time_models(order, others=lambda: 0.0)
    assert [timing.added_s is not None for timing in timings] == [False, False, False, True]


@pytest.mark.models
def test_what_does_not_fit_beside_the_others_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    order, opening = replace(order_in(tmp_path), types=measuring.TYPES[:2]), measuring.raw_probe
    full: list[str] = ["q8_0"]

    def raw_probe(path: Path, *arguments: object, **options: object):
        if any(name in path.name for name in full):
            raise OutOfMemoryError("The device is full.")
        return opening(path, *arguments, **options)

    monkeypatch.setattr(measuring, "raw_probe", raw_probe)
    timings = time_models(order, others=lambda: 0.0)
    assert [list(timing.shape.layer_work) for timing in timings[3:]] == [["q4_k"]]
    full.append("q4_k")
    with pytest.raises(OutOfMemoryError):
        time_models(order, others=lambda: 0.0)


def test_a_full_disk_is_said_before_writing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 10**9, 1000))
    with pytest.raises(OutOfMemoryError, match=r"Measuring needs 0\.1 GB"):
        time_models(order_in(tmp_path), others=lambda: 0.0)
    assert list(tmp_path.iterdir()) == []


def turn(others: float, step_s: float, prompt_s: float = 0.0, far_s: float = 0.0) -> Turn:
    return Turn(near=[step_s] * 8, far=[far_s] * 4 if far_s else [], prompt_s=prompt_s, others=others)


def test_turns_that_others_disturbed_do_not_count():
    times = times_of([turn(1.0, 0.5, 9.0, 0.7), turn(0.05, 0.1, 3.0, 0.2), turn(0.1, 0.2, 4.0, 0.4), turn(0.0, 0.1)])
    assert times.token_s == 0.1
    assert times.prompt_s == pytest.approx(3.5)
    assert times.far_s == pytest.approx(0.3)


def test_where_all_turns_were_disturbed_the_least_disturbed_counts():
    turns = [turn(1.5, 0.5, 2.0), turn(0.6, 0.3), turn(1.0, 0.1)]
    assert not are_enough(turns)
    assert times_of(turns).token_s == 0.3
    assert times_of(turns).prompt_s == 2.0  # better than nothing


def test_what_an_answer_adds_is_compared_turn_by_turn():
    raw = [turn(0.0, 0.10), turn(0.0, 0.20), turn(0.0, 0.30), turn(0.9, 0.9)]
    answering = [turn(0.0, 0.11), turn(0.1, 0.22), turn(0.0, 0.33), turn(0.0, 0.1)]
    assert added_s(answering, raw) == pytest.approx(0.02)
    disturbed = [turn(0.9, 0.15), turn(0.8, 0.16)]
    assert added_s(disturbed, raw[:2]) == pytest.approx(0.16 - 0.15)


def test_quiet_turns_are_counted():
    turns = [turn(0.1, 0.1), turn(0.3, 0.1)]
    assert are_enough(turns)
    assert not are_enough(turns, 2)


def test_measuring_goes_on_for_a_while_where_it_was_never_quiet():
    quiet, disturbed = SimpleNamespace(was_quiet=True), SimpleNamespace(was_quiet=False)
    assert measuring._goes_on([quiet], 0.5)
    assert not measuring._goes_on([quiet], 1.0)
    assert measuring._goes_on([quiet, disturbed], 1.5)
    assert not measuring._goes_on([quiet, disturbed], 2.0)


@pytest.mark.parametrize(("cache_bytes", "layers"), [(1, 2), (32 << 20, 6), (1 << 40, 22)])
def test_models_are_larger_than_the_cache_but_not_endless(cache_bytes: int, layers: int):
    recipe = measuring._recipe(WeightType.Q4_K)
    assert measuring._beyond_cache(measuring._WIDE, recipe, cache_bytes).layers == layers
