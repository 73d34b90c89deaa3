"""The Setup for Windows: what it unpacks, and that equal programs give equal Setups."""

import hashlib
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from PIL import Image
from release.nsis import file_lines, make_setup

needs_nsis = pytest.mark.skipif(shutil.which("makensis") is None, reason="NSIS is not installed")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A frozen program of a few bytes."""
    tree = tmp_path / "windows" / "hearth"
    (tree / "_internal" / "b").mkdir(parents=True)
    for name in ("hearth.exe", "hearth-window.exe", "_internal/z.dll", "_internal/a.txt", "_internal/b/m.dll"):
        (tree / name).write_bytes(name.encode())
    return tree


def test_every_file_is_unpacked_into_its_folder_with_its_kind(tree: Path) -> None:
    place, unpacked = "", []
    for line in file_lines(tree):
        kind, _, value = line.partition(' "')
        if kind == "SetOutPath":
            place = value.removesuffix('"').removeprefix("$INSTDIR").removeprefix("\\").replace("\\", "/")
        else:
            unpacked.append(f"{place}/{Path(value.removesuffix(chr(34))).name}".removeprefix("/"))

    assert unpacked == ["_internal/z.dll", "_internal/b/m.dll", "hearth-window.exe", "hearth.exe", "_internal/a.txt"]


def test_a_dollar_in_a_name_is_no_variable_of_the_script(tree: Path) -> None:
    (tree / "_internal" / "a$INSTDIR.txt").write_bytes(b"")

    assert any("a$$INSTDIR.txt" in line for line in file_lines(tree))


@needs_nsis
def test_equal_programs_give_equal_setups(tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    monkeypatch.delenv("HEARTH_SIGN_PFX", raising=False)
    icon = tmp_path / "hearth.ico"
    Image.new("RGBA", (32, 32), "red").save(icon)

    setups = [make_setup(tree, icon, "1.2.3", tmp_path / name, is_quick=True) for name in ("one", "two")]

    assert [setup.name for setup in setups] == ["Hearth-1.2.3-setup.exe"] * 2
    digests = {hashlib.sha256(setup.read_bytes()).hexdigest() for setup in setups}
    assert len(digests) == 1
    assert (tree / "bin" / "hearth.cmd").read_bytes().endswith(b"%*\r\n")


def test_the_script_deletes_nothing_but_what_setup_unpacks() -> None:
    script = (Path(__file__).parents[3] / "installer" / "windows" / "hearth.nsi").read_text(encoding="utf-8")

    whole = set(re.findall(r"^\s*RMDir /r (.*)$", script, re.MULTILINE))

    assert whole == {'"$INSTDIR\\_internal"', '"$INSTDIR\\bin"'}  # a folder that a person chose may hold more


@needs_nsis
def test_a_certificate_signs_setup_and_uninstaller(tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if shutil.which("osslsigncode") is None or shutil.which("openssl") is None:
        pytest.skip("osslsigncode or openssl is not installed")
    key, certificate, pfx = (str(tmp_path / name) for name in ("key.pem", "cert.pem", "hearth.pfx"))
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=Hearth", "-days", "2"]
    make += ["-addext", "extendedKeyUsage=codeSigning", "-keyout", key, "-out", certificate]
    pack = ["openssl", "pkcs12", "-export", "-inkey", key, "-in", certificate, "-out", pfx, "-passout", "pass:secret"]
    for command in (make, pack):
        subprocess.run(command, check=True, capture_output=True)
    monkeypatch.setenv("HEARTH_SIGN_PFX", pfx)
    monkeypatch.setenv("HEARTH_SIGN_PASSWORD", "secret")
    icon = tmp_path / "hearth.ico"
    Image.new("RGBA", (32, 32), "red").save(icon)

    setup = make_setup(tree, icon, "1.2.3", tmp_path / "dist", is_quick=True)

    verify = ["osslsigncode", "verify", "-CAfile", certificate, "-in", str(setup)]
    checked = subprocess.run(verify, capture_output=True, text=True, check=False)
    assert "Signature verification: ok" in checked.stdout
    log = (tree.parent / "makensis.log").read_text(encoding="utf-8")
    assert log.count("  Signed: ") == 2  # the uninstaller is signed before Setup takes it in
    assert "secret" not in log
