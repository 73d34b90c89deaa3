import configparser
import os
import shutil
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from PySide6.QtGui import QImage
from release.desktop_files import APPSTREAM_ID, ENTRIES, release_day, write_desktop_files

MIME = "{http://www.freedesktop.org/standards/shared-mime-info}"


@pytest.fixture(scope="module")
def share(tmp_path_factory: pytest.TempPathFactory) -> Path:
    os.environ.pop("HEARTH_RELEASE_PAGE", None)
    folder = tmp_path_factory.mktemp("share")
    write_desktop_files(folder, "0.1.0", 1_796_000_000)
    return folder


def entry_of(share: Path, name: str) -> dict[str, str]:
    parser = configparser.RawConfigParser()
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(share / "applications" / name, encoding="utf-8")
    return dict(parser["Desktop Entry"])


def test_the_entry_starts_the_window_and_belongs_to_it(share: Path):
    entry = entry_of(share, "hearth.desktop")
    assert entry["Exec"] == "hearth --window %F"
    source = (Path(__file__).resolve().parents[3] / "app" / "application.py").read_text(encoding="utf-8")
    assert f'setDesktopFileName("{entry["StartupWMClass"]}")' in source
    assert (share / "icons" / "hicolor" / "scalable" / "apps" / f"{entry['Icon']}.svg").exists()


def test_pictures_are_not_taken_from_who_opens_them(share: Path):
    assert "image/" not in entry_of(share, "hearth.desktop")["MimeType"]
    pictures = entry_of(share, "zz-hearth-pictures.desktop")
    assert "image/png" in pictures["MimeType"]
    assert pictures["NoDisplay"] == "true"


@pytest.mark.skipif(shutil.which("update-desktop-database") is None, reason="desktop-file-utils is not here")
def test_another_viewer_stays_the_first_for_pictures(share: Path, tmp_path: Path):
    shutil.copytree(share / "applications", tmp_path / "applications")
    viewer = "[Desktop Entry]\nType=Application\nName=Viewer\nExec=viewer %f\nMimeType=image/png;\n"
    (tmp_path / "applications" / "viewer.desktop").write_text(viewer, encoding="utf-8")
    subprocess.run(["update-desktop-database", tmp_path / "applications"], check=True)
    cache = (tmp_path / "applications" / "mimeinfo.cache").read_text(encoding="utf-8")
    assert "image/png=viewer.desktop;zz-hearth-pictures.desktop;\n" in cache
    assert "application/x-gguf=hearth.desktop;\n" in cache


@pytest.mark.skipif(shutil.which("desktop-file-validate") is None, reason="desktop-file-utils is not here")
@pytest.mark.parametrize("name", ENTRIES)
def test_entries_are_valid(share: Path, name: str):
    command = ["desktop-file-validate", share / "applications" / name]
    assert subprocess.run(command, capture_output=True, text=True, check=False).stdout == ""


def test_the_description_names_what_is_there(share: Path):
    root = ET.parse(share / "metainfo" / f"{APPSTREAM_ID}.metainfo.xml").getroot()
    assert root.findtext("id") == APPSTREAM_ID
    assert root.findtext("launchable") == "hearth.desktop"
    release = root.find("releases/release")
    assert release is not None
    assert release.attrib == {"version": "0.1.0", "date": "2026-11-30"}
    types = {str(node.text) for node in root.findall("provides/mediatype")}
    assert types == set(entry_of(share, "hearth.desktop")["MimeType"].strip(";").split(";"))


def test_a_page_is_named_where_there_is_one(share: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    assert "<url" not in (share / "metainfo" / f"{APPSTREAM_ID}.metainfo.xml").read_text(encoding="utf-8")
    monkeypatch.setenv("HEARTH_RELEASE_PAGE", "https://example.org/?a=1&b=2")
    write_desktop_files(tmp_path, "0.1.0", 0)
    root = ET.parse(tmp_path / "metainfo" / f"{APPSTREAM_ID}.metainfo.xml").getroot()
    assert root.findtext("url") == "https://example.org/?a=1&b=2"


@pytest.mark.skipif(shutil.which("appstreamcli") is None, reason="appstream is not here")
def test_the_description_is_valid(share: Path):
    command = ["appstreamcli", "validate", "--no-net", share / "metainfo" / f"{APPSTREAM_ID}.metainfo.xml"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


@pytest.mark.skipif(shutil.which("update-mime-database") is None, reason="shared-mime-info is not here")
def test_model_files_are_known_by_name_and_by_content(share: Path, tmp_path: Path):
    shutil.copytree(share / "mime", tmp_path / "mime")
    subprocess.run(["update-mime-database", tmp_path / "mime"], check=True, capture_output=True)
    globs = (tmp_path / "mime" / "globs2").read_text(encoding="utf-8")
    assert ":application/x-gguf:*.gguf\n" in globs
    assert ":application/x-onnx:*.onnx\n" in globs
    assert b"[60:application/x-gguf]\n>0=\x00\x04GGUF" in (tmp_path / "mime" / "magic").read_bytes()
    assert "application/x-gguf:hearth-model\n" in (tmp_path / "mime" / "icons").read_text(encoding="utf-8")


def test_icons_are_there_in_all_sizes(share: Path):
    theme = share / "icons" / "hicolor"
    for size in (16, 32, 48, 128, 512):
        for place in ("apps/hearth.png", "mimetypes/hearth-model.png"):
            image = QImage(str(theme / f"{size}x{size}" / place))
            assert (image.width(), image.height()) == (size, size)
            assert image.pixelColor(size // 2, size - 2 - size // 8).alpha() == 255


def test_the_manual_page_knows_all_commands(share: Path):
    page = (share / "man" / "man1" / "hearth.1").read_text(encoding="utf-8")
    assert page.startswith('.TH HEARTH 1 "2026-11-30" "Hearth 0.1.0"')
    for command in ("hearth demo", "hearth doctor", "hearth models list", "hearth bench"):
        assert f".B {command}\n" in page
    assert ".B \\-\\-safe\n" in page
    assert "@" not in page


def test_the_day_of_a_release_is_the_changelogs():
    changelog = "## [Unreleased]\n\n## [0.2.0] - 2027-01-31\n\n## [0.1.0] - 2026-12-24\n"
    assert release_day(changelog, "0.1.0", 0) == "2026-12-24"
    assert release_day(changelog, "0.3.0", 86_400) == "1970-01-02"
