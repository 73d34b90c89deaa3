"""Loads plugins into this process, under the names `plugins.<folder>`; `sys.path` stays as it is."""

import importlib
import importlib.util
import sys
import traceback
from pathlib import Path
from types import ModuleType

from engine.errors import PluginError
from engine.plugins.contract.values import Values
from engine.plugins.manifest import Manifest
from engine.plugins.offers import OfferCollector, Offers

_REPORT_IT = "Reload it, or tell its author; the details say where it failed."


def load(folder: Path, manifest: Manifest, settings: Values) -> Offers:
    """Import a plugin and let it register.

    Args:
        folder: of the plugin.
        manifest: as read from it.
        settings: values of all its settings.

    Raises:
        PluginError: its code failed, or offers something else than the manifest says; `details` has the traceback.
    """
    collector = OfferCollector(manifest, settings)
    try:
        entry = _import(folder, manifest.entry)
        register = getattr(entry, "register", None)
        if not callable(register):
            raise PluginError(
                manifest.id,
                f"The plugin {manifest.name} has no function register in {manifest.entry}.py.",
                "Its author has to add it.",
            )
        register(collector)
        return collector.finish()
    except PluginError:
        unload(folder)
        raise
    except (Exception, SystemExit) as error:  # a boundary: whatever a plugin's code does, Hearth goes on
        unload(folder)
        details = "".join(traceback.format_exception(error))
        cause = f"The plugin {manifest.name} could not be loaded: {one_line_of(error)}."
        raise PluginError(manifest.id, cause, _REPORT_IT, details) from error


def unload(folder: Path) -> None:
    """Forget the modules of a plugin, so that the next `load` reads its files again."""
    name = _module_name(folder)
    for loaded in [known for known in sys.modules if known == name or known.startswith(f"{name}.")]:
        del sys.modules[loaded]
    parent = sys.modules.get("plugins")
    if parent is not None and hasattr(parent, folder.name):
        delattr(parent, folder.name)
    importlib.invalidate_caches()


def one_line_of(error: BaseException) -> str:
    """Class and message of an exception in one line."""
    try:
        message = " ".join(str(error).split())
    except Exception:  # noqa: BLE001 - __str__ is a stranger's as well
        message = ""
    shortened = message if len(message) <= 200 else f"{message[:199]}…"
    return f"{type(error).__name__}: {shortened}".rstrip(": .")


def _import(folder: Path, entry: str) -> ModuleType:
    name = _module_name(folder)
    package = sys.modules.get(name)
    if package is None or not _is_from(package, folder):
        unload(folder)
        package = _import_package(name, folder)
    return package if entry == "__init__" else importlib.import_module(f"{name}.{entry}")


def _import_package(name: str, folder: Path) -> ModuleType:
    importlib.import_module("plugins")  # parent of the name, which `import plugins.<folder>.x` looks for first
    spec = importlib.util.spec_from_file_location(
        name, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"{folder} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _is_from(module: ModuleType, folder: Path) -> bool:
    return module.__file__ is not None and Path(module.__file__).parent.resolve() == folder.resolve()


def _module_name(folder: Path) -> str:
    return f"plugins.{folder.name}"
