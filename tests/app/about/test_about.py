"""What is said about this Hearth."""

from pathlib import Path

import pytest
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QMainWindow

from app.about import AboutCard, AboutDialog
from app.about.details import _version_of, as_text, details, notices
from app.theme import Appearance
from app.theme.widgets import ReadingDialog
from engine.build import BuildInfo, build_info

FROZEN = BuildInfo(
    version="0.2.0", commit="0123456789" * 4, built="2026-12-24T08:00:00Z", llama_cpp="0.3.36", update_url=""
)


@pytest.fixture
def dialog(qtbot, tmp_path: Path):
    window = QMainWindow()
    qtbot.addWidget(window)
    made = AboutDialog(Appearance("light"), FROZEN, tmp_path, window)
    made.open()
    yield made
    window.close()


def test_a_frozen_build_names_its_parts() -> None:
    facts = {fact.name: fact.words for fact in details(FROZEN)}
    assert facts["Version"] == "0.2.0"
    assert facts["Commit"] == "0123456789" * 4
    assert facts["Built"] == "2026-12-24 08:00:00 UTC"
    assert "0.3.36" in facts["llama.cpp"]
    assert facts["Licence"] == "MIT"
    assert facts["ONNX Runtime"][0].isdigit()
    assert facts["Qt"].startswith("6.")


def test_from_source_it_says_so() -> None:
    facts = {fact.name: fact.words for fact in details(build_info())}
    assert facts["Commit"] == facts["Built"] == "from source"
    assert "Python packages" in notices()


def test_a_library_has_several_names() -> None:
    assert _version_of(("no-such-package", "onnxruntime")) == _version_of(("onnxruntime",))
    assert _version_of(("no-such-package",)) == "not installed"


def test_the_details_can_be_copied_and_the_dialog_stays(dialog: AboutDialog) -> None:
    dialog.yes_button.click()
    assert QGuiApplication.clipboard().text() == as_text(dialog.facts)
    assert dialog.isVisible()
    assert dialog.yes_button.text() == "Copied"


def test_folders_open_in_the_file_manager(dialog: AboutDialog, monkeypatch, tmp_path: Path) -> None:
    opened: list[Path] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(Path(url.toLocalFile())) or True)
    dialog.data.click()
    dialog.logs.click()
    assert opened == [tmp_path, tmp_path / "logs"]


def test_the_licences_of_a_frozen_build_can_be_read_and_searched(dialog: AboutDialog, monkeypatch) -> None:
    monkeypatch.setattr("app.about.dialog.notices", lambda: "MIT\n" * 3000 + "The GNU Lesser General Public License")
    dialog.licences.click()
    (reading,) = dialog.findChildren(ReadingDialog)
    assert reading.names.isHidden()
    reading.reader.field.setText("lesser general")
    assert reading.reader.found == "1 found"
    reading.close()


def test_the_card_leads_to_everything(qtbot) -> None:
    card = AboutCard(Appearance("light"), FROZEN)
    qtbot.addWidget(card)
    pressed: list[str] = []
    card.about_pressed.connect(lambda: pressed.append("about"))
    card.log_pressed.connect(lambda: pressed.append("log"))
    card.report_pressed.connect(lambda: pressed.append("report"))
    for button in (card.about, card.log, card.report):
        button.click()
    assert pressed == ["about", "log", "report"]
