from pathlib import Path

import pytest

from engine.bench.random_model import write_random_gguf
from engine.config import EngineConfig
from engine.engine import Engine
from engine.errors import InvalidRequestError, ModelNotFoundError
from engine.footprint import Fit
from engine.memory.corrections import Corrections


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    (tmp_path / "models").mkdir()
    write_random_gguf(tmp_path / "models" / "small.gguf", "tiny", "q8_0")
    return Engine(EngineConfig(home=tmp_path, devices=("cpu",), memory_budget_bytes=1 << 30, max_sequences=4))


async def test_a_closed_engine_knows_whether_a_model_fits(engine: Engine) -> None:
    found = await engine.fit("small", 512)
    assert found.fit is Fit.FITS
    assert found.context_tokens == 512
    assert not found.is_corrected
    refused = await engine.fit("small", memory_budget_bytes=1_000_000)
    assert refused.fit is Fit.NO
    assert refused.budget_reason == "as it was asked for"


async def test_what_makes_no_sense_is_refused(engine: Engine) -> None:
    with pytest.raises(ModelNotFoundError):
        await engine.fit("nobody")
    with pytest.raises(InvalidRequestError):
        await engine.fit("small", 1)
    with pytest.raises(InvalidRequestError):
        await engine.fit("small", memory_budget_bytes=0)


async def test_loads_correct_the_verdicts_of_their_architecture(engine: Engine, tmp_path: Path) -> None:
    write_random_gguf(tmp_path / "models" / "other.gguf", "tiny", "f16", seed=1)
    async with engine:
        await engine.settled()
        before = await engine.fit("small")
        assert "budget of all models" in before.budget_reason
        await engine.load("other")
        after = await engine.fit("small")
    assert (before.is_corrected, after.is_corrected) == (False, True)
    assert after.needed_bytes < before.needed_bytes
    assert Corrections(tmp_path / "cache" / "footprints.json").ratios("llama") != (1.0, 1.0)
    assert (await Engine(engine.config).fit("small")).is_corrected


async def test_what_a_busy_model_holds_is_missing_for_others_but_not_for_itself(engine: Engine) -> None:
    async with engine:
        await engine.settled()
        await engine.load("small")
        idle = (await engine.fit("small")).budget_bytes
        with engine._residency().lease() as lease:
            place = engine._residency().residents()[0].place
            lease.hold(place)
            own = (await engine.fit("small")).budget_bytes
            other = (await engine.fit("starter")).budget_bytes
    assert own == idle == 1 << 30
    assert other < own
