"""The consent dialog: nothing runs because somebody pressed Enter too fast."""

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QLabel, QScrollArea

from app.plugins.actions import Action
from app.plugins.consent_dialog import ConsentDialog
from app.theme.widgets import FocusRing
from engine import PluginState

CHANGED = "Its files have changed since you allowed it."


def words(dialog: ConsentDialog) -> str:
    return "\n".join(label.text() for label in dialog.findChildren(QLabel))


@pytest.fixture
def asked(run, bench):
    """Run a check on the open dialog for the weather plugin, with other values if need be."""

    def ask(check, **changes) -> None:
        async def body() -> None:
            async with bench:
                bench.host.change("weather", state=PluginState.NEEDS_CONSENT, **changes)
                bench.controller.refresh()
                bench.parts.table.choose("weather")
                bench.parts.pane.buttons[Action.ALLOW].click()
                dialog = bench.page.findChild(ConsentDialog)
                await bench.until(dialog.safe_button.hasFocus)
                await check(bench, dialog)
                if bench.page._consent is not None:
                    bench.page._consent.close()

        run(body())

    return ask


def test_it_says_who_what_where_and_what_is_not_enforced(asked):
    async def check(_bench, dialog) -> None:
        said = words(dialog)
        for part in (
            "Allow Weather to run?",
            CHANGED,
            "Version 2.1.0, by Jo Weatherby. Hearth does not check who that is.",
            "9f2c41d0…77e1c0de",
            "Runs in its own process",
            "Reach the network: api.example.org",
            "“Asks the weather service.”",
            "Read files in ~/Documents/places",
            "Not enforced on this computer",
            "the list of hosts is not enforced",
        ):
            assert part in said, part
        digest = next(label for label in dialog.findChildren(QLabel) if "9f2c41d0" in label.text())
        assert digest.toolTip() == dialog.digest
        copy = next(b for b in dialog.findChildren(QAbstractButton) if b.accessibleName() == "Copy the SHA-256")
        copy.click()
        assert QGuiApplication.clipboard().text() == dialog.digest

    asked(check, reason=CHANGED)


def test_a_plugin_inside_hearth_is_told_apart(asked):
    async def check(_bench, dialog) -> None:
        assert "Full access, inside Hearth" in words(dialog)
        assert "Not enforced" not in words(dialog)
        assert "asks for nothing" in words(dialog)

    asked(check, is_isolated=False, permissions=())


def test_allowing_hands_over_the_digest_that_was_shown(asked):
    async def check(bench, dialog) -> None:
        await bench.until(dialog.yes_button.isEnabled)
        shown = bench.host.plugins["weather"].digest
        bench.host.change("weather", digest="other" * 10)
        bench.controller.refresh()
        dialog.yes_button.click()
        await bench.settled()
        assert bench.host.calls == [("enable", "weather", shown)]

    asked(check)


@pytest.mark.parametrize("key", [Qt.Key.Key_Escape, Qt.Key.Key_Return, Qt.Key.Key_Space])
def test_every_key_that_comes_too_fast_is_the_safe_choice(asked, key):
    async def check(bench, dialog) -> None:
        QTest.keyClick(dialog.safe_button, key)
        await bench.until(lambda: bench.page._consent is None)
        assert bench.host.calls == []

    asked(check)


def test_the_keyboards_place_can_be_seen(asked):
    async def check(bench, dialog) -> None:
        await bench.until(dialog.yes_button.isEnabled)
        QTest.keyClick(dialog.windowHandle(), Qt.Key.Key_Tab)
        ring = dialog.findChild(FocusRing)
        assert ring.isVisible()
        assert ring.target is QGuiApplication.focusObject()

    asked(check)


def test_a_long_text_must_be_read_to_its_end(asked, bench):
    weather = bench.host.plugins["weather"]
    reasons = tuple(replace(weather.permissions[0], reason="Because. " * 60) for _ in range(6))

    async def check(bench, dialog) -> None:
        bar = dialog.findChild(QScrollArea).verticalScrollBar()
        await bench.until(lambda: bar.maximum() > 0)
        dialog.grab()
        assert not dialog.yes_button.isEnabled()
        assert "Scroll to the end" in words(dialog)
        bar.setValue(bar.maximum() // 2)
        dialog.grab()
        assert not dialog.yes_button.isEnabled()
        bar.setValue(bar.maximum())
        await bench.until(dialog.yes_button.isEnabled)
        assert "exactly these files" in words(dialog)
        bar.setValue(0)
        assert dialog.yes_button.isEnabled()

    asked(check, permissions=reasons)


def test_nothing_is_asked_about_what_was_decided_meanwhile(asked):
    async def check(bench, dialog) -> None:
        weather = bench.host.plugins["weather"]
        for name in ("one", "two"):
            bench.host.plugins[name] = replace(weather, id=name, name=name)
        bench.controller.refresh()
        for name in ("one", "two", "two", "weather"):
            bench.controller.consent_wanted.emit(name)
        bench.host.change("one", state=PluginState.ACTIVE)
        bench.controller.refresh()
        dialog.reject()
        await bench.until(lambda: bench.page._consent is not None and bench.page._consent.plugin == "two")
        bench.page._consent.reject()
        assert bench.page._consent is None

    asked(check)


def test_it_never_blocks_and_is_modal_to_its_window(asked):
    async def check(_bench, dialog) -> None:
        assert dialog.windowModality() == Qt.WindowModality.WindowModal
        assert dialog.accessibleName() == "Allow Weather to run?"

    asked(check)
