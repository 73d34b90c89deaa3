"""`hearth doctor`: what works here, what does not, and why."""

import os
import platform
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.output import Output, human_size, note
from engine.cli.probe import Probe, probe_libraries
from engine.cli.session import Session
from engine.cli.window import has_display
from engine.devices.machine import Machine, describe_machine

if TYPE_CHECKING:
    from rich.table import Table

_NO_ACCELERATOR = "not used: this version of Hearth computes on the CPU only"


@dataclass(frozen=True, slots=True)
class Folder:
    """One folder that Hearth uses.

    Attributes:
        role: what it is for.
        path: where it is; it need not exist yet.
        writable: whether files can be made in it, or it can be made.
        free_bytes: of its disk.
    """

    role: str
    path: Path
    writable: bool
    free_bytes: int


def doctor(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Check this installation: versions, folders, devices, models."""
    session: Session = context.obj
    output = Output(as_json)
    machine, versions = describe_machine(), _versions()
    problems: list[str] = []
    libraries = probe_libraries()
    problems += [
        f"{name} cannot be used: {probe.fault}. Install Hearth again, so that it is built for this machine."
        for name, probe in libraries.items()
        if probe.fault
    ]
    folders = _folders(session)
    problems += [
        f"The folder {folder.path} ({folder.role}) cannot be written. Change its owner, or set HEARTH_HOME."
        for folder in folders
        if folder.role == "home" and not folder.writable
    ]
    library = session.library()
    models = library.scan()
    devices = [
        {"name": "cpu", "usable": True, "reason": f"{machine.cpu}, {machine.physical_cores} cores"},
        {"name": "gpu", "usable": False, "reason": _NO_ACCELERATOR},
        {"name": "npu", "usable": False, "reason": _NO_ACCELERATOR},
    ]
    broken = [{"path": path, "reason": reason} for path, reason in library.broken]
    output.table(_table(versions, libraries, machine, folders), f"Models: {len(models)} usable, {len(broken)} broken")
    for path, reason in library.broken:
        output.line(f"  {path}: {reason}")
    output.document(
        {
            "versions": versions,
            "libraries": libraries,
            "machine": machine,
            "display": has_display(),
            "devices": devices,
            "folders": folders,
            "models": models,
            "broken": broken,
            "problems": problems,
        }
    )
    for problem in problems:
        note(problem)
    if problems:
        raise typer.Exit(1)


def hearth_version() -> str:
    """Version of the installed package."""
    return _package_version("hearth")


def _package_version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _versions() -> dict[str, str]:
    return {
        "hearth": hearth_version(),
        "python": platform.python_version(),
        "qt": _package_version("PySide6-Essentials"),
        "llama.cpp": _package_version("llama-cpp-python"),
        "onnxruntime": _package_version("onnxruntime"),
    }


def _folders(session: Session) -> list[Folder]:
    config = session.config()
    roles = [("home", config.home), ("models", config.home / "models"), ("cache", config.cache_dir)]
    return [_folder(role, path) for role, path in (*roles, *(("models", path) for path in config.model_dirs))]


def _folder(role: str, path: Path) -> Folder:
    existing = path
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    writable = existing.is_dir() and os.access(existing, os.W_OK | os.X_OK)
    return Folder(role, path, writable, shutil.disk_usage(existing).free)


def _table(
    versions: Mapping[str, str], libraries: Mapping[str, Probe], machine: Machine, folders: list[Folder]
) -> "Table":
    from rich.markup import escape
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    rows = list(versions.items())
    rows += [(f"{name} build", probe.build or probe.fault) for name, probe in libraries.items()]
    rows += [
        ("system", machine.system),
        ("cpu", f"{machine.cpu}, {machine.physical_cores} physical cores, {machine.cores} usable"),
        ("features", " ".join(machine.features) or "not listed by the system"),
        ("memory", f"{human_size(machine.memory_bytes)}, {human_size(machine.available_bytes)} free"),
        ("gpu, npu", _NO_ACCELERATOR),
        ("display", "yes" if has_display() else "none: the window cannot open, every command works"),
    ]
    for folder in folders:
        state = "" if folder.writable else ", cannot be written"
        rows.append((f"{folder.role} folder", f"{folder.path} ({human_size(folder.free_bytes)} free{state})"))
    for name, value in rows:
        table.add_row(f"[bold]{escape(name)}[/bold]", escape(value))
    return table
