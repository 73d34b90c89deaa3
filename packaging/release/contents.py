"""What goes into a frozen program, and what stays out: lists for `packaging/hearth.spec`.

Strangers' plugins may import the whole standard library, NumPy, Pillow and what `engine.plugins.api` offers; so the
library is taken whole, not only what Hearth itself imports.
"""

import importlib.util
import os
import re
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Final

PACKAGES: Final = ("app", "engine")
"""Hearth's own, compiled into the archive with all of their modules."""
PLAIN: Final = ("plugins", "resources")
"""Hearth's own as plain files: plugins are found, hashed and loaded from folders, and resources are read in place."""
WHOLE: Final = ("PIL", "cachetools", "jinja2", "keyring", "msgspec", "numpy", "psutil", "pygments", "tokenizers")
"""Packages of others whose modules are found by name at run time, or that plugins may use."""
EXCLUDED: Final = (
    *PLAIN,
    "nis",
    "readline",
    "hf_xet",  # a second way to download, which Hearth does not take
    "sympy",  # for shapes with symbols, before quantizing; Hearth's graphs have numbers
    "mpmath",
    "matplotlib",
    "IPython",
    "scipy",
    "torch",
    "tkinter",
    "pytest",
    "setuptools",
    "pip",
    # Of Qt's modules three are used, and QtSvg; the plotting library asks for others and does without.
    "PySide6.QtDBus",
    "PySide6.QtNetwork",
    "PySide6.QtOpenGL",
    "PySide6.QtOpenGLWidgets",
    "PySide6.QtTest",
    "PySide6.QtQml",
    "PySide6.QtQuick",
    "PySide6.QtSql",
    "PySide6.QtPrintSupport",
    "app.bench_hardware",
    "app.bench_ui",
    "app.screenshots",
    "app.screenshots_models",
    "app.sample_plugin",
)
_NOT_IN_LIBRARY: Final = {
    "ensurepip",
    "idlelib",
    "lib2to3",
    "pydoc_data",
    "test",
    "tkinter",
    "turtle",
    "turtledemo",
    "nis",  # of systems that are no more; it brings libraries
    "readline",  # GPL
    "venv",
}
_CODE: Final = (".py", ".pyc")
"""The embeddable Python for Windows, which installers are frozen with, has its library compiled only."""
_NOT_RESOURCES: Final = {"starter", "reader", "__pycache__"}
"""Recipes that train the bundled models; the models are in `models`."""

_QT_PLUGINS: Final = {
    "egldeviceintegrations": (),
    "generic": (),
    "networkinformation": (),
    "platforminputcontexts": ("compose", "ibus"),
    "platforms": ("cocoa", "offscreen", "wayland", "windows", "xcb"),
    "platformthemes": ("xdg",),  # the other one brings half of GTK
    "iconengines": ("svg",),
    "imageformats": ("gif", "ico", "jpeg", "svg", "webp"),
    "tls": (),
    "wayland-graphics-integration-client": (),  # nothing is drawn with OpenGL
    "xcbglintegrations": (),
}
"""Qt's plugins that are kept, by folder and a part of the name; folders that are not listed are kept whole."""
_QT_LIBRARIES: Final = re.compile(
    r"Qt6?(Network|OpenGL|Test|Qml|Quick|Pdf|VirtualKeyboard|Labs|Sql|PrintSupport|EglF|EGLF|Designer|Help)\w*"
    r"|opengl32sw"
)
# onnxruntime.dll is for programs in other languages: Python's module holds all of it itself. Of what pip notes about a
# package, versions and entry points are asked for at run time; its licences are in Hearth's own notices.
_UNUSED: Final = re.compile(
    r"""(^|/)(
        PySide6/(Qt/)?translations/ | PySide6/(Qt/)?qml/ | PySide6/(include|typesystems|glue|doc|scripts)/
      | [^/]+\.dist-info/(?!METADATA$|entry_points\.txt$) | jsonschema/benchmarks/
      | onnx/backend/ | onnx/(defs|common|onnx_cpp2py_export)/.*\.(h|cc|pyi)$ | onnx/.*\.(proto|proto3|h|cc|pyi)$
      | onnxruntime/(transformers|tools|datasets)/ | onnxruntime/capi/onnxruntime\.dll$
      | numpy/_core/(_simd|_\w+_tests)\. | numpy/.*/tests/
      | numpy/(f2py|tests|_core/include|_core/lib)/ | pyqtgraph/(examples|icons/.*\.png$)
      | pyqtgraph/colors/ | tests?/.*\.py$ | .*\.pyi$ | .*\.a$ | .*\.lib$
    )""",
    re.VERBOSE,
)


ONNX_RUNTIME: Final = "onnxruntime-directml" if sys.platform == "win32" else "onnxruntime"
WITH_METADATA: Final = (
    "hearth",
    "huggingface_hub",
    "keyring",
    "llama_cpp_python",
    "onnx",
    ONNX_RUNTIME,
    "PySide6_Essentials",
    "tokenizers",
    "tqdm",
)
"""Distributions that are asked for their versions or entry points at run time."""
WITH_DATA: Final = ("jsonschema", "jsonschema_specifications", "llama_cpp", "rich", "pyqtgraph")


def setting(name: str) -> str | None:
    """What the build that calls PyInstaller says in its environment; None if nothing."""
    return os.environ.get(name) or None


def is_wanted_module(name: str) -> bool:
    """Whether a module of a package that is taken whole is to ship."""
    parts = name.split(".")
    return name not in EXCLUDED and (parts[0] in PACKAGES or "tests" not in parts)


def compiled_halves() -> list[str]:
    """Modules that packages compiled with mypyc import from a file beside them, by a name that nobody can see."""
    return sorted({path.name.split(".")[0] for folder in sys.path for path in Path(folder).glob("*__mypyc.*")})


def llama_libraries() -> list[tuple[str, str]]:
    """llama.cpp's libraries of the environment that is frozen, with their folders in the program."""
    spec = importlib.util.find_spec("llama_cpp")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("llama_cpp is not in the environment that is frozen")
    package = Path(spec.submodule_search_locations[0])
    found = sorted(path for path in (package / "lib").rglob("*") if path.suffix in {".so", ".dylib", ".dll"})
    return [(str(path), str(path.parent.relative_to(package.parent))) for path in found]


def standard_library() -> Iterator[str]:
    """Names of all modules of Python's standard library that a program may want, found without importing any."""
    folder = Path(sysconfig.get_path("stdlib"))
    for name in sorted(sys.stdlib_module_names - _NOT_IN_LIBRARY):
        if name.startswith("_") and not any((folder / f"{name}{ending}").exists() for ending in _CODE):
            continue  # built in, or found by whoever imports it
        yield name
        for path in sorted((folder / name).rglob("*.py*")) if (folder / name).is_dir() else ():
            parts = path.relative_to(folder).with_suffix("").parts
            is_code = path.suffix in _CODE and "__pycache__" not in parts
            if is_code and not _NOT_IN_LIBRARY.intersection(parts) and "tests" not in parts and parts[-1] != "__main__":
                yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def plain_files(root: Path) -> Iterator[tuple[Path, Path]]:
    """Files of Hearth that ship as they are: each with the folder in the program that it goes to.

    Args:
        root: the checkout.
    """
    for package in PLAIN:
        for path in sorted((root / package).rglob("*")):
            place = path.relative_to(root)
            is_recipe = package == "resources" and len(place.parts) > 2 and place.parts[1] in _NOT_RESOURCES
            if path.is_file() and "__pycache__" not in place.parts and not is_recipe:
                yield path, place.parent


def is_wanted(place: str) -> bool:
    """Whether a file that was collected is to ship.

    Args:
        place: its path in the program's contents, with either slash.
    """
    parts = place.replace("\\", "/").split("/")
    if _UNUSED.search("/".join(parts)) or _QT_LIBRARIES.search(parts[-1]):
        return False
    if "plugins" in parts[:-1] and "PySide6" in parts:
        kind = parts[parts.index("plugins") + 1]
        kept = _QT_PLUGINS.get(kind)
        return kept is None or any(part in parts[-1] for part in kept)
    return True
