"""Plugins are loaded from their folder, without sys.path, and leave nothing behind when they fail."""

import importlib.util
import os
import py_compile
import sys
from pathlib import Path

import pytest

from engine.errors import PluginError
from engine.plugins.loader import load, unload
from engine.plugins.manifest import Manifest, OfferKind

TASK = """
class Shout:
    id = "shout"
    title = "Shout"
    summary = "Writes a text in capitals."
    inputs = ()
    outputs = ()
    def run(self, inputs, context):
        return {"loud": WORD}
def register(registrar):
    registrar.add_task(Shout())
"""


def manifest(entry: str = "__init__", provides: tuple[str, ...] = ("shout",)) -> Manifest:
    return Manifest(
        id="loaded-here",
        name="Loaded here",
        version="1.0.0",
        api="1.0",
        summary="For tests.",
        provides=tuple((OfferKind.TASK, name) for name in provides),
        entry=entry,
    )


@pytest.fixture
def folder(tmp_path: Path):
    made = tmp_path / "loaded_here"
    made.mkdir()
    (made / "__init__.py").write_text(f"WORD = 'LOUD'\n{TASK}")
    yield made
    unload(made)


def modules() -> set[str]:
    return {name for name in sys.modules if name.startswith("plugins.loaded_here")}


def test_a_plugin_is_loaded_under_its_own_name(folder: Path):
    path = list(sys.path)
    offers = load(folder, manifest(), {})
    assert offers.tasks[0].run({}, None) == {"loud": "LOUD"}
    assert type(offers.tasks[0]).__module__ == "plugins.loaded_here"
    assert sys.path == path


def test_its_own_modules_can_be_imported_and_the_entry_be_one_of_them(folder: Path):
    (folder / "__init__.py").write_text("")
    (folder / "words.py").write_text("WORD = 'HEY'")
    (folder / "main.py").write_text(f"from plugins.loaded_here.words import WORD\n{TASK}")
    assert load(folder, manifest("main"), {}).tasks[0].run({}, None) == {"loud": "HEY"}
    assert modules() == {"plugins.loaded_here", "plugins.loaded_here.main", "plugins.loaded_here.words"}


def test_files_are_read_again_after_unloading(folder: Path):
    (folder / "__init__.py").write_text(f"from plugins.loaded_here.words import WORD\n{TASK}")
    (folder / "words.py").write_text("WORD = 'OLD'")
    assert load(folder, manifest(), {}).tasks[0].run({}, None) == {"loud": "OLD"}
    unload(folder)
    assert modules() == set()
    (folder / "words.py").write_text("WORD = 'NEWER'")
    assert load(folder, manifest(), {}).tasks[0].run({}, None) == {"loud": "NEWER"}


def test_another_folder_of_the_same_name_is_another_plugin(folder: Path, tmp_path: Path):
    load(folder, manifest(), {})
    other = tmp_path / "elsewhere" / "loaded_here"
    other.mkdir(parents=True)
    (other / "__init__.py").write_text(f"WORD = 'OTHER'\n{TASK}")
    assert load(other, manifest(), {}).tasks[0].run({}, None) == {"loud": "OTHER"}


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("def (", "SyntaxError"),
        ("import nothing_of_this_name", "ModuleNotFoundError"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("def f(): f()\nf()", "RecursionError"),
        ("def register(registrar): raise ValueError('two\\nlines ' + 'x' * 1000)", "ValueError: two lines xxx"),
        ("class Odd(Exception):\n    def __str__(self): raise ValueError\nraise Odd", "could not be loaded: Odd."),
        ("register = 3", "has no function register in __init__.py"),
        ("def register(registrar): pass", "provides task:shout, but does not register it"),
        ("def register(registrar): registrar.add_task(3)", "AttributeError"),
        (TASK.replace('"shout"', '"whisper"', 1), "registers task:whisper, which is not in `provides`"),
    ],
)
def test_a_plugin_that_fails_is_named_and_leaves_nothing(code: str, said: str, folder: Path):
    (folder / "__init__.py").write_text(f"WORD = ''\n{code}")
    with pytest.raises(PluginError) as raised:
        load(folder, manifest(), {})
    assert raised.value.plugin == "loaded-here"
    assert said in raised.value.cause
    assert len(raised.value.cause) < 400
    assert "\n" not in raised.value.cause
    assert modules() == set()


def test_details_hold_the_traceback(folder: Path):
    (folder / "__init__.py").write_text("def register(registrar):\n    1 / 0\n")
    with pytest.raises(PluginError) as raised:
        load(folder, manifest(), {})
    assert "Traceback" in raised.value.details
    assert "__init__.py" in raised.value.details
    assert "line 2, in register" in raised.value.details


def test_a_missing_entry_is_named(folder: Path):
    with pytest.raises(PluginError, match=r"plugins\.loaded_here\.main"):
        load(folder, manifest("main"), {})


def forge_cache(source: Path, code: str) -> None:
    """Put another program where Python keeps what it made of a file, with the size and time of that file."""
    status = source.stat()
    forged = source.parent / "forged.py"
    forged.write_text(code.ljust(status.st_size))
    os.utime(forged, ns=(status.st_atime_ns, status.st_mtime_ns))
    py_compile.compile(str(forged), cfile=importlib.util.cache_from_source(str(source)), doraise=True)
    forged.unlink()


@pytest.mark.parametrize("ignores_caches", [False, True])
def test_forged_caches_are_ignored_where_consent_counts(
    ignores_caches: bool, folder: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sys, "path_hooks", list(sys.path_hooks))
    (folder / "__init__.py").write_text(f"from plugins.loaded_here.words import WORD\n{TASK}\n{' ' * 200}")
    (folder / "words.py").write_text("WORD = 'TRUE'" + " " * 50)
    for name in ("__init__", "words"):
        source = folder / f"{name}.py"
        forge_cache(source, source.read_text().rstrip().replace("TRUE", "EVIL").replace('"loud": ', '"forged": '))
    said = load(folder, manifest(), {}, ignores_caches=ignores_caches).tasks[0].run({}, None)
    assert said == ({"loud": "TRUE"} if ignores_caches else {"forged": "EVIL"})
