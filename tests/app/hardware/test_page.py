"""The page: built when it is opened, quiet while it is hidden, and every number in words."""

import subprocess
import sys
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton, QToolButton, QWidget

from app.hardware.board import balanced
from app.hardware.device_card import DeviceCard
from engine import EngineError
from engine.hardware import DeviceInfo, DeviceKind, DeviceLoad, HardwareEventKind, Route

GIB = 1 << 30
DEAD = DeviceInfo(id="gpu:1", kind=DeviceKind.GPU, name="GTX 1650", fault="This build has no CUDA or Vulkan backend.")


def device(name: str, kind: DeviceKind = DeviceKind.GPU) -> DeviceInfo:
    return DeviceInfo(
        id=name, kind=kind, name=f"Device {name}", routes=(Route(backend="llama.cpp", interface="Vulkan"),)
    )


def test_neither_the_window_nor_the_page_imports_pyqtgraph():
    code = "import sys, app.hardware; print('pyqtgraph' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "False"


def test_a_page_that_was_never_opened_asks_nothing_and_builds_nothing(run, make_bench):
    async def body() -> None:
        bench = make_bench()
        bench.controller.open()
        bench.page.hide()
        bench.window.show()
        await bench.until(bench.window.isVisible)
        assert bench.page.board is None
        assert bench.source.looks == 0
        await bench.__aexit__()

    run(body())


def test_before_the_engine_is_open_the_page_says_so(run, make_bench):
    async def body() -> None:
        bench = make_bench()
        bench.window.show()
        await bench.until(lambda: bench.page.board is not None)
        assert "not running yet" in bench.said(bench.page)
        assert not bench.page.header.measure_button.isEnabled()
        assert bench.page.header.measure_button.toolTip()
        bench.controller.open()
        await bench.until(lambda: bench.board.is_complete and bench.board.cards)
        assert "A 16 GB machine" in bench.said(bench.page)
        assert bench.page.header.measure_button.isEnabled()
        await bench.__aexit__()

    run(body())


def test_every_device_has_a_card_with_its_numbers(shown):
    def check(bench) -> None:
        assert [card.device for card in bench.board.cards] == ["cpu", "gpu:0", "npu:0"]
        said = bench.said(bench.card("gpu:0"))
        for words in (
            "GPU",
            "NVIDIA GeForce RTX 4050 Laptop GPU · CUDA",
            "State: Busy",
            "38 tok/s",
            "Memory 5.0 of 6 GB",
        ):
            assert words in said
        assert "6 threads instead of 8" in bench.said(bench.card("cpu"))
        assert bench.card("npu:0").figure.accessibleName() == bench.card("npu:0").chart.accessibleDescription()
        assert bench.board.summary.text().startswith("A 16\u00a0GB machine with 8\u00a0cores, an\u00a0RTX 4050")
        assert bench.board.measured.text() == "measured 2\u00a0days ago"

    shown(check)


def test_a_card_can_be_read_aloud(shown):
    def check(bench) -> None:
        card = bench.card("gpu:0")
        said = card.accessibleDescription().replace("\u00a0", " ")
        assert card.accessibleName() == "GPU"
        for words in (
            "RTX 4050",
            "State: Busy",
            "Hearth",
            "others",
            "Memory 5.0 of 6 GB",
            "Lane 1 answer",
            "loaded here",
        ):
            assert words in said

    shown(check)


def test_a_tick_brings_everything_up_to_date(shown):
    async def check(bench) -> None:
        bench.source.pass_time()
        bench.source.change_sample("cpu", utilisation=0.47, ours=0.38)
        bench.source.loads["cpu"] = DeviceLoad(device="cpu", running=1, tokens_per_s=55.0)
        bench.controller.refresh()
        card = bench.card("cpu")
        assert card.figure.accessibleName() == "CPU 47 %, Hearth 38, others 9"
        assert card.chart.accessibleDescription() == "CPU 47 %, Hearth 38, others 9"
        assert "55 tok/s" in bench.said(card)
        assert card.chart.plot.area._used[-1] == 0.47
        assert card.chart.plot.area._x[-1] == 0.0

    shown(check)


def test_while_it_is_hidden_nothing_is_computed(shown):
    async def check(bench) -> None:
        ticks: list[bool] = []
        bench.controller.ticked.connect(ticks.append)
        bench.page.hide()
        looks = bench.source.looks
        assert not bench.controller._timer.isActive()
        bench.source.pass_time()
        assert (bench.source.looks, ticks) == (looks, [])
        bench.page.show()
        assert bench.source.looks == looks + 1
        assert ticks == [True]
        assert bench.controller._timer.isActive()

    shown(check)


def test_while_the_window_is_minimised_nothing_is_computed(shown):
    async def check(bench) -> None:
        assert bench.controller._timer.isActive()
        bench.window.showMinimized()
        await bench.until(lambda: not bench.controller._timer.isActive())
        bench.window.showNormal()
        await bench.until(bench.controller._timer.isActive)

    shown(check)


def test_a_device_that_cannot_be_used_has_a_calm_card_with_the_reason(shown):
    async def check(bench) -> None:
        card = bench.card("gpu:1")
        await bench.until(card.again_button.isVisible)
        said = bench.said(card)
        assert "This build has no CUDA or Vulkan backend." in said
        assert "State: Not used" in said
        assert "look again" in said
        assert not card.chart.isVisible()
        bench.source.gate.clear()
        card.again_button.click()
        assert not card.again_button.isEnabled()
        assert card.again_button.toolTip()
        bench.source.devices = (bench.source.devices[0], replace(DEAD, fault="", routes=device("x").routes))
        bench.source.gate.set()
        await bench.settled()
        assert bench.source.calls == [("find",)]
        await bench.until(lambda: bench.card("gpu:1").chart.isVisible())

    shown(check, device("cpu", DeviceKind.CPU), DEAD)


def test_devices_come_and_go(shown):
    async def check(bench) -> None:
        kept = bench.card("cpu")
        bench.source.devices = (bench.source.devices[0], device("gpu:0"), device("gpu:1"))
        bench.controller.refresh()
        await bench.until(lambda: bench.board.is_complete and len(bench.board.cards) == 3)
        assert [card.device for card in bench.board.cards] == ["cpu", "gpu:0", "gpu:1"]
        assert bench.card("cpu") is kept
        assert "GPU 0" in bench.said(bench.card("gpu:0"))
        bench.source.devices = bench.source.devices[::2]
        bench.controller.refresh()
        assert [card.device for card in bench.board.cards] == ["cpu", "gpu:1"]
        assert [card.device for card in bench.board.findChildren(DeviceCard) if card.isVisible()] == ["cpu", "gpu:1"]

    shown(check)


@pytest.mark.parametrize(
    ("count", "fitting", "columns"),
    [(1, 3, 1), (3, 3, 3), (3, 2, 2), (4, 3, 2), (5, 4, 3), (5, 2, 2), (7, 3, 3), (0, 3, 1)],
)
def test_cards_share_their_rows_evenly(count: int, fitting: int, columns: int):
    assert balanced(count, fitting) == columns


def test_cards_are_equally_wide_and_go_two_in_a_row_in_a_narrow_window(shown):
    async def check(bench) -> None:
        cards = bench.board.cards
        await bench.until(lambda: max(card.width() for card in cards) - min(card.width() for card in cards) <= 1)
        assert len({card.y() for card in cards}) == 1
        bench.window.resize(1024 - 72, 640)
        await bench.until(lambda: len({card.y() for card in cards}) == 2)
        assert cards[0].y() == cards[1].y() < cards[2].y()
        assert abs(cards[0].width() - cards[2].width()) <= 1

    shown(check)


def test_a_machine_that_was_never_measured_has_one_main_action(shown):
    async def check(bench) -> None:
        button = bench.page.header.measure_button
        assert (button.text(), button.property("kind")) == ("Measure", "primary")
        assert bench.board.measured.text() == "not measured yet"
        assert bench.board.summary.text() == "A 16\u00a0GB machine with an\u00a0RTX 4050 and an\u00a0NPU."
        said = bench.said(bench.card("cpu"))
        assert "CPU: not looked at yet" in said
        assert "Threads unknown" in said or "Threads 6" in said
        button.click()
        await bench.settled()
        assert (button.text(), button.property("kind")) == ("Measure again", "")
        assert bench.source.calls == [("measure",)]

    shown(check, rates=(), history_s=0)


def test_measuring_turns_the_button_into_cancel_and_keeps_its_place(shown):
    async def check(bench) -> None:
        header = bench.page.header
        before = header.measure_button.geometry()
        bench.source.gate.clear()
        header.measure_button.click()
        await bench.until(lambda: bench.source.progress is not None)
        bench.source.progress(0.42, "Measuring GPU")
        await bench.until(lambda: "Measuring GPU 42 %" in bench.said(header))
        assert header.measure_button.text() == "Cancel"
        assert header.measure_button.accessibleName() == "Cancel measuring the devices"
        assert header.measure_button.geometry() == before
        header.measure_button.click()
        await bench.settled()
        assert header.measure_button.text() == "Measure again"
        assert "42 %" not in bench.said(header)

    shown(check)


def test_what_did_not_work_is_said_above_the_cards(shown):
    async def check(bench) -> None:
        bench.source.error = EngineError("The driver ended.", "Restart the computer.")
        bench.page.measure()
        await bench.until(lambda: bench.page.banner.message)
        assert bench.page.banner.message == "The driver ended. Restart the computer."
        bench.page.measure()
        assert bench.page.banner.message == ""
        await bench.settled()

    shown(check)


def test_the_report_goes_to_the_clipboard_and_the_button_says_so(shown):
    def check(bench) -> None:
        button = bench.page.header.copy_button
        width = button.width()
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)
        assert QGuiApplication.clipboard().text() == "Hearth on a machine"
        assert button.text() == "Copied"
        bench.page.header._copied.timeout.emit()
        assert button.text() == "Copy report"
        assert button.width() == width

    shown(check)


def test_memory_shows_ours_others_and_the_budget(shown):
    def check(bench) -> None:
        bench.source.pass_time()
        newest = bench.source.telemetry.samples[-1]
        bench.source.telemetry.samples[-1] = replace(
            newest, memory_used_bytes=10 * GIB, memory_ours_bytes=7 * GIB, swap_used_bytes=GIB
        )
        bench.controller.refresh()
        assert "Hearth 7.0 GB, others 3.0 GB, 16 GB in all, 1.0 GB on the disk" in bench.said(bench.board.memory)
        description = bench.board.memory.chart.accessibleDescription().replace("\u00a0", " ")
        assert description.startswith("Memory 10.0 GB, Hearth 7.0, others 3.0; budget for Hearth 10 GB")

    shown(check)


def test_events_are_tied_to_their_marks_by_numbers(shown):
    async def check(bench) -> None:
        memory = bench.board.memory
        listed = [(entry.number, entry.event.title) for entry in memory.events.model.entries]
        assert [number for number, _ in listed] == [1, 2, 3, 4]
        assert [(round(at), number) for at, number in memory.chart.plot._marks] == [
            (-560, 1),
            (-300, 2),
            (-150, 3),
            (-40, 4),
        ]
        bench.source.pass_time()
        bench.source.happen("Slowed down", HardwareEventKind.THROTTLED)
        bench.controller.refresh()
        assert memory.events.model.entries[-1].number == 5
        assert memory.chart.plot._marks[-1] == (0.0, 5)

    shown(check)


def test_less_of_the_past_has_fewer_events_with_the_same_numbers(shown):
    async def check(bench) -> None:
        memory = bench.board.memory
        buttons = [button.text() for button in memory.spans.findChildren(QToolButton)]
        assert buttons == ["1 min", "10 min", "1 h"]
        memory.spans.findChildren(QToolButton)[0].click()
        assert [entry.number for entry in memory.events.model.entries] == [4]
        assert memory.chart.plot._marks[0][1] == 4
        assert memory.chart._labels[-1][1] == "now"
        memory.spans.findChildren(QToolButton)[2].click()
        assert [entry.number for entry in memory.events.model.entries] == [1, 2, 3, 4]
        assert len(memory.chart.plot.area._x) <= 302

    shown(check)


def test_a_curve_that_would_hardly_move_is_not_drawn_again(shown):
    async def check(bench) -> None:
        memory = bench.board.memory
        memory.spans.findChildren(QToolButton)[2].click()
        drawn = memory.chart.plot.area._x
        for _ in range(3):  # of an hour on some 700 pixels
            bench.source.pass_time()
            bench.controller.refresh()
        assert memory.chart.plot.area._x is drawn
        for _ in range(20):
            bench.source.pass_time()
            bench.controller.refresh()
        assert memory.chart.plot.area._x is not drawn

    shown(check)


def test_an_hour_without_events_says_what_would_be_here(shown):
    async def check(bench) -> None:
        said = bench.said(bench.board.memory)
        assert "Nothing happened in the last 10 minutes." in said
        bench.source.happen("starter loaded")
        bench.controller.refresh()
        assert bench.board.memory.events.view.isVisible()
        assert "Nothing happened" not in bench.said(bench.board.memory)

    shown(check, history_s=0)


def test_every_control_has_a_name_a_size_and_can_be_reached(shown, dressed):
    def check(bench) -> None:
        dressed(bench.appearance)
        QApplication.processEvents()
        for button in (*bench.page.findChildren(QPushButton), *bench.page.findChildren(QToolButton)):
            if button.isVisible():
                assert button.accessibleName() or button.text()
                assert min(button.width(), button.height()) >= 26
                assert button.focusPolicy() & Qt.FocusPolicy.TabFocus or button.parent().focusProxy()
        regions = [part for part in bench.page.findChildren(QWidget) if part.property("region") and part.isVisible()]
        assert len(regions) == 4  # header, cards, memory, events
        for region in regions:
            parts = [part for part in region.findChildren(QWidget) if part.isVisible() and part.isEnabled()]
            assert any(part.focusPolicy() & Qt.FocusPolicy.TabFocus for part in parts)
        bench.page.focus_first()
        assert bench.page.header.measure_button.hasFocus()

    shown(check)


@pytest.mark.parametrize("scheme", ["dark", "high-contrast", "high-contrast-light"])
def test_another_theme_repaints_icons_and_charts_at_once(shown, scheme: str):
    def check(bench) -> None:
        icon = bench.card("cpu")._icon.pixmap().cacheKey()
        bench.appearance.choose(scheme)
        assert bench.card("cpu")._icon.pixmap().cacheKey() != icon
        ours = bench.card("cpu").chart.plot.area._pens[1].color().name()
        assert ours == bench.appearance.theme.color("chart-1").name()
        image = bench.page.grab().toImage()
        assert not image.isNull()

    shown(check)
