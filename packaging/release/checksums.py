"""`SHA256SUMS`: by which people see that a download is what was made; signed where the environment names a key."""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from failure import SetupError

from release.files import SUMS, downloads, release_files

KEY: Final = "HEARTH_GPG_KEY"
"""Names a key of GnuPG: its fingerprint, or an address in it."""
PASSPHRASE: Final = "HEARTH_GPG_PASSPHRASE"
"""Holds the passphrase of that key, where GnuPG's agent cannot ask for it."""
_TIMEOUT_S: Final = 120


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_checksums(dist: Path, version: str, env: Mapping[str, str] = os.environ) -> Path:
    """Write `SHA256SUMS` over all files of a version, as `sha256sum -c` reads it, and sign it if there is a key.

    Args:
        dist: folder with the files.
        version: of Hearth.
        env: where the key is named.

    Returns:
        The file; a signature lies beside it as `SHA256SUMS.asc`.

    Raises:
        SetupError: there is nothing to sum up, or it could not be signed.
    """
    if not downloads(dist, version):
        raise SetupError(f"There is nothing of Hearth {version} in {dist.name}.", "Make an installer first.")
    target = dist / SUMS
    lines = [f"{sha256_of(path)}  {path.name}\n" for path in release_files(dist, version)]
    target.write_text("".join(lines), encoding="utf-8", newline="\n")
    signature = target.with_name(f"{SUMS}.asc")
    signature.unlink(missing_ok=True)  # one of other sums would be worse than none
    if env.get(KEY):
        _sign(target, signature, env)
    else:
        print(f"  {SUMS} is not signed: {KEY} names no key.", flush=True)
    return target


def _sign(target: Path, signature: Path, env: Mapping[str, str]) -> None:
    program = shutil.which("gpg")
    if program is None:
        raise SetupError("A key is given, but gpg is not installed.", "Install GnuPG, or take the key away.")
    command = [program, "--batch", "--yes", "--local-user", env[KEY]]
    command += ["--pinentry-mode", "loopback", "--passphrase-fd", "0"] if env.get(PASSPHRASE) else []
    command += ["--armor", "--output", str(signature), "--detach-sign", str(target)]
    try:
        done = subprocess.run(
            command,
            input=env.get(PASSPHRASE, ""),
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise SetupError(f"gpg did not end within {_TIMEOUT_S} s.", f"Give the passphrase in {PASSPHRASE}.") from error
    if done.returncode != 0:
        signature.unlink(missing_ok=True)
        remedy = f"Check {KEY} and {PASSPHRASE}. gpg said: {' '.join(done.stderr.split())[-400:]}"
        raise SetupError(f"{SUMS} could not be signed.", remedy)
