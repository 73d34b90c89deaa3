"""Tiny packages that pip really builds and installs, without a network."""

import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

PACKAGING = Path(__file__).resolve().parents[2] / "packaging"
sys.path.insert(0, str(PACKAGING))  # a folder of scripts, not a package: they import each other by name

BACKEND = """
import pathlib, zipfile

NAME, VERSION = "{name}", "{version}"

def build_wheel(folder, config_settings=None, metadata_directory=None):
    print("[1/2] Building CXX object tiny.o", flush=True)
    with open({journal!r}, "a") as journal:
        journal.write(repr(sorted((config_settings or {{}}).items())) + chr(10))
    {failure}
    file = f"{{NAME}}-{{VERSION}}-py3-none-any.whl"
    info = f"{{NAME}}-{{VERSION}}.dist-info"
    with zipfile.ZipFile(pathlib.Path(folder) / file, "w") as wheel:
        wheel.writestr(f"{{NAME}}.py", {module!r})
        wheel.writestr(f"{{info}}/entry_points.txt", {entry_points!r})
        wheel.writestr(f"{{info}}/METADATA", pathlib.Path("PKG-INFO").read_text())
        wheel.writestr(f"{{info}}/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(f"{{info}}/RECORD", "")
    return file

build_editable = build_wheel
"""
BUILD_SYSTEM = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'


def write_package(
    folder: Path,
    name: str,
    version: str,
    *,
    failure: str = "pass",
    metadata: str = "",
    module: str = "",
    start: str = "",
) -> Path:
    """Write a package that builds itself with the standard library alone.

    Args:
        folder: where to.
        name: of the package; with underscores, of its only module.
        version: of the package.
        failure: a statement that its build runs before it would succeed.
        metadata: more lines for PKG-INFO, such as Requires-Dist.
        module: its code.
        start: function in the module that a program of the same name calls.

    Returns:
        A journal beside the folder: each build that starts adds a line with its settings.
    """
    folder.mkdir(parents=True, exist_ok=True)
    journal = folder.parent / f"{name}.journal"
    module_name = name.replace("-", "_")
    backend = BACKEND.format(
        name=module_name,
        version=version,
        journal=str(journal),
        failure=failure,
        module=module,
        entry_points=f"[console_scripts]\n{name} = {module_name}:{start}\n" if start else "",
    )
    (folder / "backend.py").write_text(backend, encoding="utf-8")
    info = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{metadata}"
    (folder / "PKG-INFO").write_text(info, encoding="utf-8")
    project = f'{BUILD_SYSTEM}\n[project]\nname = "{name}"\nversion = "{version}"\n'
    (folder / "pyproject.toml").write_text(project, encoding="utf-8")
    return journal


class Index:
    """A folder that pip takes source packages from, and what was built out of it."""

    version = "0.0.1"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.links = folder / "links"
        self.links.mkdir(parents=True)
        self.journal = folder / "llama-cpp-python.journal"

    def offer(self, failure: str = "pass") -> None:
        """Offer a tiny llama-cpp-python; `failure` is what its build does before it would succeed."""
        stem = f"llama_cpp_python-{self.version}"
        write_package(self.folder / stem, "llama-cpp-python", self.version, failure=failure)
        with tarfile.open(self.links / f"{stem}.tar.gz", "w:gz") as archive:
            archive.add(self.folder / stem, arcname=stem)

    @property
    def builds(self) -> list[str]:
        """One line per build that was started: its settings."""
        return self.journal.read_text(encoding="utf-8").splitlines() if self.journal.exists() else []


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Index:
    """The only place where pip may look; wheels are kept in `tmp_path/cache`."""
    made = Index(tmp_path / "index")
    for name, value in offline_settings(made, tmp_path / "cache").items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("CMAKE_ARGS", raising=False)
    return made


class Checkout:
    """A tiny Hearth with the real packaging folder, set up by running the real bootstrap."""

    PROGRAM = "import sys\ndef main():\n    print('hearth', *sys.argv[1:])\n    return 7\n"

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "checkout"
        self.index = Index(folder / "index")
        self.index.offer()
        needs = f"Requires-Dist: llama-cpp-python=={self.index.version}\nProvides-Extra: dev\n"
        self.journal = write_package(self.folder, "hearth", "1.0", metadata=needs, module=self.PROGRAM, start="main")
        with (self.folder / "pyproject.toml").open("a", encoding="utf-8") as pyproject:
            pyproject.write(f'dependencies = ["llama-cpp-python=={self.index.version}"]\n')
        shutil.copytree(PACKAGING, self.folder / "packaging", ignore=shutil.ignore_patterns("__pycache__"))
        self._env = {**os.environ, **offline_settings(self.index, folder / "cache")}
        for name in ("CMAKE_ARGS", "DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
            self._env.pop(name, None)

    @property
    def venv(self) -> Path:
        """Its environment."""
        return self.folder / ".venv"

    @property
    def installs(self) -> int:
        """How often Hearth itself was installed."""
        return len(self.journal.read_text(encoding="utf-8").splitlines())

    def bootstrap(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one of its commands."""
        command = [sys.executable, str(self.folder / "packaging" / "bootstrap.py"), *arguments]
        return subprocess.run(command, env=self._env, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """Set up once per file, because that takes seconds; each test leaves it set up."""
    made = Checkout(tmp_path_factory.mktemp("hearth"))
    result = made.bootstrap("install")
    assert result.returncode == 0, result.stdout + result.stderr
    return made


def offline_settings(index: Index, cache: Path) -> dict[str, str]:
    """Environment variables that keep pip off the network and wheels out of the real cache."""
    return {
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": index.links.as_uri(),
        "PIP_CONFIG_FILE": os.devnull,
        "XDG_CACHE_HOME": str(cache),
    }
