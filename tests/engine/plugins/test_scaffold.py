import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from engine.errors import InvalidRequestError
from engine.plugins.install import install_into
from engine.plugins.manifest import OfferKind
from engine.plugins.scaffold import write_scaffold
from engine.testing import load_plugin

ROOT = Path(__file__).resolve().parents[3]


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a tool in a folder, as an author would; Hearth is found where it is installed."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "MYPYPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, "-m", *command], cwd=folder, env=env, capture_output=True, text=True, timeout=110, check=False
    )


@pytest.mark.parametrize("kind", OfferKind)
def test_a_new_plugin_offers_one_thing_and_can_be_installed(kind: OfferKind, tmp_path: Path):
    folder = write_scaffold("my-first", kind, tmp_path)
    assert folder == tmp_path / "my_first"
    offers = load_plugin(folder)
    counts = [len(getattr(offers, name)) for name in ("tasks", "families", "pipelines", "tools", "telemetry")]
    assert sorted(counts) == [0, 0, 0, 0, 1]
    assert install_into(tmp_path / "home", folder).name == "my_first"


def test_tests_of_new_plugins_pass(tmp_path: Path):
    folders = [write_scaffold(f"my-{kind}", kind, tmp_path) for kind in OfferKind]
    for folder, count in ((folders[0], 2), (tmp_path, 6)):  # as the author of one would, and all of them
        ended = run(folder, "pytest", "-q", "-p", "no:cacheprovider")
        assert ended.returncode == 0, ended.stdout + ended.stderr
        assert f"{count} passed" in ended.stdout


def test_new_plugins_pass_the_checks_of_this_house(tmp_path: Path):
    # A short name and a long one, since the length of a line depends on it.
    folders = [write_scaffold(f"{name}-{kind}", kind, tmp_path) for kind in OfferKind for name in ("my", "x" * 24)]
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    ruff = shutil.which("ruff", path=str(Path(sys.executable).parent))
    assert ruff
    for check in (("check", "--ignore=D,ANN,INP,PLR,S101"), ("format", "--check")):
        command = [ruff, check[0], "--no-cache", *check[1:], str(tmp_path)]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stdout
    modules = [str(path) for folder in folders[::2] for path in (*folder.glob("*.py"), *folder.glob("tests/*.py"))]
    ended = run(tmp_path, "mypy", "--config-file=", "--strict", "--follow-imports=silent", "--no-incremental", *modules)
    assert ended.returncode == 0, ended.stdout


@pytest.mark.parametrize("wrong", ["", "a", "Shout", "9lives", "a_b", "a--b", "../up", "class", "con", "x" * 41])
def test_what_is_no_id_is_refused(wrong: str, tmp_path: Path):
    with pytest.raises(InvalidRequestError, match="cannot be the id"):
        write_scaffold(wrong, OfferKind.TASK, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten(tmp_path: Path):
    folder = write_scaffold("shout", OfferKind.TASK, tmp_path)
    (folder / "task.py").write_text("mine")
    with pytest.raises(InvalidRequestError, match="exists already"):
        write_scaffold("shout", OfferKind.TOOL, tmp_path)
    assert (folder / "task.py").read_text() == "mine"
