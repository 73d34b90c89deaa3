"""The manual page `hearth(1)`, written from what the command line says of itself, so that it cannot say otherwise."""

import re
import sys
from collections.abc import Iterator

from release.plan import ROOT

_TEMPLATE = ROOT / "installer" / "linux" / "hearth.1.in"


def manual_page(version: str, day: str) -> str:
    """Write the page.

    Args:
        version: of Hearth.
        day: such as 2026-11-30.

    Returns:
        Text for man, in roff.
    """
    options, commands = _described()
    page = _TEMPLATE.read_text(encoding="utf-8")
    filled = {"VERSION": version, "DATE": day, "OPTIONS": _listed(options), "COMMANDS": _listed(commands)}
    return re.sub(r"@([A-Z]+)@", lambda match: filled[match[1]], page)


def _described() -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Options of the program and its commands, each with what it does."""
    sys.path[:0] = [] if str(ROOT) in sys.path else [str(ROOT)]
    import typer

    from engine.cli.main import app

    program = typer.main.get_command(app)
    options = [(", ".join(option.opts), str(getattr(option, "help", "") or "")) for option in program.params]
    return options, list(_commands(program, "hearth"))


def _commands(command: object, path: str) -> Iterator[tuple[str, str]]:
    children: dict[str, object] = getattr(command, "commands", {})
    for name, child in children.items():
        says = str(getattr(child, "help", "") or "").split("\n\n")[0].replace("\n", " ")
        if not getattr(child, "commands", {}) or getattr(child, "invoke_without_command", False):
            yield f"{path} {name}", says
        yield from _commands(child, f"{path} {name}")


def _listed(entries: list[tuple[str, str]]) -> str:
    return "\n".join(f".TP\n.B {_escaped(name)}\n{_escaped(says)}" for name, says in entries)


def _escaped(text: str) -> str:
    """What roff would read as its own: backslashes, hyphens that are minus signs, and dots that begin a line."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{text}" if text[:1] in {".", "'"} else text
