"""`hearth doctor`: what works here, what does not, and why."""

import os
import platform
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from engine.backends.onnx.providers import CPU, package_version
from engine.build import BuildInfo, build_info
from engine.cli.devices_view import (
    caches_text,
    devices_document,
    devices_table,
    fault_lines,
    limits_text,
    modules_text,
    processor_text,
)
from engine.cli.display import has_display
from engine.cli.options import JsonOption
from engine.cli.output import Output, human_size, note
from engine.cli.probe import Probe, probe_libraries
from engine.cli.session import Session
from engine.config import EngineConfig
from engine.devices.inventory import inventory_of, modules_folder
from engine.devices.machine import Machine, describe_machine
from engine.devices.seen.libraries import Module, built_in_modules, installed_packages, loadable_modules
from engine.devices.seen.processor import Processor, see_processor

if TYPE_CHECKING:
    from rich.table import Table

_PARTS_OF_EVERY_BUILD = {"CPU", "CPUExecutionProvider"}


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


@dataclass(frozen=True, slots=True)
class _System:
    machine: Machine
    processor: Processor
    modules: tuple[Module, ...]


def doctor(
    context: typer.Context,
    as_json: JsonOption = False,
) -> None:
    """Check this installation: versions, folders, devices, models."""
    session: Session = context.obj
    output = Output(as_json)
    config = session.config()
    system = _System(describe_machine(), see_processor(), (*loadable_modules(modules_folder()), *built_in_modules()))
    versions, libraries, folders = _versions(), probe_libraries(), _folders(config)
    inventory = inventory_of(config)
    devices = inventory.probe(force=True)
    problems = [*_library_problems(libraries), *_folder_problems(folders)]
    # What these say is said by the libraries already.
    broken_parts = [fault for fault in inventory.faults if fault.interface not in _PARTS_OF_EVERY_BUILD]
    problems += [fault.sentence for fault in broken_parts if fault.is_failure]
    library = session.library()
    models = library.scan()
    broken = [{"path": path, "reason": reason} for path, reason in library.broken]
    output.table(_table(versions, libraries, system, folders), devices_table(devices))
    for line in fault_lines(devices, [fault for fault in broken_parts if not fault.is_failure]):
        output.line(f"  {line}")
    output.line(f"Models: {len(models)} usable, {len(broken)} broken")
    for path, reason in library.broken:
        output.line(f"  {path}: {reason}")
    output.document(
        {
            "versions": versions,
            "build": build_info(),
            "libraries": libraries,
            "machine": system.machine,
            "processor": system.processor,
            "display": has_display(),
            "devices": devices_document(devices),
            "modules": system.modules,
            "packages": installed_packages(),
            "faults": inventory.faults,
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


def _package_version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _versions() -> dict[str, str]:
    return {
        "hearth": build_info().version or "not installed",
        "python": platform.python_version(),
        "qt": _package_version("PySide6-Essentials"),
        "llama.cpp": _package_version("llama-cpp-python"),
        "onnxruntime": package_version(CPU) or "not installed",
    }


def _library_problems(libraries: Mapping[str, Probe]) -> Iterator[str]:
    for name, probe in libraries.items():
        if probe.fault:
            remedy = "Install Hearth again, so that it is built for this machine."
            yield f"{name} cannot be used: {probe.fault}. {remedy}"


def _folder_problems(folders: Sequence[Folder]) -> Iterator[str]:
    for folder in folders:
        if folder.role == "home" and not folder.writable:
            remedy = "Change its owner, or set HEARTH_HOME."
            yield f"The folder {folder.path} ({folder.role}) cannot be written. {remedy}"


def _folders(config: EngineConfig) -> list[Folder]:
    roles = [("home", config.home), ("models", config.home / "models"), ("cache", config.cache_dir)]
    return [_folder(role, path) for role, path in (*roles, *(("models", path) for path in config.model_dirs))]


def _folder(role: str, path: Path) -> Folder:
    existing = path
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    writable = existing.is_dir() and os.access(existing, os.W_OK | os.X_OK)
    return Folder(role, path, writable, shutil.disk_usage(existing).free)


def _build_text(build: BuildInfo) -> str:
    return f"commit {build.commit}, {build.built}" if build.commit else "from source"


def _table(
    versions: Mapping[str, str], libraries: Mapping[str, Probe], system: _System, folders: Sequence[Folder]
) -> "Table":
    from rich.markup import escape
    from rich.table import Table

    machine, processor = system.machine, system.processor
    table = Table.grid(padding=(0, 2))
    rows = [*versions.items(), ("build", _build_text(build_info()))]
    rows += [(f"{name} build", probe.build or probe.fault) for name, probe in libraries.items()]
    rows += [
        ("llama.cpp modules", modules_text(system.modules)),
        ("system", machine.system),
        ("cpu", processor_text(processor)),
        ("features", " ".join(processor.features) or "not listed by the system"),
        ("caches", caches_text(processor.caches) or "not listed by the system"),
        ("memory", f"{human_size(machine.memory_bytes)}, {human_size(machine.available_bytes)} free"),
        ("limits", limits_text(processor) or "none are set for Hearth"),
        ("display", "yes" if has_display() else "none: the window cannot open, every command works"),
    ]
    for folder in folders:
        state = "" if folder.writable else ", cannot be written"
        rows.append((f"{folder.role} folder", f"{folder.path} ({human_size(folder.free_bytes)} free{state})"))
    for name, value in rows:
        table.add_row(f"[bold]{escape(name)}[/bold]", escape(value))
    return table
