"""What is said above every page: a crash, and safe mode."""

from dataclasses import replace

import pytest
from PySide6.QtWidgets import QApplication

from app.plugins import PluginNotice
from app.shell import MainWindow, PageEntry
from engine import PluginState


@pytest.fixture
def noticed(run, bench):
    """Run a check with a notice in a real window."""

    def show(check, **host) -> None:
        async def body() -> None:
            for name, value in host.items():
                setattr(bench.host, name, value)
            bench.page.setParent(None)
            entry = PageEntry("plugins", "Plugins", "plugins", bench.page)
            bench.window.deleteLater()
            bench.window = MainWindow(bench.appearance, QApplication.instance(), [entry])  # type: ignore[arg-type]
            notice = PluginNotice(bench.window.notices, bench.controller, bench.window)
            async with bench:
                await check(bench, bench.window.notice)
            notice.deleteLater()

        run(body())

    return show


def stopped(bench, *plugins: str) -> None:
    for plugin in plugins:
        bench.host.plugins[plugin] = replace(bench.host.plugins[plugin], state=PluginState.STOPPED)


def test_without_a_crash_nothing_is_said(noticed):
    async def check(_bench, banner) -> None:
        assert banner.message == ""

    noticed(check)


@pytest.mark.parametrize(
    ("button", "call"), [("pressed", ("disable", "weather")), ("other_pressed", ("enable", "weather", ""))]
)
def test_after_a_crash_the_plugin_is_left_out_or_started(noticed, bench, button: str, call):
    stopped(bench, "weather")

    async def check(bench, banner) -> None:
        assert banner.message == "Weather was running when Hearth crashed. It was not started this time."
        assert (banner._button.text(), banner._other.text()) == ("Leave it out", "Start it again")
        getattr(banner, button).emit()
        assert banner.message == ""
        await bench.settled()
        assert bench.host.calls == [call]
        bench.host.change("weather", state=PluginState.STOPPED, reason="It hung.")
        bench.controller.refresh()
        assert banner.message == ""  # it was answered; what comes later is said on the page

    noticed(check, crashed=("weather",))


def test_several_are_named_as_they_are_found(noticed, bench):
    stopped(bench, "weather")
    other = replace(bench.host.plugins["weather"], id="ants", name="Ants")

    async def check(bench, banner) -> None:
        bench.host.plugins["ants"] = other
        bench.host.tell()
        await bench.until(lambda: banner.message.startswith("Weather and Ants were running"))
        assert banner._button.text() == "Leave them out"
        banner.pressed.emit()
        await bench.settled()
        assert {call[1] for call in bench.host.calls} == {"weather", "ants"}

    noticed(check, crashed=("weather", "ants"))


def test_a_part_of_hearth_was_started_again_and_can_be_left_out(noticed):
    async def check(bench, banner) -> None:
        assert banner.message.startswith("Chat was running when Hearth crashed. It was started again")
        assert banner._other.isHidden()
        banner.pressed.emit()
        await bench.settled()
        assert bench.host.calls == [("disable", "chat")]

    noticed(check, crashed=("chat",))


def test_a_decision_made_elsewhere_takes_the_question_away(noticed, bench):
    stopped(bench, "weather")

    async def check(bench, banner) -> None:
        assert banner.message
        bench.controller.enable("weather")
        await bench.settled()
        assert banner.message == ""

    noticed(check, crashed=("weather",))


def test_safe_mode_is_said_once(noticed):
    async def check(bench, banner) -> None:
        assert banner.message.startswith("Hearth was started in safe mode.")
        assert banner._button.isHidden()
        banner._close.click()
        bench.host.change("weather", reason="x")
        bench.controller.refresh()
        assert banner.message == ""

    noticed(check, is_safe=True)


def test_the_notice_and_a_report_have_room_beside_each_other(noticed):
    async def check(bench, banner) -> None:
        bench.window.report("bad", "It broke.", "Repair it.")
        assert banner.isVisible()
        assert bench.window.banner.isVisible()
        banner._close.click()
        assert bench.window.banner.isVisible()
        bench.window.clear_report()
        assert not bench.window._banner_room.isVisible()

    noticed(check, is_safe=True)
