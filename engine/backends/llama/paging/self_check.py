"""Whether paging gives exactly what an unpaged model gives: tried once for every llama.cpp and system, in a child.

In a process of its own, because a mapping that is not as expected may end it.
"""

import logging
import os
import platform
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

import msgspec

from engine.backends.base import LoadOptions
from engine.backends.llama.cells import PAGED_RESERVE_BYTES
from engine.backends.llama.context import DecodeContext
from engine.backends.llama.native import cpu_variant
from engine.backends.llama.opening import open_decode_context
from engine.backends.llama.paging.opening import MappedFiles, PagedRequest, open_paged_context
from engine.backends.llama.symbols import binding_version
from engine.backends.llama.weights import open_weights
from engine.errors import EngineError
from engine.models.gguf import read_header
from engine.models.gguf_info import describe
from engine.models.gguf_writer import WeightType
from engine.models.random_model import RandomRecipe, RandomShape, write_random_model
from engine.programs import NO_WINDOW, process_command
from engine.types import ModelInfo

log = logging.getLogger(__name__)

FLAG: Final = "--check-paging"
"""First argument of the process that checks."""

SHAPE: Final = RandomShape(12, 512, 1536, 8, 2, 512, 1024)
"""Layers of a few megabytes each, so that chunks are larger than the pages at their edges."""
_RECIPE: Final = RandomRecipe(7, WeightType.Q8_0, WeightType.Q8_0)
_LIMIT_S: Final = 60.0
_PROMPT: Final = tuple(range(3, 51))
_STEPS: Final = 8

_lock = threading.Lock()  # two loads at once make one check


class SelfCheck:
    """What is known of paging with this llama.cpp, kept between runs.

    Thread: any.
    """

    def __init__(self, kept: Path | None) -> None:
        """Know nothing yet.

        Args:
            kept: the file that remembers; None remembers while this object lives.
        """
        self._kept = kept
        self._fault: str | None = None

    def __call__(self) -> str:
        """Why paging cannot be trusted, in one sentence; empty if it can. Takes a second or two the first time."""
        with _lock:
            if self._fault is None:
                self._fault = self._read()
            if self._fault is None:
                self._fault = _in_a_child()
                self._write(self._fault)
            return self._fault

    def _read(self) -> str | None:
        if self._kept is None:
            return None
        try:
            known = msgspec.json.decode(self._kept.read_bytes(), type=dict[str, str])
        except (OSError, msgspec.DecodeError):
            return None
        return known.get(_key())

    def _write(self, fault: str) -> None:
        if self._kept is None:
            return
        with suppress(OSError):  # then it is checked again next time
            self._kept.parent.mkdir(parents=True, exist_ok=True)
            new = self._kept.with_suffix(f".{os.getpid()}.new")
            new.write_bytes(msgspec.json.encode({_key(): fault}))
            new.replace(self._kept)


def command() -> list[str]:
    """The command that checks."""
    return process_command(FLAG)


def main(arguments: Sequence[str]) -> None:
    """Check, print why not, and end at once; takes no arguments."""
    del arguments
    try:
        fault = difference()
    except (EngineError, OSError) as error:
        fault = f"A small model could not be paged: {error}"
    os.write(1, fault.encode())
    os._exit(0)


def difference() -> str:
    """Compare the logits of a small model, paged and not, bit by bit; empty if they are the same.

    Raises:
        EngineError: it could not be loaded.
        OSError: it could not be written.
    """
    with tempfile.TemporaryDirectory(prefix="hearth-") as folder:
        path = Path(folder, "check.gguf")
        write_random_model(path, SHAPE, _RECIPE, name="check")
        info = describe(read_header(path), "check")
        options = LoadOptions(context_tokens=640, max_sequences=1)  # as many cells paged as not
        plain, whole_bytes = _logits(info, options)
        room = whole_bytes - path.stat().st_size // 2 + PAGED_RESERVE_BYTES  # for less than half of the weights
        paged, _ = _logits(info, replace(options, paged=True, available_bytes=room))
    return "" if plain == paged else "Paged weights gave other numbers than unpaged ones."


def _logits(info: ModelInfo, options: LoadOptions) -> tuple[bytes, int]:
    """Logits of a prompt and of some tokens after it, and the memory that the model takes."""
    files = MappedFiles(info.path)
    weights = open_weights(info, options, lambda _fraction: True, mapped_only=True)
    vocabulary = SHAPE.vocabulary
    if options.paged:
        request = PagedRequest(weights=weights, options=options, files=files, self_check=lambda: "")
        context: DecodeContext = open_paged_context(request, vocabulary, lambda _fraction: True)[0]
        if context.paging is None or context.paging.note or not context.paging.streamed_bytes:
            raise EngineError(f"It was not paged: {context.paging}.")
    else:
        context = open_decode_context(weights, options, vocabulary)[0]
    found = []
    context.batch.add_chunk(_PROMPT, 0, 0, last=True)
    for step in range(_STEPS):
        if not context.decode():
            raise EngineError("The context has no room.")
        found.append(context.logits().tobytes())
        context.batch.clear()
        context.batch.add_token(100 + step, len(_PROMPT) + step, 0)
    context.free()
    weights.free()
    return b"".join(found), weights.memory_bytes


def _in_a_child() -> str:
    try:
        ended = subprocess.run(
            command(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_LIMIT_S,
            check=False,
            env={**os.environ, "GGML_NO_BACKTRACE": "1"},
            start_new_session=sys.platform != "win32",
            creationflags=NO_WINDOW,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"Whether paging works could not be tried: {error}."
    if ended.returncode:
        return f"A small model that was paged ended its process with code {ended.returncode}."
    return ended.stdout.decode(errors="replace")


def _key() -> str:
    return f"{binding_version()} {platform.system()} {platform.release()} {cpu_variant()}".strip()
