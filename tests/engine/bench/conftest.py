from pathlib import Path

import pytest

from engine.bench.measure import BenchOptions
from tests.computing import computing


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def options(home: Path) -> BenchOptions:
    """Benches that take a second, on a model that takes a millisecond."""
    return BenchOptions(config=computing(home=home, prefix_disk_bytes=0), quick=True, shape="tiny")
