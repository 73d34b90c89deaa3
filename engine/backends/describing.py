"""The process that loads an inference library and says how it was built; a wrong build takes that process only."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from types import MappingProxyType
from typing import Final

from engine.errors import EngineError

FLAG: Final = "--describe-library"
"""First argument of this process; what follows is for `main`."""
FUNCTIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "llama.cpp": "engine.backends.llama.native:build_text",
        "onnxruntime": "engine.backends.onnx.devices:build_text",
    }
)
"""What says it, by the name of the library."""


def main(arguments: Sequence[str]) -> None:
    """Print how a library was built, and end at once: one that crashes while it is unloaded spoils nothing.

    Args:
        arguments: a key of `FUNCTIONS`.
    """
    (library,) = arguments
    module, _, name = FUNCTIONS[library].partition(":")
    function: Callable[[], str] = getattr(import_module(module), name)
    try:
        sys.stdout.write(function())
    except EngineError as error:
        sys.exit(str(error))
    sys.stdout.flush()
    os._exit(0)
