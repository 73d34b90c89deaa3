"""llama.cpp's process-wide state: initialised once, its log sent to `logging`, its last errors kept for our own.

Why once: `llama_backend_init` and the log callback belong to the process, not to an engine. They stay until the process
ends, because a second engine may still be using them when the first one closes.
"""

import ctypes
import logging
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import llama_cpp.llama_cpp as llama
import numpy as np

from engine.backends.llama.symbols import function
from engine.backends.llama.variants import load_variant
from engine.types import FloatArray

log = logging.getLogger(__name__)

_INFO, _WARN, _ERROR, _CONTINUED = 2, 3, 4, 5  # enum ggml_log_level
_BUFFER_SIZE = re.compile(r"\S+: +(\S+) .*buffer size = +([\d.]+) MiB")
_REPACKED = "_REPACK"
_IN_HOST_MEMORY = re.compile(r"CPU|.*_Host$|BLAS|AMX")

_lock = threading.Lock()
_initialised = False  # guarded by _lock
_variant = ""  # guarded by _lock
_capture = threading.local()


class NativeLog:
    """What llama.cpp said during one native call.

    Attributes:
        errors: error lines, oldest first.
        buffer_bytes: sum of the weight, KV cache, compute and output buffers that were announced.
        copied_bytes: of these, for weights that were copied out of the file's mapping, which counts as well.
        device_bytes: of these, in the memory of other devices than the processor. What llama.cpp says of layers that
            were "offloaded" is no evidence: it says so even where there is no device.
    """

    def __init__(self) -> None:
        self.errors: list[str] = []
        self.buffer_bytes = 0
        self.copied_bytes = 0
        self.device_bytes = 0

    @property
    def last_error(self) -> str:
        """The line that names the cause; later lines only repeat that loading failed."""
        for line in reversed(self.errors):
            if "error loading model" in line:
                return line.rpartition("error loading model: ")[2]
        return self.errors[-1] if self.errors else ""

    def add(self, level: int, line: str) -> None:
        """Take one line."""
        if level == _ERROR:
            self.errors.append(line)
        elif level == _INFO and (match := _BUFFER_SIZE.match(line)):
            size = int(float(match[2]) * (1 << 20))
            self.buffer_bytes += size
            if match[1].endswith(_REPACKED):
                self.copied_bytes += size
            if not _IN_HOST_MEMORY.match(match[1]):
                self.device_bytes += size


@contextmanager
def captured_log(into: NativeLog | None = None) -> Iterator[NativeLog]:
    """Collect what llama.cpp logs on this thread; it logs on the thread that calls it.

    Args:
        into: takes the lines; None makes a plain one.
    """
    captured = NativeLog() if into is None else into
    _capture.target = captured
    try:
        yield captured
    finally:
        _capture.target = None


def ensure_initialised() -> None:
    """Initialise llama.cpp, unless that was done already.

    Thread: any.

    Raises:
        EngineError: it has no code for this processor.
    """
    global _initialised, _variant
    with _lock:
        if not _initialised:
            llama.llama_log_set(_log_callback, None)
            if not function("ggml_backend_reg_count", ctypes.c_size_t)():  # a portable build
                _variant = load_variant(Path(llama.__file__).with_name("lib"), load_backend)
            llama.llama_backend_init()
            _initialised = True


def cpu_variant() -> str:
    """The variant of the processor's code that is loaded; empty for a build with that code inside.

    Raises:
        EngineError: llama.cpp has no code for this processor.
    """
    ensure_initialised()
    return _variant


def build_text() -> str:
    """How llama.cpp was built, for people.

    Raises:
        EngineError: it has no code for this processor.
    """
    variant = cpu_variant()
    features = text_of(llama.llama_print_system_info())
    return f"variant {variant} for this processor | {features}" if variant else features


def load_backend(path: Path) -> bool:
    """Load one of ggml's loadable backends; return whether it did.

    Args:
        path: of the library.
    """
    load = function("ggml_backend_load", ctypes.c_void_p, ctypes.c_char_p)
    if sys.platform == "win32":
        # There ggml takes a path for text in the system's code page, which lacks most letters. A library that is
        # loaded already is found by its plain name.
        try:
            ctypes.CDLL(str(path))
        except OSError:
            return False
        return bool(load(path.name.encode()))
    return bool(load(str(path).encode()))


def _on_log(level: int, text: bytes, _user_data: int | None) -> None:
    if level == _CONTINUED:  # progress dots
        return
    if level < _INFO and not log.isEnabledFor(logging.DEBUG):
        return
    line = text.decode("utf-8", "replace").rstrip()
    target: NativeLog | None = getattr(_capture, "target", None)
    if target is not None:
        target.add(level, line)
    # Not above INFO: what matters to a person is raised as an error with a remedy, and without any logging set up
    # Python prints warnings to stderr.
    log.log(logging.INFO if level in {_WARN, _ERROR} else logging.DEBUG, "%s", line)


# Kept for ever: llama.cpp calls it until the process ends.
_log_callback = llama.llama_log_callback(_on_log)


def text_of(pointer: bytes | None) -> str:
    """Decode a string that llama.cpp returned; NULL is the empty string."""
    return pointer.decode("utf-8", "replace") if pointer else ""


def address_of(pointer: object) -> int:
    """Address held by a ctypes pointer; 0 for NULL."""
    return ctypes.cast(pointer, ctypes.c_void_p).value or 0  # type: ignore[arg-type]


def float_view(address: int, rows: int, columns: int) -> FloatArray:
    """View floats in llama.cpp's memory, without a copy.

    Returns:
        float32, shape (rows, columns), writable; valid as long as llama.cpp keeps that memory.
    """
    memory = (ctypes.c_float * (rows * columns)).from_address(address)
    return np.frombuffer(memoryview(memory), np.float32).reshape(rows, columns)
