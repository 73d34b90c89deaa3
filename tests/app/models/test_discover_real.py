"""Discover and the tray over a real engine and a real hub on this machine, also one that goes wrong."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keyring
import pytest
from keyring.backends import fail
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.models.discover_controller import DiscoverController, Phase
from app.models.discover_view import DiscoverView
from app.models.jobs_controller import JobsController
from app.models.jobs_tray import JobsTray
from engine import Engine, EngineConfig, JobState
from tests.app.models.finds import Stage
from tests.engine.hub.hub_server import HubServer, starter_repo

REPO = "hearth/starter-GGUF"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    """A hub with one gated model; nobody is logged in, and this system has no keyring."""
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    before = keyring.get_keyring()
    keyring.set_keyring(fail.Keyring())
    with HubServer() as server:
        server.repos[REPO] = starter_repo(gated=True)
        yield server
    keyring.set_keyring(before)


class HubStage(Stage):
    """Discover above the tray, as on the page."""

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self.engine = engine
        self.discover = DiscoverController(engine, self.tasks)
        self.jobs = JobsController(engine, self.tasks)
        self.discover.began.connect(lambda _job: self.jobs.look())
        self.view = DiscoverView(self.appearance, self.discover)
        self.tray = JobsTray(self.appearance, self.jobs)
        page = QWidget()
        column = QVBoxLayout(page)
        column.addWidget(self.view, 1)
        column.addWidget(self.tray)
        self.show(page)
        self.closers += [lambda: self.discover.watch(False), self.jobs.close, lambda: self.jobs.watch(False)]

    async def __aenter__(self) -> "HubStage":
        self.jobs.open()
        self.jobs.watch(True)
        await self.until(lambda: self.discover.is_loaded)
        return self

    async def __aexit__(self, *_: object) -> None:
        await super().__aexit__()
        await self.engine.close()

    async def search(self, text: str) -> None:
        self.view.filters.search.setText(text)
        self.view.filters.ask_button.click()
        await self.until(lambda: self.discover.phase is not Phase.SEARCHING)


@pytest.fixture
def staged(
    run: Callable[..., None], dressed: Callable[..., None], hub: HubServer, tmp_path: Path
) -> Callable[..., None]:
    """Run a check on a page of a fresh home."""

    def show(check: Callable[[HubStage], Any], **settings: Any) -> None:
        async def body() -> None:
            config = EngineConfig(**{"home": tmp_path / "home", "hub_url": hub.url, "used_in_place": (), **settings})
            stage = HubStage(Engine(config))
            dressed(stage.appearance)
            async with stage:
                await check(stage)

        run(body())

    return show


def test_from_a_search_to_a_model_that_can_be_opened(staged, hub, tmp_path):
    async def check(stage) -> None:
        assert hub.seen == []  # it begins without the network
        assert len(stage.discover.recommended) > 20
        await stage.search("starter")
        assert [model.repo for model in stage.discover.results] == [REPO]
        stage.view.list.choose(REPO)
        await stage.until(lambda: stage.discover.detail.card is not None)
        words = stage.said(stage.view)
        assert "MIT" in words
        assert "It needs an account." in words
        stage.discover.settings.set_token(hub.token)
        await stage.until(lambda: stage.discover.state.has_token)
        await stage.settled()
        stage.view.pane.main_button.click()
        await stage.until(lambda: stage.tray.rows)
        await stage.until(lambda: stage.engine.jobs()[0].is_over)
        stage.jobs.look()
        job = stage.engine.jobs()[0]
        assert job.state is JobState.DONE, job
        row = next(iter(stage.tray.rows.values()))
        assert row.open_button.isVisible()
        await stage.until(lambda: stage.view.pane.main_button.text() == "Open")
        opened = []
        stage.view.open_wanted.connect(opened.append)
        stage.view.pane.main_button.click()
        assert stage.engine.card(opened[0]).provenance.repo == REPO

    staged(check)


def test_a_gated_model_without_a_token_says_what_is_missing(staged):
    async def check(stage) -> None:
        await stage.search("starter")
        stage.view.list.choose(REPO)
        await stage.until(lambda: stage.discover.detail.card is not None or stage.discover.detail.cause)
        stage.discover.download("starter-F16.gguf")
        await stage.until(lambda: stage.view.banner.message)
        assert "token" in stage.view.banner.message
        assert stage.engine.jobs() == ()

    staged(check)


@pytest.mark.parametrize("fault", ["garbage", "503", "login"])
def test_a_hub_that_goes_wrong_is_a_sentence_and_not_a_traceback(staged, hub, fault):
    async def check(stage) -> None:
        hub.fault = fault
        await stage.search("starter")
        assert stage.discover.phase is Phase.FAILED
        cause, remedy = stage.discover.error
        assert cause.endswith(".")
        assert remedy
        hub.fault = ""
        stage.view.banner.pressed.emit()
        await stage.until(lambda: stage.discover.phase is Phase.FOUND)

    staged(check)


def test_a_download_is_paused_slowed_and_cancelled_in_the_tray(staged, hub):
    hub.repos[REPO] = starter_repo()

    async def check(stage) -> None:
        await stage.search("starter")
        stage.view.list.choose(REPO)
        await stage.until(lambda: stage.discover.detail.card is not None)
        stage.view.pane.main_button.click()
        await stage.until(lambda: stage.tray.rows)
        number, row = next(iter(stage.tray.rows.items()))
        await stage.until(lambda: stage.jobs.job(number).done > 0)
        row.pause_button.click()
        await stage.until(lambda: stage.jobs.job(number).state is JobState.PAUSED)
        assert stage.engine.jobs()[0].state is JobState.PAUSED
        row.resume_button.click()
        await stage.until(lambda: stage.jobs.job(number).state is JobState.RUNNING)
        row.cancel_button.click()  # little is lost: nobody asks
        await stage.until(lambda: not stage.engine.jobs())
        await stage.until(lambda: not stage.tray.isVisible())

    staged(check, download_bytes_per_s=400_000)


def test_offline_asks_nobody_and_one_button_ends_it(staged, hub):
    async def check(stage) -> None:
        assert stage.view.banner.message.startswith("Hearth works offline.")
        await stage.search("starter")
        assert stage.discover.phase is Phase.OFFLINE
        assert hub.seen == []
        stage.view.banner.pressed.emit()
        await stage.until(lambda: stage.discover.phase is Phase.FOUND)

    staged(check, offline=True)
