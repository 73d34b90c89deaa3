"""The process in which a model file is tried: it can read that file and little else, and may die of it.

On Linux it is kept from other files, from writing, from the network and from starting programs, as plugins are
(Landlock, seccomp), and from more memory than it should need. On Windows a job bounds its memory and forbids other
programs; on macOS there are limits only. Neither of these two has been run: what is enforced there is what
`engine.plugins.process.confinement` says of plugins.
"""

import json
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Final

from engine.errors import EngineError, ModelFileError, OutOfMemoryError
from engine.plugins.process.confinement import confine

FLAG: Final = "--try-model"
"""First argument of the process that tries a model."""

BACKENDS: Final = {"gguf": "engine.backends.llama.trial", "onnx": "engine.backends.onnx.trial"}


def main(arguments: Sequence[str] | None = None) -> None:
    """Try a model; says on standard output when it begins, and what came of it, a line of JSON each.

    Args:
        arguments: a `Confinement` as JSON, the format, how much is tried (`all` or `words`), threads, and the path.
    """
    confinement, kind, extent, threads, path = sys.argv[-5:] if arguments is None else arguments
    results = os.dup(1)
    os.dup2(2, 1)  # native libraries print where they like
    confine(confinement)
    try_out = import_module(BACKENDS[kind]).try_out
    _say(results, {"stage": "begun"})
    try:
        try_out(Path(path), words_only=extent == "words", threads=int(threads))
        result = {"stage": "done"}
    except EngineError as error:
        rule = error.rule if isinstance(error, ModelFileError) else ""
        result = {"stage": "refused", "rule": rule, "cause": error.cause, "remedy": error.remedy}
        if isinstance(error, OutOfMemoryError):
            result["stage"] = "memory"
    except MemoryError:
        result = {"stage": "memory"}
    except Exception as error:  # noqa: BLE001 - whatever a file makes of the code, Hearth must hear of it
        result = {"stage": "failed", "cause": f"{type(error).__name__}: {error}"[:1000]}
    _say(results, result)
    os._exit(0)  # native libraries may hang at their end, which says nothing about the file


def _say(results: int, message: dict[str, str]) -> None:
    os.write(results, json.dumps(message).encode() + b"\n")


if __name__ == "__main__":
    main()
