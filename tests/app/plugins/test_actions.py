"""What can be done with a plugin, and what is asked before something changes."""

import pytest
from PySide6.QtCore import QPoint, Qt, QUrl
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QMenu

import app.plugins.page as page_module
from app.plugins.actions import Action
from app.plugins.settings_dialog import SettingsDialog
from engine import PluginError, PluginState


@pytest.mark.parametrize(
    ("action", "state", "call"),
    [
        (Action.DISABLE, PluginState.ACTIVE, ("disable", "weather")),
        (Action.RELOAD, PluginState.ACTIVE, ("reload", "weather")),
        (Action.ENABLE, PluginState.DISABLED, ("enable", "weather", "")),
        (Action.ENABLE, PluginState.STOPPED, ("enable", "weather", "")),
    ],
)
def test_a_button_does_what_it_says(shown, action: Action, state: PluginState, call):
    async def check(bench) -> None:
        bench.host.change("weather", state=state)
        button = bench.parts.pane.buttons[action]
        await bench.until(button.isVisible)
        bench.host.gate.clear()
        button.click()
        assert not button.isEnabled()
        assert button.toolTip()
        bench.host.gate.set()
        await bench.settled()
        assert bench.host.calls == [call]

    shown(check)


@pytest.mark.parametrize("action", [Action.ENABLE, Action.RELOAD])
def test_safe_mode_says_why_a_stranger_does_not_start(shown, action: Action):
    async def check(bench) -> None:
        bench.host.is_safe = True
        bench.page._act(action)
        assert "without --safe" in bench.parts.banner.message
        bench.parts.table.choose("chat")
        bench.page._act(Action.RELOAD)
        assert bench.parts.banner.message == ""
        await bench.settled()
        assert bench.host.calls == [("reload", "chat")]

    shown(check)


def test_removing_asks_and_the_safe_choice_is_first(shown):
    async def check(bench) -> None:
        bench.parts.pane.buttons[Action.REMOVE].click()
        question = bench.dialog()
        assert "Remove Weather?" in bench.said(question)
        await bench.until(question.safe_button.hasFocus)
        assert question.safe_button.isDefault()
        QTest.keyClick(question, Qt.Key.Key_Escape)
        assert bench.host.calls == []
        QTest.keyClick(bench.parts.table.view, Qt.Key.Key_Delete)
        bench.dialog().yes_button.click()
        await bench.settled()
        assert bench.host.calls == [("remove", "weather")]
        await bench.until(lambda: bench.parts.table.model.index_of("weather").isValid() is False)

    shown(check)


def test_what_came_with_hearth_cannot_be_removed(shown):
    def check(bench) -> None:
        bench.parts.table.choose("chat")
        assert not bench.parts.pane.buttons[Action.REMOVE].isVisible()
        QTest.keyClick(bench.parts.table.view, Qt.Key.Key_Delete)
        assert bench.dialog() is None

    shown(check)


def test_folder_homepage_and_digest_leave_the_page_only_after_a_click(shown, monkeypatch):
    opened: list[str] = []
    monkeypatch.setattr(page_module, "open_url", lambda url: opened.append(url.toString()))

    def check(bench) -> None:
        buttons = {b.accessibleName(): b for b in bench.parts.pane.findChildren(QAbstractButton)}
        assert opened == []
        buttons["Open the folder of Weather"].click()
        buttons["Open the homepage of Weather: https://example.org/weather"].click()
        assert opened == [
            QUrl.fromLocalFile(str(bench.host.plugins["weather"].folder)).toString(),
            "https://example.org/weather",
        ]
        buttons["Copy the SHA-256 of Weather"].click()
        assert QGuiApplication.clipboard().text() == bench.host.plugins["weather"].digest

    shown(check)


def test_a_homepage_that_is_not_of_the_web_cannot_be_pressed(shown):
    async def check(bench) -> None:
        bench.host.change("weather", homepage="file:///etc/passwd")
        await bench.until(lambda: "file:///etc/passwd" in bench.said(bench.parts.pane))
        assert not any(
            "homepage" in b.accessibleName() for b in bench.parts.pane.findChildren(QAbstractButton) if b.isVisible()
        )

    shown(check)


def test_the_menu_of_a_row_offers_the_same(shown):
    async def check(bench) -> None:
        view = bench.parts.table.view
        view.customContextMenuRequested.emit(QPoint(5, 5))
        menu = next(menu for menu in bench.page.findChildren(QMenu) if menu.isVisible())
        names = [action.text() for action in menu.actions() if action.text()]
        assert names == ["Disable", "Reload", "Settings…", "Remove…", "Open folder", "Copy details"]
        menu.actions()[1].trigger()
        menu.close()
        await bench.settled()
        assert bench.host.calls == [("reload", "weather")]

    shown(check)


def test_an_error_is_a_banner_with_its_details(shown):
    async def check(bench) -> None:
        bench.host.error = PluginError("weather", "It did not start.", "Ask its author.", "Traceback 7")
        bench.parts.pane.buttons[Action.RELOAD].click()
        await bench.settled()
        assert bench.parts.banner.message == "It did not start. Ask its author."
        bench.parts.banner.pressed.emit()
        assert "Traceback 7" in QGuiApplication.clipboard().text()
        bench.parts.pane.buttons[Action.RELOAD].click()
        assert bench.parts.banner.message == ""
        await bench.settled()

    shown(check)


def test_settings_are_drawn_from_the_fields_and_saved(shown):
    async def check(bench) -> None:
        change = next(b for b in bench.parts.pane.findChildren(QAbstractButton) if b.text() == "Change settings…")
        change.click()
        settings = bench.dialog(SettingsDialog)
        assert dict(settings.values) == {"place": "Bergen", "unit": "°C", "days": 3}
        settings.form.set_values({"place": "Rome", "days": 5})
        settings.yes_button.click()
        await bench.settled()
        assert bench.host.calls == [("set_settings", "weather", {"place": "Rome", "unit": "°C", "days": 5})]
        assert "Rome" in bench.said(bench.parts.pane)

    shown(check)


def test_a_wrong_setting_keeps_the_dialog_open(shown):
    def check(bench) -> None:
        bench.page._act(Action.SETTINGS)
        settings = bench.dialog(SettingsDialog)
        settings.form.set_values({"place": ""})
        settings.yes_button.click()
        assert settings.isVisible()
        settings.safe_button.click()
        assert bench.host.calls == []

    shown(check)
