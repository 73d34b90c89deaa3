"""Models from elsewhere: dropped, chosen, copied or moved; and what is said of those that are refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QFileDialog, QVBoxLayout, QWidget

from app.models.import_controller import ImportController, Refusal
from app.models.import_dialog import ImportDialog
from app.models.import_drop import ImportDrop, refusal_words
from app.theme.widgets import Banner
from engine import Engine, EngineConfig, HubState, JobState, ModelFileError
from resources import models_dir
from tests.app.models.finds import GB, Stage


class FakeShelf:
    """Takes every file, but those with `bad` in their name."""

    def __init__(self) -> None:
        self.taken: list[tuple[Path, bool]] = []

    def import_model(self, path: Path, *, move: bool = False) -> int:
        if "bad" in path.name:
            raise ModelFileError(f"{path.name} is a pickle, which runs code when it is opened.", "Take its GGUF file.")
        self.taken.append((path, move))
        return len(self.taken)

    def hub_state(self) -> HubState:
        return HubState(is_offline=False, url="", free_bytes=212 * GB)


class DropStage(Stage):
    """A page that takes what is dropped."""

    def __init__(self, shelf: Any) -> None:
        super().__init__()
        self.shelf = shelf
        self.controller = ImportController(shelf, self.tasks)
        self.page = QWidget()
        self.banner = Banner(self.appearance, self.page)
        QVBoxLayout(self.page).addWidget(self.banner)
        self.drop = ImportDrop(self.appearance, self.page, self.controller, self.banner)
        self.show(self.page, 800, 600)

    def drag(self, *paths: Path) -> bool:
        data = mime(*paths)
        event = QDragEnterEvent(
            QPoint(5, 5), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        )
        event.ignore()
        QApplication.sendEvent(self.page, event)
        return event.isAccepted()

    def let_go(self, *paths: Path) -> ImportDialog:
        assert self.drag(*paths)  # Qt drops only where something was dragged to
        data = mime(*paths)  # an event does not keep it alive
        event = QDropEvent(
            QPointF(5, 5), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        )
        QApplication.sendEvent(self.page, event)
        return self.dialog(ImportDialog)


def mime(*paths: Path) -> QMimeData:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    return data


@pytest.fixture
def staged(run: Callable[..., None], dressed: Callable[..., None]) -> Callable[..., None]:
    """Run a check on a page that takes drops."""

    def show(check: Callable[[DropStage], Any], shelf: Any = None) -> None:
        async def body() -> None:
            stage = DropStage(shelf or FakeShelf())
            dressed(stage.appearance)
            async with stage:
                await check(stage)

        run(body())

    return show


def test_dragging_says_how_many_and_leaving_takes_that_away(staged, tmp_path):
    async def check(stage) -> None:
        assert stage.drag(tmp_path / "a.gguf", tmp_path / "b.onnx", tmp_path)
        assert stage.drop.isVisible()
        assert stage.drop.words == "Drop to add 3 files to your models"
        assert stage.page.rect().contains(stage.drop.geometry())
        QApplication.sendEvent(stage.page, QDragLeaveEvent())
        assert not stage.drop.isVisible()
        assert not stage.drag()  # words, not files

    staged(check)


def test_it_is_asked_whether_to_copy_or_move_and_nothing_happens_before(staged, tmp_path):
    async def check(stage) -> None:
        file = tmp_path / "a.gguf"
        file.write_bytes(bytes(3_000_000))
        dialog = stage.let_go(file)
        assert "Add “a.gguf” to your models?" in stage.said(dialog)
        assert "3\u00a0MB to take. 212\u00a0GB free on disk." in stage.said(dialog)
        assert dialog.copy_choice.isChecked()
        dialog.reject()
        await stage.settled()
        assert stage.shelf.taken == []
        dialog = stage.let_go(file, tmp_path)
        dialog.move_choice.click()
        dialog.accept()
        await stage.until(lambda: len(stage.shelf.taken) == 2)
        assert stage.shelf.taken == [(file, True), (tmp_path, True)]

    staged(check)


def test_a_file_that_is_refused_keeps_no_other_from_coming(staged, tmp_path):
    async def check(stage) -> None:
        began = []
        stage.controller.began.connect(began.append)
        stage.controller.import_paths([tmp_path / name for name in ("a.gguf", "bad.pt", "c.gguf")])
        assert stage.controller.looking == 0
        await stage.until(lambda: began)
        await stage.settled()
        assert began == [(1, 2)]
        assert [path.name for path, _ in stage.shelf.taken] == ["a.gguf", "c.gguf"]
        assert stage.banner.message == ("bad.pt is a pickle, which runs code when it is opened. Take its GGUF file.")

    staged(check)


def test_many_refusals_are_one_banner():
    refusals = [Refusal(f"{name}.pt", "It is a pickle.", "Take GGUF.") for name in "abcde"]
    cause, rest = refusal_words(refusals)
    assert cause == "5 files were not added; they are where they were."
    assert rest.split("\n") == [
        "a.pt: It is a pickle. Take GGUF.",
        "b.pt: It is a pickle. Take GGUF.",
        "c.pt: It is a pickle. Take GGUF.",
        "Also refused: d.pt and e.pt.",
    ]
    assert refusal_words(refusals[:1]) == ("a.pt: It is a pickle.", "Take GGUF.")


def test_files_and_folders_can_be_chosen(staged, tmp_path):
    async def check(stage) -> None:
        dialog = stage.drop.choose_files()
        assert dialog.fileMode() == QFileDialog.FileMode.ExistingFiles
        dialog.filesSelected.emit([str(tmp_path / "a.gguf")])
        dialog.reject()
        stage.dialog(ImportDialog).accept()
        await stage.until(lambda: stage.shelf.taken)
        folder = stage.drop.choose_folder()
        assert folder.fileMode() == QFileDialog.FileMode.Directory
        folder.reject()

    staged(check)


def test_a_real_model_comes_into_hearths_folder_and_a_broken_one_is_refused_with_the_rule(staged, tmp_path):
    engine = Engine(EngineConfig(home=tmp_path / "home", used_in_place=()))
    good, broken = tmp_path / "mine.gguf", tmp_path / "broken.gguf"
    good.write_bytes((models_dir() / "starter.gguf").read_bytes())
    broken.write_bytes(good.read_bytes()[:5_000])

    async def check(stage) -> None:
        stage.controller.import_paths([good, broken])
        await stage.until(lambda: stage.banner.message)
        await stage.until(lambda: engine.jobs() and engine.jobs()[0].is_over)
        assert engine.jobs()[0].state is JobState.DONE, engine.jobs()[0]
        assert (tmp_path / "home/models/mine.gguf").read_bytes() == good.read_bytes()
        assert good.exists()
        assert "broken.gguf" in stage.banner.message
        assert len(engine.jobs()) == 1
        await engine.close()

    staged(check, engine)
