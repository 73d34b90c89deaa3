"""What a trial of the Setup sees, and how it tells."""

from pathlib import Path

from PIL import Image, ImageDraw
from release.smoke_report import Report, UnexpectedError
from release.smoke_windows import Snapshot, colours_of, differences, entries_of
from release.wine import windows_path

EXPORT = 'REGEDIT4\r\n\r\n[HKEY_CURRENT_USER\\Environment]\r\n"Path"=hex(2):41,00,\\\r\n  42,00\r\n"TEMP"="C:\\\\t"\r\n'


def test_entries_of_the_registry_have_their_keys_and_are_whole() -> None:
    key = "HKEY_CURRENT_USER\\Environment"

    assert entries_of(EXPORT) == [key, f'{key} "Path"=hex(2):41,00,42,00', f'{key} "TEMP"="C:\\\\t"']


def test_only_what_is_new_or_changed_is_told() -> None:
    before = Snapshot(frozenset({"a", "b"}), frozenset({"k v=1"}))
    after = Snapshot(frozenset({"b", "c"}), frozenset({"k v=2"}))

    assert differences(before, after) == (["c"], ["k v=2"])


def test_an_empty_screen_has_few_colours(tmp_path: Path) -> None:
    image = Image.new("RGB", (64, 64), "black")
    image.save(tmp_path / "empty.png")
    for column in range(64):
        ImageDraw.Draw(image).line([(column, 0), (column, 63)], (column, 2 * column, 255 - column))
    image.save(tmp_path / "window.png")

    assert colours_of(tmp_path / "empty.png") == 1
    assert colours_of(tmp_path / "window.png") == 64


def test_a_step_that_fails_is_told_and_the_next_is_tried(tmp_path: Path) -> None:
    def fails() -> str:
        raise UnexpectedError("it is on fire")

    with Report(tmp_path / "log.txt") as report:
        report.step("The first.", fails)
        report.step("The second.", lambda: "fine")

    log = (tmp_path / "log.txt").read_text(encoding="utf-8")
    assert not report.is_good
    assert "WRONG The first: UnexpectedError: it is on fire" in log
    assert "ok    The second: fine" in log
    assert log.endswith("Something went wrong.\n")


def test_wine_sees_linux_on_drive_z() -> None:
    assert windows_path(Path("/a folder/b.exe")) == "Z:\\a folder\\b.exe"
