import shutil
from collections import namedtuple
from pathlib import Path
from types import SimpleNamespace

import pytest

from engine.backends.llama import measuring
from engine.backends.llama.measuring import MeasuringOrder, remove_measuring_models, time_models
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
    time_models(order_in(folder), others=lambda: 0.0)
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == written
    assert remove_measuring_models(folder) > 40e6
    assert list(folder.iterdir()) == []


def test_a_full_disk_is_said_before_writing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 10**9, 1000))
    with pytest.raises(OutOfMemoryError, match=r"Measuring needs 0\.1 GB"):
        time_models(order_in(tmp_path), others=lambda: 0.0)
    assert list(tmp_path.iterdir()) == []


def probe_with(*turns: measuring._Turn, is_prompted: bool = False) -> measuring._Probe:
    return measuring._Probe(
        model=SimpleNamespace(path=None, is_far=True),
        context=None,
        open_s=1.0,
        clock=lambda: 0.0,
        prompt_tokens=64 if is_prompted else 0,
        turns=list(turns),
    )


def turn(others: float, step_s: float, prompt_s: float = 0.0) -> measuring._Turn:
    return measuring._Turn(near=[step_s] * 8, far=[2 * step_s] * 4, prompt_s=prompt_s, others=others)


@pytest.fixture
def _no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "shape_of_gguf", lambda _path: None)


@pytest.mark.usefixtures("_no_file")
def test_turns_that_others_disturbed_do_not_count():
    timing = probe_with(turn(1.0, 0.5, 9.0), turn(0.05, 0.1, 3.0), turn(0.1, 0.2, 4.0), is_prompted=True).timing()
    assert timing.token_s == pytest.approx(0.1)
    assert timing.far_s == pytest.approx(0.2)
    assert timing.prompt_s == 3.0


@pytest.mark.usefixtures("_no_file")
def test_where_all_turns_were_disturbed_the_least_disturbed_counts():
    probe = probe_with(turn(1.5, 0.5), turn(0.6, 0.3), turn(1.0, 0.1))
    assert not probe.was_quiet
    assert probe.timing().token_s == pytest.approx(0.3)


def test_a_model_that_reads_prompts_wants_two_quiet_turns():
    assert probe_with(turn(0.1, 0.1)).was_quiet
    assert not probe_with(turn(0.1, 0.1), turn(0.3, 0.1), is_prompted=True).was_quiet
    assert probe_with(turn(0.1, 0.1), turn(0.1, 0.1), is_prompted=True).was_quiet


def test_measuring_goes_on_for_a_while_where_it_was_never_quiet():
    quiet, disturbed = probe_with(turn(0.1, 0.1)), probe_with(turn(0.9, 0.1))
    assert measuring._goes_on([quiet], 0.5)
    assert not measuring._goes_on([quiet], 1.0)
    assert measuring._goes_on([quiet, disturbed], 1.5)
    assert not measuring._goes_on([quiet, disturbed], 2.0)


@pytest.mark.parametrize(("cache_bytes", "layers"), [(1, 2), (32 << 20, 6), (1 << 40, 22)])
def test_models_are_larger_than_the_cache_but_not_endless(cache_bytes: int, layers: int):
    recipe = measuring._recipe(WeightType.Q4_K)
    assert measuring._beyond_cache(measuring._WIDE, recipe, cache_bytes).layers == layers
