"""New versions in the window: off unless switched on, asked at most once a day, told once, never fetched."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QApplication, QDialog, QLabel

from app.shell import MainWindow, PageEntry
from app.tasks import Tasks
from app.theme import Appearance
from app.updates import Memory, UpdateDialog, UpdateNote, UpdatesCard, UpdatesController
from engine import Engine, EngineConfig
from engine.hub.updates import release_of
from tests.app.page_bench import PageBench
from tests.engine.hub.release_server import LATEST, ReleaseServer

DAY_S = 86_400
HERE = "0.1.0"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ReleaseServer]:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    with ReleaseServer() as running:
        yield running


class Bench(PageBench):
    """A window with a real engine that asks a server on this machine; `now_s` is the clock."""

    def __init__(self, home: Path, url: str, memory: Memory) -> None:
        self.now_s = 1e9
        self.errors: list[Exception] = []
        self.tasks = Tasks(self.errors.append)
        self.engine = Engine(EngineConfig(home=home, update_url=url), backends={})
        self.updates = UpdatesController(self.engine, self.tasks, HERE, memory, now=lambda: self.now_s)
        self.appearance = Appearance("light")
        self.card = UpdatesCard(self.appearance, self.updates)
        self.page = self.card
        self.window = MainWindow(
            self.appearance,
            QApplication.instance(),  # type: ignore[arg-type]
            [PageEntry("a", "A", "chat", QLabel("A page"))],
        )
        self.opened: list[str] = []
        self.note = UpdateNote(self.window.notices, self.updates, lambda: self.opened.append("more"))
        self.kept: list[Memory] = []
        self.updates.kept.connect(lambda: self.kept.append(self.updates.memory))
        self.banner = self.window.notice

    async def looked(self) -> None:
        await self.until(lambda: not self.updates.is_looking)


@pytest.fixture
def shown(run, tmp_path: Path, server: ReleaseServer):
    """Run a check."""

    def show(check, url: str | None = None, **memory: object) -> None:
        async def body() -> None:
            bench = Bench(tmp_path, server.url if url is None else url, Memory(**memory))  # type: ignore[arg-type]
            bench.window.show()
            bench.card.show()
            try:
                await check(bench)
            finally:
                bench.updates.close()
                await bench.tasks.close()
                for widget in (bench.card, bench.window):
                    widget.hide()
                    widget.deleteLater()
                assert bench.errors == []

        run(body())

    return show


def test_nothing_is_asked_unless_somebody_switched_it_on(shown, server: ReleaseServer) -> None:
    async def check(bench: Bench) -> None:
        bench.updates.open()
        bench.updates.look_if_due()
        assert not bench.updates.is_looking
        assert not bench.card.switch.isChecked()
        host = server.url.split("/")[2]
        assert f"Hearth then asks {host} for one small file. Nothing is sent but the request" in bench.said(bench.card)
        await asyncio.sleep(0.05)
        assert server.seen == []

    shown(check)


def test_switched_on_it_looks_at_once_and_then_once_a_day(shown, server: ReleaseServer) -> None:
    async def check(bench: Bench) -> None:
        bench.card.switch.click()
        await bench.looked()
        assert bench.kept[0] == Memory(is_on=True)
        assert bench.updates.memory.looked_at == 10**9
        for later_s, asked in ((60, 1), (DAY_S - 1, 1), (DAY_S, 2)):
            bench.now_s = 1e9 + later_s
            bench.updates.look_if_due()
            await bench.looked()
            assert len(server.seen) == asked
        bench.now_s = 1e9 - 1e6  # the clock was set back
        bench.updates.look_if_due()
        await bench.looked()
        assert len(server.seen) == 3
        bench.card.switch.click()
        bench.now_s += 9 * DAY_S
        bench.updates.look_if_due()
        assert not bench.updates.is_looking
        assert not bench.updates.memory.is_on

    shown(check)


def test_a_new_version_is_told_once(shown, server: ReleaseServer) -> None:
    async def check(bench: Bench) -> None:
        bench.updates.look_if_due()
        await bench.looked()
        assert bench.banner.message.startswith("Hearth 99.2.0 is there.")
        assert bench.window.findChildren(QDialog) == []
        bench.banner._button.click()
        assert bench.opened == ["more"]
        assert bench.banner.message == ""
        bench.now_s += 2 * DAY_S
        bench.updates.look_if_due()
        await bench.looked()
        assert len(server.seen) == 2
        assert bench.banner.message == ""
        assert bench.card.more.isVisible()
        server.tell(version="99.3")
        bench.now_s += 2 * DAY_S
        bench.updates.look_if_due()
        await bench.looked()
        assert bench.banner.message.startswith("Hearth 99.3 is there.")

    shown(check, is_on=True)


def test_a_version_that_is_skipped_is_not_told_of_but_the_next_one_is(shown, server: ReleaseServer) -> None:
    async def check(bench: Bench) -> None:
        bench.updates.look_if_due()
        await bench.looked()
        bench.banner._other.click()
        assert bench.updates.memory.skipped == "99.2.0"
        assert bench.banner.message == ""
        assert bench.updates.release is None
        assert not bench.card.more.isVisible()
        bench.now_s += 2 * DAY_S
        bench.updates.look_if_due()
        await bench.looked()
        assert bench.updates.release is None
        bench.card.look.click()
        await bench.looked()
        assert bench.card.words == "Hearth 99.2.0 is there.", "who asks hears it all the same"
        server.tell(version="99.2.1")
        bench.now_s += 2 * DAY_S
        bench.updates.look_if_due()
        await bench.looked()
        assert bench.banner.message.startswith("Hearth 99.2.1")

    shown(check, is_on=True)


@pytest.mark.parametrize(
    ("server_says", "words"),
    [
        ({"status": 404}, "has no list of versions there"),
        ({"body": b"{}"}, "cannot be understood"),
        ({"body": b" " * (300 << 10)}, "cannot be understood"),
        ({"status": 302, "headers": {"Location": "http://spy.example/"}}, "others could change what comes"),
        ({"body": json.dumps({**LATEST, "version": "0.0.9"}).encode()}, "Hearth 0.1.0 is the newest version."),
        ({"body": json.dumps({**LATEST, "version": HERE}).encode()}, "Hearth 0.1.0 is the newest version."),
    ],
)
def test_what_goes_wrong_is_quiet_unless_somebody_asked(shown, server: ReleaseServer, server_says, words) -> None:
    for name, value in server_says.items():
        setattr(server, name, value)

    async def check(bench: Bench) -> None:
        bench.updates.look_if_due()
        await bench.looked()
        assert bench.banner.message == ""
        if "newest" not in words:
            assert bench.card.words == "This is Hearth 0.1.0."
        bench.card.look.click()
        assert not bench.card.look.isEnabled()
        assert bench.card.words == "Looking…"
        await bench.looked()
        assert words in bench.card.words
        assert bench.card.look.isEnabled()
        assert bench.banner.message == ""

    shown(check, is_on=True)


def test_offline_asks_nobody_and_does_not_use_up_the_day(shown, server: ReleaseServer) -> None:
    async def check(bench: Bench) -> None:
        bench.engine.set_offline(True)
        bench.card.look.click()
        await bench.looked()
        assert "offline" in bench.card.words
        bench.updates.look_if_due()
        await bench.looked()
        assert server.seen == []
        bench.engine.set_offline(False)
        bench.updates.look_if_due()
        await bench.looked()
        assert len(server.seen) == 1

    shown(check, is_on=True)


def test_without_an_address_the_switch_says_why_it_is_off(shown) -> None:
    async def check(bench: Bench) -> None:
        assert not bench.card.switch.isEnabled()
        assert not bench.card.switch.isChecked(), "though it was on in another build"
        assert not bench.card.look.isEnabled()
        assert "update_url" in bench.said(bench.card)
        bench.updates.look_if_due()
        bench.updates.look_now()
        assert not bench.updates.is_looking

    shown(check, url="", is_on=True)


def test_closing_ends_a_look_that_is_under_way(shown, server: ReleaseServer) -> None:
    server.drip_s = 0.02

    async def check(bench: Bench) -> None:
        bench.updates.look_now()
        await bench.until(lambda: server.seen)
        bench.engine.set_offline(True)

    shown(check)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Addresses that would have been opened in a browser."""
    found: list[str] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: found.append(url.toString()) or True)
    return found


def test_the_dialog_shows_what_is_new_and_opens_only_the_page_and_only_when_told(shown, opened: list[str]) -> None:
    async def check(bench: Bench) -> None:
        dialog = UpdateDialog(bench.appearance, release_of(json.dumps(LATEST).encode()), bench.window)
        dialog.open()
        await bench.until(lambda: dialog.notes.is_settled)
        words = bench.said(dialog).replace("\u200b", "")
        assert "SHA-256 " in words
        assert any(digit * 64 in words for digit in "abc"), "that of this system"
        assert sum(digit * 64 in words for digit in "abc") == 1
        notes = "".join(block.toPlainText() for block in dialog.notes._blocks)
        assert "[picture: x]" in notes
        dialog.notes.link_pressed.emit("https://hearth.example/notes")
        question = dialog.findChildren(type(dialog).__mro__[2])  # a dialog over this one asks first
        assert question
        assert opened == []
        dialog.yes_button.click()
        assert opened == ["https://hearth.example/download"]

    shown(check)


def test_a_version_without_a_file_for_this_system_says_so(shown) -> None:
    async def check(bench: Bench) -> None:
        release = release_of(json.dumps({**LATEST, "files": [], "notes": " "}).encode())
        dialog = UpdateDialog(bench.appearance, release, bench.window)
        dialog.open()
        await bench.until(lambda: dialog.notes.is_settled)
        assert "There is no file for this system yet." in bench.said(dialog)
        dialog.close()

    shown(check)
