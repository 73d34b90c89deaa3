"""The dialog about where models run."""

import asyncio

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel

from app.hardware.placement_dialog import PlacementDialog
from engine import EngineError


def opened(shown, check, model: str = "", models: bool = True) -> None:
    """Run a check on the dialog once it shows its table."""

    async def body(bench) -> None:
        if not models:
            bench.models.clear()
        dialog = bench.page.show_placements(model)
        await bench.settled()
        result = check(bench, dialog)
        if result is not None:
            await result
        if dialog in bench.page.findChildren(PlacementDialog):
            dialog.close()

    shown(body)


def words(dialog: PlacementDialog) -> str:
    labels = [label.text() for label in dialog.findChildren(QLabel) if label.isVisible()]
    return "\n".join(labels).replace("\u00a0", " ")


def test_the_devices_stand_with_their_numbers_and_reasons(shown):
    def check(bench, dialog) -> None:
        assert dialog.model_id == "qwen2.5-coder-7b"
        buttons = dialog.table.buttons
        assert [button.text() for button in buttons] == ["Automatic", "GPU · CUDA", "CPU", "NPU · VitisAI"]
        assert [button.isEnabled() for button in buttons] == [True, True, True, False]
        assert buttons[0].isChecked()
        said = words(dialog)
        for expected in ("48 ms", "48 tok/s", "loaded", "1.2 s", "35 tok/s", "5.0 GB", "all 29", "Next request"):
            assert expected in said
        assert "The NPU runs ONNX graphs only" in said
        assert "35\u00a0tok/s" in buttons[2].accessibleDescription()

    opened(shown, check)


def test_a_choice_is_applied_and_its_cost_is_said(shown):
    async def check(bench, dialog) -> None:
        dialog.table.buttons[2].click()
        await bench.settled()
        assert ("set_device", "qwen2.5-coder-7b", "cpu") in bench.source.calls
        assert dialog.table.buttons[2].isChecked()
        assert dialog.cost.text().replace("\u00a0", " ") == "CPU: 35 tok/s instead of 48 tok/s on GPU."
        dialog.table.buttons[0].click()
        await bench.settled()
        assert bench.source.overrides == {"qwen2.5-coder-7b": ""}
        assert "Automatic takes it back" in dialog.cost.text()

    opened(shown, check)


def test_keys_choose_and_keep_their_place(shown):
    async def check(bench, dialog) -> None:
        first = dialog.table.buttons[0]
        first.setFocus()
        QTest.keyClick(first, Qt.Key.Key_Down)
        await bench.settled()
        QTest.keyClick(dialog.table.buttons[1], Qt.Key.Key_Space)
        await bench.settled()
        assert bench.source.overrides["qwen2.5-coder-7b"] == "gpu:0"
        await bench.until(lambda: dialog.table.buttons[1].hasFocus())

    opened(shown, check)


def test_another_model_is_looked_up_and_a_late_answer_is_ignored(shown):
    async def check(bench, dialog) -> None:
        bench.source.gate.clear()
        bench.controller.look_up("qwen2.5-coder-7b")
        bench.source.gate.set()
        dialog.model.setCurrentText("starter")
        await bench.settled()
        assert bench.source.calls[-1] == ("placements", "starter")
        assert dialog.model_id == "starter"
        dialog.table.buttons[2].click()
        await bench.settled()
        assert bench.source.overrides == {"starter": "cpu"}

    opened(shown, check)


def test_a_model_can_be_asked_for_by_name(shown):
    opened(shown, lambda _bench, dialog: _same(dialog.model_id, "starter"), model="starter")


def test_what_did_not_work_is_said_in_the_dialog(shown):
    async def check(bench, dialog) -> None:
        bench.source.error = EngineError("The file is gone.", "Choose another model.")
        dialog.model.setCurrentText("starter")
        await bench.settled()
        assert dialog.banner.message == "The file is gone. Choose another model."
        dialog.model.setCurrentText("qwen2.5-coder-7b")
        assert dialog.banner.message == ""
        await bench.settled()

    opened(shown, check)


def test_without_models_it_says_so(shown):
    def check(bench, dialog) -> None:
        assert "There is no model on this computer yet." in words(dialog)
        assert not dialog.model.isEnabled()
        assert bench.source.calls == []

    opened(shown, check, models=False)


def test_escape_closes_and_gives_the_keyboard_back(shown):
    async def check(bench, dialog) -> None:
        bench.page.header.where_button.setFocus()
        QTest.keyClick(dialog, Qt.Key.Key_Escape)
        assert not dialog.isVisible()
        bench.controller.look_up("starter")
        await bench.settled()
        await asyncio.sleep(0)  # the dialog is deleted
        assert bench.page.findChildren(PlacementDialog) == []

    opened(shown, check)


def test_the_button_in_the_header_opens_it(shown):
    async def check(bench) -> None:
        bench.page.header.where_button.click()
        dialogs = bench.page.findChildren(PlacementDialog)
        assert len(dialogs) == 1
        assert dialogs[0].isVisible()
        await bench.settled()
        dialogs[0].close_button.click()
        assert not dialogs[0].isVisible()

    shown(check)


def _same(one: str, other: str) -> None:
    assert one == other
