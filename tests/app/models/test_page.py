"""The list and everything around it: choosing, searching, loading, removing, folders."""

import asyncio
from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu

from app.models.folders_dialog import FoldersDialog
from app.models.row_menu import Action, menu_for
from app.models.rows import Order
from engine import LibraryFolder, ModelError, Origin


def chosen_words(bench) -> dict[str, str]:
    """What can be done from the menu of the chosen row, with the reasons against it."""
    row = bench.board.chosen
    installed = bench.controllers.installed
    is_busy = installed.actions.is_busy(row.id)
    menu = menu_for(row, installed.state(row), lambda _action: None, bench.page, is_busy=is_busy)
    return {
        entry.text(): "" if entry.isEnabled() else entry.toolTip()
        for entry in menu.actions()
        if not entry.isSeparator()
    }


def test_the_table_shows_all_models_with_verdicts_that_were_asked_for_off_the_thread(shown):
    async def check(bench) -> None:
        assert len(bench.titles) == 7
        await bench.until(
            lambda: "Looking" not in str([bench.table.model.look(bench.table.model.entry(n)) for n in range(7)])
        )
        model = bench.table.model
        looks = {row.id: model.look(row).words for row in map(model.entry, range(7))}
        assert looks["mistral-small-24b"] == "Does not fit"
        assert looks["qwen2.5-14b-instruct-q4_k_m"] == "Fits with paging ~3\u00a0tok/s"
        assert looks["starter"] == "Fits"
        spoken = bench.table.model.index_of("mistral-small-24b").data(Qt.ItemDataRole.AccessibleTextRole)
        assert spoken.replace("\u00a0", " ") == (
            "Mistral Small 24B, Chat · GGUF Q6_K, 19.3 GB, Does not fit, not measured, On disk"
        )

    shown(check)


def test_search_kinds_and_order(shown):
    async def check(bench) -> None:
        bar = bench.board.installed.bar
        assert bar.kinds.choice == "All"
        bar.search.setText("qwen")
        assert bench.titles == ["Qwen2.5 14B Instruct", "Qwen2.5 Coder 7B"]
        bar.search.setText("nobody has this")
        assert bench.titles == []
        assert "No model matches" in bench.said(bench.table)
        bar.search.clear()
        bar.kinds.picked.emit("Vision")
        assert bench.titles == ["reader-4m"]
        bar.kinds.picked.emit("All")
        bar._open_menu()
        menu = bar._menu
        next(entry for entry in menu.actions() if entry.text() == Order.LARGEST.value).trigger()
        menu.close()
        assert bench.titles[0] == "Mistral Small 24B"
        assert "Largest first" in bar.sort.toolTip()

    shown(check)


def test_the_chosen_model_stays_chosen_while_the_library_changes(shown):
    async def check(bench) -> None:
        bench.engine.known["a-newcomer"] = replace(
            bench.engine.known["starter"],
            info=replace(bench.engine.known["starter"].info, id="a-newcomer"),
            title="A new one",
        )
        bench.engine.version += 1
        bench.controllers.installed.look()
        await bench.settled()
        assert bench.titles[0] == "A new one"
        assert bench.table.chosen_id == bench.pane.shown_id == "qwen2.5-14b-instruct-q4_k_m"
        del bench.engine.known["qwen2.5-14b-instruct-q4_k_m"]
        bench.engine.version += 1
        bench.controllers.installed.look()
        await bench.settled()
        await bench.until(lambda: bench.pane.shown_id == "a-newcomer")

    shown(check)


def test_loading_shows_its_share_can_be_cancelled_and_ends_loaded(shown):
    async def check(bench) -> None:
        bench.choose("llama-3.2-3b-instruct")
        await bench.settled()
        footer = bench.pane.footer
        assert (footer.load.text(), footer.load.property("kind")) == ("Load", "primary")
        bench.engine.gate.clear()
        footer.load.click()
        assert footer.load.text() == "Loading…"
        await bench.until(lambda: ("load", "llama-3.2-3b-instruct", "") in bench.engine.calls)
        bench.engine.loading = {"llama-3.2-3b-instruct": 0.62}
        bench.controllers.installed.look()
        assert footer.load.text().replace("\u00a0", " ") == "Loading 62 %"
        assert not footer.remove.isEnabled()
        footer.load.click()
        bench.engine.loading = {}
        await bench.settled()
        assert footer.load.text() == "Load"
        bench.engine.gate.set()
        footer.load.click()
        await bench.settled()
        assert footer.load.text() == "Unload"
        row = bench.board.chosen
        assert bench.controllers.installed.state(row).words == "Loaded"
        footer.load.click()
        await bench.settled()
        assert footer.load.text() == "Load"
        assert [call[0] for call in bench.engine.calls if call[0] in ("load", "unload")] == ["load", "load", "unload"]

    shown(check)


def test_a_load_that_fails_is_said_with_what_to_do(shown):
    async def check(bench) -> None:
        bench.engine.error = ModelError("The model is broken.", "Fetch it again.")
        bench.pane.footer.load.click()
        await bench.settled()
        assert bench.board.installed.banner.message == "The model is broken. Fetch it again."
        assert bench.pane.footer.load.text() == "Load with paging"

    shown(check)


def test_pinning_holds_now_and_from_the_next_load_on(shown):
    async def check(bench) -> None:
        bench.pane.head.pin.click()
        await bench.settled()
        model = "qwen2.5-14b-instruct-q4_k_m"
        assert ("pin", model, True) in bench.engine.calls
        assert bench.engine.known[model].defaults.is_pinned
        assert bench.pane.head.pin.isChecked()
        bench.board.act(Action.PIN)
        await bench.settled()
        assert not bench.engine.known[model].defaults.is_pinned
        assert not bench.pane.head.pin.isChecked()

    shown(check)


def test_removing_asks_first_and_says_what_goes(shown):
    async def check(bench) -> None:
        bench.table.view.setFocus()
        QTest.keyClick(bench.table.view, Qt.Key.Key_Delete)
        dialog = bench.dialog()
        words = bench.said(dialog).replace("\u200b", "").replace("\u00a0", " ")
        assert "Remove Qwen2.5 14B Instruct?" in words
        assert "8.99 GB" in words
        assert dialog.safe_button.text() == "Keep it"
        dialog.reject()
        bench.board.act(Action.REMOVE)
        bench.dialog().accept()
        await bench.settled()
        assert ("remove", "qwen2.5-14b-instruct-q4_k_m", False) in bench.engine.calls
        assert "Qwen2.5 14B Instruct" not in bench.titles
        assert "in the trash" in bench.board.installed.banner.message

    shown(check)


@pytest.mark.parametrize(
    ("model", "words"),
    [("starter", "came with Hearth"), ("llama-3.2-3b-instruct", "belongs to LM Studio")],
)
def test_what_must_stay_says_why(shown, model, words):
    async def check(bench) -> None:
        bench.choose(model)
        await bench.settled()
        assert not bench.pane.footer.remove.isEnabled()
        assert words in bench.pane.footer.remove.toolTip()
        bench.board.act(Action.REMOVE)
        assert bench.dialog() is None
        assert words in bench.board.installed.banner.message

    shown(check)


def test_a_model_in_use_is_neither_unloaded_nor_removed(shown):
    async def check(bench) -> None:
        model = "qwen2.5-14b-instruct-q4_k_m"
        bench.engine.put(model)
        bench.engine.loaded[model] = replace(bench.engine.loaded[model], running=2)
        bench.controllers.installed.look()
        footer = bench.pane.footer
        assert not footer.load.isEnabled()
        assert "2 requests" in footer.load.toolTip()
        assert "2 requests need it now" in footer.remove.toolTip()

    shown(check)


def test_the_menu_offers_what_makes_sense(shown):
    async def check(bench) -> None:
        words = chosen_words(bench)
        assert "Chat with it" in words
        assert "Load" in words
        assert "Unload" not in words
        assert "Q4_K_M already" in words["Quantize…"]
        bench.choose("minilm-l6-v2")
        assert "Chat with it" not in chosen_words(bench)
        bench.choose("reader")
        assert "Recognize with it" in chosen_words(bench)
        bench.board._open_menu(QPoint(10, 10))
        menu = next(menu for menu in bench.board.findChildren(QMenu) if menu.isVisible())
        menu.close()

    shown(check)


def test_chat_and_recognize_are_opened_with_the_model(shown):
    async def check(bench) -> None:
        chats, pictures = [], []
        bench.page.chat_wanted.connect(chats.append)
        bench.page.recognize_wanted.connect(pictures.append)
        bench.board.act(Action.OPEN)
        bench.choose("reader")
        bench.board.act(Action.OPEN)
        assert (chats, pictures) == (["qwen2.5-14b-instruct-q4_k_m"], ["reader"])

    shown(check)


def test_folders_are_counted_and_can_be_changed_for_the_next_start(shown, tmp_path):
    async def check(bench) -> None:
        where = bench.board.installed.where.replace("\u00a0", " ")
        assert where == "3 folders · 35.3 GB · 2 used in place from LM Studio"
        dialog = bench.board.manage_folders()
        assert isinstance(dialog, FoldersDialog)
        assert not dialog.yes_button.isEnabled()
        switches = [row.switch for row in dialog.rows if row.switch is not None]
        assert [switch.isChecked() for switch in switches] == [True]
        switches[0].setChecked(False)
        dialog.add_folder(tmp_path)
        dialog.add_folder(tmp_path)
        assert dialog.yes_button.isEnabled()
        dialog.accept()
        (kept,) = bench.kept
        assert kept["model_dirs"] == (str(tmp_path),)
        assert kept["used_in_place"] == ("hugging-face", "jan", "ollama")
        assert "next start" in bench.board.installed.banner.message

    shown(check)


def test_a_folder_of_ones_own_can_be_left_out(shown, tmp_path):
    async def check(bench) -> None:
        own = LibraryFolder(path=tmp_path, origin=Origin.FOLDER, is_used=True, models=1, size_bytes=10)
        bench.engine.folders = (*bench.engine.folders, own)
        bench.engine.version += 1
        bench.controllers.installed.look()
        await bench.settled()
        dialog = bench.board.manage_folders()
        (button,) = [row.remove for row in dialog.rows if row.remove is not None]
        button.click()
        dialog.accept()
        assert bench.kept[0]["model_dirs"] == ()

    shown(check)


def test_an_empty_library_leads_to_the_starter_and_one_download(run, make_bench, staged):
    bench = make_bench(staged.starter, staged.reader)

    async def body() -> None:
        async with bench:
            empty = bench.board.installed.empty
            await bench.until(lambda: not empty.get.isHidden())
            assert empty.get.text().replace("\u00a0", " ") == "Get Small Model 0.5B (398 MB)"
            chats = []
            bench.page.chat_wanted.connect(chats.append)
            empty.chat.click()
            assert chats == ["starter"]
            empty.get.click()
            assert bench.board.parts.views.choice == "Discover"
            discover = bench.controllers.discover
            await bench.until(lambda: discover.detail is not None)
            assert discover.detail.model.repo == "someone/small-model"
            bench.engine.known["mine"] = replace(
                staged.big, info=replace(staged.big.info, id="mine", path=staged.big.info.path.with_name("mine.gguf"))
            )
            bench.engine.version += 1
            bench.board.show_view("Installed")
            bench.controllers.installed.look()
            await bench.settled()
            assert empty.isHidden()

    run(body())


def test_a_narrow_window_shows_the_details_over_the_list(run, make_bench, dressed):
    bench = make_bench(width=1000)

    async def body() -> None:
        dressed(bench.appearance)
        async with bench:
            assert bench.pane.isHidden()
            bench.choose("starter")
            assert bench.pane.isHidden()
            bench.table.view.setFocus()
            QTest.keyClick(bench.table.view, Qt.Key.Key_Return)
            assert bench.pane.isVisible()
            assert bench.pane.geometry().right() == bench.board.width() - 1
            assert not bench.pane.head.close_button.isHidden()
            await bench.until(lambda: QApplication.focusWidget() is bench.pane.footer.load)
            QTest.keyClick(bench.pane, Qt.Key.Key_Escape)
            assert bench.pane.isHidden()
            assert bench.table.view.hasFocus()
            bench.window.resize(1300, 768)
            await bench.until(bench.pane.isVisible)
            assert bench.pane.head.close_button.isHidden()

    run(body())


def test_keys_reach_search_rename_and_regions(shown):
    async def check(bench) -> None:
        bench.table.view.setFocus()
        QTest.keyClick(bench.table.view, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
        assert bench.board.installed.bar.search.hasFocus()
        QTest.keyClick(bench.board.installed.bar.search, Qt.Key.Key_F2)
        edit = bench.pane.head._edit
        assert edit.hasFocus()
        edit.setText("Big one")
        QTest.keyClick(edit, Qt.Key.Key_Return)
        await bench.settled()
        assert bench.pane.head.title == "Big one"
        assert "Big one" in bench.titles
        regions = [part for part in bench.page.findChildren(object) if part.property("region") and part.isVisible()]
        assert len(regions) >= 4

    shown(check)


def test_discover_is_made_only_when_it_is_opened_and_takes_the_tray_along(shown):
    async def check(bench) -> None:
        assert bench.board.discover is None
        width = bench.window.width()
        bench.board.parts.get_button.click()
        assert bench.board.discover.isVisible()
        await bench.settled()
        assert bench.window.width() == width
        assert bench.pane.isHidden()
        assert bench.board.discover.isAncestorOf(bench.board.tray)
        bench.board.parts.views.choose("Installed")
        bench.board.show_view("Installed")
        assert bench.pane.isVisible()
        assert not bench.board.discover.isAncestorOf(bench.board.tray)
        await bench.settled()

    shown(check)


def test_what_fails_is_said_where_the_person_looks(shown):
    async def check(bench) -> None:
        bench.controllers.jobs.failed.emit("The download failed.", "Try again.")
        assert bench.board.installed.banner.message == "The download failed. Try again."
        bench.board.tray.token_wanted.emit()
        await bench.settled()
        assert bench.board.parts.views.choice == "Discover"
        dialog = bench.dialog()
        assert dialog is not None
        dialog.reject()
        bench.board.installed.banner.clear()
        bench.controllers.installed.failed.emit("The file is gone.", "")
        assert bench.board.installed.banner.message == ""
        assert bench.board.discover.banner.message == "The file is gone."

    shown(check)


def test_nothing_is_looked_at_while_the_page_is_hidden(shown):
    async def check(bench) -> None:
        bench.page.hide()
        asked = bench.engine.fits
        bench.engine.version += 1
        bench.engine.budget *= 2
        await asyncio.sleep(0.7)
        assert bench.engine.fits == asked
        bench.page.show()
        await bench.settled()
        assert bench.engine.fits > asked

    shown(check)
