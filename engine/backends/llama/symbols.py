"""Functions of ggml that the Python binding does not declare, and which build it is.

Their symbols are taken from the library that the binding has loaded: opening `libggml` by its path could load a second
copy with a registry of its own. On Windows a symbol is found only in the library that defines it.
"""

import ctypes
import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import llama_cpp.llama_cpp as llama

from engine.errors import EngineError


@cache
def binding_version() -> str:
    """Version of the binding, which names the llama.cpp inside."""
    return version("llama-cpp-python")


@cache
def function(name: str, result: Any, *arguments: Any) -> Any:
    """A native function, declared.

    Args:
        name: of the symbol.
        result: its type for ctypes.
        arguments: their types.

    Raises:
        EngineError: this build has none of that name.
    """
    for library in _libraries():
        function = getattr(library, name, None)
        if function is not None:
            function = library[name]  # an object of its own, so that nobody else's declaration is changed
            function.restype = result
            function.argtypes = list(arguments)
            return function
    raise EngineError(f"This build of llama.cpp has no {name}.", "Install Hearth again.")


def _libraries() -> Iterator[ctypes.CDLL]:
    yield llama._lib  # noqa: SLF001 - the binding offers no other way to the library that it has loaded
    if sys.platform == "win32":
        folder = Path(llama.__file__).parent / "lib"
        for name in ("ggml.dll", "ggml-base.dll"):
            yield ctypes.CDLL(str(folder / name))
