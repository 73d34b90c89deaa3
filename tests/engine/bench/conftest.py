from pathlib import Path

import pytest

from engine.bench.measure import BenchOptions
from engine.config import EngineConfig


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def options(home: Path) -> BenchOptions:
    """Benches that take a second, on a model that takes a millisecond."""
    return BenchOptions(config=EngineConfig(home=home), quick=True, shape="tiny")
