import pytest

from engine.bench import telemetry
from engine.bench.children import BenchProgramError
from engine.bench.measure import BenchOptions
from engine.bench.report import TARGETS


def test_a_bench_measures_what_it_promises(options: BenchOptions, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(telemetry, "run_module", lambda *arguments: asked.append(arguments) or '{"core_share": 0.01}\n')
    report = telemetry.run(options)
    assert asked == [("app.bench_hardware", "--quick")]
    assert report.figures.keys() == {"core_share_visible", "core_share_hidden", "sample_ms_p50", "sources"}
    assert TARGETS["telemetry"].keys() <= report.figures.keys()
    assert report.figures["core_share_visible"] == 0.01
    assert 0 < report.figures["core_share_hidden"] < 1
    assert report.figures["sample_ms_p50"] > 0
    assert report.figures["sources"] >= 1
    assert len(report.samples["sample_ms"]) == 20


@pytest.mark.parametrize("printed", ["", "no JSON", '{"other": 3}', '{"core_share": "much"}'])
def test_a_window_that_says_nothing_is_an_error(
    options: BenchOptions, monkeypatch: pytest.MonkeyPatch, printed: str
) -> None:
    monkeypatch.setattr(telemetry, "run_module", lambda *_: printed)
    with pytest.raises(BenchProgramError, match="core_share"):
        telemetry.run(options)


def test_what_the_window_could_not_measure_is_unknown(options: BenchOptions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telemetry, "run_module", lambda *_: '{"core_share": NaN}\n')
    assert telemetry._visible_share(options) is None
