"""The whole way: found on a hub, looked at, fetched, tried, listed, and answering."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.background import BackgroundJob, JobState
from engine.cards import Trust
from engine.config import EngineConfig
from engine.engine import Engine
from engine.errors import OfflineError
from engine.finds import HubQuery
from engine.requests import GenerateRequest, user
from resources import models_dir
from tests.engine.hub.hub_server import COMMIT, HubServer, Repo, starter_repo

REPO = "hearth/starter-GGUF"


async def until(is_so: Callable[[], bool]) -> None:
    for _ in range(3_000):
        if is_so():
            return
        await asyncio.sleep(0.02)
    pytest.fail("it takes too long")


async def ended(engine: Engine, job: int) -> BackgroundJob:
    def found() -> BackgroundJob:
        return next(each for each in engine.jobs() if each.id == job)

    await until(lambda: found().is_over)
    return found()


async def test_a_model_of_the_hub_answers(hub: HubServer, tmp_path: Path) -> None:
    hub.repos[REPO] = starter_repo(gated=True)
    config = EngineConfig(home=tmp_path / "home", hub_url=hub.url, used_in_place=())
    async with Engine(config) as engine:
        engine.set_hub_token(hub.token)
        (found,) = await engine.search_models(HubQuery(text="starter"))
        card = await engine.hub_card(found.repo)
        assert "mit" in card.licence_text.lower()
        job = await ended(engine, await engine.download_model(found.repo, card.model.recommended))
        assert (job.state, job.error, job.subject) == (JobState.DONE, "", f"{REPO}/starter-F16.gguf")
        place = config.home / "models" / REPO / "starter-F16.gguf"
        assert job.result == str(place)

        here = next(each for each in engine.cards() if each.info.path == place)
        assert (here.provenance.repo, here.provenance.revision) == (REPO, COMMIT)
        assert here.sha256 == card.model.files[0].sha256[0]
        assert (await engine.probe_model(here.info.id)).trust is Trust.PASSED

        pieces = [
            event
            async for event in engine.generate(
                GenerateRequest(model=here.info.id, messages=(user("Hello"),), max_tokens=8)
            )
        ]
        assert pieces
    kept = (config.home / "jobs.json").read_text(encoding="utf-8")
    assert REPO in kept
    assert hub.token not in kept
    assert all("authorization" not in request.headers for request in hub.sent_to(is_hub=False))


async def test_offline_stops_a_download_and_what_was_fetched_is_kept(hub: HubServer, tmp_path: Path) -> None:
    config = EngineConfig(home=tmp_path / "home", hub_url=hub.url, used_in_place=(), download_bytes_per_s=200_000)
    async with Engine(config) as engine:
        job = await engine.download_model(REPO)
        await until(lambda: next(each for each in engine.jobs() if each.id == job).done > 0)
        engine.set_offline(True)
        with pytest.raises(OfflineError):
            await engine.download_model(REPO)
        asked = len(hub.seen)
        await asyncio.sleep(0.5)
        assert len(hub.seen) == asked, "nobody is asked while it is off"
        assert not (config.home / "models" / REPO / "starter-F16.gguf").exists()
        engine.set_offline(False)
        engine.set_download_limit(0)
        engine.resume_job(job)
        assert (await ended(engine, job)).state is JobState.DONE
    assert json.loads((config.home / "jobs.json").read_text(encoding="utf-8"))


async def test_a_graph_comes_with_its_card_and_reads(hub: HubServer, tmp_path: Path) -> None:
    files: dict[str, bytes | Path] = {name: models_dir() / name for name in ("reader.onnx", "reader.json")}
    hub.repos["hearth/reader"] = Repo(files={**files, "README.md": b"# Reader"}, pipeline_tag="image-to-text")
    async with Engine(EngineConfig(home=tmp_path / "home", hub_url=hub.url, used_in_place=())) as engine:
        (found,) = await engine.search_models(HubQuery(task="read-text"))
        assert found.repo == "hearth/reader"
        job = await ended(engine, await engine.download_model(found.repo))
        assert (job.state, job.error) == (JobState.DONE, "")
        here = next(card for card in engine.cards() if str(card.info.path) == job.result)
        assert here.info.tasks == ("reading",)
        assert {path.name for path in here.files} == {"reader.onnx", "reader.json"}
        assert (await engine.probe_model(here.info.id)).trust is Trust.PASSED
