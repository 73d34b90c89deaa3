import json
import sys

import pytest

from engine.bench import startup, ui
from engine.bench.children import BenchProgramError
from engine.bench.measure import BenchOptions


@pytest.mark.models
@pytest.mark.skipif(sys.platform == "win32", reason="the offscreen platform has no fonts there")
def test_a_real_start_is_measured(options: BenchOptions) -> None:
    report = startup.run(options)
    assert 0 < report.figures["window_ms"] < report.figures["first_token_ms"]
    assert report.figures["cli_first_token_ms"] > 0
    assert {len(values) for values in report.samples.values()} == {1}


def test_a_window_that_never_speaks_is_an_error(options: BenchOptions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(startup, "run_module", lambda _: '{"window_s": 0.5}\n')
    with pytest.raises(BenchProgramError, match="first_token_s"):
        startup.run(options)


def test_the_windows_own_figures_are_passed_on(options: BenchOptions, monkeypatch: pytest.MonkeyPatch) -> None:
    printed = {"figures": {"lag_ms_p99": 3.5, "stop_ms_p95": float("nan")}, "samples": {"stop_ms": [1, 2]}}
    asked = []
    monkeypatch.setattr(ui, "run_module", lambda *arguments: asked.append(arguments) or f"{json.dumps(printed)}\n")
    report = ui.run(options)
    assert asked == [("app.bench_ui", "--json", "--quick")]
    assert report.figures == {"lag_ms_p99": 3.5, "stop_ms_p95": None}
    assert report.samples == {"stop_ms": [1, 2]}


@pytest.mark.parametrize("printed", ["", "no JSON", '{"figures": 3}'])
def test_a_window_without_figures_is_an_error(
    options: BenchOptions, monkeypatch: pytest.MonkeyPatch, printed: str
) -> None:
    monkeypatch.setattr(ui, "run_module", lambda *_: printed)
    with pytest.raises(BenchProgramError):
        ui.run(options)
