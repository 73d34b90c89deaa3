"""What a child process does for quantizing: measures importances, and runs llama.cpp's quantizer.

A file that makes llama.cpp abort ends this process, never Hearth. While a call runs, a thread of its own tells how far
it is four times a second, so that the other end can stop it at any moment and knows that it lives.
"""

import ctypes
import logging
import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import llama_cpp.llama_cpp as llama
import numpy as np

from engine.backends.llama.imatrix import Importances, measure_importance
from engine.backends.llama.native import NativeLog, captured_log, ensure_initialised
from engine.backends.process.child import Answer, Method, Tell
from engine.backends.process.frames import Payload
from engine.backends.process.ticks import Progress, ticks
from engine.errors import JobError
from engine.models.gguf import read_header
from engine.models.split_files import later_parts, named_count

log = logging.getLogger(__name__)

_BUFFER_BYTES: Final = 256 << 20
"""Most of a tensor that is worked on at once; llama.cpp would take 8 GiB."""
_TENSOR: Final = re.compile(r"\[ *\d+/ *\d+\] (\S+)")
_FORCED: Final = re.compile(r"WARNING: (\d+) of \d+ tensor\(s\) required fallback")
_LOWEST: Final = 19  # nice value: what a person does meanwhile comes first


class QuantizingWorker:
    """Makes GGUF files smaller. Every method takes a body, payloads, and a way to tell progress.

    Thread: one.
    """

    def __init__(self) -> None:
        _step_back()

    def methods(self) -> dict[str, Method]:
        """The calls, by name."""
        return {"importance": self.importance, "quantize": self.quantize}

    def importance(self, body: Any, _payloads: Sequence[Payload], tell: Tell) -> Answer:
        """Measure importances of `source` with `text`, and write them to `result`."""
        with ticks(tell) as progress:

            def note(share: float) -> None:
                progress.share = share

            found = measure_importance(Path(body["source"]), body["text"], body["threads"], body["most_chunks"], note)
            write_importances(Path(body["result"]), found)
        return len(found), ()

    def quantize(self, body: Any, _payloads: Sequence[Payload], tell: Tell) -> Answer:
        """Write `source` to `target` as file type `type`, with what is in the file `importances`, if one is named."""
        found = read_importances(Path(body["importances"])) if body["importances"] else {}
        ensure_initialised()
        with ticks(tell) as progress:
            said = _QuantizerLog(_sizes(Path(body["source"])), progress)
            with captured_log(said):
                code = _quantize(body, found)
        if code:
            reason = said.last_error.rpartition("failed to quantize: ")[2].rstrip(".") or "it gave no reason"
            raise JobError(f"The quantizer gave up: {reason}.", "The source is as it was; try another recipe.")
        return {"forced": said.forced}, ()


def write_importances(path: Path, found: Importances) -> None:
    """Keep importances in a file."""
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    with new.open("wb") as stream:
        np.savez(stream, allow_pickle=False, **found)
    new.replace(path)


def read_importances(path: Path) -> Importances:
    """Read importances from a file.

    Raises:
        OSError: it cannot be read.
        ValueError: it is damaged.
    """
    with np.load(path, allow_pickle=False) as kept:
        return {name: np.ascontiguousarray(kept[name], np.float32) for name in kept.files}


def _quantize(body: Mapping[str, Any], found: Importances) -> int:
    params = llama.llama_model_quantize_default_params()
    params.ftype = body["type"]
    params.nthread = body["threads"]
    params.allow_requantize = False
    params.max_buf_size = _BUFFER_BYTES
    entries = (llama.llama_model_imatrix_data * (len(found) + 1))()  # the last one stays empty and ends the list
    for entry, (name, values) in zip(entries, found.items(), strict=False):
        entry.name = name.encode()
        entry.data = values.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
        entry.size = len(values)
    if found:
        params.imatrix = ctypes.cast(entries, ctypes.POINTER(llama.llama_model_imatrix_data))
    source, target = (os.fsencode(body[name]) for name in ("source", "target"))
    return int(llama.llama_model_quantize(source, target, ctypes.byref(params)))


def _sizes(source: Path) -> dict[str, int]:
    """Bytes of each tensor of all files of a model."""
    files = (source, *later_parts(source, named_count(source)))
    return {tensor.name: tensor.size_bytes for file in files for tensor in read_header(file).tensors}


class _QuantizerLog(NativeLog):
    """Follows the quantizer from tensor to tensor.

    Attributes:
        forced: tensors that got another type than the recipe's because of their shape.
    """

    def __init__(self, sizes: Mapping[str, int], progress: Progress) -> None:
        super().__init__()
        self.forced = 0
        self._sizes, self._total, self._progress = sizes, max(1, sum(sizes.values())), progress
        self._begun = 0  # bytes of the tensors before the current one
        self._current = 0

    def add(self, level: int, line: str) -> None:
        """Take one line."""
        super().add(level, line)
        if (match := _TENSOR.match(line)) is not None:
            self._begun += self._current
            self._current = self._sizes.get(match[1], 0)
            self._progress.share = self._begun / self._total
        elif (match := _FORCED.search(line)) is not None:
            self.forced = int(match[1])


def _step_back() -> None:
    """Let everything else go first."""
    try:
        if sys.platform == "win32":
            import psutil

            psutil.Process().nice(psutil.BELOW_NORMAL_PRIORITY_CLASS)
        else:
            os.nice(_LOWEST)
    except OSError:
        log.info("the priority cannot be lowered", exc_info=True)
