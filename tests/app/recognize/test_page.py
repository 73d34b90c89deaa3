"""The page: drop, paste, open; picture, boxes, results; keys and names."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QColor, QDragEnterEvent, QDragLeaveEvent, QDropEvent, QGuiApplication, QImage, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QFileDialog, QGraphicsRectItem, QLabel, QListView, QSlider

from app.theme.widgets import Banner
from engine.errors import ModelFileError
from engine.types import Label, TextLine, VisionOutput

SIGN = VisionOutput(
    task="reading",
    image_size=(320, 64),
    lines=(TextLine("SLOW COOKING", 0.96, (10, 4, 200, 28)), TextLine("forty recipes", 0.41, (10, 34, 200, 60))),
)


def mime(paths: list[Path]) -> QMimeData:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    return data


def drag_enter(data: QMimeData) -> QDragEnterEvent:
    return QDragEnterEvent(
        QPoint(5, 5), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    )


def words(widget) -> str:
    return " | ".join(label.text() for label in widget.findChildren(QLabel) if label.isVisible()).replace("\u00a0", " ")


@pytest.fixture
def shown(run, make_bench, pictures) -> Callable:
    """Run a check on a page that shows two pictures."""

    def run_check(check: Callable, **backend) -> None:
        async def body() -> None:
            async with make_bench(**{"sees": SIGN, **backend}) as bench:
                bench.controller.add_files(pictures[:2])
                await bench.all_ended(2)
                await bench.until(lambda: bench.page.picture_card.view.sceneRect().width() == 320)
                outcome = check(bench)
                if outcome is not None:
                    await outcome

        run(body())

    return run_check


def test_the_empty_page_says_what_to_do(run, bench):
    async def body() -> None:
        async with bench:
            assert "Drop pictures here" in words(bench.page)
            bench.page.focus_first()
            assert bench.page.zone.open_button.isVisible()

    run(body())


def test_a_drag_says_how_many_and_a_drop_adds_them(run, bench, pictures):
    async def body() -> None:
        async with bench:
            data = mime(pictures[:3])
            event = drag_enter(data)
            bench.page.dragEnterEvent(event)
            assert event.isAccepted()
            assert "Drop 3 pictures" in words(bench.page)
            assert bench.page.zone.property("drop") == "over"
            bench.page.dragLeaveEvent(QDragLeaveEvent())
            assert "Drop pictures here" in words(bench.page)
            bench.page.dropEvent(
                QDropEvent(
                    QPointF(5, 5),
                    Qt.DropAction.CopyAction,
                    data,
                    Qt.MouseButton.LeftButton,
                    Qt.KeyboardModifier.NoModifier,
                    QEvent.Type.Drop,
                )
            )
            await bench.all_ended(3)

    run(body())


def test_a_drag_of_something_else_is_not_accepted(run, bench):
    async def body() -> None:
        async with bench:
            data = QMimeData()
            data.setText("words")
            event = drag_enter(data)
            event.ignore()
            bench.page.dragEnterEvent(event)
            assert not event.isAccepted()

    run(body())


def test_paste_takes_an_image_or_files_and_says_when_there_is_none(run, bench, pictures):
    async def body() -> None:
        clipboard = QGuiApplication.clipboard()
        async with bench:
            clipboard.setText("only words")
            bench.page.paste()
            assert "no picture on the clipboard" in bench.page.banner.message
            image = QImage(32, 32, QImage.Format.Format_RGB32)
            image.fill(QColor("white"))
            clipboard.setImage(image)
            bench.page.paste()
            await bench.all_ended(1)
            clipboard.setMimeData(mime(pictures[:1]))
            bench.page.paste()
            await bench.all_ended(2)

    run(body())


def test_open_shows_a_dialog_that_does_not_block(run, bench, pictures):
    async def body() -> None:
        async with bench:
            bench.page.choose_files()
            dialog = bench.page.findChild(QFileDialog)
            assert dialog is not None
            dialog.filesSelected.emit([str(pictures[0])])
            dialog.close()
            await bench.all_ended(1)

    run(body())


def test_results_say_what_was_found_and_where_it_ran(shown):
    def check(bench) -> None:
        card = bench.page.results_card
        assert [finding.text for finding in card.results.findings] == ["SLOW COOKING", "forty recipes"]
        said = words(card)
        assert "2 found" in said
        assert "Text in the picture" in said
        assert "reader · CPU · " in said
        assert said.count("ms") == 1

    shown(check)


def test_the_threshold_hides_boxes_and_counts(shown):
    def check(bench) -> None:
        view, card = bench.page.picture_card.view, bench.page.results_card
        assert len(view._boxes) == 2
        card.findChild(QSlider).setValue(50)
        assert len(view._boxes) == 1
        assert "1 above 0.50" in words(card)

    shown(check)


def test_a_click_on_a_box_chooses_its_row(shown):
    def check(bench) -> None:
        view, card = bench.page.picture_card.view, bench.page.results_card
        place = view.mapFromScene(QPointF(100, 48))
        QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=place)
        assert card.chosen == 1
        QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=view.mapFromScene(QPointF(100, 16)))
        assert card.chosen == 0

    shown(check)


def test_boxes_are_in_pixels_of_the_picture(shown):
    def check(bench) -> None:
        box = bench.page.picture_card.view._boxes[0]
        assert isinstance(box, QGraphicsRectItem)
        rect = box.rect()
        assert rect.left() == pytest.approx(10, abs=4)
        assert rect.right() == pytest.approx(200, abs=4)

    shown(check)


def test_boxes_can_be_turned_off(shown):
    def check(bench) -> None:
        card = bench.page.picture_card
        card._boxes.click()
        assert card.view._boxes == []
        assert not card._labels.isEnabled()

    shown(check)


def test_keys_zoom_the_picture(shown):
    def check(bench) -> None:
        view = bench.page.picture_card.view
        fitted = view.transform().m11()
        QTest.keyClick(view, Qt.Key.Key_Plus)
        assert view.transform().m11() > fitted
        QTest.keyClick(view, Qt.Key.Key_Minus)
        QTest.keyClick(view, Qt.Key.Key_Minus)
        QTest.keyClick(view, Qt.Key.Key_0)
        assert view.transform().m11() == pytest.approx(fitted)

    shown(check)


def test_copy_takes_rows_or_text(shown):
    def check(bench) -> None:
        card = bench.page.results_card
        buttons = {button.accessibleName(): button for button in card.findChildren(QAbstractButton)}
        buttons["Copy all results"].click()
        assert QGuiApplication.clipboard().text() == "SLOW COOKING\t0.96\nforty recipes\t0.41"
        buttons["Copy the text in the picture"].click()
        assert QGuiApplication.clipboard().text() == "SLOW COOKING\nforty recipes"

    shown(check)


def test_labels_have_no_boxes_and_no_text(shown):
    sees = VisionOutput(task="classification", image_size=(320, 64), labels=(Label("book", 0.9),))

    def check(bench) -> None:
        assert not bench.page.picture_card._boxes.isVisible()
        assert "Text in the picture" not in words(bench.page.results_card)
        assert "Labels" in words(bench.page.results_card)

    shown(check, sees=sees)


def test_nothing_found_is_said(shown):
    sees = VisionOutput(task="reading", image_size=(320, 64), lines=())

    def check(bench) -> None:
        assert "No text was found in this picture." in words(bench.page.results_card)

    shown(check, sees=sees)


def test_choosing_another_tile_shows_its_picture(shown):
    async def check(bench) -> None:
        tiles = bench.page.strip.tiles
        QTest.keyClick(tiles, Qt.Key.Key_Right)
        await bench.until(lambda: "picture-01.png" in words(bench.page.picture_card))

    shown(check)


def test_a_file_that_is_no_picture_says_so_in_its_place(run, bench, tmp_path: Path):
    async def body() -> None:
        path = tmp_path / "scan.tmp"
        path.write_bytes(b"")
        async with bench:
            bench.controller.add_files([path])
            await bench.all_ended(1)
            await bench.until(lambda: "Choose another file." in words(bench.page.picture_card))

    run(body())


def test_a_broken_model_shows_a_banner_whose_button_tries_again(run, make_bench, pictures):
    async def body() -> None:
        bench = make_bench(load_error=ModelFileError("The file ends early.", "Download it again."))
        async with bench:
            bench.controller.add_files(pictures[:2])
            await bench.until(lambda: bench.page.banner.isVisible())
            assert bench.page.banner.message == "The file ends early. Download it again."
            bench.backend.load_error = None
            bench.page.findChild(Banner).pressed.emit()
            await bench.all_ended(2)
            assert not bench.page.banner.isVisible()

    run(body())


def test_progress_offers_stop_then_go_on_then_clear(run, make_bench, pictures):
    async def body() -> None:
        async with make_bench(step_s=0.05) as bench:
            strip = bench.page.strip
            buttons = {button.text(): button for button in strip.findChildren(QAbstractButton)}
            bench.controller.add_files(pictures)
            await bench.until(lambda: buttons["Stop"].isVisible())
            buttons["Stop"].click()
            assert not buttons["Stop"].isVisible()
            buttons["Go on"].click()
            await bench.all_ended(12)
            assert "12 of 12 done" in words(strip)
            buttons["Clear"].click()
            assert "Drop pictures here" in words(bench.page)

    run(body())


def test_the_picker_lists_vision_models_and_says_the_state(run, bench, pictures):
    async def body() -> None:
        async with bench:
            picker = bench.page.picker
            assert picker.accessibleName() == "Model: reader, on disk"
            names = [action.data() for action in picker.menu().actions()]
            assert names == ["animals", "reader"]
            bench.controller.add_files(pictures[:1])
            await bench.all_ended(1)
            assert picker.accessibleName() == "Model: reader, loaded"
            picker.menu().actions()[0].trigger()
            assert bench.controller.model_id == "animals"

    run(body())


def test_no_model_at_all_is_said(run, bench):
    async def body() -> None:
        bench.library.models = bench.library.models[2:]
        async with bench.engine:
            bench.controller.open()
            await bench.until(lambda: bench.tasks.count == 0)
            assert bench.page.picker.text() == "No model"
            assert not bench.page.picker.isEnabled()
            await bench.tasks.close()
            bench.controller.close()

    run(body())


def test_everything_that_can_be_pressed_has_a_name_and_a_size(shown):
    def check(bench) -> None:
        for widget in bench.page.findChildren(QAbstractButton):
            if widget.isVisible():
                assert widget.accessibleName() or widget.text(), widget
                assert widget.width() >= 28, widget.text()
        for view in bench.page.findChildren(QListView):
            assert view.accessibleName()
            assert view.focusPolicy() & Qt.FocusPolicy.TabFocus

    shown(check)


def test_open_and_paste_have_their_usual_keys(run, bench):
    from PySide6.QtGui import QShortcut

    async def body() -> None:
        async with bench:
            keys = {shortcut.key().toString() for shortcut in bench.page.findChildren(QShortcut)}
            assert {QKeySequence("Ctrl+O").toString(), QKeySequence("Ctrl+V").toString()} <= keys

    run(body())


def test_the_page_can_be_drawn_in_every_scheme(shown):
    def check(bench) -> None:
        seen = set()
        for scheme in ("light", "dark", "high-contrast", "high-contrast-light"):
            bench.appearance.choose(scheme)
            image = bench.page.grab().toImage()
            rows = bench.page.results_card.rows
            corner = rows.mapTo(bench.page, QPoint(rows.width() - 150, 22))
            seen.add(image.pixelColor(corner).name())
        assert len(seen) == 4  # the bar of the first row, in the colour of each scheme

    shown(check)


def test_a_hundred_lines_label_only_the_chosen_one(shown):
    lines = tuple(TextLine(f"line {n}", 0.9, (0, n, 300, n + 1)) for n in range(60))
    sees = VisionOutput(task="reading", image_size=(320, 64), lines=lines)

    def check(bench) -> None:
        view = bench.page.picture_card.view
        assert len(view._boxes) == 60
        assert sum(len(box.childItems()) > 1 for box in view._boxes) == 0
        bench.page.results_card.choose(7)
        assert [box.data(0) for box in view._boxes if len(box.childItems()) > 1] == [7]

    shown(check, sees=sees)
