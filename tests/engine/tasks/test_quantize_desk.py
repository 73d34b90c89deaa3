"""The door's promises about quantizing, kept by the real library, the real jobs and the real quantizer."""

import asyncio
import hashlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.background import BackgroundJob, JobState
from engine.bench.random_model import write_random_gguf
from engine.cards import Trust
from engine.engine import Engine
from engine.errors import CapabilityError, ModelError, ModelNotFoundError
from engine.quantize.places import begin_part
from resources import models_dir
from tests.computing import computing
from tests.engine.quantize.hf_model import HfModel
from tests.engine.quantize.support import Told

pytestmark = pytest.mark.models

STARTER = models_dir() / "starter.gguf"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    (home / "models").mkdir(parents=True)
    return home


@pytest.fixture
def engine(home: Path) -> Iterator[Engine]:
    """A closed one, as a window has it when it opens."""
    engine = Engine(computing(home=home))
    yield engine
    engine._close_models()


async def until(is_so: Callable[[], bool]) -> None:
    for _ in range(2800):
        if is_so():
            return
        await asyncio.sleep(0.1)
    raise AssertionError("it takes too long")


async def ended(engine: Engine, job: int) -> BackgroundJob:
    await until(lambda: engine.jobs()[job - 1].is_over)
    return engine.jobs()[job - 1]


async def test_recipes_are_forecast_for_this_machine(engine: Engine) -> None:
    found = await engine.recipes("starter")
    assert [it.recipe.id for it in found] == ["q8_0", "q6_k", "q5_k_m", "q4_k_m", "q4_0", "iq4_xs", "q3_k_m"]
    assert sum(it.is_recommended for it in found) == 1
    assert all(it.reason for it in found)
    assert await engine.recipes("starter") is found  # a window asks often


@pytest.mark.timeout(300)  # it times models, again and again where other programs compute
async def test_a_job_makes_a_model_with_a_report(home: Path, engine: Engine) -> None:
    before = hashlib.sha256(STARTER.read_bytes()).hexdigest()
    job = await engine.quantize_model("starter", "q4_k_m")
    [shown] = [it for it in engine.jobs() if it.id == job]
    assert (shown.title, shown.subject) == ("starter → Small", "starter")
    done = await ended(engine, job)
    assert (done.state, done.error) == (JobState.DONE, "")
    result = home / "models" / "starter.q4_k_m.gguf"
    assert done.result == str(result)
    card = engine.card("starter.q4_k_m")
    report = card.report
    assert report is not None
    assert card.provenance.made_from == "starter"
    assert card.sha256 == hashlib.sha256(result.read_bytes()).hexdigest()
    assert (report.recipe, report.source_sha256) == ("q4_k_m", before)
    assert report.size_ratio < 0.36
    assert report.kept > 0.9
    assert engine.reports("starter") == engine.reports("starter.q4_k_m") == (report,)
    assert hashlib.sha256(STARTER.read_bytes()).hexdigest() == before
    with pytest.raises(ModelError, match="there already"):
        await engine.quantize_model("starter", "small")


async def test_a_cancelled_job_leaves_nothing(home: Path, engine: Engine) -> None:
    shutil.copy(STARTER, home / "models" / "mine.gguf")
    job = await engine.quantize_model("mine", "iq4_xs")
    await until(lambda: engine.jobs()[0].detail.startswith("Finding out"))
    engine.cancel_job(job)
    await until(lambda: list((home / "models").iterdir()) == [home / "models" / "mine.gguf"])
    assert engine.jobs() == ()


async def test_what_a_killed_hearth_left_goes_at_the_next_start(home: Path, engine: Engine) -> None:
    left = begin_part(home / "models" / "mine.q8_0.gguf")
    left.write_bytes(b"half")
    engine.resume_jobs()
    assert list((home / "models").iterdir()) == []


async def test_what_cannot_be_done_is_said_at_once(home: Path, engine: Engine) -> None:
    write_random_gguf(home / "models" / "small.gguf", "tiny", "q4_k_m")
    with pytest.raises(CapabilityError, match="quantized already"):
        await engine.recipes("small")
    with pytest.raises(CapabilityError, match="quantized already"):
        await engine.quantize_model("small", "q8_0")
    with pytest.raises(CapabilityError, match="no recipe 'q9'"):
        await engine.quantize_model("starter", "q9")
    with pytest.raises(CapabilityError, match="There is no"):
        await engine.quantize_model("starter", "q4_k_m", home / "missing.txt")
    with pytest.raises(ModelNotFoundError):
        await engine.recipes("nobody")
    assert engine.jobs() == ()


@pytest.mark.parametrize("name", ["../x", "a/b", " ", ".."])
def test_a_name_is_no_path(name: str, engine: Engine) -> None:
    with pytest.raises(CapabilityError, match="no name for a file"):
        engine._quantize_desk().order("starter", "q8_0", None, name)
    order = engine._quantize_desk().order("starter", "q8_0", None, "Tiny one")
    assert order.target.name == "Tiny one.gguf"


def test_a_model_in_safetensors_is_converted_tried_and_listed(tmp_path: Path, home: Path, engine: Engine) -> None:
    model = HfModel(tmp_path / "my-model", "Qwen2ForCausalLM")
    told = Told()
    result = engine.convert_now(model.folder, told.control)
    assert result == home / "models" / "my-model.gguf"
    card = engine.card("my-model")
    assert card.gate.trust is Trust.PASSED
    assert card.sha256 == hashlib.sha256(result.read_bytes()).hexdigest()
    assert result.stat().st_mode & 0o222 == 0
    assert [path.name for path in (home / "models").iterdir()] == ["my-model.gguf"]
    with pytest.raises(ModelError, match="there already"):
        engine.convert_now(model.folder / "model.safetensors", told.control)
    assert engine.convert_now(model.folder, told.control, name="other").name == "other.gguf"
