"""The page: rows, details, keys, dropping, and what is asked before something changes."""

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QFileDialog,
    QLabel,
    QLineEdit,
    QListView,
    QMenu,
    QScrollArea,
    QWidget,
)

import app.plugins.page as page_module
from app.plugins.actions import Action
from app.plugins.dialogs import ChoiceDialog
from app.plugins.settings_dialog import SettingsDialog
from engine import OfferInfo, OfferKind, PluginError, PluginState, Sample


def words(widget: QWidget) -> str:
    parts = [child for child in widget.findChildren(QWidget) if child.isVisibleTo(widget)]
    return "\n".join(part.text() for part in parts if isinstance(part, QLabel | QAbstractButton))


def dialog(bench, kind: type[ChoiceDialog] = ChoiceDialog):
    found = [each for each in bench.page.findChildren(kind) if each.isVisible()]
    return found[-1] if found else None


@pytest.fixture
def shown(run, bench):
    """Run a check on the page with the weather plugin chosen."""

    def show(check) -> None:
        async def body() -> None:
            async with bench:
                bench.parts.table.choose("weather")
                result = check(bench)
                if result is not None:
                    await result

        run(body())

    return show


# -------------------------------------------------------------------------------------------------------------- details


def test_the_first_plugin_is_chosen_and_its_details_stand_beside_the_list(run, bench):
    async def body() -> None:
        async with bench:
            assert bench.parts.table.chosen_id == "weather"
            assert bench.parts.pane.isVisible()
            assert bench.parts.pane.shown_id == "weather"
            assert "4 of 4 active" in words(bench.page)

    run(body())


def test_the_details_say_everything(shown):
    def check(bench) -> None:
        said = words(bench.parts.pane)
        for part in (
            "Weather",
            "Version 2.1.0 · Runs in its own process",
            "Active",
            "Installed by you",
            "Forecast",
            "Says what the weather of a place will be.",
            "Telemetry source",
            "Reach the network: api.example.org",
            "Asks the weather service.",
            "Read files in ~/Documents/places",
            "the list of hosts is not enforced",
            "34\u00a0MB",
            "None in the last 5\u00a0minutes",
            "7.25\u00a0°C",
            "11\u00a0m/s",
            "Bergen",
            "Jo Weatherby",
            "Apache-2.0",
            "9f2c41d0…77e1c0de",
        ):
            assert part in said, part

    shown(check)


def test_numbers_change_in_place(shown):
    async def check(bench) -> None:
        labels = set(bench.parts.pane.findChildren(QLabel))
        bench.host.change("weather", samples=(Sample("Temperature outside", -3.0, "°C"), Sample("Wind", 2.0, "m/s")))
        await bench.until(lambda: "-3\u00a0°C" in words(bench.parts.pane))
        assert set(bench.parts.pane.findChildren(QLabel)) == labels

    shown(check)


def test_another_plugin_leaves_nothing_of_the_one_before(shown):
    def check(bench) -> None:
        bench.parts.table.choose("compare")
        said = words(bench.parts.pane)
        assert "Full access, inside Hearth" in said
        assert "Came with Hearth" in said
        assert "asks for nothing" in said
        for gone in ("Forecast", "network:", "°C", "Bergen", "9f2c41d0", "example.org", "Remove"):
            assert gone not in said, gone

    shown(check)


def test_many_offers_come_a_dozen_at_a_time(run, make_bench, bench):
    weather = bench.host.plugins["weather"]
    offers = tuple(OfferInfo(OfferKind.TOOL, f"tool-{n}", f"Tool {n}") for n in range(30))

    async def body() -> None:
        async with make_bench(replace(weather, offers=offers)) as many:
            assert "Tool 11" in words(many.parts.pane)
            assert "Tool 12" not in words(many.parts.pane)
            for expected in ("Show 12 of 18 more", "Show 6 of 6 more"):
                more = next(b for b in many.parts.pane.findChildren(QAbstractButton) if b.text() == expected)
                more.click()
            assert "Tool 29" in words(many.parts.pane)
            assert not more.isVisible()

    run(body())


@pytest.mark.parametrize(
    ("state", "reason", "title"),
    [
        (PluginState.STOPPED, "It hung three times.", "It was stopped."),
        (PluginState.REFUSED, "plugin.toml is not TOML.", "It cannot be used."),
        (
            PluginState.NEEDS_CONSENT,
            "Its files have changed since you allowed it.",
            "It does not run before you allow it.",
        ),
        (PluginState.DISABLED, "Hearth was started in safe mode.", "It is turned off."),
        (PluginState.ACTIVE, "Its tool failed.", "It had a problem."),
    ],
)
def test_the_reason_for_a_state_is_said_and_its_details_can_be_copied(shown, state, reason: str, title: str):
    async def check(bench) -> None:
        bench.host.change("weather", state=state, reason=reason, details="Traceback\n  line 7")
        await bench.until(lambda: reason in words(bench.parts.pane))
        assert title in words(bench.parts.pane)
        bench.parts.pane.note.copy_button.click()
        copied = QGuiApplication.clipboard().text()
        assert reason in copied
        assert "Traceback\n  line 7" in copied

    shown(check)


def test_a_plugin_that_is_fine_has_no_note(shown):
    def check(bench) -> None:
        assert bench.parts.pane.note.isHidden()

    shown(check)


def test_strangers_text_is_never_read_as_html(shown):
    async def check(bench) -> None:
        bench.host.change("weather", summary="<b>bold</b>", name="<img src='x'>", reason="<i>why</i>")
        await bench.until(lambda: "<b>bold</b>" in words(bench.parts.pane))
        for label in bench.page.findChildren(QLabel):
            if "<" in label.text():
                assert label.textFormat() == Qt.TextFormat.PlainText, label.text()

    shown(check)


# -------------------------------------------------------------------------------------------------------------- actions


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


def test_removing_asks_and_the_safe_choice_is_first(shown):
    async def check(bench) -> None:
        bench.parts.pane.buttons[Action.REMOVE].click()
        question = dialog(bench)
        assert "Remove Weather?" in words(question)
        await bench.until(question.safe_button.hasFocus)
        assert question.safe_button.isDefault()
        QTest.keyClick(question, Qt.Key.Key_Escape)
        assert bench.host.calls == []
        QTest.keyClick(bench.parts.table.view, Qt.Key.Key_Delete)
        dialog(bench).yes_button.click()
        await bench.settled()
        assert bench.host.calls == [("remove", "weather")]
        await bench.until(lambda: bench.parts.table.model.index_of("weather").isValid() is False)

    shown(check)


def test_what_came_with_hearth_cannot_be_removed(shown):
    def check(bench) -> None:
        bench.parts.table.choose("chat")
        assert not bench.parts.pane.buttons[Action.REMOVE].isVisible()
        QTest.keyClick(bench.parts.table.view, Qt.Key.Key_Delete)
        assert dialog(bench) is None

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
        await bench.until(lambda: "file:///etc/passwd" in words(bench.parts.pane))
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


# ------------------------------------------------------------------------------------------------------------- settings


def test_settings_are_drawn_from_the_fields_and_saved(shown):
    async def check(bench) -> None:
        change = next(b for b in bench.parts.pane.findChildren(QAbstractButton) if b.text() == "Change settings…")
        change.click()
        settings = dialog(bench, SettingsDialog)
        assert dict(settings.values) == {"place": "Bergen", "unit": "°C", "days": 3}
        settings.form.set_values({"place": "Rome", "days": 5})
        settings.yes_button.click()
        await bench.settled()
        assert bench.host.calls == [("set_settings", "weather", {"place": "Rome", "unit": "°C", "days": 5})]
        assert "Rome" in words(bench.parts.pane)

    shown(check)


def test_a_wrong_setting_keeps_the_dialog_open(shown):
    def check(bench) -> None:
        bench.page._act(Action.SETTINGS)
        settings = dialog(bench, SettingsDialog)
        settings.form.set_values({"place": ""})
        settings.yes_button.click()
        assert settings.isVisible()
        settings.safe_button.click()
        assert bench.host.calls == []

    shown(check)


# ----------------------------------------------------------------------------------------------------------- installing


def mime(*paths: Path) -> QMimeData:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    return data


def drag(bench, data: QMimeData) -> bool:
    event = QDragEnterEvent(
        QPoint(5, 5), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    )
    event.ignore()
    bench.page.dragEnterEvent(event)
    return event.isAccepted()


def test_folders_and_zips_can_be_dropped_anywhere(shown, tmp_path: Path):
    async def check(bench) -> None:
        archive, folder = tmp_path / "a.ZIP", tmp_path / "folder"
        archive.touch()
        folder.mkdir()
        (tmp_path / "notes.txt").touch()
        weather = bench.host.plugins["weather"]
        bench.host.found[archive] = replace(weather, id="one", name="One", state=PluginState.NEEDS_CONSENT)
        bench.host.found[folder] = replace(weather, id="two", name="Two", state=PluginState.NEEDS_CONSENT)
        assert not drag(bench, mime(tmp_path / "notes.txt"))
        assert drag(bench, mime(archive, folder))
        assert "Drop to install 2 plugins" in words(bench.page)
        bench.page.dragLeaveEvent(QDragLeaveEvent())
        assert "Drop to install" not in words(bench.page)
        data = mime(archive, folder)  # an event does not keep it alive
        event = QDropEvent(
            QPointF(5, 5),
            Qt.DropAction.CopyAction,
            data,
            Qt.MouseButton.LeftButton,
            Qt.KeyboardModifier.NoModifier,
        )
        bench.page.dropEvent(event)
        await bench.settled()
        assert bench.host.calls == [("install", archive), ("install", folder)]
        assert "Allow One to run?" in words(dialog(bench))
        dialog(bench).reject()
        await bench.until(lambda: dialog(bench) is not None and "Allow Two to run?" in words(dialog(bench)))
        dialog(bench).reject()
        assert len(bench.host.calls) == 2

    shown(check)


@pytest.mark.parametrize("is_folder", [True, False])
def test_the_dialog_does_not_block(shown, tmp_path: Path, is_folder: bool):
    async def check(bench) -> None:
        weather = bench.host.plugins["weather"]
        bench.host.found[tmp_path] = replace(weather, id="new", state=PluginState.NEEDS_CONSENT)
        (bench.parts.folder_action if is_folder else bench.parts.zip_action).trigger()
        chooser = bench.page.findChild(QFileDialog)
        chooser.filesSelected.emit([str(tmp_path)])
        chooser.close()
        await bench.settled()
        assert bench.host.calls == [("install", tmp_path)]
        dialog(bench).reject()

    shown(check)


def test_without_strangers_the_page_says_what_plugins_are(run, make_bench, bench):
    only_ours = [info for info in bench.host.plugins.values() if info.is_bundled]

    async def body() -> None:
        async with make_bench(*only_ours) as empty:
            assert empty.parts.empty.isVisible()
            assert "hearth plugins new" in words(empty.parts.empty)
            copy = next(b for b in empty.parts.empty.findChildren(QAbstractButton) if "Copy" in b.accessibleName())
            copy.click()
            assert QGuiApplication.clipboard().text() == "hearth plugins new my-plugin"
            empty.parts.empty.install_button.click()
            empty.page.findChild(QFileDialog).close()
        async with bench:
            assert not bench.parts.empty.isVisible()

    run(body())


# ------------------------------------------------------------------------------------------------------ layout and keys


def test_in_a_narrow_window_the_details_lie_over_the_page(shown):
    async def check(bench) -> None:
        bench.window.resize(1024, 640)
        await bench.until(lambda: not bench.parts.pane.isVisible())
        view = bench.parts.table.view
        view.setFocus()
        QTest.keyClick(view, Qt.Key.Key_Return)
        pane = bench.parts.pane
        assert pane.isVisible()
        assert pane.geometry().right() == bench.page.width() - 1
        assert pane.close_button.isVisible()
        assert pane.isAncestorOf(QApplication.focusWidget())
        QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Escape)
        assert not pane.isVisible()
        assert view.hasFocus()
        bench.window.resize(1280, 744)
        await bench.until(pane.isVisible)
        assert not pane.close_button.isVisible()
        assert pane.geometry().top() == 56

    shown(check)


def test_a_click_on_a_row_opens_the_details_of_a_narrow_window(shown):
    async def check(bench) -> None:
        bench.window.resize(1024, 640)
        await bench.until(lambda: not bench.parts.pane.isVisible())
        view = bench.parts.table.view
        where = view.visualRect(bench.parts.table.model.index_of("detect")).center()
        QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=where)
        assert bench.parts.pane.isVisible()
        assert bench.parts.pane.shown_id == "detect"

    shown(check)


def test_a_search_narrows_the_list_and_says_when_nothing_is_left(shown):
    def check(bench) -> None:
        bench.parts.search.setText("detect")
        assert bench.parts.table.model.count == 1
        bench.parts.search.setText("zebra")
        assert "No plugin matches this search." in words(bench.page)
        assert not bench.parts.pane.isVisible()
        bench.parts.search.setText("")
        assert bench.parts.table.model.count == 4
        assert bench.parts.pane.isVisible()

    shown(check)


def test_control_f_searches(shown):
    def check(bench) -> None:
        bench.page.focus_first()
        assert bench.parts.table.view.hasFocus()
        QTest.keyClick(bench.window.windowHandle(), Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
        assert bench.parts.search.hasFocus()

    shown(check)


def test_the_parts_are_regions_for_f6(shown):
    def check(bench) -> None:
        regions = [part for part in bench.page.findChildren(QWidget) if part.property("region") and part.isVisible()]
        assert [type(part).__name__ for part in regions] == ["QFrame", "PluginTable", "DetailPane"]

    shown(check)


def test_everything_that_can_be_pressed_has_a_name_and_a_size(shown):
    def check(bench) -> None:
        for widget in bench.page.findChildren(QAbstractButton):
            if widget.isVisible() and not isinstance(widget.parent(), QLineEdit):
                assert widget.accessibleName() or widget.text(), widget
                assert min(widget.width(), widget.height()) >= 20, widget.text()
                assert widget.focusPolicy() & Qt.FocusPolicy.TabFocus, widget.text()
        for view in (*bench.page.findChildren(QListView), *bench.page.findChildren(QScrollArea)):
            assert view.accessibleName()
            assert view.focusPolicy() & Qt.FocusPolicy.TabFocus

    shown(check)


def test_the_page_can_be_drawn_in_every_scheme(shown, dressed):
    def check(bench) -> None:
        seen = set()
        bench.page.focus_first()
        for scheme in ("light", "dark", "high-contrast", "high-contrast-light"):
            bench.appearance.choose(scheme)
            dressed(bench.appearance)
            image = bench.page.grab().toImage()
            view = bench.parts.table.view
            row = view.visualRect(bench.parts.table.model.index_of("weather"))
            middle = view.viewport().mapTo(bench.page, QPoint(row.left() + 8, row.bottom() - 6))
            seen.add(image.pixelColor(middle).name())
            assert image.pixelColor(middle) == bench.appearance.theme.color("selection")
        assert len(seen) == 4

    shown(check)


def test_no_button_of_the_details_is_cut(shown, dressed):
    async def check(bench) -> None:
        dressed(bench.appearance)
        for state in PluginState:
            bench.host.change("weather", state=state)
            bench.controller.refresh()
            QApplication.processEvents()
            visible = [button for button in bench.parts.pane.buttons.values() if button.isVisible()]
            for button in visible:
                assert button.width() >= button.sizeHint().width(), (state, button.text())
            assert bench.parts.pane.width() == 408

    shown(check)
