import subprocess
import sys
from statistics import median

import pytest

from engine.bench.catalogue import BENCHES, check_names, run_bench
from engine.bench.children import BenchProgramError, first_output_s, json_lines, run_module
from engine.bench.measure import BenchOptions, Pairs, in_turns, letters
from engine.bench.neighbours import busy_processes
from engine.bench.report import TARGETS, BenchReport, Target
from engine.errors import InvalidRequestError

FIGURES = {
    "overhead": {"decode_ratio", "prefill_ratio", "decode_tokens_per_s", "prefill_tokens_per_s"},
    "batching": {
        "speedup_8", "speedup_16", "speedup_limit", "vs_bare_8", "identical_share", "first_difference_token",
        "tokens_per_s_1", "tokens_per_s_8", "tokens_per_s_16", "tokens_per_s_bare_8",
    },
    "neighbours": {
        "vs_default_busy", "vs_default_quiet", "tokens_per_s_busy", "tokens_per_s_quiet",
        "default_tokens_per_s_busy", "default_tokens_per_s_quiet",
    },
    "dispatch": {
        "median_error", "error_tiny-q8_0", "error_tiny-q4_k_m", "error_tiny-q6_k",
        "tokens_per_s_cpu", "images_per_s_cpu",
        "tokens_per_s_at_once_cpu+cpu", "images_per_s_at_once_cpu+cpu", "combined_gain_cpu+cpu",
        "tokens_per_s_at_once_dispatcher", "images_per_s_at_once_dispatcher", "combined_gain_dispatcher",
    },
    "prefix": {"prefill_s", "memory_s", "disk_s", "speedup_memory", "speedup_disk", "tokens", "state_bytes"},
    "speed": {"load_s", "decode_tokens_per_s", "prefill_tokens_per_s", "memory_bytes"},
}  # fmt: skip


@pytest.mark.models
@pytest.mark.parametrize("name", FIGURES)
def test_a_bench_measures_what_it_promises(options: BenchOptions, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEARTH_DEVICES", "cpu")
    report = run_bench(name, options)
    assert report.bench == name
    assert set(report.figures) == FIGURES[name]
    for figure, value in report.figures.items():
        if figure == "first_difference_token":
            assert (value is None) == (report.figures["identical_share"] == 1)
        else:
            assert value is not None
            assert value > 0 or figure == "identical_share" or figure.startswith("error_")
    assert report.machine["cores"] >= 1
    assert any(report.samples.values())


def test_ratios_come_from_the_samples(options: BenchOptions) -> None:
    report = run_bench("overhead", options)
    ours, bare = report.samples["decode_tokens_per_s_ours"], report.samples["decode_tokens_per_s_bare"]
    assert report.figures["decode_ratio"] == pytest.approx(median(a / b for a, b in zip(ours, bare, strict=True)))


async def test_sides_take_turns_in_going_first() -> None:
    calls = []

    async def ours(number: int) -> float:
        calls.append(("ours", number))
        return 2.0

    def bare(number: int) -> float:
        calls.append(("bare", number))
        return 4.0

    pairs = await in_turns(3, ours, bare)
    assert calls == [("ours", 0), ("bare", 0), ("bare", 1), ("ours", 1), ("ours", 2), ("bare", 2)]
    assert pairs == Pairs((2.0, 2.0, 2.0), (4.0, 4.0, 4.0))
    assert pairs.ratio == 0.5


def test_prompts_of_different_salts_share_no_beginning() -> None:
    texts = [letters(511, salt) for salt in range(52)]
    assert {len(text) for text in texts} == {511}
    assert len({text[0] for text in texts}) == 52


def test_busy_processes_are_gone_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    started = []
    real = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", lambda *a, **k: started.append(real(*a, **k)) or started[-1])
    with busy_processes(2):
        assert [process.poll() for process in started] == [None, None]
    assert len(started) == 2
    assert all(process.poll() is not None for process in started)


@pytest.mark.parametrize(
    ("target", "figure", "met"),
    [(Target(0.97), 0.97, True), (Target(0.97), 0.96, False), (Target(16, at_most=True), 17, False)],
)
def test_targets(target: Target, figure: float, met: bool) -> None:
    report = BenchReport(bench="b", figures={"f": figure}, samples={}, machine={})
    assert report.verdict("f") is None
    assert target.is_met_by(figure) is met


def test_a_figure_that_could_not_be_measured_is_missed() -> None:
    report = BenchReport(bench="overhead", figures={"decode_ratio": None}, samples={}, machine={})
    assert report.verdict("decode_ratio") == (TARGETS["overhead"]["decode_ratio"], False)


def test_unknown_benches_are_refused_before_anything_runs() -> None:
    check_names(BENCHES)
    with pytest.raises(InvalidRequestError, match="overhead"):
        check_names(["overhead", "nonsense"])


def test_a_child_that_fails_is_reported_with_its_last_words() -> None:
    with pytest.raises(BenchProgramError, match="No module named nothing_of_this_name"):
        run_module("nothing_of_this_name")
    assert json_lines('noise\n{"a": 1}\n') == [{"a": 1}]


def test_first_output_is_timed_and_the_program_ended() -> None:
    code = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
    assert 0 < first_output_s([sys.executable, "-c", code]) < 30
    with pytest.raises(BenchProgramError, match="ValueError: no"):
        first_output_s([sys.executable, "-c", "raise ValueError('no')"])
