"""`hearth plugins new` and `hearth plugins test`: for those who write plugins."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.options import JsonOption
from engine.cli.output import Output, note
from engine.cli.plugins_view import literal, printable
from engine.plugins.contract.models import ModelFacts
from engine.plugins.manifest import OfferKind
from engine.plugins.scaffold import write_scaffold

if TYPE_CHECKING:
    from rich.table import Table

    from engine.plugins.conformance.trial import Check


def new_plugin(
    plugin: Annotated[
        str, typer.Argument(metavar="ID", help="Lower case letters, digits and hyphens.", show_default=False)
    ],
    kind: Annotated[OfferKind, typer.Option(help="What it offers.")] = OfferKind.TASK,
    into: Annotated[Path, typer.Option(help="Folder to put its folder into.")] = Path(),
    as_json: JsonOption = False,
) -> None:
    """Write a new plugin that works, with a test."""
    output = Output(as_json)
    folder = write_scaffold(plugin, kind, into.expanduser())
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    output.line(f"{folder} holds a new plugin: {', '.join(files)}.")
    output.line(f"Try it with `hearth plugins test {folder}`; its README.md says the rest.")
    output.document({"plugin": plugin, "folder": folder.absolute(), "files": files})


def try_plugin(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="Folder of a plugin.", show_default=False)],
    model: Annotated[
        list[Path] | None, typer.Option("--model", help="Model file that it should know; may be repeated.")
    ] = None,
    no_tests: Annotated[bool, typer.Option("--no-tests", help="Leave out the plugin's own tests.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Run a plugin against the contract, then its own tests.

    The plugin runs in its own process, confined; its tests run with your rights.
    """
    from engine.plugins.conformance.suite import run_own_tests, run_suite

    output = Output(as_json)
    folder = path.expanduser().resolve()
    found = run_suite(folder, [_facts(file) for file in model or ()], on_check=_say)
    checks = [*found.checks, *([] if no_tests else [run_own_tests(folder)])]
    output.table(_table(checks))
    for check in checks:
        if said := " ".join(filter(None, (check.problem, check.note))):
            output.line(printable(f"{check.name}: {said}\n{check.details}".rstrip()))
    is_passed = all(check.is_passed for check in checks)
    document = {"plugin": found.plugin, "version": found.version, "passed": is_passed, "checks": checks}
    output.document(document)
    if not is_passed:
        raise typer.Exit(1)


def _facts(path: Path) -> ModelFacts:
    if path.suffix.lower() == ".onnx":
        from engine.models.onnx_facts import facts_of as facts_of_onnx

        return facts_of_onnx(path.expanduser())
    from engine.models.gguf import read_header
    from engine.models.gguf_facts import facts_of as facts_of_gguf

    return facts_of_gguf(read_header(path.expanduser()))


def _say(check: "Check") -> None:
    if sys.stderr.isatty():
        note(printable(f"{'ok    ' if check.is_passed else 'FAILED'} {check.name}"))


def _table(checks: "Sequence[Check]") -> "Table":
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("check", no_wrap=True)
    table.add_column("")
    for heading in ("calls", "p50 ms", "p95 ms", "limit ms"):
        table.add_column(heading, justify="right")
    for check in checks:
        times = (f"{check.p50_ms:.2f}", f"{check.p95_ms:.2f}") if check.calls else ("", "")
        limit = f"{check.limit_ms:.0f}" if check.limit_ms else ""
        verdict = "ok" if check.is_passed else "FAILED"
        table.add_row(literal(check.name), verdict, str(check.calls or ""), *times, limit)
    return table
