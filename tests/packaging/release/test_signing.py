"""Programs are signed by the real tools with a certificate made for the test."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import release.signing as signing
from failure import SetupError

TOOLS = ("x86_64-w64-mingw32-gcc", "osslsigncode", "openssl")
real_tools = pytest.mark.skipif(
    sys.platform == "win32" or not all(map(shutil.which, TOOLS)), reason=f"needs {', '.join(TOOLS)}"
)
PASSWORD = "three words, Ünïcode"


def call(*command: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, check=True)


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A program for Windows, a certificate, and both of its containers."""
    folder = tmp_path_factory.mktemp("signing")
    (folder / "a.c").write_text("int main(void) { return 0; }\n", encoding="ascii")
    call("x86_64-w64-mingw32-gcc", folder / "a.c", "-o", folder / "a.exe")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    usage = ("-days", "2", "-subj", "/CN=Hearth test", "-addext", "extendedKeyUsage=codeSigning")
    call("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, *usage)
    for name, password in (("a.pfx", PASSWORD), ("open.pfx", "")):
        pair = ("-inkey", key, "-in", certificate, "-out", folder / name)
        call("openssl", "pkcs12", "-export", *pair, "-passout", f"pass:{password}")
    return folder


@pytest.fixture
def program(made, tmp_path) -> Path:
    return Path(shutil.copy(made / "a.exe", tmp_path / "Hearth Ä.exe"))


def settings(made: Path, name: str = "a.pfx", password: str = PASSWORD) -> dict[str, str]:
    return {signing.CERTIFICATE: str(made / name), signing.PASSWORD: password}


@real_tools
@pytest.mark.parametrize(("name", "password"), [("a.pfx", PASSWORD), ("open.pfx", "")])
def test_a_signed_program_is_verified_by_its_certificate(made, program, name, password):
    program.chmod(0o755)
    assert signing.sign_windows([program], settings(made, name, password))
    said = call("osslsigncode", "verify", "-CAfile", made / "certificate.pem", "-in", program).stdout
    assert "Signature verification: ok" in said
    assert os.access(program, os.X_OK)
    assert [path.name for path in program.parent.iterdir()] == [program.name]


@real_tools
def test_the_password_is_on_no_command_line_and_in_no_message(made, program, monkeypatch):
    commands = []
    run = subprocess.run
    monkeypatch.setattr(
        signing.subprocess, "run", lambda command, **rest: commands.append(command) or run(command, **rest)
    )
    signing.sign_windows([program], settings(made))
    before = program.read_bytes()
    with pytest.raises(SetupError) as caught:
        signing.sign_windows([program], settings(made, password="entirely wrong"))
    assert len(commands) == 2
    assert not any(word in part for command in commands for part in command for word in (PASSWORD, "entirely wrong"))
    assert "entirely wrong" not in str(caught.value)
    assert program.read_bytes() == before


@real_tools
def test_what_is_no_program_is_refused_by_name(made, tmp_path):
    page = tmp_path / "page.html"
    page.write_text("<p>no program</p>", encoding="ascii")
    with pytest.raises(SetupError, match=r"page\.html could not be signed"):
        signing.sign_windows([page], settings(made))
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


@real_tools
def test_the_module_signs_what_its_command_line_names(made, program):
    packaging = Path(signing.__file__).parents[1]
    command = [sys.executable, "-m", "release.signing", str(program)]
    env = {**os.environ, "PYTHONPATH": str(packaging)}
    done = subprocess.run(command, env={**env, **settings(made)}, capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, "Signed: Hearth Ä.exe")
    done = subprocess.run(command, env={**env, **settings(made, "none.pfx")}, capture_output=True, text=True)
    assert done.returncode == 1
    assert "names a file that is not there" in done.stderr


def test_without_a_certificate_nothing_is_touched_and_it_is_said(tmp_path, capsys):
    program = tmp_path / "a.exe"
    program.write_bytes(b"MZ")
    assert not signing.sign_windows([program], {})
    assert not signing.sign_macos([program], tmp_path / "entitlements.plist", {})
    assert not signing.notarise_macos(program, {})
    assert program.read_bytes() == b"MZ"
    said = capsys.readouterr().out
    assert all(name in said for name in (signing.CERTIFICATE, signing.IDENTITY, signing.NOTARY_PROFILE))


def test_a_certificate_without_the_program_that_signs_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SetupError, match="codesign, which signs, is not installed"):
        signing.sign_macos([tmp_path], tmp_path, {signing.IDENTITY: "Developer ID Application: Nobody"})


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a shell script")
def test_what_signs_for_macos_gets_the_files_from_the_inside_out(tmp_path, monkeypatch):
    journal = tmp_path / "journal"
    tool = tmp_path / "codesign"
    tool.write_text(f'#!/bin/sh\nfor last; do :; done\necho "$last" >> "{journal}"\n', encoding="ascii")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    paths = [tmp_path / "Hearth.app" / "inner.dylib", tmp_path / "Hearth.app"]
    assert signing.sign_macos(paths, tmp_path / "entitlements.plist", {signing.IDENTITY: "Somebody"})
    assert journal.read_text(encoding="utf-8").splitlines() == [str(path) for path in paths]
