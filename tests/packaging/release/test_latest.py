"""The file that the window's update check reads."""

import hashlib
import json

import pytest
from failure import SetupError
from release.latest import PAGE, URL, notes_of, write_latest

from engine.hub.updates import release_of

CHANGELOG = """# Changelog

## [Unreleased]

### Added

- What comes next.

## [1.2.3] - 2026-12-24

### Fixed

- An **ünïcode** line.

## 1.2.2

- Earlier.
"""
BASE = "https://example.org/v1.2.3"


@pytest.fixture
def dist(tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1798070400")  # 24 December 2026
    folder = tmp_path / "dist"
    folder.mkdir()
    for name in ("hearth_1.2.3_amd64.deb", "Hearth-1.2.3-setup.exe", "hearth-1.2.3-linux.cdx.json"):
        (folder / name).write_bytes(name.encode())
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG, encoding="utf-8")
    return folder


def write(dist, env):
    return write_latest(dist, "1.2.3", env, dist.parent / "CHANGELOG.md")


def test_it_says_version_day_notes_page_and_files(dist):
    said = json.loads(write(dist, {URL: BASE + "/"}).read_text(encoding="utf-8"))
    name = "Hearth-1.2.3-setup.exe"
    assert said["files"][0] == {
        "system": "windows",
        "name": name,
        "url": f"{BASE}/{name}",
        "sha256": hashlib.sha256(name.encode()).hexdigest(),
        "bytes": len(name),
    }
    assert [file["system"] for file in said["files"]] == ["windows", "linux"]
    del said["files"]
    assert said == {
        "version": "1.2.3",
        "released": "2026-12-24",
        "notes": "### Fixed\n\n- An **ünïcode** line.",
        "page": BASE + "/",
    }


def test_the_window_understands_it(dist):
    release = release_of(write(dist, {URL: BASE}).read_bytes())
    assert (release.version, release.page, len(release.files)) == ("1.2.3", BASE, 2)


def test_the_page_may_be_another_one(dist):
    said = json.loads(write(dist, {URL: BASE, PAGE: "https://example.org/notes"}).read_text(encoding="utf-8"))
    assert said["page"] == "https://example.org/notes"


def test_without_an_address_there_is_none_and_an_old_one_goes(dist, capsys):
    (dist / "latest.json").write_text("{}", encoding="utf-8")
    assert write(dist, {}) is None
    assert not (dist / "latest.json").exists()
    assert URL in capsys.readouterr().out


@pytest.mark.parametrize("env", [{URL: "http://example.org"}, {URL: BASE, PAGE: "ftp://example.org"}])
def test_only_addresses_that_prove_who_answers_are_taken(dist, env):
    with pytest.raises(SetupError, match="https"):
        write(dist, env)


def test_a_version_without_files_is_refused(dist):
    with pytest.raises(SetupError, match=r"nothing of Hearth 3\.0"):
        write_latest(dist, "3.0", {URL: BASE}, dist.parent / "CHANGELOG.md")


def test_a_version_without_a_section_has_what_is_unreleased_as_its_notes():
    assert notes_of(CHANGELOG, "1.3.0") == "### Added\n\n- What comes next."
    with pytest.raises(SetupError, match=r"says nothing about 1\.3\.0"):
        notes_of("# Changelog\n", "1.3.0")


def test_long_notes_end_after_a_whole_line():
    notes = notes_of("## 1.0\n\n" + "- A line.\n" * 10_000, "1.0")
    assert len(notes) < 20_100
    assert notes.endswith("- A line.\n\nThe whole list is in the changelog.")
