"""The rows of the list."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from PySide6.QtCore import Qt

from app.plugins.list_delegate import columns_for
from app.plugins.list_model import DOING_ROLE, INFO_ROLE, PluginListModel
from app.plugins.plugin_table import PluginTable
from app.theme import Appearance
from engine import OfferInfo, OfferKind, PluginInfo, PluginState, Sample

CHAT = PluginInfo(
    id="chat",
    folder=Path("/h/chat"),
    name="Chat",
    version="1.0.0",
    is_bundled=True,
    is_isolated=False,
    state=PluginState.ACTIVE,
    offers=(OfferInfo(OfferKind.FAMILY, "chat"),),
)
WEATHER = replace(CHAT, id="weather", name="Weather", author="Jo", is_bundled=False, is_isolated=True)
ANTS = replace(WEATHER, id="ants", name="ants", offers=(OfferInfo(OfferKind.TASK, "count", "Count ants"),))
ALL = (CHAT, WEATHER, ANTS)


def idle(_plugin: str) -> str:
    return ""


def rows(model: PluginListModel) -> list[str]:
    return [model.index(row).data() for row in range(model.rowCount())]


def test_the_list_keeps_qts_rules(qapp, qtmodeltester):
    model = PluginListModel()
    qtmodeltester.check(model)
    for plugins, search in ((ALL, ""), (ALL[:1], ""), (ALL, "ants"), (ALL, "nothing at all"), (ALL, "")):
        model.show_plugins(plugins, search, idle)
        qtmodeltester.check(model)


def test_strangers_come_first_and_each_group_is_sorted(qapp):
    model = PluginListModel()
    model.show_plugins(ALL, "", idle)
    assert rows(model) == ["Installed by you", "ants", "Weather", "Came with Hearth", "Chat"]
    assert model.count == 3
    assert model.flags(model.index(0)) == Qt.ItemFlag.NoItemFlags
    assert model.index(1).data(INFO_ROLE) is ANTS


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("wea", ["Weather"]),
        ("JO ants", ["ants"]),
        ("count", ["ants"]),
        ("task", ["ants"]),
        ("own process", ["ants", "Weather"]),
        ("active in hearth", ["Chat"]),
        ("xyz", []),
    ],
)
def test_a_search_looks_at_all_that_is_said(qapp, search: str, found: list[str]):
    model = PluginListModel()
    model.show_plugins(ALL, search, idle)
    assert [name for name in rows(model) if name not in ("Installed by you", "Came with Hearth")] == found


def test_a_change_of_one_plugin_names_its_row_and_resets_nothing(qtbot):
    model = PluginListModel()
    model.show_plugins(ALL, "", idle)
    stopped = replace(WEATHER, state=PluginState.STOPPED)
    with qtbot.assertNotEmitted(model.modelReset), qtbot.waitSignal(model.dataChanged) as changed:
        model.show_plugins((CHAT, stopped, ANTS), "", idle)
    assert changed.args[0].row() == changed.args[1].row() == 2
    assert model.index_of("weather").data(INFO_ROLE) is stopped


def test_numbers_that_no_row_shows_repaint_none(qtbot):
    model = PluginListModel()
    model.show_plugins(ALL, "", idle)
    busy = replace(WEATHER, samples=(Sample("x", 1, "s"),), memory_bytes=5 << 20, failures=1)
    with qtbot.assertNotEmitted(model.dataChanged), qtbot.assertNotEmitted(model.modelReset):
        model.show_plugins((CHAT, busy, ANTS), "", idle)
    assert model.index_of("weather").data(INFO_ROLE) is busy


def test_what_is_under_way_is_said(qtbot):
    model = PluginListModel()
    model.show_plugins(ALL, "", idle)
    with qtbot.waitSignal(model.dataChanged):
        model.show_plugins(ALL, "", lambda plugin: "Removing" if plugin == "ants" else "")
    assert model.index_of("ants").data(DOING_ROLE) == "Removing"
    words = model.index_of("ants").data(Qt.ItemDataRole.AccessibleTextRole)
    assert words == "ants 1.0.0, Removing, own process, offers task"


def test_a_stranger_cannot_put_html_into_a_tooltip(qapp):
    model = PluginListModel()
    model.show_plugins((replace(WEATHER, summary='<img src="file:///x">'),), "", idle)
    assert "<img" not in model.index_of("weather").data(Qt.ItemDataRole.ToolTipRole)


def test_the_chosen_plugin_stays_chosen_while_others_come_and_go(qtbot):
    table = PluginTable(Appearance("light"))
    qtbot.addWidget(table)
    table.model.show_plugins(ALL, "", idle)
    table.choose("weather")
    table.model.show_plugins((CHAT, WEATHER), "", idle)
    assert table.chosen_id == "weather"
    assert table.view.currentIndex().data() == "Weather"
    with qtbot.waitSignal(table.chosen, check_params_cb=lambda plugin: plugin == ""):
        table.model.show_plugins((CHAT,), "", idle)
    assert table.chosen_id == ""


@pytest.mark.parametrize("width", [600, 760, 1400])
def test_columns_do_not_overlap(qapp, width: int):
    columns = columns_for(width, Appearance("light"))
    for (left, room), (following, _) in pairwise(columns):
        assert room > 0
        assert left + room <= following
    assert columns.state[0] + columns.state[1] == width
