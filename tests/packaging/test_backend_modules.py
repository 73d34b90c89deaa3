"""Modules are really fetched with pip and put in place; a script stands in for CMake."""

import importlib.metadata
import importlib.util
import json
import os
import subprocess
import sys
import tarfile
from dataclasses import replace
from pathlib import Path

import backend_modules as modules
import backend_recipes
import pytest
from backend_recipes import ToolsMissingError
from compiling import has_compiler
from failure import SetupError

scripts_stand_in = pytest.mark.skipif(
    sys.platform == "win32" or not has_compiler(), reason="stands in for CMake with a script, beside a real compiler"
)
CMAKE = """#!{python}
import pathlib, sys
arguments = sys.argv[1:]
with open({journal!r}, "a") as journal:
    print(*arguments, file=journal)
if pathlib.Path({failure!r}).exists():
    sys.exit(pathlib.Path({failure!r}).read_text())
if arguments[0] == "-S":
    assert (pathlib.Path(arguments[1]) / "CMakeLists.txt").exists()
else:
    name = arguments[arguments.index("--target") + 1]
    folder = pathlib.Path(arguments[1]) / "bin"
    folder.mkdir(parents=True)
    (folder / f"lib{{name}}.so.0").write_text(name)
    (folder / f"lib{{name}}.so").symlink_to(f"lib{{name}}.so.0")
"""
LOAD = """
import ctypes, sys
import llama_cpp.llama_cpp as llama
def function(name, result, *arguments):
    found = getattr(llama._lib if sys.platform != "win32" else ctypes.CDLL(str(sys.argv[2])), name)
    found.restype, found.argtypes = result, arguments
    return found
pointer, text = ctypes.c_void_p, ctypes.c_char_p
loaded = function("ggml_backend_load", pointer, text)(sys.argv[1].encode())
print(function("ggml_backend_reg_name", text, pointer)(loaded).decode() if loaded else "not loaded")
"""


class Workplace:
    """An environment with llama.cpp in it and a CMake that writes what it should compile."""

    def __init__(self, folder: Path, index) -> None:
        self.folder = folder
        self.index = index
        self.journal = folder / "cmake.journal"
        self.failure = folder / "failure"
        self.place = modules.Place(folder / "venv", index.version, [], dict(os.environ))
        self.make_environment()

    def make_environment(self) -> None:
        """Make the environment, without modules."""
        self.place.folder.parent.mkdir(parents=True)
        programs = self.place.venv / "bin"
        programs.mkdir(exist_ok=True)
        cmake = CMAKE.format(python=sys.executable, journal=str(self.journal), failure=str(self.failure))
        for name, text in (("python", f'#!/bin/sh\nexec "{sys.executable}" "$@"\n'), ("cmake", cmake)):
            (programs / name).write_text(text, encoding="utf-8")
            (programs / name).chmod(0o755)

    @property
    def calls(self) -> int:
        """How often CMake ran."""
        return len(self.journal.read_text(encoding="utf-8").splitlines()) if self.journal.exists() else 0

    def ensure(self, *names: str, required: bool = True) -> list[str]:
        """Ask for modules."""
        return modules.ensure_modules(self.place, names, required=required)

    @property
    def files(self) -> list[str]:
        """What is in the folder of modules."""
        return sorted(path.name for path in self.place.folder.iterdir()) if self.place.folder.exists() else []


@pytest.fixture
def workplace(index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workplace:
    index.offer()
    stem = f"llama_cpp_python-{index.version}"
    cmake = index.folder / stem / "vendor" / "llama.cpp" / "CMakeLists.txt"
    cmake.parent.mkdir(parents=True)
    cmake.touch()
    with tarfile.open(index.links / f"{stem}.tar.gz", "w:gz") as archive:
        archive.add(index.folder / stem, arcname=stem)
    monkeypatch.setattr(backend_recipes, "may_install", lambda: False)
    monkeypatch.setattr(backend_recipes, "installation_folders", lambda _env: [tmp_path / "nothing"])
    return Workplace(tmp_path, index)


@scripts_stand_in
def test_module_is_compiled_once_and_installed(workplace: Workplace):
    assert workplace.ensure("rpc") == ["rpc"]
    assert workplace.files == ["libggml-rpc.so", "made-for.json"]
    assert (workplace.place.folder / "libggml-rpc.so").read_text(encoding="utf-8") == "ggml-rpc"
    record = json.loads((workplace.place.folder / modules.RECORD).read_text(encoding="utf-8"))
    assert record == {"version": workplace.index.version, "modules": {"libggml-rpc.so": workplace.place.key("rpc")}}
    assert workplace.calls == 2
    assert workplace.ensure("rpc") == []
    assert workplace.calls == 2
    assert [path.name for path in workplace.place.cache.glob("*partial*")] == []


@scripts_stand_in
def test_modules_come_back_with_the_environment(workplace: Workplace):
    workplace.ensure("rpc")
    workplace.place.venv.rename(workplace.folder / "gone")
    modules.restore_modules(workplace.place)
    assert not workplace.place.venv.exists()
    workplace.make_environment()
    modules.restore_modules(workplace.place)
    assert workplace.files == ["libggml-rpc.so", "made-for.json"]
    assert workplace.calls == 2


@scripts_stand_in
def test_modules_for_another_llama_are_removed(workplace: Workplace):
    workplace.ensure("rpc")
    newer = replace(workplace.place, version="9.9.9")
    modules.restore_modules(newer)
    assert workplace.files == []
    assert not newer.has("rpc")


@scripts_stand_in
def test_other_cmake_args_make_another_module(workplace: Workplace):
    workplace.ensure("rpc")
    other = replace(workplace.place, env=workplace.place.env | {"CMAKE_ARGS": "-DGGML_LTO=ON"})
    assert not other.has("rpc")
    assert modules.ensure_modules(other, ["rpc"], required=True) == ["rpc"]
    assert other.has("rpc")
    assert "-DGGML_LTO=ON" in workplace.journal.read_text(encoding="utf-8")


@scripts_stand_in
def test_module_without_its_tools_is_left_out_if_nobody_named_it(
    workplace: Workplace, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    absent = replace(backend_recipes.NVCC, variable="", program="hearth-absent")
    monkeypatch.setitem(backend_recipes.RECIPES, "cuda", replace(backend_recipes.RECIPES["cuda"], tools=(absent,)))
    assert workplace.ensure("rpc", "cuda", required=False) == ["rpc"]
    assert "The cuda module cannot be built without" in capsys.readouterr().out
    with pytest.raises(ToolsMissingError, match="cuda"):
        workplace.ensure("cuda")
    assert workplace.files == ["libggml-rpc.so", "made-for.json"]


@scripts_stand_in
def test_tools_that_only_cmake_misses_leave_the_module_out(workplace: Workplace, capsys: pytest.CaptureFixture[str]):
    workplace.failure.write_text("Could NOT find Vulkan (missing: Vulkan_LIBRARY)", encoding="utf-8")
    assert workplace.ensure("rpc", required=False) == []
    assert "The rpc module cannot be built without" in capsys.readouterr().out
    assert workplace.files == []


@scripts_stand_in
def test_failed_compilation_leaves_nothing_and_says_why(workplace: Workplace):
    workplace.failure.write_text("rpc.cpp:1: error: expected ;", encoding="utf-8")
    with pytest.raises(SetupError, match="expected ;"):
        workplace.ensure("rpc", required=False)
    assert workplace.files == []
    assert [path.name for path in workplace.place.cache.iterdir() if path.is_dir()] == []
    workplace.failure.unlink()
    assert workplace.ensure("rpc") == ["rpc"]


@scripts_stand_in
def test_source_that_cannot_be_had_is_one_sentence(workplace: Workplace):
    missing = replace(workplace.place, version="9.9.9")
    with pytest.raises(SetupError, match="source of llama-cpp-python could not be downloaded"):
        modules.ensure_modules(missing, ["rpc"], required=True)
    assert workplace.calls == 0


def test_module_without_a_llama_to_fit_is_one_sentence(tmp_path: Path):
    (tmp_path / "libggml-rpc.so").touch()
    with pytest.raises(SetupError, match=r"libggml-rpc\.so could not be installed"):
        modules.put_module(tmp_path / "libggml-rpc.so", "key", tmp_path / "absent" / "backends", "1.0")


@pytest.mark.parametrize("content", ["", "[]", '{"version": 1, "modules": {}}', '{"version": "1", "modules": []}', "{"])
def test_unreadable_record_knows_nothing(tmp_path: Path, content: str):
    (tmp_path / modules.RECORD).write_text(content, encoding="utf-8")
    assert modules.read_record(tmp_path) == modules.Record()


def test_place_is_what_pyproject_describes(tmp_path: Path):
    place = modules.place_of(Path(__file__).parents[2], tmp_path / ".venv")
    assert [tool.split("==")[0] for tool in place.build_tools] == ["cmake", "ninja"]
    assert place.version == importlib.metadata.version("llama-cpp-python")
    assert place.folder.parts[-3:] == ("llama_cpp", "lib", "backends")


def test_metal_needs_no_module_where_it_exists(capsys: pytest.CaptureFixture[str]):
    assert modules.without_metal(["rpc", "metal"], "darwin") == ["rpc"]
    assert "Metal needs no module" in capsys.readouterr().out
    with pytest.raises(SetupError, match="part of macOS"):
        modules.without_metal(["metal"], "linux")


def test_request_names_modules_and_whether_to_try_them_without_a_card():
    assert modules.read_request([]) == modules.Request([], with_lavapipe=False)
    assert modules.read_request(["cuda", "--with-lavapipe"]) == modules.Request(["cuda"], with_lavapipe=True)


def real_module(name: str) -> Path:
    """The module in this environment."""
    library = Path(importlib.util.find_spec("llama_cpp").origin).parent / "lib"
    files = [library / "backends" / file for file in modules.module_files(name)]
    found = next((file for file in files if file.exists()), None)
    if found is None:
        pytest.skip(f"the {name} module is not built; `make backends` does")
    return found


@pytest.mark.models
@pytest.mark.parametrize(("name", "registry"), [("rpc", "RPC"), ("vulkan", "Vulkan")])
def test_real_module_loads_into_the_real_llama(name: str, registry: str):
    module = real_module(name)
    assert modules.read_record(module.parent).version == importlib.metadata.version("llama-cpp-python")
    ggml = next(iter(sorted(module.parents[1].glob("ggml.dll"))), module)
    command = [sys.executable, "-c", LOAD, str(module), str(ggml)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert result.returncode == 0, result.stderr
    if name == "vulkan" and result.stdout.strip() == "not loaded":
        pytest.skip("there is no Vulkan driver")
    assert result.stdout.strip() == registry
