import os
import subprocess
import sys
from pathlib import Path

import clean_debian
import pytest
from release.plan import DIST, project_version
from smoke.checks import CheckFailedError
from smoke.chroot import Debian

if sys.platform != "linux":
    pytest.skip("packages for Linux are made and tried on Linux", allow_module_level=True)

SCRIPT = Path(clean_debian.__file__)
PACKAGE = DIST / f"hearth_{project_version()}_amd64.deb"


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_what_is_missing_is_said_in_two_sentences():
    ended = run("--release", "bookworm", "--deb", "/nowhere/hearth.deb")
    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 1
    assert "needs root" in ended.stderr or "is missing" in ended.stderr or "There is no /nowhere" in ended.stderr


def laid_out(tmp_path: Path, files: dict[str, str]) -> Debian:
    debian = Debian("bookworm", tmp_path)
    for place, text in files.items():
        path = debian.root / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return debian


@pytest.mark.parametrize("left", ["usr/lib/hearth/x", "var/lib/dpkg/info/hearth.list", "known", "status"])
def test_what_a_package_leaves_behind_is_noticed(tmp_path: Path, left: str):
    files = {"usr/share/mime/globs2": "50:text/plain:*.txt\n", "var/lib/dpkg/status": "Package: bash\n"}
    debian = laid_out(tmp_path, files | {"home/person/.local/share/hearth/mine": "", "root/hearth.deb": ""})
    try:
        assert clean_debian._nothing_left(debian) == ""
        assert clean_debian._data_is_left(debian) == ""
        changed = {
            "known": {"usr/share/mime/globs2": "50:application/x-gguf:*.gguf\n"},
            "status": {"var/lib/dpkg/status": "Package: hearth\n"},
        }
        for place, text in changed.get(left, {left: ""}).items():
            path = debian.root / place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        with pytest.raises(CheckFailedError, match="left"):
            clean_debian._nothing_left(debian)
    finally:
        debian.__exit__(None, None, None)


def test_what_an_archive_leaves_with_a_person_is_noticed(tmp_path: Path):
    debian = laid_out(tmp_path, {"home/person/.local/share/hearth/models/hearth.gguf": ""})
    try:
        assert clean_debian._nothing_left_of_person(debian) == ""
        (debian.root / "home/person/.local/bin").mkdir()
        (debian.root / "home/person/.local/bin/hearth").symlink_to("nowhere")
        with pytest.raises(CheckFailedError, match="bin/hearth"):
            clean_debian._nothing_left_of_person(debian)
    finally:
        debian.__exit__(None, None, None)


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.skipif(os.geteuid() != 0 or not PACKAGE.exists(), reason="needs root and `make installer-linux`")
def test_the_packages_in_fresh_debians(tmp_path: Path):
    ended = run("--pictures", tmp_path)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert len(list(tmp_path.glob("*.png"))) == 4
