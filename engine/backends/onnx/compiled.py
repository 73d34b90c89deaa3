"""Compiled graphs that are kept: what takes a device's compiler seconds to minutes is done once per model and driver.

ONNX Runtime's ModelCompiler writes a graph whose operators for the device are one opaque part (EP context), with the
compiled bytes in a file beside it. Each lives in a folder of its own, named after everything that it depends on: the
model's bytes, ONNX Runtime, the provider and its driver, the device, the options and the sides that were fixed. What
cannot be compiled or kept is opened as it is; that it cannot be compiled is kept too, so that nobody waits twice for
a compiler that fails in the end.
"""

import contextlib
import hashlib
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

from engine.backends.onnx.devices import FoundDevice, device_version
from engine.backends.onnx.native_errors import NATIVE_ERRORS, is_lost, lacks_memory, reason_of
from engine.backends.onnx.runtime import onnxruntime
from engine.backends.onnx.session_options import session_options

log = logging.getLogger(__name__)

MODEL: Final = "model.onnx"
REFUSED: Final = "refused.txt"
"""Stands in the folder of a graph that cannot be compiled, and says why."""
MOST_BYTES: Final = 4 << 30
"""Of all compiled graphs together; those that have not been used for longest go first. A guess."""
_DIGEST_BYTES: Final = 16


def compiled_model(
    cache: Path, path: Path, found: FoundDevice, sides: Mapping[str, int], locations: Collection[str] = ()
) -> Path | None:
    """Find the compiled form of a graph, or make it.

    Thread: one that may block for minutes; ONNX Runtime lets others run meanwhile.

    Args:
        cache: folder of all compiled graphs; made if it is not there.
        path: of the graph.
        found: the device, whose provider can compile.
        sides: free sides that are fixed for it.
        locations: names of the files beside the graph that hold weights of it.

    Returns:
        Path of the compiled graph; None if there is none and none can be made, with the reason in the log.
    """
    try:
        place = cache / _key(path, found, sides, locations)
        if (place / REFUSED).is_file():
            os.utime(place)
            log.info("%s is not compiled ahead, because that has failed: see %s.", path.name, place / REFUSED)
            return None
        if (place / MODEL).is_file():
            os.utime(place)  # it was used now
            return place / MODEL
        cache.mkdir(parents=True, exist_ok=True)
        return _compile(cache, place, path, found, sides)
    except OSError as error:
        log.info("The compiled form of %s cannot be kept: %s.", path.name, error)
        return None


def discard(compiled: Path, reason: str = "") -> None:
    """Remove a compiled graph that does not open; with a reason, it is not compiled again."""
    shutil.rmtree(compiled.parent, ignore_errors=True)
    if reason:
        with contextlib.suppress(OSError):
            compiled.parent.mkdir(exist_ok=True)
            (compiled.parent / REFUSED).write_text(f"{reason}\n", encoding="utf-8")


def _compile(cache: Path, place: Path, path: Path, found: FoundDevice, sides: Mapping[str, int]) -> Path | None:
    with tempfile.TemporaryDirectory(prefix="making-", dir=cache, ignore_cleanup_errors=True) as folder:
        made = Path(folder, "graph")
        made.mkdir()
        try:
            compiler = onnxruntime.ModelCompiler(
                session_options(found.provider, found, 1, sides),
                str(path),
                embed_compiled_data_into_model=False,  # a protobuf file ends at 2 GiB
                flags=onnxruntime.OrtCompileApiFlags.ERROR_IF_NO_NODES_COMPILED,
            )
            compiler.compile_to_file(str(made / MODEL))
        except NATIVE_ERRORS as error:
            log.info("%s does not compile %s ahead: %s.", found.provider.title, path.name, reason_of(error))
            if not is_lost(error) and not lacks_memory(error):
                discard(place / MODEL, reason_of(error))
            return None
        _make_room(cache, _size(made))
        if not (place / MODEL).is_file():
            discard(place / MODEL)  # what is left of one that could not be removed whole, because it was in use
        with contextlib.suppress(OSError):  # another process was faster, and has made the same
            made.replace(place)
    return place / MODEL if (place / MODEL).is_file() else None


def _key(path: Path, found: FoundDevice, sides: Mapping[str, int], locations: Collection[str]) -> str:
    """Name of the folder: a digest of everything that a compiled graph depends on."""
    beside = [(name, (path.parent / name).stat()) for name in sorted(locations)]
    with path.open("rb") as file:
        model = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=_DIGEST_BYTES)).hexdigest()
    parts = {
        "model": model,
        "beside": [[name, status.st_size, status.st_mtime_ns] for name, status in beside],
        "runtime": onnxruntime.__version__,
        "provider": found.provider.name,
        "version": device_version(found.provider, found.device),
        "device": found.target,
        "options": found.provider.options_for(1) | dict(found.options),
        "sides": dict(sides),
    }
    text = json.dumps(parts, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=_DIGEST_BYTES).hexdigest()


def _make_room(cache: Path, needed: int) -> None:
    places = [entry for entry in cache.iterdir() if entry.is_dir() and not entry.name.startswith("making-")]
    sizes = {entry: _size(entry) for entry in sorted(places, key=lambda entry: entry.stat().st_mtime)}
    total = sum(sizes.values()) + needed
    for entry, size in sizes.items():
        if total <= MOST_BYTES:
            return
        shutil.rmtree(entry, ignore_errors=True)
        total -= size


def _size(folder: Path) -> int:
    return sum(entry.stat().st_size for entry in folder.iterdir() if entry.is_file())
