"""Scaffold: a new plugin that works, with a test."""

from pathlib import Path
from typing import Final

from engine.errors import InvalidRequestError
from engine.plugins.contract.version import API_VERSION
from engine.plugins.manifest import OfferKind
from engine.plugins.manifest_reader import MANIFEST_NAME, folder_name, is_plugin_id
from engine.plugins.scaffold_modules import PATTERNS

_MANIFEST: Final = """id = "@ID@"
name = "@NAME@"
version = "0.1.0"
api = "@API@"
summary = "@SUMMARY@"
provides = ["@KIND@:@ID@"]
entry = "@MODULE@"
author = ""
licence = "MIT"
homepage = ""

# What it wants to be allowed, each with the reason that people will read:
# [[permissions]]
# kind = "models"  # or network, read, write, subprocess
# reason = "Asks a model to ..."
"""

_README: Final = """# @NAME@

@SUMMARY@ @USE@

| file | what |
|---|---|
| `plugin.toml` | what Hearth knows without running anything: what it is, provides, and wants to be allowed |
| `@MODULE@.py` | the plugin; it may import `engine.plugins.api`, the standard library, numpy, Pillow, Jinja2 |
| other modules | are imported as `plugins.@FOLDER@.NAME` |
| `tests/` | its tests, for `python -m pytest` in this folder |

`hearth plugins test .` runs it against Hearth's contract; `hearth plugins install .` and `hearth plugins enable @ID@`
make it part of Hearth.
"""


def write_scaffold(plugin_id: str, kind: OfferKind, into: Path) -> Path:
    """Write a new plugin and return its folder.

    Args:
        plugin_id: its id, also of what it offers.
        kind: what it offers.
        into: folder to put the plugin's folder into; made if it is missing.

    Raises:
        InvalidRequestError: the id is none, or there is such a folder already.
        OSError: it cannot be written.
    """
    if not is_plugin_id(plugin_id):
        raise InvalidRequestError(
            f"{plugin_id!r} cannot be the id of a plugin.",
            "Use 2 to 40 lower case letters, digits and single hyphens, beginning with a letter.",
        )
    folder = into / folder_name(plugin_id)
    if folder.exists():
        raise InvalidRequestError(f"{folder} exists already.", "Choose another id, or another folder with --into.")
    (folder / "tests").mkdir(parents=True)
    for name, content in _files(plugin_id, kind).items():
        (folder / name).write_text(content, encoding="utf-8", newline="\n")
    return folder


def _files(plugin_id: str, kind: OfferKind) -> dict[str, str]:
    pattern = PATTERNS[kind]
    words = plugin_id.split("-")
    filling = {
        "USE": pattern.use,
        "SUMMARY": pattern.summary,
        "ID": plugin_id,
        "NAME": " ".join(words).capitalize(),
        "CLASS": "".join(word.capitalize() for word in words),
        "FOLDER": folder_name(plugin_id),
        "MODULE": kind.value,
        "KIND": kind.value,
        "API": API_VERSION,
    }
    templates = {
        MANIFEST_NAME: _MANIFEST,
        "README.md": _README,
        "__init__.py": '"""@NAME@, a plugin for Hearth."""\n',
        f"{kind.value}.py": pattern.module,
        f"tests/test_{folder_name(plugin_id)}.py": pattern.test,
    }
    return {name: _filled(template, filling) for name, template in templates.items()}


def _filled(template: str, filling: dict[str, str]) -> str:
    for name, value in filling.items():  # texts with marks of their own come first
        template = template.replace(f"@{name}@", value)
    return template
