"""Reports of text models, in real child processes."""

import threading
import time
from pathlib import Path

import psutil
import pytest

from engine.errors import CapabilityError, EngineError, ModelFileError, OutOfMemoryError
from engine.jobs import JobStopped
from engine.quantize import report_child, report_text
from engine.quantize.held_out import HeldOutText, held_out_text
from engine.quantize.report import kept_of, measure
from engine.quantize.report_child import MeasuringProcess
from engine.quantize.report_text import Sides, Speeds, prompt_tokens, text_quality, turns
from resources import calibration_file, models_dir
from tests.engine.quantize.smaller import Q2_K, Q8_0, STARTER, Told, quantized

SHORT = HeldOutText("a part", held_out_text().text[:6000])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    folder = tmp_path_factory.mktemp("made")
    return {kind: quantized(folder / f"starter-{kind}.gguf", kind) for kind in (Q8_0, Q2_K)}


def sides(result: Path) -> Sides:
    return Sides(STARTER, result, STARTER.stat().st_size, result.stat().st_size, 1)


def quality(result: Path):
    return text_quality(sides(result), SHORT, Told().control, lambda _share: None)


def test_a_report_is_complete_and_a_copy_has_lost_nothing(tmp_path: Path):
    copy = tmp_path / "copy.gguf"
    copy.write_bytes(STARTER.read_bytes())
    told = Told()
    report = measure(STARTER, copy, "f16", told.control, text=SHORT, threads=1, processor="a processor", pairs=1)

    assert (report.recipe, report.source, report.text, report.machine) == ("f16", "starter", "a part", "a processor")
    assert report.source_sha256 == "5210b7cdc23339bf00800c61897745dad3a7e3598d3e1fc0cfbfc1bb24856031"
    assert report.perplexity_ratio == pytest.approx(1.0, abs=1e-6)
    assert report.kl_divergence is not None
    assert report.kl_divergence < 1e-5
    assert report.same_top_share == report.kept == 1.0
    assert report.size_ratio == 1.0
    assert report.source_bytes == report.result_bytes == STARTER.stat().st_size
    assert report.tokens > 500
    assert report.memory_bytes == pytest.approx(report.source_memory_bytes, rel=0.05)
    assert report.memory_bytes > STARTER.stat().st_size
    assert report.decode_per_s > 0 < report.source_decode_per_s
    assert report.prefill_speedup is not None
    assert report.task_score is None
    assert abs(report.measured_at - time.time()) < 60
    assert told.shares == sorted(told.shares)
    assert told.shares[-1] == 1.0
    assert 0.848 in told.shares, "each turn is progress"


def test_fewer_bits_keep_less(made: dict[int, Path]):
    fine, coarse = quality(made[Q8_0]), quality(made[Q2_K])
    assert fine.perplexity_ratio == pytest.approx(1.0, abs=0.005)
    assert coarse.perplexity_ratio > 1.05
    assert fine.kl_nats < 0.002 < 0.05 < coarse.kl_nats
    assert coarse.same_top_share < 0.9 < 0.96 < fine.same_top_share


def test_kept_is_capped():
    assert kept_of(0.99) == 1.0
    assert kept_of(1.013) == pytest.approx(0.987)


def test_a_speedup_is_the_median_of_pairs():
    pairs = ((10.0, 25.0), (5.0, 14.0), (10.0, 5.0))
    speeds = Speeds(writing=pairs, reading=(), memory_bytes=(2, 1))
    assert speeds.writing_speedup == 2.5
    assert speeds.reading_speedup is None
    assert (speeds.source_per_s, speeds.result_per_s) == (10.0, 14.0)


def test_who_goes_first_changes():
    assert list(turns(2)) == [(0, 0.25), (1, 0.5), (1, 0.75), (0, 1.0)]


def test_slow_models_read_a_shorter_prompt():
    assert [prompt_tokens(token_s) for token_s in (0.001, 0.01, 0.1, 3.0)] == [256, 64, 16, 16]


def test_sides_that_do_not_fit_together_take_turns_in_memory(made: dict[int, Path], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(report_text, "fits", lambda _size: False)
    monkeypatch.setattr(report_text, "_PAIRS_ONE_BY_ONE", 2)
    most_at_once = 0
    time_one = report_text._Timer._time

    def watched(self: object, side: int, process: MeasuringProcess) -> None:
        nonlocal most_at_once
        most_at_once = max(most_at_once, len(children()))
        time_one(self, side, process)  # type: ignore[arg-type]

    monkeypatch.setattr(report_text._Timer, "_time", watched)
    found = report_text.text_speeds(sides(made[Q8_0]), SHORT, Told().control, lambda _share: None, 9, 0.02)
    assert most_at_once == 1
    assert len(found.writing) == len(found.reading) == 2
    assert min(found.memory_bytes) > 0


def children() -> list[psutil.Process]:
    return [it for it in psutil.Process().children() if it.is_running() and it.status() != psutil.STATUS_ZOMBIE]


def test_a_stopped_job_ends_its_process_at_once():
    told, before = Told(), len(children())
    long = HeldOutText("long", held_out_text().text * 40)
    at: list[float] = []

    def stop() -> None:
        at.append(time.monotonic())
        told.control.stop()

    timer = threading.Timer(1.5, stop)
    timer.start()
    with pytest.raises(JobStopped):
        measure(STARTER, STARTER, "f16", told.control, text=long, threads=1)
    assert time.monotonic() - at[0] < 8.0  # a quarter of a second, on a machine that has nothing else to do
    assert len(children()) == before


def test_a_process_that_crashes_fails_its_report_only():
    long = HeldOutText("long", held_out_text().text * 40)
    before = {it.pid for it in children()}
    caught: list[BaseException] = []

    def run() -> None:
        try:
            measure(STARTER, STARTER, "f16", Told().control, text=long, threads=1, source_sha256="known")
        except EngineError as error:
            caught.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    end = time.monotonic() + 30
    while not (mine := [it for it in children() if it.pid not in before]) and time.monotonic() < end:
        time.sleep(0.05)
    mine[0].kill()
    thread.join(30)
    assert "crashed (SIGKILL)" in str(caught[0])


def test_a_damaged_result_is_named(tmp_path: Path):
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(STARTER.read_bytes()[:400_000])
    with pytest.raises(ModelFileError, match=r"broken\.gguf"):
        quality(broken)


def test_a_source_larger_than_memory_is_refused_with_numbers(made: dict[int, Path], monkeypatch: pytest.MonkeyPatch):
    class Little:
        available = 100 << 20

    monkeypatch.setattr(report_child.psutil, "virtual_memory", Little)
    with pytest.raises(OutOfMemoryError, match=r"starter\.gguf takes 0\.3 GB of memory, but 0\.1 GB are free"):
        quality(made[Q8_0])


def test_a_text_without_words_is_refused(made: dict[int, Path]):
    with pytest.raises(CapabilityError, match="only 2 tokens"):
        text_quality(sides(made[Q8_0]), HeldOutText("no", "a b"), Told().control, lambda _share: None)


def test_the_held_out_text_is_new_to_what_comes_with_hearth():
    text = held_out_text().text
    assert 8_000 <= len(text.encode()) <= 16_000
    others = calibration_file().read_text(encoding="utf-8")
    others += (models_dir().parent / "starter" / "manual.txt").read_text(encoding="utf-8")
    assert not shingles(text) & shingles(others)


def shingles(text: str, words: int = 6) -> set[tuple[str, ...]]:
    found = text.lower().split()
    return {tuple(found[at : at + words]) for at in range(len(found) - words + 1)}
