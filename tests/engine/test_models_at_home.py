"""The engine and its models: what a person sets for one counts, changed files are noticed, speeds are written down."""

import asyncio
from contextlib import aclosing
from pathlib import Path

import pytest

from engine.cards import ModelDefaults, Origin
from engine.engine import Engine
from engine.errors import ModelError
from engine.types import Finished, GenerateRequest, GenerateResult, Sampling, user
from tests.computing import computing
from tests.engine.tasks.library import STARTER, copied

GREEDY = Sampling(temperature=0.0)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return copied(STARTER, tmp_path / "home" / "models" / "mine.gguf")


def engine_at(tmp_path: Path, **settings: object) -> Engine:
    return Engine(computing(home=tmp_path / "home", **settings))


async def answer(engine: Engine, model: str = "mine", **asked: object) -> GenerateResult:
    request = GenerateRequest(model=model, messages=(user("Tell me about functions."),), max_tokens=24, **asked)
    async with aclosing(engine.generate(request)) as events:
        async for event in events:
            if isinstance(event, Finished):
                return event.result
    raise AssertionError("no answer")


async def test_context_pin_and_sampling_of_one_model_count(tmp_path, model):
    async with engine_at(tmp_path) as engine:
        engine.set_model_defaults("mine", ModelDefaults(context_tokens=128, is_pinned=True, sampling=GREEDY))
        assert await engine.context_tokens("mine") == 128
        assert await engine.context_tokens("starter") == 1024
        loaded = {it.info.id: it for it in engine.snapshot().loaded}
        assert (loaded["mine"].is_pinned, loaded["starter"].is_pinned) == (True, False)
        wanted = await answer(engine, "starter", sampling=GREEDY)
        assert (await answer(engine)).text == wanted.text


async def test_sampling_that_is_set_while_a_model_is_loaded_counts_at_once_and_in_the_cache(tmp_path, model):
    async with engine_at(tmp_path, cache_memory_bytes=1 << 20) as engine:
        await engine.load("mine")
        engine.set_model_defaults("mine", ModelDefaults(sampling=GREEDY))
        first, second = await answer(engine), await answer(engine)
        assert (first.cached is None, second.cached is not None, first.text == second.text) == (True, True, True)
        engine.set_model_defaults("mine", ModelDefaults(sampling=Sampling(temperature=5.0, seed=1)))
        third = await answer(engine)
        assert third.cached is None
        assert third.text != first.text


async def test_a_model_that_may_not_take_what_it_needs_is_refused_by_its_own_setting(tmp_path, model):
    async with engine_at(tmp_path) as engine:
        engine.set_model_defaults("mine", ModelDefaults(memory_budget_bytes=1 << 20))
        with pytest.raises(ModelError.__mro__[1], match="its own setting allows") as refused:
            await engine.load("mine")
        assert "Allow it more" in refused.value.remedy
        engine.set_model_defaults("mine", ModelDefaults())
        await engine.load("mine")


async def test_placements_reckon_with_the_models_own_context(tmp_path, model):
    async with engine_at(tmp_path) as engine:
        [usual] = [it.needed_bytes for it in (await engine.placements("mine")).candidates if it.device == "cpu"]
        engine.set_model_defaults("mine", ModelDefaults(context_tokens=65_536))
        [own] = [it.needed_bytes for it in (await engine.placements("mine")).candidates if it.device == "cpu"]
    assert own - usual > 100 << 20


async def test_a_device_that_is_chosen_with_the_defaults_is_the_one_of_placements(tmp_path, model):
    async with engine_at(tmp_path) as engine:
        engine.set_model_defaults("mine", ModelDefaults(device="cpu"))
        assert (await engine.placements("mine")).override == "cpu"
        engine.set_device("mine", "")
        assert engine.card("mine").defaults.device == ""


async def test_a_replaced_file_is_loaded_anew(tmp_path, model):
    async with engine_at(tmp_path) as engine:
        engine.set_model_defaults("mine", ModelDefaults(is_pinned=True))
        await answer(engine, sampling=GREEDY)
        (first,) = engine._residency().residents()
        assert (await answer(engine, sampling=GREEDY)).text
        assert engine._residency().residents()[0].model is first.model
        copied(STARTER, tmp_path / "other.gguf").replace(model)
        assert engine._residency().changed(model) == (first.place,)
        assert (await answer(engine, sampling=GREEDY)).text
        (second,) = engine._residency().residents()
        assert second.model is not first.model
        assert second.is_pinned
        assert engine._residency().changed(model) == ()


async def test_a_file_that_changes_under_a_running_answer_is_a_sentence_for_the_next(tmp_path, model):
    async with engine_at(tmp_path) as engine:
        request = GenerateRequest(model="mine", messages=(user("Go on."),), max_tokens=400, sampling=GREEDY)
        async with aclosing(engine.generate(request)) as events:
            async for event in events:
                if type(event).__name__ == "TextDelta":
                    break
            copied(STARTER, tmp_path / "new.gguf").replace(model)
            with pytest.raises(ModelError, match="has changed while requests are using"):
                await answer(engine)
        await asyncio.sleep(0.1)
        assert (await answer(engine)).text


async def test_speeds_are_shown_at_once_and_last(tmp_path, model):
    async with engine_at(tmp_path) as engine:
        assert engine.card("mine").tokens_per_s is None
        version = engine.library_version()
        result = await answer(engine)
        card = engine.card("mine")
        assert card.measured_on == "cpu"
        assert card.tokens_per_s == pytest.approx((result.usage.output_tokens - 1) / result.timings.decode_s, rel=0.2)
        assert engine.library_version() > version
    assert engine_at(tmp_path).card("mine").tokens_per_s == card.tokens_per_s


async def test_models_of_other_programs_are_found_and_run_where_they_are(tmp_path, monkeypatch):
    monkeypatch.setenv("HEARTH_FOREIGN_HOME", str(tmp_path))
    path = copied(STARTER, tmp_path / ".lmstudio" / "models" / "owner" / "name" / "theirs.gguf")
    async with engine_at(tmp_path) as engine:
        assert [it.id for it in engine.models()] == ["reader", "starter", "theirs"]
        assert engine.card("theirs").provenance.origin is Origin.LM_STUDIO
        assert (await answer(engine, "theirs")).text
        assert path.read_bytes() == STARTER.read_bytes()
    assert [it.id for it in engine_at(tmp_path, used_in_place=()).models()] == ["reader", "starter"]
