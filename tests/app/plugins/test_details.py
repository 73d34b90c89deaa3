"""The details of a plugin: everything is said, nothing of a stranger's is trusted."""

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel

from app.plugins.about_section import LinkButton
from engine import OfferInfo, OfferKind, PluginState, Sample


def test_the_first_plugin_is_chosen_and_its_details_stand_beside_the_list(run, bench):
    async def body() -> None:
        async with bench:
            assert bench.parts.table.chosen_id == "weather"
            assert bench.parts.pane.isVisible()
            assert bench.parts.pane.shown_id == "weather"
            assert "4 of 4 active" in bench.said(bench.page)

    run(body())


def test_the_details_say_everything(shown):
    def check(bench) -> None:
        said = bench.said(bench.parts.pane)
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
        await bench.until(lambda: "-3\u00a0°C" in bench.said(bench.parts.pane))
        assert set(bench.parts.pane.findChildren(QLabel)) == labels

    shown(check)


def test_another_plugin_leaves_nothing_of_the_one_before(shown):
    def check(bench) -> None:
        bench.parts.table.choose("compare")
        said = bench.said(bench.parts.pane)
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
            assert "Tool 11" in bench.said(many.parts.pane)
            assert "Tool 12" not in bench.said(many.parts.pane)
            for expected in ("Show 12 of 18 more", "Show 6 of 6 more"):
                more = next(b for b in many.parts.pane.findChildren(QAbstractButton) if b.text() == expected)
                more.click()
            assert "Tool 29" in bench.said(many.parts.pane)
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
        await bench.until(lambda: reason in bench.said(bench.parts.pane))
        assert title in bench.said(bench.parts.pane)
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
        await bench.until(lambda: "<b>bold</b>" in bench.said(bench.parts.pane))
        for label in bench.page.findChildren(QLabel):
            if "<" in label.text():
                assert label.textFormat() == Qt.TextFormat.PlainText, label.text()

    shown(check)


@pytest.mark.parametrize(
    ("address", "start", "end"),
    [
        ("https://example.org/a", "https://example.org/a", "https://example.org/a"),
        ("https://example.org/" + "path/" * 40, "https://example.org/path/", "…"),
        ("https://" + "bank-login." * 5 + "evil.example/" + "x" * 40, "…", "evil.example"),
    ],
)
def test_a_link_always_shows_whose_address_it_is(shown, address: str, start: str, end: str):
    async def check(bench) -> None:
        bench.host.change("weather", homepage=address)
        link = bench.parts.pane.findChild(LinkButton)
        await bench.until(lambda: link.accessibleName().endswith(address))
        await bench.until(lambda: link.text().startswith(start))
        assert link.text().endswith(end)
        assert link.fontMetrics().horizontalAdvance(link.text()) <= link.width()

    shown(check)


def test_one_long_word_takes_no_room_from_the_rest(shown):
    async def check(bench) -> None:
        pane = bench.parts.pane
        bench.host.change("weather", summary="W" * 400)
        await bench.until(lambda: any("\u200b" in label.text() for label in pane.findChildren(QLabel)))
        QApplication.processEvents()
        for label in pane.findChildren(QLabel):
            if label.isVisible() and label.wordWrap():
                assert label.height() >= label.heightForWidth(label.width()), label.text()
                assert label.mapTo(pane, label.rect().bottomRight()).x() <= pane.width()

    shown(check)
