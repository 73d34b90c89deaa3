"""The gates in front of the engine: an unknown file is tried before it is loaded; a deadly one costs its child only."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine.cards import Trust
from engine.config import EngineConfig
from engine.engine import Engine
from engine.errors import EngineError, ModelFileError
from engine.gates.limits import TrialLimits
from engine.gates.trial import Trial, confinement_of
from engine.plugins.process.confinement import unenforced
from tests.engine.backends.llama.conftest import write_llama
from tests.engine.gates import graphs
from tests.engine.gates.test_gatekeeper import deadly

pytestmark = pytest.mark.models
ROOT = Path(__file__).parents[3]

ATTEMPTS = """
import os, socket, subprocess, sys
sys.path.append(sys.argv[1])
from engine.plugins.process.confinement import confine
confine(sys.argv[2])
model, secret = sys.argv[3:]
def attempt(name, act):
    try:
        act()
        print(name)
    except OSError:
        pass
attempt("read model", lambda: open(model, "rb").read())
attempt("read secret", lambda: open(secret, "rb").read())
attempt("list home", lambda: os.listdir(os.path.dirname(secret)))
attempt("write model", lambda: open(model, "ab"))
attempt("write beside", lambda: open(model + ".new", "wb"))
attempt("connect", lambda: socket.socket())
attempt("program", lambda: subprocess.run(["/bin/true"]))
"""


def engine_of(home: Path, **settings: object) -> Engine:
    return Engine(EngineConfig(home=home, devices=("cpu",), context_tokens=64, max_sequences=2, **settings))


def models_of(home: Path) -> Path:
    (home / "models").mkdir(parents=True, exist_ok=True)
    return home / "models"


async def test_an_unknown_model_is_tried_before_it_is_loaded(tmp_path):
    path = write_llama(models_of(tmp_path) / "new.gguf")
    async with engine_of(tmp_path) as engine:
        assert engine._gatekeeper.known(path).trust is Trust.UNTRIED
        await engine.load("new")
        assert engine._gatekeeper.known(path).trust is Trust.PASSED


async def test_a_deadly_model_is_refused_and_the_engine_goes_on(tmp_path):
    path = deadly(models_of(tmp_path) / "deadly.gguf")
    async with engine_of(tmp_path) as engine:
        for _ in range(2):  # found out, then known
            with pytest.raises(ModelFileError, match="crashed the process in which it was tried") as caught:
                await engine.load("deadly")
            assert caught.value.rule == "probe-crash"
        assert engine._gatekeeper.known(path).trust is Trust.REFUSED
        await engine.load("starter")


async def test_bundled_models_are_not_tried(tmp_path):
    async with engine_of(tmp_path) as engine:
        await engine.load("starter")
    assert not (tmp_path / "gates.json").exists()


async def test_trials_can_be_switched_off(tmp_path):
    write_llama(models_of(tmp_path) / "new.gguf")
    async with engine_of(tmp_path, probe_files=False) as engine:
        await engine.load("new")
    assert not (tmp_path / "gates.json").exists()


async def test_closing_the_engine_ends_a_trial(tmp_path):
    graphs.save(models_of(tmp_path) / "endless.onnx", graphs.endless())
    engine = engine_of(tmp_path)
    engine.open()
    loading = asyncio.ensure_future(engine.load("endless"))
    await asyncio.sleep(1.5)
    assert not loading.done()
    async with asyncio.timeout(10):
        await engine.close()
    with pytest.raises(EngineError):
        await loading


@pytest.mark.skipif(sys.platform != "linux" or unenforced() != (), reason="this system enforces less, and says so")
def test_the_process_of_a_trial_can_read_the_model_and_nothing_else(tmp_path):
    model, scratch, home = tmp_path / "models" / "m.gguf", tmp_path / "scratch", tmp_path / "home"
    for folder in (model.parent, scratch, home):
        folder.mkdir()
    model.write_bytes(b"GGUF")
    secret = home / "secret"
    secret.write_text("x")
    trial = Trial(files=[model], kind="gguf", words_only=False, limits=TrialLimits())
    arguments = [str(ROOT), confinement_of(trial, scratch).to_json(), str(model), str(secret)]
    command = [sys.executable, "-I", "-c", ATTEMPTS, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=dict(os.environ))
    assert done.stdout.splitlines() == ["read model"]
