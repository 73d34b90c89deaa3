"""Signs programs and installers with a certificate that the environment names; without one it does nothing and says so.

Passwords reach the signing program through its standard input or the system's key store, never through its command
line, which every user of a machine can read.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from failure import SetupError

CERTIFICATE: Final = "HEARTH_SIGN_PFX"
"""Names a PKCS #12 file with the certificate and its key, for Windows."""
PASSWORD: Final = "HEARTH_SIGN_PASSWORD"
"""Holds the password of that file."""
TIMESTAMP: Final = "HEARTH_TIMESTAMP_URL"
"""Address of a timestamp server (RFC 3161): with its word a signature outlives the certificate."""
IDENTITY: Final = "HEARTH_SIGN_IDENTITY"
"""Name of a certificate in the key chain, for macOS."""
NOTARY_PROFILE: Final = "HEARTH_NOTARY_PROFILE"
"""Name under which `notarytool store-credentials` keeps the account, for macOS."""

_TIMEOUT_S: Final = 300


@dataclass(frozen=True, slots=True)
class _Step:
    """A command, and what it reads from its standard input."""

    command: tuple[str, ...]
    given: str = ""


def sign_windows(paths: Sequence[Path], env: Mapping[str, str] = os.environ) -> bool:
    """Sign programs and libraries for Windows in place.

    Args:
        paths: files that Windows can run.
        env: where the certificate is named.

    Returns:
        Whether they are signed now; False where the environment names no certificate.

    Raises:
        SetupError: the certificate, its password or the program that signs is missing or refused.
    """
    if not env.get(CERTIFICATE):
        print(f"  Not signed: {CERTIFICATE} names no certificate.", flush=True)
        return False
    certificate = Path(env[CERTIFICATE])
    if not certificate.is_file():
        raise SetupError(f"{CERTIFICATE} names a file that is not there.", "Give the path of a .pfx or .p12 file.")
    sign = _with_signtool if sys.platform == "win32" else _with_osslsigncode
    for path in paths:
        sign(path, certificate, env)
        print(f"  Signed: {path.name}", flush=True)
    return True


def _with_osslsigncode(path: Path, certificate: Path, env: Mapping[str, str]) -> None:
    program = _program("osslsigncode", "apt-get install osslsigncode")
    signed = path.with_name(f"{path.name}.signed")
    command = [program, "sign", "-pkcs12", str(certificate), "-h", "sha256", "-n", "Hearth"]
    command += ["-readpass", "-"] if env.get(PASSWORD) else []
    command += ["-ts", env[TIMESTAMP]] if env.get(TIMESTAMP) else []
    signed.unlink(missing_ok=True)  # which the program does not overwrite
    try:
        _run(_Step((*command, "-in", str(path), "-out", str(signed)), env.get(PASSWORD, "")), path)
        shutil.copymode(path, signed)
        signed.replace(path)
    finally:
        signed.unlink(missing_ok=True)


def _with_signtool(path: Path, certificate: Path, env: Mapping[str, str]) -> None:
    """Sign through the user's certificate store, because signtool takes a password on its command line only."""
    thumbprint = _import_certificate(certificate, env)
    program = _program("signtool", "the Windows SDK")
    command = [program, "sign", "/sha1", thumbprint, "/fd", "sha256", "/d", "Hearth"]
    command += ["/tr", env[TIMESTAMP], "/td", "sha256"] if env.get(TIMESTAMP) else []
    _run(_Step((*command, str(path))), path)


def _import_certificate(certificate: Path, env: Mapping[str, str]) -> str:
    script = (
        "$password = ConvertTo-SecureString ([Console]::In.ReadToEnd()) -AsPlainText -Force; "
        f"$imported = Import-PfxCertificate -FilePath '{str(certificate).replace(chr(39), chr(39) * 2)}' "
        "-CertStoreLocation Cert:\\CurrentUser\\My -Password $password; $imported.Thumbprint"
    )
    command = ("powershell", "-NoProfile", "-NonInteractive", "-Command", script)
    return _run(_Step(command, env.get(PASSWORD, "")), certificate).strip()


def sign_macos(paths: Iterable[Path], entitlements: Path, env: Mapping[str, str] = os.environ) -> bool:
    """Sign libraries, programs and last the bundle that holds them, for macOS' hardened runtime.

    Args:
        paths: from the inside out: what a bundle holds comes before the bundle.
        entitlements: property list with what the program may do.
        env: where the certificate is named.

    Returns:
        Whether they are signed now; False where the environment names no certificate.

    Raises:
        SetupError: the program that signs is missing or refuses.
    """
    if not env.get(IDENTITY):
        print(f"  Not signed: {IDENTITY} names no certificate.", flush=True)
        return False
    program = _program("codesign", "Xcode's command line tools")
    options = ("--force", "--timestamp", "--options", "runtime", "--entitlements", str(entitlements))
    for path in paths:
        _run(_Step((program, *options, "--sign", env[IDENTITY], str(path))), path)
    return True


def seal_macos(bundle: Path) -> None:
    """Seal a bundle without a certificate, so that it runs on the machine that made it and where a person allows it.

    Raises:
        SetupError: codesign is missing or refuses.
    """
    program = _program("codesign", "Xcode's command line tools")
    _run(_Step((program, "--force", "--sign", "-", str(bundle))), bundle)


def notarise_macos(image: Path, env: Mapping[str, str] = os.environ) -> bool:
    """Let Apple look at a signed disk image, and fasten its word to the image.

    Returns:
        Whether that was done; False where the environment names no account.

    Raises:
        SetupError: Apple refuses the image.
    """
    if not env.get(NOTARY_PROFILE):
        print(f"  Not notarised: {NOTARY_PROFILE} names no account.", flush=True)
        return False
    program = _program("xcrun", "Xcode's command line tools")
    submit = ("notarytool", "submit", str(image), "--keychain-profile", env[NOTARY_PROFILE], "--wait")
    _run(_Step((program, *submit)), image, timeout_s=3600)
    _run(_Step((program, "stapler", "staple", str(image))), image)
    return True


def _program(name: str, source: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise SetupError(f"{name}, which signs, is not installed.", f"Install it ({source}).")
    return found


def _run(step: _Step, path: Path, timeout_s: int = _TIMEOUT_S) -> str:
    try:
        done = subprocess.run(
            step.command,
            input=step.given,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        remedy = "Look whether the timestamp server or Apple's service can be reached, and run it again."
        raise SetupError(f"Signing {path.name} did not end within {timeout_s} s.", remedy) from error
    if done.returncode != 0:
        said = _without_secret(f"{done.stdout}\n{done.stderr}", step.given)
        remedy = f"Check the certificate and its password. {Path(step.command[0]).name} said: {said}"
        raise SetupError(f"{path.name} could not be signed.", remedy)
    return done.stdout


def _without_secret(text: str, secret: str) -> str:
    kept = " ".join(text.split())[-600:]
    return kept.replace(secret, "***") if secret else kept


if __name__ == "__main__":  # how the makers of installers sign what they write on the way
    try:
        sign_windows([Path(name) for name in sys.argv[1:]])
    except SetupError as refused:
        sys.exit(str(refused))
