"""The rules of the house, as tests: sizes, names, and what may import what."""

import ast
import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = [name for name in ("app", "engine", "plugins", "resources", "packaging", "tests") if (ROOT / name).is_dir()]
SOURCES = [path for name in FOLDERS for path in sorted((ROOT / name).rglob("*.py")) if ".venv" not in path.parts]
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 50
MAX_PUBLIC_METHODS = 12
DUMPING_GROUNDS = {"utils", "util", "helpers", "helper", "common", "misc"}
VAGUE_CLASS = re.compile(r"(Manager|Handler|Helper)$")
UNFINISHED = re.compile(r"#.*\b(TODO|FIXME|XXX)\b")
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
CONTRACTS = {contract["name"]: contract for contract in PYPROJECT["tool"]["importlinter"]["contracts"]}

# One forbidden import per contract: (file, line put at its top). Each must be noticed by that contract.
BREAKS = {
    "app above plugins above engine": ("engine/types.py", "import app.tasks"),
    "engine never sees Qt": ("engine/models/__init__.py", "import PySide6.QtCore"),
    "engine layers": ("engine/types.py", "import engine.backends.base"),
    "llama_cpp is imported only by its backend": ("engine/models/__init__.py", "import llama_cpp"),
    "onnxruntime is imported only by its backend": ("app/chat/__init__.py", "import onnxruntime"),
    "app features do not know each other": ("app/chat/__init__.py", "import app.recognize"),
    "app goes through the engine's door": ("app/chat/__init__.py", "import engine.scheduling"),
    "plugins see only the plugin API": ("plugins/chat/__init__.py", "import engine.types"),
}


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=name_of(path))


def nodes_of(kind: type | tuple[type, ...]) -> Iterator[tuple[Path, ast.AST]]:
    for path in SOURCES:
        yield from ((path, node) for node in ast.walk(tree_of(path)) if isinstance(node, kind))


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    program = shutil.which("lint-imports", path=str(Path(sys.executable).parent))
    assert program, "import-linter is not installed beside this Python"
    command = [program, "--no-cache", "--config", str(folder / "pyproject.toml")]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def modules_after(statement: str) -> set[str]:
    """What a fresh interpreter has loaded after a statement."""
    code = f"{statement}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    command = [sys.executable, "-c", code]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return set(json.loads(answer.stdout))


def test_sources_are_found():
    assert {"engine/types.py", "app/tasks.py", "packaging/bootstrap.py"} <= {name_of(path) for path in SOURCES}


def test_files_are_short():
    lengths = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCES}
    assert {name: length for name, length in lengths.items() if length > MAX_FILE_LINES} == {}


def test_functions_are_short():
    lengths = {
        f"{name_of(path)}:{node.lineno} {node.name}": node.end_lineno - node.lineno + 1
        for path, node in nodes_of((ast.FunctionDef, ast.AsyncFunctionDef))
    }
    assert {name: length for name, length in lengths.items() if length > MAX_FUNCTION_LINES} == {}


def test_classes_are_narrow():
    counts = {
        f"{name_of(path)} {node.name}": len(
            [
                item
                for item in node.body
                if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef)
                and item.name.islower()  # Qt's own names, which a widget overrides, are in camelCase
                and not item.name.startswith("_")
                and not any("property" in ast.unparse(it) or ".setter" in ast.unparse(it) for it in item.decorator_list)
            ]
        )
        for path, node in nodes_of(ast.ClassDef)
        if not name_of(path).startswith("tests/")
    }
    assert {name: count for name, count in counts.items() if count > MAX_PUBLIC_METHODS} == {}


def test_no_dumping_grounds():
    named = [name_of(path) for path in SOURCES if DUMPING_GROUNDS & {*path.relative_to(ROOT).parts[:-1], path.stem}]
    assert named == []


def test_classes_are_named_for_what_they_are():
    vague = [
        f"{name_of(path)} {node.name}"
        for path, node in nodes_of(ast.ClassDef)
        if VAGUE_CLASS.search(node.name) and not any(VAGUE_CLASS.search(ast.unparse(base)) for base in node.bases)
    ]
    assert vague == []


def test_nothing_is_left_for_later():
    marked = [
        f"{name_of(path)}:{number}"
        for path in SOURCES
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if UNFINISHED.search(line) and path != Path(__file__).resolve()
    ]
    assert marked == []


def test_packaging_is_no_package():
    # With an __init__.py it would hide the real `packaging` from everything that runs in this folder.
    assert not (ROOT / "packaging" / "__init__.py").exists()


def test_dependencies_are_pinned():
    project = PYPROJECT["project"]
    extras = project["optional-dependencies"].values()
    wanted = [*project["dependencies"], *(item for extra in extras for item in extra)]
    assert [item for item in wanted if not re.fullmatch(r"[\w.-]+(\[\w+\])?==[\w.]+( *;.*)?", item)] == []
    assert "PySide6-Essentials==6.11.3" in wanted


def test_engine_imports_no_qt():
    assert {name.split(".")[0] for name in modules_after("import engine")} & {"PySide6", "shiboken6", "qasync"} == set()


def test_engine_command_line_imports_no_qt():
    loaded = {name.split(".")[0] for name in modules_after("import engine.cli.main")}
    assert loaded & {"PySide6", "shiboken6", "qasync"} == set()


def test_importing_the_engine_loads_no_inference_library():
    loaded = {name.split(".")[0] for name in modules_after("import engine")}
    assert loaded & {"llama_cpp", "onnxruntime", "torch"} == set()


def test_import_contracts_hold():
    result = lint_imports(ROOT)
    assert result.returncode == 0, result.stdout


def test_every_contract_has_a_break():
    assert BREAKS.keys() == CONTRACTS.keys()


@pytest.mark.parametrize("contract", BREAKS)
def test_import_contract_notices_a_break(contract: str, tmp_path: Path):
    for name in ("app", "engine", "plugins"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    file, line = BREAKS[contract]
    broken = tmp_path / file
    broken.write_text(f"{line}\n{broken.read_text(encoding='utf-8')}", encoding="utf-8")
    result = lint_imports(tmp_path)
    assert result.returncode == 1
    assert f"{contract} BROKEN" in result.stdout
