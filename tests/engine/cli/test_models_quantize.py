"""`hearth models quantize`, with the real quantizer."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine.bench.random_model import write_random_gguf
from engine.quantize.recipes import recipes_for
from tests.engine.quantize.hf_model import HfModel

pytestmark = pytest.mark.models


def test_recipes_are_listed(hearth) -> None:
    ended = hearth("models", "quantize", "starter")
    assert ended.code == 0
    assert "Near lossless" in ended.out
    assert "Recommended here: " in ended.out
    document = hearth("models", "quantize", "starter", "--json").document
    assert document["model"] == "starter"
    assert document["recipes"][0]["recipe"]["id"] == "q8_0"
    assert sum(it["is_recommended"] for it in document["recipes"]) == 1


def test_what_cannot_be_done(hearth, home: Path) -> None:
    ended = hearth("models", "quantize", "plain", "q8_0", "--json")
    assert (ended.code, ended.out) == (1, "")
    assert "quantized already" in ended.err
    assert hearth("models", "quantize", "starter", "q9").code == 1
    assert hearth("models", "quantize", "starter", "q8_0", "--out", "a/b").code == 1
    assert hearth("models", "quantize", "nobody").code == 1
    assert hearth("models", "quantize").code == 2
    assert not list((home / "models").glob("*starter*"))


def test_converting(hearth, home: Path, tmp_path: Path) -> None:
    model = HfModel(tmp_path / "my-model")
    ended = hearth("models", "convert", model.folder)
    assert (ended.code, ended.err) == (0, "")
    assert "F16" in ended.out
    assert "`hearth models quantize my-model`" in ended.out
    assert len(hearth("models", "quantize", "my-model", "--json").document["recipes"]) == len(recipes_for("gguf"))
    ended = hearth("models", "convert", tmp_path, "--json")
    assert (ended.code, ended.out) == (1, "")
    assert "There is no config.json" in ended.err


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C is sent in another way there")
def test_ctrl_c_leaves_nothing(home: Path) -> None:
    write_random_gguf(home / "models" / "large.gguf", "100m", "f16")
    before = sorted(path.name for path in (home / "models").iterdir())
    command = [sys.executable, "-m", "engine", "models", "quantize", "large", "q4_k_m"]
    process = subprocess.Popen(command, cwd=Path(__file__).parents[3], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    while not list((home / "models").glob(".quantizing-*")) and process.poll() is None:
        time.sleep(0.05)
    time.sleep(1.0)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert out == b""
    assert b"Traceback" not in err
    assert sorted(path.name for path in (home / "models").iterdir()) == before


@pytest.mark.long
def test_a_model_is_made(hearth, home: Path) -> None:
    ended = hearth("models", "quantize", "starter", "Small", "--out", "mine")
    assert ended.code == 0
    assert "which is as it was" in ended.out
    assert "q4_k_m" in ended.out
    document = hearth("models", "quantize", "starter", "q8_0", "--json").document
    assert Path(document["path"]) == home / "models" / "starter.q8_0.gguf"
    assert document["report"]["recipe"] == "q8_0"
    assert [report["recipe"] for report in document["reports"]] == ["q8_0", "q4_k_m"]
