"""`hearth ps`, against an engine that only says what it is told, through the real channel."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.engine.control.stand_in import MODEL, StandIn, serving

PROCESS = os.getpid()


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "160")


@pytest.fixture
def engine(home: Path) -> Iterator[StandIn]:
    engine = StandIn()
    with serving(engine, home):
        yield engine


def test_without_a_hearth_it_says_so(hearth):
    ended = hearth("ps")
    assert (ended.code, ended.out, ended.err) == (0, "No Hearth is running.\n", "")
    assert hearth("ps", "--json").document == {"engines": []}
    for command in ("pin", "unpin", "unload"):
        ended = hearth("ps", command, "chat-8b")
        assert (ended.code, ended.err) == (1, "No Hearth is running.\n")


def test_models_are_listed_with_the_memory_that_they_take(hearth, engine: StandIn):
    idle = replace(MODEL, info=replace(MODEL.info, id="idle"), running=0, idle_s=90.0, is_pinned=True, device="cpu")
    engine.loaded = (MODEL, idle)
    lines = hearth("ps").out.splitlines()
    cells = {
        line.split()[0]: [cell.strip() for cell in line.split("  ") if cell.strip()] for line in lines if line.strip()
    }
    assert cells["chat-8b"] == ["chat-8b", "gpu:0", "9.0 kB", "1", "2", "–", "1 min 1 s", "no"]
    assert cells["idle"] == ["idle", "cpu", "9.0 kB", "0", "2", "1 min 30 s", "1 min 1 s", "yes"]
    assert lines[-1] == "Models take 14.0 kB of 16.0 kB that they may take."


def test_without_models_it_says_so(hearth, engine: StandIn):
    engine.loaded = ()
    assert hearth("ps").out == "No model is loaded.\nModels take 0 bytes of 16.0 kB that they may take.\n"
    assert hearth("ps", "--json").document["engines"][0]["models"] == []


def test_the_document_says_everything(hearth, engine: StandIn):
    (there,) = hearth("ps", "--json").document["engines"]
    assert (there["process"], there["title"]) == (PROCESS, "window")
    assert (there["memory_bytes"], there["memory_budget_bytes"]) == (7_000, 16_000)
    (model,) = there["models"]
    assert (model["info"]["id"], model["device"], model["is_pinned"], model["waiting"]) == (
        "chat-8b",
        "gpu:0",
        False,
        2,
    )


def test_models_are_pinned_unpinned_and_unloaded(hearth, engine: StandIn):
    assert hearth("ps", "pin", "chat-8b").out == "chat-8b stays loaded.\n"
    assert hearth("ps", "unpin", "chat-8b", "--json").document == {
        "model": "chat-8b", "is_pinned": False, "processes": [PROCESS],
    }  # fmt: skip
    assert hearth("ps", "unload", "chat-8b").out == "chat-8b is unloaded.\n"
    assert hearth("ps", "unload", "chat-8b", "--json").document == {"unloaded": "chat-8b", "processes": [PROCESS]}
    assert [what[:2] for what in engine.told] == [("pin", "chat-8b")] * 2 + [("unload", "chat-8b")] * 2
    assert [what[2] for what in engine.told[:2]] == [True, False]


@pytest.mark.parametrize("command", ["pin", "unpin", "unload"])
def test_a_model_that_is_not_loaded_is_a_sentence(hearth, engine: StandIn, command: str):
    ended = hearth("ps", command, "other")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == "other is not loaded. `hearth ps` lists the models that are.\n"
    assert engine.told == []


def test_what_the_engine_refuses_is_said(hearth, engine: StandIn):
    engine.loaded = (replace(MODEL, info=replace(MODEL.info, id="busy")),)
    ended = hearth("ps", "unload", "busy")
    assert (ended.code, ended.err) == (1, "busy is answering. Wait until it has ended.\n")


def test_of_two_hearths_each_model_says_where_it_is(hearth, home: Path, engine: StandIn):
    other = StandIn()
    other.loaded = (replace(MODEL, info=replace(MODEL.info, id="code-7b")),)
    with serving(other, home, "hearth run"):
        out = hearth("ps").out
        assert f"Hearth {PROCESS} (hearth run): models take 7.0 kB" in out
        assert [line.split()[-2:] for line in out.splitlines() if line.strip().startswith("code")] == [
            ["(hearth", "run)"]
        ]
        assert hearth("ps", "pin", "code-7b").code == 0
    assert engine.told == []
    assert other.told[0][:3] == ("pin", "code-7b", True)
