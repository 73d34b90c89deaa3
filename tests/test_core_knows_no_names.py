"""The core knows no model family, task or label set by name: those words belong to plugins."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.plugins.manifest_reader import read_manifest
from plugins import plugins_dir

ROOT = Path(__file__).resolve().parents[1]
CORE = [
    path
    for path in sorted((ROOT / "engine").rglob("*.py"))
    if path.relative_to(ROOT / "engine").parts[0] not in {"plugins", "testing"}
]

TASKS = {
    "chat", "completion", "infill", "embedding", "classification", "reading", "features", "detection", "segmentation",
    "summarize", "compare", "explain",
}  # fmt: skip
"""What plugins say that models are good for; together with the ids of everything that bundled plugins offer."""

FAMILIES = re.compile(
    r"chatml|qwen|mistral|mixtral|gemma|deepseek|falcon|starcoder|codellama|granite|command-?r\b|vicuna|alpaca|zephyr"
    r"|\bphi-?\d|\bbert\b|nomic|minilm|\bbge\b|\bjina|yolo|\bdetr\b|resnet|mobilenet",
    re.IGNORECASE,
)
MARKS = re.compile(r"<\|im_|<\|fim|<fim_|\[INST\]|<start_of_turn>|<think>|<tool_call>|\[TOOL_CALLS\]|<\|channel\|>")
LABELS = re.compile(r"imagenet|coco|\btench\b|0\.485|0\.229", re.IGNORECASE)

ALLOWED = {
    "engine/__init__.py": {"detection"},  # a box with a name, a value like Label and TextLine
    "engine/types.py": {"detection"},
    "engine/backends/onnx/embedding.py": {"embedding"},  # texts to vectors: a verb of the door, like generate
    "engine/cli/embed.py": {"embed"},
    "engine/cli/main.py": {"embed"},
    "engine/cli/doctor.py": {"features"},  # of a processor
    "engine/devices/machine.py": {"features"},
    "engine/devices/seen/processor.py": {"features"},
}
"""Words that mean something else there."""


def offered() -> set[str]:
    folders = [path.parent for path in plugins_dir().glob("*/plugin.toml")]
    assert len(folders) >= 8
    return {name for folder in folders for _, name in read_manifest(folder).provides}


def words_of(path: Path) -> Iterator[tuple[int, str]]:
    """Every string that is no docstring, every number, and the names of modules, classes and enum members."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    docs |= {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    yield 0, path.stem
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str | float) and id(node) not in docs:
            yield node.lineno, str(node.value)
        elif isinstance(node, ast.ClassDef):
            yield node.lineno, node.name


def faults(path: Path, names: set[str]) -> list[str]:
    patterns = (FAMILIES, MARKS, LABELS)
    if path.is_relative_to(ROOT):
        names = names - ALLOWED.get(path.relative_to(ROOT).as_posix(), set())
    return [
        f"{path.name}:{line}: {word[:60]!r}"
        for line, word in words_of(path)
        if word.lower() in names or any(pattern.search(word) for pattern in patterns)
    ]


def test_the_core_names_no_family_task_or_label_set():
    names = TASKS | offered()
    assert {path.relative_to(ROOT).as_posix(): found for path in CORE if (found := faults(path, names))} == {}


def test_every_exception_is_needed():
    words = {name: {word.lower() for _, word in words_of(ROOT / name)} for name in ALLOWED}
    assert {name for name, allowed in ALLOWED.items() if not allowed <= words[name]} == set()


@pytest.mark.parametrize(
    "line",
    ['KIND = "classification"', "class Chat: ...", 'MARK = "<|im_start|>assistant"', "MEAN = (0.485, 0.456)",
     'KIND = "Qwen2ForCausalLM"', 'run("read-text")'],
)  # fmt: skip
def test_a_name_is_noticed(line: str, tmp_path: Path):
    broken = tmp_path / "module.py"
    broken.write_text(f"VERSION = 1\n{line}\n", encoding="utf-8")
    assert len(faults(broken, TASKS | offered())) == 1
