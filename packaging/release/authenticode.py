"""Checks who signed Windows programs that were fetched, with osslsigncode, where it is installed."""

import hashlib
import shutil
import ssl
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from failure import SetupError

_SIGNER: Final = "Python Software Foundation"
_SIGNED_AT: Final = datetime(2025, 2, 4, 17, 30, tzinfo=UTC)
_LIBRARIES_SIGNED_AT: Final = datetime(2024, 12, 20, tzinfo=UTC)
_LIBRARIES: Final = ("libcrypto-", "libssl-", "libffi-")
_ROOT_SHA256: Final = "5367f20c7ade0e2bca790915056d086b720c33c1fa2a2661acf787e3292e1270"
"""Of "Microsoft Identity Verification Root Certificate Authority 2020", which Linux does not ship."""
_BUNDLE: Final = Path("/etc/ssl/certs/ca-certificates.crt")


def can_check() -> bool:
    """Whether the tool and the system's certificates are here."""
    return shutil.which("osslsigncode") is not None and shutil.which("openssl") is not None and _BUNDLE.exists()


def require_python_signatures(folder: Path) -> int:
    """Check every file of CPython for Windows that its makers sign; whether it was revoked is not asked.

    Args:
        folder: the unpacked distribution.

    Returns:
        How many files are signed by the Python Software Foundation, unchanged.

    Raises:
        SetupError: one is not, or was changed.
    """
    files = sorted(path for path in folder.iterdir() if path.suffix in {".exe", ".dll", ".pyd", ".cat"})
    ours = [path for path in files if not path.name.startswith("vcruntime")]  # those are Microsoft's
    with tempfile.TemporaryDirectory() as name:
        trusted = Path(name, "trusted.pem")
        root = microsoft_root(_certificates(folder / "python313.dll", Path(name)))
        trusted.write_text(_BUNDLE.read_text(encoding="ascii") + root, encoding="ascii")
        bad = [path.name for path in ours if not _is_signed(path, trusted)]
    if bad or not ours:
        what = ", ".join(bad) or "files"
        raise SetupError(f"Python for Windows is not what its makers signed: {what}.", "Do not use it; try again.")
    return len(ours)


def microsoft_root(certificates: Iterable[str]) -> str:
    """The root that Microsoft's short-lived certificates hang from, recognised by its pinned fingerprint.

    Args:
        certificates: of a signature, as PEM.

    Raises:
        SetupError: it is not among them.
    """
    for certificate in certificates:
        if hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate)).hexdigest() == _ROOT_SHA256:
            return certificate
    raise SetupError("Python for Windows is signed by nobody known.", "Do not use it; try again.")


def _certificates(file: Path, scratch: Path) -> Iterator[str]:
    signature = scratch / "signature.pem"
    extract = ["osslsigncode", "extract-signature", "-pem", "-in", str(file), "-out", str(signature)]
    subprocess.run(extract, capture_output=True, check=False)
    listing = ["openssl", "pkcs7", "-in", str(signature), "-print_certs"]
    text = subprocess.run(listing, capture_output=True, text=True, check=False).stdout
    for part in text.split("-----BEGIN CERTIFICATE-----")[1:]:
        body = part.partition("-----END CERTIFICATE-----")[0]
        yield f"-----BEGIN CERTIFICATE-----{body}-----END CERTIFICATE-----\n"


def _is_signed(file: Path, trusted: Path) -> bool:
    # The certificates were good for three days, so the check goes back to the day of the signature.
    moment = _LIBRARIES_SIGNED_AT if file.name.startswith(_LIBRARIES) else _SIGNED_AT
    command = ["osslsigncode", "verify", "-ignore-crl", "-time", str(int(moment.timestamp()))]
    command += ["-CAfile", str(trusted), "-TSA-CAfile", str(trusted), "-in", str(file)]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    return checked.returncode == 0 and _SIGNER in checked.stdout
