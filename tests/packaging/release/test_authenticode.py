"""Who may have signed Python for Windows."""

import shutil
import subprocess
from pathlib import Path

import pytest
from failure import SetupError
from release import authenticode
from release.authenticode import microsoft_root, require_python_signatures


def test_a_root_that_only_has_the_right_name_is_refused(tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    certificate = tmp_path / "root.pem"
    name = "/CN=Microsoft Identity Verification Root Certificate Authority 2020"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", name, "-days", "1"]
    command += ["-keyout", str(tmp_path / "key.pem"), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)

    with pytest.raises(SetupError):
        microsoft_root([certificate.read_text(encoding="ascii")])


def test_the_root_is_found_by_its_fingerprint(monkeypatch: pytest.MonkeyPatch) -> None:
    body = "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n"
    monkeypatch.setattr(
        authenticode, "_ROOT_SHA256", "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
    )

    assert microsoft_root(["-----BEGIN CERTIFICATE-----\nd29ybGQ=\n-----END CERTIFICATE-----\n", body]) == body


def test_files_that_nobody_signed_are_refused(tmp_path: Path) -> None:
    if not authenticode.can_check():
        pytest.skip("osslsigncode is not installed")
    (tmp_path / "python313.dll").write_bytes(b"MZ")

    with pytest.raises(SetupError):
        require_python_signatures(tmp_path)
