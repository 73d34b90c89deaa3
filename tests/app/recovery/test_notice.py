"""What is offered after a crash: the log, a report that is read before it is saved, and safe mode."""

import json
import sys
import zipfile
from importlib import import_module
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QLabel

from app.recovery import CrashNotice, Ending, EndKind
from app.recovery.doctor import ask_doctor
from app.recovery.report import machine, report_parts, write_report
from app.recovery.restart import safe_command
from app.recovery.scrub import Scrubber
from app.shell import MainWindow, PageEntry
from app.tasks import Tasks
from app.theme import Appearance
from app.theme.widgets import Notice, Rank
from tests.app.page_bench import PageBench

CRASH = Ending(kind=EndKind.NATIVE, detail="Aborted", version="0.1.0", started_at=1e9)


class Bench(PageBench):
    """A window after a crash."""

    def __init__(self, home: Path, ending: Ending | None) -> None:
        appearance = Appearance("light")
        self.page = QLabel("A page")
        self.window = MainWindow(appearance, QApplication.instance(), [PageEntry("a", "A", "chat", self.page)])  # type: ignore[arg-type]
        self.errors: list[Exception] = []
        self.tasks = Tasks(self.errors.append)
        self.restarts: list[str] = []
        self.notice = CrashNotice(
            appearance, self.tasks, home, ending, lambda: self.restarts.append("safe"), self.window
        )
        self.notice.show(self.window.notices)
        self.banner = self.window.notice


@pytest.fixture
def shown(run, tmp_path: Path):
    """Run a check on a window after a crash."""
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "hearth.log").write_text("2026-11-30 07:00:00,123 INFO x app: hello\nsecret\n" * 50)

    def show(check, ending: Ending | None = CRASH) -> None:
        async def body() -> None:
            bench = Bench(tmp_path, ending)
            bench.window.show()
            try:
                await check(bench)
            finally:
                await bench.tasks.close()
                bench.window.hide()
                bench.window.deleteLater()
                assert bench.errors == []

        run(body())

    return show


def test_without_a_crash_nothing_is_said(shown) -> None:
    async def check(bench: Bench) -> None:
        assert bench.banner.message == ""

    shown(check, None)


def test_one_calm_message_with_three_buttons_and_no_dialog(shown) -> None:
    async def check(bench: Bench) -> None:
        assert bench.banner.message.startswith("Hearth crashed the last time, in native code (Aborted).")
        buttons = (bench.banner._button, bench.banner._other, bench.banner._third)
        assert [button.text() for button in buttons] == ["Show the log…", "Save a report…", "Start in safe mode"]
        assert bench.window.findChildren(QDialog) == []
        buttons[2].click()
        assert bench.restarts == ["safe"]

    shown(check)


@pytest.mark.parametrize("kind", EndKind)
def test_every_kind_of_end_is_one_sentence(kind: EndKind) -> None:
    for detail in ("", "ValueError"):
        sentence = Ending(kind=kind, detail=detail).sentence
        assert sentence.endswith(".")
        assert "{" not in sentence
        assert "()" not in sentence


def test_the_plugins_speak_after_the_crash(shown) -> None:
    async def check(bench: Bench) -> None:
        pressed: list[str] = []
        asks = Notice(
            kind="warn", cause="Weather was running.", buttons=(("Leave it out", lambda: pressed.append("x")),)
        )
        bench.window.notices.put(Rank.PLUGINS, asks)
        assert "crashed" in bench.banner.message
        bench.banner._close.click()
        assert bench.banner.message == "Weather was running."
        assert bench.banner._other.isHidden()
        bench.banner._button.click()
        assert pressed == ["x"]
        bench.window.notices.take_away(Rank.PLUGINS)
        assert bench.banner.message == ""
        assert not bench.window._banner_room.isVisible()

    shown(check)


def test_what_is_more_important_comes_in_front_and_gives_the_place_back(shown) -> None:
    async def check(bench: Bench) -> None:
        closed: list[str] = []
        notices = bench.window.notices
        notices.put(Rank.UPDATE, Notice(kind="info", cause="New.", closed=lambda: closed.append("update")))
        notices.put(Rank.PLUGINS, Notice(kind="warn", cause="Plugin."))
        assert bench.banner.message == "Plugin."
        notices.take_away(Rank.PLUGINS)
        assert bench.banner.message == "New."
        bench.banner._close.click()
        assert closed == ["update"]
        bench.banner.pressed.emit()

    shown(check, None)


def test_the_log_can_be_read_and_searched(shown) -> None:
    async def check(bench: Bench) -> None:
        bench.banner._button.click()
        dialog = bench.notice.dialog
        assert dialog.isVisible()
        assert dialog.yes_button.isHidden()
        assert "secret" in dialog.reader.text.toPlainText(), "at this computer nothing is left out"
        assert dialog.reader.text.isReadOnly()
        QTest.keyClicks(dialog.reader.field, "HELLO")
        assert dialog.reader.found == "50 found"
        assert dialog.reader.text.textCursor().selectedText() == "hello"
        first = dialog.reader.text.textCursor().position()
        QTest.keyClick(dialog.reader.field, Qt.Key.Key_Return)
        assert dialog.reader.text.textCursor().position() != first
        assert dialog.isVisible(), "Enter looks on, and closes nothing"
        dialog.reader.find_before()
        assert dialog.reader.text.textCursor().position() == first
        dialog.reader.field.setText("nowhere")
        assert dialog.reader.found == "not found"
        dialog.close()

    shown(check)


def test_a_report_is_shown_before_it_is_saved_where_the_person_says(shown, monkeypatch, tmp_path: Path) -> None:
    async def doctor(_data: Path) -> dict[str, object]:
        return {"versions": {"hearth": "0.1.0"}, "problems": []}

    monkeypatch.setattr(import_module("app.recovery.notice"), "ask_doctor", doctor)

    async def check(bench: Bench) -> None:
        dialog = bench.notice.save_report()
        assert not dialog.yes_button.isEnabled()
        await bench.until(dialog.yes_button.isEnabled)
        names = [dialog.names.item(row).text().split("\n") for row in range(dialog.names.count())]
        assert [name for name, _ in names] == ["README.txt", "crash.json", "machine.json", "hearth.log"]
        assert all(size for _, size in names)
        dialog.names.setCurrentRow(3)
        assert "secret" not in dialog.reader.text.toPlainText()
        dialog.save_wanted.emit(str(tmp_path / "no folder" / "report.zip"))
        await bench.until(lambda: "cannot be written" in bench.said(dialog))
        dialog.save_wanted.emit(str(tmp_path / "report.zip"))
        await bench.until(lambda: "is saved" in bench.said(dialog))
        with zipfile.ZipFile(tmp_path / "report.zip") as archive:
            assert archive.namelist() == [name for name, _ in names]
            assert json.loads(archive.read("crash.json"))["kind"] == "native"
        file_dialog = dialog.choose_file()
        assert file_dialog.selectedFiles()[0].endswith(".zip")
        file_dialog.close()
        dialog.close()
        await bench.until(lambda: bench.tasks.count == 0)

    shown(check)


def test_closing_the_dialog_ends_the_work(shown, monkeypatch) -> None:
    async def check(bench: Bench) -> None:
        dialog = bench.notice.save_report()
        dialog.close()
        await bench.until(lambda: bench.tasks.count == 0)

    monkeypatch.setattr(import_module("app.recovery.doctor"), "_ask", lambda *_: {})
    shown(check)


def test_of_the_machine_only_what_is_nobodys_own_is_taken(tmp_path: Path) -> None:
    said = machine(
        {
            "versions": {"hearth": "1"},
            "models": [{"id": "secret"}, {"id": "secret"}],
            "broken": [{"path": "secret"}],
            "folders": [{"role": "home", "path": "/mnt/secret", "writable": True, "free_bytes": 5}],
            "problems": ["The folder /mnt/secret cannot be written."],
            "something new": "secret",
            "devices": [{"name": "A card", "memory_bytes": 8}],
        },
        Scrubber(Path.home(), tmp_path),
    )
    assert "secret" not in json.dumps(said)
    assert (said["models"], said["broken_models"]) == (2, 1)
    assert said["folders"] == [{"role": "home", "writable": True, "free_bytes": 5}]
    assert said["devices"] == [{"name": "A card", "memory_bytes": 8}]


def test_long_logs_are_cut_at_the_beginning_of_a_line(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    line = "2026-11-30 07:00:00,123 INFO x app: hello"
    (tmp_path / "logs" / "hearth.log").write_text("\n".join([line] * 40_000) + "\n")
    (log,) = [part for part in report_parts(tmp_path, None, {}) if part.name == "hearth.log"]
    assert 400_000 < log.size_bytes <= 512 << 10
    assert set(log.text.splitlines()) == {line}


def test_a_report_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    write_report(tmp_path / "a.zip", report_parts(tmp_path, None, {}))
    if sys.platform != "win32":
        assert (tmp_path / "a.zip").stat().st_mode & 0o077 == 0


def test_safe_mode_keeps_what_the_command_line_named() -> None:
    command = safe_command(Path("/h"), [Path("/a"), Path("/b")], "dark")
    assert command[-9:] == ["--safe", "--home", "/h", "--model-dir", "/a", "--model-dir", "/b", "--theme", "dark"]
    assert "--home" not in safe_command(None, [], None)


@pytest.mark.long
async def test_the_doctor_is_really_asked(tmp_path: Path) -> None:
    said = await ask_doctor(tmp_path)
    assert said["versions"]["hearth"]
    assert machine(said, Scrubber(Path.home(), tmp_path))["processor"]


async def test_a_doctor_that_takes_too_long_is_said_in_the_report(tmp_path: Path) -> None:
    said = await ask_doctor(tmp_path, 0.01)
    assert said == {"problems": ["hearth doctor could not be asked: TimeoutExpired"]}
