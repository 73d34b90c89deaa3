from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

Tree = Callable[[Mapping[str, object]], Path]


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """Writes files below a root; called again, it rewrites them in place, as the kernel does."""

    def write(files: Mapping[str, object]) -> Path:
        for name, content in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{content}\n")
        return tmp_path

    return write
