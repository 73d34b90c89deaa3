import pytest

pytestmark = pytest.mark.models

TINY = ("--shape", "tiny", "--quick")


def test_one_bench_is_one_document(hearth) -> None:
    ended = hearth("bench", "speed", *TINY, "--type", "q4_0", "--json")
    assert ended.code == 0
    document = ended.document
    assert document.keys() == {"bench", "figures", "samples", "machine"}
    assert document["bench"] == "speed"
    assert document["figures"]["decode_tokens_per_s"] > 0
    assert document["machine"]["cpu"]


def test_several_benches_are_one_document_too(hearth) -> None:
    document = hearth("bench", "speed", "overhead", *TINY, "--json").document
    assert [report["bench"] for report in document["benches"]] == ["speed", "overhead"]


def test_a_shape_alone_asks_how_fast_it_would_run(hearth) -> None:
    ended = hearth("bench", *TINY)
    assert ended.code == 0
    assert "bench speed" in ended.out
    assert "decode_tokens_per_s" in ended.out


def test_the_table_shows_targets_only_where_they_hold(hearth, monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.bench.report import BenchReport

    figures = {"decode_ratio": 0.5, "prefill_ratio": 1.25, "decode_tokens_per_s": 30.0}
    machine = {"cpu": "A CPU", "physical_cores": 2, "load_average": 0.25}
    report = BenchReport(bench="overhead", figures=figures, samples={}, machine=machine)
    monkeypatch.setattr("engine.bench.catalogue.run_bench", lambda *_: report)
    rows = {line.split()[0]: line.split() for line in hearth("bench", "overhead").out.splitlines() if line.strip()}
    assert rows["decode_ratio"] == ["decode_ratio", "0.5", "≥", "0.97", "missed"]
    assert rows["prefill_ratio"] == ["prefill_ratio", "1.25", "≥", "0.97", "ok"]
    assert rows["decode_tokens_per_s"] == ["decode_tokens_per_s", "30"]
    assert "0.97" not in hearth("bench", "overhead", "--shape", "7b").out


def test_clean_deletes_the_random_models(hearth, home) -> None:
    hearth("bench", *TINY)
    assert list((home / "cache" / "bench").iterdir())
    document = hearth("bench", "--clean", "--json").document
    assert document["freed_bytes"] > 1_000_000
    assert list((home / "cache" / "bench").iterdir()) == []
    assert hearth("bench", "--clean").code == 0
