"""Which code for the processor a portable build of llama.cpp loads."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import llama_cpp
import pytest

from engine.backends.llama import variants
from engine.backends.llama.native import load_backend
from engine.backends.llama.variants import VARIABLE, choose_variant, load_variant, suitability, variant_files
from engine.errors import EngineError
from engine.programs import process_command

LIBRARIES = Path(llama_cpp.__file__).with_name("lib")
FILES = {name: Path(f"libggml-cpu-{name}.so") for name in ("x64", "haswell", "zen4")}


def scoring(scores: Mapping[str, int]):
    return lambda path: scores[path.stem.removeprefix("libggml-cpu-")]


@pytest.mark.parametrize(
    ("scores", "best"),
    [
        ({"x64": 1, "haswell": 64, "zen4": 512}, "zen4"),
        ({"x64": 1, "haswell": 64, "zen4": 0}, "haswell"),
        ({"x64": 1, "haswell": 0, "zen4": 0}, "x64"),
    ],
)
def test_the_best_one_that_runs_is_chosen(scores: Mapping[str, int], best: str) -> None:
    assert choose_variant(FILES, scoring(scores)) == best


def test_a_variant_can_be_named() -> None:
    assert choose_variant(FILES, scoring({"x64": 1, "haswell": 64, "zen4": 512}), "haswell") == "haswell"


@pytest.mark.parametrize(
    ("wanted", "words"),
    [("nonsense", "no code for. Take one of x64, haswell, zen4"), ("zen4", f"cannot run. Remove {VARIABLE}")],
)
def test_a_name_that_cannot_be_had_is_said(wanted: str, words: str) -> None:
    with pytest.raises(EngineError, match=words):
        choose_variant(FILES, scoring({"zen4": 0}), wanted)


@pytest.mark.parametrize("files", [FILES, {}])
def test_where_nothing_runs_it_is_said(files: Mapping[str, Path]) -> None:
    with pytest.raises(EngineError, match="no code that this processor can run"):
        choose_variant(files, lambda _path: 0)


def test_only_variants_of_the_processor_are_found(tmp_path: Path) -> None:
    names = ("libggml-cpu-zen4.so", "ggml-cpu-haswell.dll", "libggml-cpu.so", "libggml-base.so", "libggml-cpu-x64.txt")
    for name in names:
        (tmp_path / name).touch()
    assert set(variant_files(tmp_path)) == {"zen4", "haswell"}
    assert variant_files(tmp_path / "none") == {}


def test_what_is_no_library_does_not_run(tmp_path: Path) -> None:
    (tmp_path / "libggml-cpu-zen4.so").write_bytes(b"no library")
    assert suitability(tmp_path / "libggml-cpu-zen4.so") == 0


def test_the_environment_names_the_variant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in FILES.values():
        (tmp_path / path).touch()
    loaded: list[Path] = []
    monkeypatch.setattr(variants, "suitability", scoring({"x64": 1, "haswell": 64, "zen4": 0}))
    assert load_variant(tmp_path, lambda path: not loaded.append(path)) == "haswell"
    monkeypatch.setenv(VARIABLE, "x64")
    assert load_variant(tmp_path, lambda path: not loaded.append(path)) == "x64"
    assert [path.name for path in loaded] == ["libggml-cpu-haswell.so", "libggml-cpu-x64.so"]
    with pytest.raises(EngineError, match=r"cannot load libggml-cpu-x64\.so"):
        load_variant(tmp_path, lambda _path: False)


def test_a_build_for_one_machine_has_its_code_inside() -> None:
    done = _describe({})
    assert ("variant" in done.stdout) == bool(variant_files(LIBRARIES))
    assert "CPU" in done.stdout


@pytest.mark.skipif(not variant_files(LIBRARIES), reason="this llama.cpp is built for one machine")
@pytest.mark.parametrize("name", variant_files(LIBRARIES))
def test_every_variant_that_runs_here_can_be_loaded(name: str) -> None:
    if not suitability(variant_files(LIBRARIES)[name]):
        pytest.skip("this processor cannot run it")
    assert f"variant {name} " in _describe({VARIABLE: name}).stdout


@pytest.mark.skipif(not variant_files(LIBRARIES), reason="this llama.cpp is built for one machine")
def test_nothing_is_loaded_from_where_the_environment_says(tmp_path: Path) -> None:
    stranger = tmp_path / "libggml-cpu-zzz.so"
    shutil.copyfile(next(iter(variant_files(LIBRARIES).values())), stranger)
    maps = _describe({"GGML_BACKEND_PATH": str(stranger), "LD_DEBUG": "files"}).stderr
    assert "libggml-cpu" in maps
    assert str(stranger) not in maps


def _describe(environment: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    command = process_command("--describe-library", "llama.cpp")
    env = {**os.environ, **environment}
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=True)


def test_what_is_no_library_does_not_load(tmp_path: Path) -> None:
    (tmp_path / "ggml-cpu-日本.dll").write_bytes(b"nothing of use")

    assert not load_backend(tmp_path / "ggml-cpu-日本.dll")
    assert not load_backend(tmp_path / "ggml-cpu-missing.dll")
