from collections.abc import Callable, Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backends import fail

from engine.cards import Arrival
from engine.config import EngineConfig
from engine.scheduling.fitting import FitCheck
from engine.tasks.hub_desk import HubDesk
from tests.engine.hub.hub_server import HubServer, starter_repo

TOKENS = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_TOKEN_PATH")


@pytest.fixture(autouse=True)
def no_other_tokens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Nobody is logged in, and this system has no keyring; Hugging Face's own files would be in this folder."""
    before = keyring.get_keyring()
    keyring.set_keyring(fail.Keyring())
    for name in TOKENS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    yield tmp_path / "hf"
    keyring.set_keyring(before)


@pytest.fixture
def hub() -> Iterator[HubServer]:
    """A hub with the model that comes with Hearth."""
    with HubServer() as server:
        server.repos["hearth/starter-GGUF"] = starter_repo()
        yield server


MakeDesk = Callable[..., HubDesk]


@pytest.fixture
def make_desk(hub: HubServer, tmp_path: Path) -> MakeDesk:
    """Make a desk that asks the hub of this test; what it was told is in `desk.jobs` and `desk.arrivals`."""

    def make(**settings: object) -> HubDesk:
        config = EngineConfig(**{"home": tmp_path / "home", "hub_url": hub.url, **settings})
        return Desk(config)

    return make


class Desk(HubDesk):
    """A desk that remembers what it told others."""

    def __init__(self, config: EngineConfig) -> None:
        self.jobs: list[tuple[object, ...]] = []
        self.arrivals: list[tuple[Path, Arrival]] = []
        super().__init__(config, lambda: FitCheck(config), lambda *it: self.arrivals.append(it), self._begin)

    def _begin(self, *job: object) -> int:
        self.jobs.append(job)
        return len(self.jobs)


@pytest.fixture
def desk(make_desk: MakeDesk) -> HubDesk:
    """A desk."""
    return make_desk()
