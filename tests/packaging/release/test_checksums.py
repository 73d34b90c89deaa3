"""The checksums of a release, checked with the tools that people have."""

import shutil
import subprocess
import sys

import pytest
from failure import SetupError
from release.checksums import KEY, PASSPHRASE, write_checksums

needs_gpg = pytest.mark.skipif(sys.platform == "win32" or not shutil.which("gpg"), reason="needs gpg")
VERSION = "1.2.3"
PHRASE = "not in any message"


@pytest.fixture
def dist(tmp_path):
    folder = tmp_path / "dist"
    folder.mkdir()
    for name in ("hearth_1.2.3_amd64.deb", "Hearth-1.2.3-setup.exe", "hearth-1.2.3-linux.cdx.json", "latest.json"):
        (folder / name).write_text(name, encoding="utf-8")
    (folder / "hearth_1.2.2_amd64.deb").write_text("of an earlier version", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def key(tmp_path_factory):
    """A key of GnuPG made for the test, in a key ring of its own."""
    home = tmp_path_factory.mktemp("g")  # short, because its agent listens at a socket in it
    make = ["gpg", "--batch", "--pinentry-mode", "loopback", "--passphrase", PHRASE]
    make += ["--quick-generate-key", "Test <t@example.org>", "ed25519"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GNUPGHOME", str(home))
        subprocess.run(make, check=True, capture_output=True)
        yield "t@example.org"
        subprocess.run(["gpgconf", "--kill", "all"], check=True, capture_output=True)


def check(dist):
    return subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=dist, capture_output=True, text=True, check=False)


def test_sums_cover_this_version_sorted_by_name(dist):
    lines = write_checksums(dist, VERSION, {}).read_text(encoding="utf-8").splitlines()
    names = [line.split("  ")[1] for line in lines]
    assert names == [
        "Hearth-1.2.3-setup.exe",
        "hearth-1.2.3-linux.cdx.json",
        "hearth_1.2.3_amd64.deb",
        "latest.json",
    ]


@pytest.mark.skipif(not shutil.which("sha256sum"), reason="needs sha256sum")
def test_sha256sum_accepts_them_and_notices_a_changed_file(dist):
    write_checksums(dist, VERSION, {})
    assert check(dist).returncode == 0
    (dist / "Hearth-1.2.3-setup.exe").write_text("something else", encoding="utf-8")
    assert "Hearth-1.2.3-setup.exe: FAILED" in check(dist).stdout


def test_a_signature_of_other_sums_does_not_stay(dist, capsys):
    (dist / "SHA256SUMS.asc").write_text("of yesterday", encoding="utf-8")
    write_checksums(dist, VERSION, {})
    assert not (dist / "SHA256SUMS.asc").exists()
    assert "not signed" in capsys.readouterr().out


def test_nothing_to_sum_up_is_an_error(dist):
    with pytest.raises(SetupError, match=r"nothing of Hearth 9\.9\.9"):
        write_checksums(dist, "9.9.9", {})


@needs_gpg
def test_the_sums_are_signed_and_the_signature_is_verified(dist, key, capsys):
    write_checksums(dist, VERSION, {KEY: key, PASSPHRASE: PHRASE})
    command = ["gpg", "--verify", str(dist / "SHA256SUMS.asc"), str(dist / "SHA256SUMS")]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    (dist / "SHA256SUMS").write_text("changed", encoding="utf-8")
    assert subprocess.run(command, capture_output=True, check=False).returncode == 1
    assert PHRASE not in capsys.readouterr().out


@needs_gpg
def test_a_refused_key_leaves_no_signature_and_tells_no_secret(dist, key):
    for env in ({KEY: key, PASSPHRASE: "wrong " + PHRASE}, {KEY: "nobody@example.org", PASSPHRASE: PHRASE}):
        subprocess.run(["gpgconf", "--kill", "gpg-agent"], check=True)  # which remembers passphrases
        with pytest.raises(SetupError, match="could not be signed") as caught:
            write_checksums(dist, VERSION, env)
        assert PHRASE not in str(caught.value)
        assert not (dist / "SHA256SUMS.asc").exists()
