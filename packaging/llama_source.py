"""llama.cpp's source, as the pinned llama-cpp-python carries it: fetched by pip, unpacked, made to compile here."""

import errno
import re
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from compiling import PACKAGE, build_failure, disk_full
from failure import SetupError
from progress import run_with_progress

# Two thirds of the source that no build reads: test data, documentation.
_NOT_UNPACKED = {"docs", "media", "models"}
_VULKAN_SOURCE = Path("ggml/src/ggml-vulkan/ggml-vulkan.cpp")
_LAYER_SETTINGS = re.compile(
    r"^    VkBool32 enable_best_practice = .*?^    vk::InstanceCreateInfo instance_create_info\("
    r".*?, extensions, &layer_setting_info\);\n",
    re.MULTILINE | re.DOTALL,
)
_WITHOUT_LAYER_SETTINGS = (
    "    vk::InstanceCreateInfo instance_create_info(vk::InstanceCreateFlags{}, &app_info, layers, extensions);\n"
)
# Part of the key of what is built, so that a module is compiled anew when this patch changes.
PATCH = _LAYER_SETTINGS.pattern + _WITHOUT_LAYER_SETTINGS


@contextmanager
def unpacked_source(python: Path, version: str, folder: Path, log: Path) -> Iterator[Path]:
    """Fetch llama.cpp's source and hold it for the block, with a folder to build in as its neighbour.

    Args:
        python: interpreter whose pip fetches.
        version: of llama-cpp-python.
        folder: where to; the caller holds a lock on it, so what killed processes left there is removed.
        log: what pip printed.

    Raises:
        SetupError: no network, a full disk, or a broken archive.
    """
    for leftover in folder.glob("source.partial-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="source.partial-", dir=folder, ignore_cleanup_errors=True) as name:
        scratch = Path(name)
        outcome = run_with_progress(fetch_command(python, version, scratch), "fetching llama.cpp's source", log)
        archive = next(iter(scratch.glob("*.tar.gz")), None)
        if outcome.code != 0 or archive is None:
            raise build_failure(outcome.output, log)
        unpack(archive, scratch / "llama.cpp")
        archive.unlink()
        guard_layer_settings(scratch / "llama.cpp")
        yield scratch / "llama.cpp"


def fetch_command(python: Path, version: str, target: Path) -> list[str]:
    """The pip command that downloads the source package into the folder `target`."""
    command = [str(python), "-m", "pip", "download", "--no-input", "--disable-pip-version-check", "--no-deps"]
    return [*command, "--no-binary", PACKAGE, "--dest", str(target), f"{PACKAGE}=={version}"]


def unpack(archive: Path, target: Path) -> None:
    """Unpack llama.cpp out of llama-cpp-python's source package.

    Only plain files inside `target` are written, whatever the archive says: tarfile's own filter for that is missing
    in Python 3.11.2, which Debian 12 has.

    Raises:
        SetupError: the archive is broken, wants to write elsewhere, or the disk is full.
    """
    try:
        with tarfile.open(archive) as packed:
            for member in packed:
                path = _path_in_llama(member.name)
                file = packed.extractfile(member) if path is not None and member.isreg() else None
                if path is None or file is None:
                    continue
                place = target / path
                place.parent.mkdir(parents=True, exist_ok=True)
                with file, place.open("wb") as unpacked:
                    shutil.copyfileobj(file, unpacked)
                if member.mode & 0o100:
                    place.chmod(0o755)
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise SetupError(f"The source of {PACKAGE} is broken: {error}.", "Run the command again.") from error
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise disk_full() from error
        raise SetupError(f"llama.cpp's source could not be unpacked: {error}.", "Check the disk.") from error
    if not (target / "CMakeLists.txt").exists():
        raise SetupError(f"The source of {PACKAGE} has no llama.cpp in it.", "Tell the developers of Hearth.")


def _path_in_llama(name: str) -> Path | None:
    """Path below vendor/llama.cpp of a member of the archive, or None for what is not unpacked."""
    parts = PurePosixPath(name).parts[1:]  # the first is the package's name and version
    if parts[:2] != ("vendor", "llama.cpp") or len(parts) < 3 or parts[2] in _NOT_UNPACKED:
        return None
    if ".." in parts or any("\\" in part or ":" in part for part in parts):
        raise SetupError(f"The source of {PACKAGE} wants to write outside its folder.", "Do not use this source.")
    return Path(*parts[2:])


def guard_layer_settings(source: Path) -> bool:
    """Let the Vulkan backend compile with headers as old as Debian 12's.

    It names types of newer ones, but has a use for them only under `GGML_VULKAN_VALIDATE`: a condition around them
    changes nothing else.

    Returns:
        Whether the lines were found; if not, newer headers may do without.
    """
    file = source / _VULKAN_SOURCE
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    found = _LAYER_SETTINGS.search(text)
    if found is None:
        return False
    guarded = f"#ifdef GGML_VULKAN_VALIDATE\n{found[0]}#else\n{_WITHOUT_LAYER_SETTINGS}#endif\n"
    file.write_text(text[: found.start()] + guarded + text[found.end() :], encoding="utf-8", newline="\n")
    return True
