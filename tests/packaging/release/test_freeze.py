"""What is done around PyInstaller; PyInstaller itself takes minutes and is run by `make installer-linux`."""

import importlib.util
import json
from pathlib import Path

import pytest
from release import freeze
from release.plan import project_version


@pytest.fixture(autouse=True)
def at_a_known_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")


def test_build_information_says_what_this_build_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEARTH_UPDATE_URL", "https://example.org/latest.json")
    (tmp_path / "llama_cpp_python-0.3.36.dist-info").mkdir()
    freeze.write_build_information(tmp_path / "build.json", tmp_path)
    said = json.loads((tmp_path / "build.json").read_text(encoding="utf-8"))
    assert said["version"] == project_version()
    assert said["built"] == "2023-11-14T22:13:20Z"
    assert said["llama_cpp"] == "0.3.36"
    assert said["update_url"] == "https://example.org/latest.json"


def test_the_environment_has_what_ships_and_the_freezer_but_no_native_llama() -> None:
    lines = freeze.requirements((freeze.ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    names = {line.split("==")[0].split(";")[0] for line in lines}
    assert {"PySide6-Essentials", "numpy", "pyinstaller"} <= names
    assert "llama-cpp-python" not in names
    assert "pytest" not in names


def test_llama_comes_from_one_place_and_its_libraries_from_another(tmp_path: Path) -> None:
    source, libraries, target = tmp_path / "source", tmp_path / "portable", tmp_path / "target"
    for path, text in (
        (source / "llama_cpp" / "llama.py", "code"),
        (source / "llama_cpp" / "lib" / "libllama.so", "for the processor at hand"),
        (source / "llama_cpp" / "server" / "app.py", "not ours"),
        (source / "llama_cpp_python-0.3.36.dist-info" / "METADATA", "Version: 0.3.36"),
        (libraries / "libllama.so", "for any"),
        (libraries / "libggml-base.so", "the same as the next"),
        (libraries / "libggml-base.so.0", "linked to"),
        (target / "llama_cpp" / "lib" / "libold.so", "of another version"),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    freeze.put_llama(source, libraries, target)
    files = {path.relative_to(target).as_posix(): path.read_text() for path in target.rglob("*") if path.is_file()}
    assert files == {
        "llama_cpp/llama.py": "code",
        "llama_cpp/lib/libllama.so": "for any",
        "llama_cpp/lib/libggml-base.so.0": "linked to",
        "llama_cpp_python-0.3.36.dist-info/METADATA": "Version: 0.3.36",
    }


def test_plugins_are_compiled_where_nobody_may_write_later(tmp_path: Path) -> None:
    folder = tmp_path / "plugins"
    folder.mkdir()
    (folder / "__init__.py").write_text("ANSWER = 42\n", encoding="utf-8")
    (tmp_path / "resources").mkdir()
    freeze.compile_plain(tmp_path)
    compiled = Path(importlib.util.cache_from_source(str(folder / "__init__.py")))
    flags = int.from_bytes(compiled.read_bytes()[4:8], "little")
    assert flags == 0b01  # with a hash that is not checked: no file's time matters (PEP 552)
    assert str(tmp_path).encode() not in compiled.read_bytes()
