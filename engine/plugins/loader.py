"""Loads plugins into this process, under the names `plugins.<folder>`; `sys.path` stays as it is."""

import importlib
import importlib.util
import sys
import traceback
from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader, FileFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

from engine.errors import PluginError
from engine.plugins.contract.values import Values
from engine.plugins.manifest import Manifest
from engine.plugins.offers import OfferCollector, Offers

_REPORT_IT = "Reload it, or tell its author; the details say where it failed."


def load(folder: Path, manifest: Manifest, settings: Values, *, ignores_caches: bool = False) -> Offers:
    """Import a plugin and let it register.

    Args:
        folder: of the plugin.
        manifest: as read from it.
        settings: values of all its settings.
        ignores_caches: whether Python's caches are left alone; consent to a stranger's files does not cover them.

    Raises:
        PluginError: its code failed, or offers something else than the manifest says; `details` has the traceback.
    """
    collector = OfferCollector(manifest, settings)
    if ignores_caches:
        _ignore_caches(folder)
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
    if package is not None and not _is_from(package, folder):
        unload(folder)
        package = None
    if package is None:
        package = _import_package(name, folder)
    return package if entry == "__init__" else importlib.import_module(f"{name}.{entry}")


def _import_package(name: str, folder: Path) -> ModuleType:
    importlib.import_module("plugins")  # parent of the name, which `import plugins.<folder>.x` looks for first
    loader = _SourceLoader(name, str(folder / "__init__.py")) if _ignores_caches(folder) else None
    spec = importlib.util.spec_from_file_location(
        name, folder / "__init__.py", loader=loader, submodule_search_locations=[str(folder)]
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"{folder} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


class _SourceLoader(SourceFileLoader):
    """Compiles what it loads, whatever lies in `__pycache__`."""

    def get_code(self, fullname: str) -> CodeType | None:
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


class _SourceFinder:
    """Hook of the import system: modules below a folder are found without looking at caches."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, path: str) -> FileFinder:
        if not Path(path).is_relative_to(self.folder):
            raise ImportError(f"{path} is not below {self.folder}")  # the next hook is asked
        return FileFinder(path, (ExtensionFileLoader, EXTENSION_SUFFIXES), (_SourceLoader, [".py"]))


def _ignore_caches(folder: Path) -> None:
    if not _ignores_caches(folder):
        sys.path_hooks.insert(0, _SourceFinder(folder))
        sys.path_importer_cache.clear()


def _ignores_caches(folder: Path) -> bool:
    return any(isinstance(hook, _SourceFinder) and hook.folder == folder for hook in sys.path_hooks)


def _is_from(module: ModuleType, folder: Path) -> bool:
    return module.__file__ is not None and Path(module.__file__).parent.resolve() == folder.resolve()


def _module_name(folder: Path) -> str:
    return f"plugins.{folder.name}"
