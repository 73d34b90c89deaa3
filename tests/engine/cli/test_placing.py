"""`hearth models place`: the table, the choice, what it costs."""

from pathlib import Path

import pytest

from engine.cli.placing import _words
from engine.hardware import Candidate, PlacementReport
from tests.engine.rpc_server import RpcServer

CPU = Candidate(model="m", device="cpu", interface="CPU", first_token_s=0.1, token_s=0.02, reason="Done first.")
GPU = Candidate(model="m", device="gpu:0", interface="Vulkan", first_token_s=0.2, token_s=0.05, reason="Slower.")


def test_what_a_choice_costs_is_said():
    report = PlacementReport(model="m", choice=GPU, candidates=(GPU, CPU), override="gpu:0", automatic=CPU)
    words = _words(report)
    assert "gpu:0 (Vulkan): Slower." in words
    assert words[-1] == "That is 20.0 tokens/s instead of 50.0 on cpu."
    assert "takes that back" in words[-2]


def test_a_model_that_fits_nowhere_says_so():
    refused = Candidate(model="m", device="cpu", refusal="cpu needs 50 GB, but 20 GB are free.")
    words = _words(PlacementReport(model="m", choice=None, candidates=(refused,)))
    assert words[0] == "cpu: cpu needs 50 GB, but 20 GB are free."
    assert words[-1] == "m fits nowhere now."


def test_placing_for_real(hearth, home: Path, monkeypatch: pytest.MonkeyPatch, make_rpc_server):
    server: RpcServer = make_rpc_server()
    monkeypatch.delenv("HEARTH_DEVICES")
    (home / "engine.toml").write_text(f'rpc_servers = ["{server.endpoint}"]\n', encoding="utf-8")
    document = hearth("models", "place", "starter", "--json").document
    assert {candidate["device"] for candidate in document["candidates"]} == {"cpu", "gpu:0"}
    assert document["choice"]["device"] == "cpu"
    document = hearth("models", "place", "starter", "gpu:0", "--json").document
    assert (document["override"], document["choice"]["device"]) == ("gpu:0", "gpu:0")
    answer = hearth("run", "starter", "Hello", "--max-tokens", "4", "--json").document
    assert answer["placement"]["device"] == "gpu:0"
    assert hearth("models", "place", "starter", "auto", "--json").document["override"] == ""
    ended = hearth("models", "place", "starter", "npu:9")
    assert ended.code == 1
    assert "There is no device npu:9" in ended.err
