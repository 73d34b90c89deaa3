"""The page: dropping, layout, keys, and how it looks."""

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QFileDialog, QLineEdit, QListView, QScrollArea, QWidget

from engine import PluginState


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
        takers = [child for child in bench.page.findChildren(QWidget) if child.isVisible() and child.acceptDrops()]
        assert takers == []  # nothing on the page keeps a drop for itself
        assert "Drop to install 2 plugins" in bench.said(bench.page)
        bench.page.dragLeaveEvent(QDragLeaveEvent())
        assert "Drop to install" not in bench.said(bench.page)
        data = mime(archive, folder)  # an event does not keep it alive
        event = QDropEvent(
            QPointF(5, 5),
            Qt.DropAction.CopyAction,
            data,
            Qt.MouseButton.LeftButton,
            Qt.KeyboardModifier.NoModifier,
        )
        bench.host.gate.clear()
        bench.page.dropEvent(event)
        await bench.until(lambda: "installing 2 plugins…" in bench.said(bench.page))
        bench.host.gate.set()
        await bench.settled()
        assert "installing" not in bench.said(bench.page)
        assert bench.host.calls == [("install", archive), ("install", folder)]
        assert "Allow One to run?" in bench.said(bench.dialog())
        bench.dialog().reject()
        await bench.until(lambda: bench.dialog() is not None and "Allow Two to run?" in bench.said(bench.dialog()))
        bench.dialog().reject()
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
        bench.dialog().reject()

    shown(check)


def test_without_strangers_the_page_says_what_plugins_are(run, make_bench, bench):
    only_ours = [info for info in bench.host.plugins.values() if info.is_bundled]

    async def body() -> None:
        async with make_bench(*only_ours) as empty:
            assert empty.parts.empty.isVisible()
            assert "hearth plugins new" in bench.said(empty.parts.empty)
            copy = next(b for b in empty.parts.empty.findChildren(QAbstractButton) if "Copy" in b.accessibleName())
            copy.click()
            assert QGuiApplication.clipboard().text() == "hearth plugins new my-plugin"
            empty.parts.empty.install_button.click()
            empty.page.findChild(QFileDialog).close()
        async with bench:
            assert not bench.parts.empty.isVisible()

    run(body())


# ----------------------------------------------------------------------------------------------- layout and keys


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
        assert "No plugin matches this search." in bench.said(bench.page)
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
        assert [type(part).__name__ for part in regions] == ["PageHeader", "PluginTable", "DetailPane"]

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
