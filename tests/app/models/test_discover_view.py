"""Discover as it is seen and used: by mouse, by keyboard, wide and narrow, online and not."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from time import perf_counter
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMessageBox

from app.models.discover_controller import DiscoverController, Phase
from app.models.discover_rows import Find
from app.models.discover_view import DiscoverView
from app.models.jobs_controller import JobsController
from app.models.jobs_tray import JobsTray
from app.models.token_dialog import TokenDialog
from app.theme.widgets import ChoiceDialog
from engine import HubError, HubState
from tests.app.models.finds import CODER, GATED, GB, QWEN, FakeHub, Stage, hub_installed, job


class DiscoverStage(Stage):
    """Discover over a hub, in a window."""

    def __init__(self, hub: FakeHub, width: int) -> None:
        super().__init__()
        self.hub = hub
        self.controller = DiscoverController(hub, self.tasks)
        self.view = DiscoverView(self.appearance, self.controller)
        self.show(self.view, width)
        self.closers.append(lambda: self.controller.watch(False))

    async def __aenter__(self) -> "DiscoverStage":
        await self.until(lambda: self.controller.is_loaded)
        await self.settled()
        return self

    @property
    def pane(self) -> Any:
        return self.view.pane

    @property
    def titles(self) -> list[str]:
        return [row.title if isinstance(row, Find) else f"- {row}" for row in self.view.list.model.rows]

    def words(self) -> str:
        return self.said(self.view)

    def search(self, text: str) -> None:
        self.view.filters.search.setText(text)
        QTest.keyClick(self.view.filters.search, Qt.Key.Key_Return)


@pytest.fixture
def staged(run: Callable[..., None], dressed: Callable[..., None]) -> Callable[..., None]:
    """Run a check on Discover."""

    def show(check: Callable[[DiscoverStage], Any], hub: FakeHub | None = None, width: int = 1208) -> None:
        async def body() -> None:
            stage = DiscoverStage(hub or FakeHub(), width)
            dressed(stage.appearance)
            async with stage:
                await check(stage)

        run(body())

    return show


def test_it_begins_with_what_suits_this_computer(staged):
    async def check(stage) -> None:
        assert stage.titles == [
            "- Recommended · Chat",
            "Qwen 7B Instruct",
            "Gated 2B",
            "- Recommended · Code",
            "Coder 1.5B",
        ]
        words = stage.words()
        assert "A strong assistant for texts." in words  # the first one is looked at
        assert "Apache 2.0" in words
        assert stage.pane.main_button.text() == "Download 4.68\u00a0GB"
        assert "212\u00a0GB free on disk" in words
        assert stage.hub.calls == []

    staged(check)


def test_the_slider_goes_from_light_to_powerful_and_says_what_each_size_costs(staged):
    async def check(stage) -> None:
        sizes = stage.pane.sizes
        assert [card.file.quantization for card in sizes.cards] == ["Q2_K", "Q4_K_M", "Q6_K", "F16"]
        assert sizes.file.quantization == "Q4_K_M"
        centres = [card.geometry().center().x() for card in sizes.cards]
        assert len({b - a for a, b in pairwise(centres)}) == 1
        assert all(card.geometry().right() < sizes.width() for card in sizes.cards)
        sizes.slider.setFocus()
        QTest.keyClick(sizes.slider, Qt.Key.Key_Right)
        assert sizes.file.quantization == "Q6_K"
        assert stage.pane.main_button.text() == "Download 6.25\u00a0GB"
        assert "Fits with paging ~6\u00a0tok/s" in stage.words()
        QTest.mouseClick(sizes.cards[0], Qt.MouseButton.LeftButton)
        assert sizes.slider.value() == 0
        assert "3.01\u00a0GB, quality weak" in sizes.cards[0].accessibleName()

    staged(check)


def test_a_file_without_a_card_can_be_chosen_by_name(staged):
    async def check(stage) -> None:
        files = stage.pane.files
        assert files.count() == 5
        files.setCurrentIndex(1)
        files.activated.emit(1)
        assert stage.pane.sizes.file.quantization == "Q3_K_M"
        assert [card.file.quantization for card in stage.pane.sizes.cards] == ["Q3_K_M", "Q4_K_M", "Q6_K", "F16"]

    staged(check)


def test_what_does_not_fit_says_why_and_asks_first(staged):
    async def check(stage) -> None:
        QTest.mouseClick(stage.pane.sizes.cards[3], Qt.MouseButton.LeftButton)
        stage.pane.main_button.click()
        dialog = stage.dialog(ChoiceDialog)
        said = stage.said(dialog)
        assert "needs more memory than models may take on this computer" in said
        assert "Q6_K, 6.25\u00a0GB" in said  # the largest that can be used
        await stage.until(dialog.safe_button.hasFocus)
        dialog.reject()
        assert stage.hub.calls == []
        stage.pane.press_main()
        stage.dialog(ChoiceDialog).accept()
        await stage.until(lambda: stage.hub.calls)
        assert stage.hub.calls == [("download", QWEN.repo, "model-F16.gguf")]

    staged(check)


def test_a_disk_that_is_too_full_is_said_before_anything_begins(staged):
    hub = FakeHub()
    hub.set = HubState(is_offline=False, url="https://hub.example", free_bytes=2 * GB)

    async def check(stage) -> None:
        assert not stage.pane.main_button.isEnabled()
        assert "The disk lacks 3.18\u00a0GB" in stage.words()
        QTest.mouseClick(stage.pane.sizes.cards[0], Qt.MouseButton.LeftButton)
        assert "The disk lacks 1.51\u00a0GB" in stage.words()

    staged(check, hub)


def test_a_download_is_seen_on_its_button_and_a_model_that_is_here_is_opened(staged):
    async def check(stage) -> None:
        opened = []
        stage.view.open_wanted.connect(opened.append)
        stage.pane.main_button.click()
        await stage.until(lambda: "Downloading 61\u00a0%" in stage.pane.main_button.text())
        assert not stage.pane.main_button.isEnabled()
        stage.hub.board.clear()
        stage.hub.here = (hub_installed("qwen-7b", QWEN.repo, "model-Q4_K_M.gguf"),)
        stage.hub.version += 1
        stage.controller.look()
        await stage.until(lambda: stage.pane.main_button.text() == "Open")
        await stage.until(lambda: stage.view.list.model.rows[1].is_here)
        stage.pane.main_button.click()
        assert opened == ["qwen-7b"]

    staged(check)


def test_typing_narrows_and_enter_asks_the_hub(staged):
    async def check(stage) -> None:
        stage.view.filters.search.setText("coder")
        await stage.until(lambda: stage.titles == ["- Recommended · Code", "Coder 1.5B"])
        assert stage.hub.calls == []
        QTest.keyClick(stage.view.filters.search, Qt.Key.Key_Return)
        await stage.until(lambda: stage.controller.phase is Phase.FOUND)
        assert stage.titles[2:] == ["- On the hub · 1 more found", "Fine Tune"]
        stage.view.list.choose("stranger/fine-tune")
        await stage.until(lambda: stage.controller.detail.card is not None)
        assert "123 K downloads" in stage.words().replace("\u00a0", " ")
        assert "Licence not stated" in stage.words()

    staged(check)


def test_a_filter_asks_the_hub_again_once_it_was_asked(staged):
    async def check(stage) -> None:
        stage.search("fine")
        await stage.until(lambda: stage.controller.phase is Phase.FOUND)
        stage.view.filters.fits.click()
        await stage.until(lambda: len(stage.hub.calls) == 2)
        await stage.settled()
        combos = stage.view.filters.combos
        combos["task"].setCurrentIndex(1)
        await stage.until(lambda: len(stage.hub.calls) == 3)
        assert stage.controller.query.task == "chat"
        assert stage.controller.query.fits_only
        stage.view.filters.clear()
        await stage.until(lambda: stage.controller.phase is Phase.NONE)
        assert len(stage.hub.calls) == 3

    staged(check)


def test_nothing_found_says_what_to_try(staged):
    hub = FakeHub()
    hub.found = ()

    async def check(stage) -> None:
        stage.view.filters.search.setText("zzz")
        await stage.until(lambda: "Nothing that Hearth recommends matches “zzz”" in stage.words())
        stage.view.note.ask_button.click()
        await stage.until(lambda: "Nothing found for “zzz”" in stage.words())
        assert "Try fewer or shorter words" in stage.words()
        stage.view.note.clear_button.click()
        await stage.until(lambda: "Qwen 7B Instruct" in stage.titles)

    staged(check, hub)


def test_a_hub_that_does_not_answer_is_a_banner_with_a_way_to_try_again(staged):
    async def check(stage) -> None:
        stage.hub.error = HubError("hub.example does not answer.", "Look again in a minute.")
        stage.search("qwen")
        await stage.until(lambda: stage.view.banner.message)
        assert stage.view.banner.message == "hub.example does not answer. Look again in a minute."
        assert "Qwen 7B Instruct" in stage.titles  # what is recommended is still there
        stage.view.banner.pressed.emit()
        await stage.until(lambda: stage.controller.phase is Phase.FOUND)
        assert stage.view.banner.message == ""

    staged(check)


def test_offline_is_said_once_with_one_button_to_go_online(staged):
    hub = FakeHub()
    hub.set_offline(True)
    hub.calls.clear()

    async def check(stage) -> None:
        assert stage.view.banner.message.startswith("Hearth works offline.")
        assert not stage.pane.main_button.isEnabled()
        assert "Go online to fetch it" in stage.words()
        stage.view.banner.pressed.emit()
        await stage.until(lambda: not stage.view.banner.message)
        assert stage.pane.main_button.isEnabled()
        assert hub.calls == [("offline", False)]

    staged(check, hub)


def test_a_gated_model_leads_to_a_token_that_is_kept_in_the_keyring(staged):
    async def check(stage) -> None:
        stage.view.list.choose(GATED.repo)
        assert "It needs an account." in stage.words()
        stage.pane.gated.token_button.click()
        dialog = stage.dialog(TokenDialog)
        assert "goes into this system's keyring" in stage.said(dialog)
        assert dialog.field.echoMode() == dialog.field.EchoMode.Password
        assert not dialog.yes_button.isEnabled()
        QTest.keyClicks(dialog.field, " hf_secret ")
        QTest.keyClick(dialog.field, Qt.Key.Key_Return)
        await stage.until(lambda: ("token", "hf_secret") in stage.hub.calls)
        await stage.until(lambda: "Your token is kept in the system's keyring." in stage.words())
        again = stage.view.ask_for_token()
        assert again.forget_button.isVisible()
        again.forget_button.click()
        await stage.until(lambda: ("token", "") in stage.hub.calls)

    staged(check)


def test_what_an_author_writes_loads_nothing_and_links_ask_first(staged):
    async def check(stage) -> None:
        stage.pane.author.button.click()
        await stage.until(lambda: stage.pane.author.text is not None and stage.pane.author.text.is_settled)
        assert stage.pane.author.text.text.startswith("# Fine Tune")  # no tags, no front matter
        assert '"<p>kept</p>"' in stage.pane.author.text.text
        assert "MIT License" not in stage.words()
        stage.pane.licence.more_button.click()
        assert "MIT License" in stage.words()
        stage.pane.licence.link_button.click()
        box = stage.dialog(QMessageBox)
        assert box.informativeText() == "https://elsewhere.example/licence"
        box.reject()

    staged(check)


def test_everything_can_be_done_with_the_keyboard(staged):
    async def check(stage) -> None:
        view = stage.view
        view.focus_first()
        assert view.list.view.hasFocus()
        QTest.keyClick(view.list.view, Qt.Key.Key_Down)
        assert stage.controller.detail.model.repo == GATED.repo
        QTest.keyClick(view.list.view, Qt.Key.Key_Down)  # over the caption
        assert stage.controller.detail.model.repo == CODER.repo
        QTest.keyClick(view.list.view, Qt.Key.Key_Return)
        assert stage.pane.main_button.hasFocus()  # one size only: no slider
        QTest.keyClick(stage.pane.main_button, Qt.Key.Key_Space)
        await stage.until(lambda: stage.hub.calls)
        assert stage.hub.calls == [("download", CODER.repo, "model-Q8_0.gguf")]

    staged(check)


def test_ctrl_f_goes_to_the_search_wherever_one_is(staged):
    async def check(stage) -> None:
        for widget in (stage.view.list.view, stage.pane.sizes.slider, stage.view.filters.search):
            widget.setFocus()
            QTest.keyClick(widget, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
            assert stage.view.filters.search.hasFocus()

    staged(check)


def test_where_there_is_little_room_the_details_open_over_the_list(staged):
    async def check(stage) -> None:
        assert not stage.pane.isVisible()
        stage.view.focus_first()
        QTest.keyClick(stage.view.list.view, Qt.Key.Key_Down)
        QTest.keyClick(stage.view.list.view, Qt.Key.Key_Return)
        assert stage.pane.isVisible()
        assert stage.pane.geometry().right() == stage.view.width() - 1
        QTest.keyClick(stage.pane, Qt.Key.Key_Escape)
        assert not stage.pane.isVisible()
        assert stage.view.list.view.hasFocus()

    staged(check, width=952)


@pytest.mark.parametrize("width", [952, 1108, 1208, 1700])
def test_no_title_leaves_its_column_and_nothing_is_wider_than_the_window(staged, width):
    async def check(stage) -> None:
        assert stage.window.width() == width
        view = stage.view.list.view
        assert view.viewport().width() >= 500
        for combo in stage.view.filters.combos.values():
            assert combo.geometry().right() <= stage.view.filters.width()

    staged(check, width=width)


def test_a_model_whose_files_are_unknown_is_asked_about_by_the_button(staged):
    hub = FakeHub(replace(QWEN, files=(), recommended=""))

    async def check(stage) -> None:
        assert stage.pane.main_button.text() == "Show its files"
        assert "Not known yet" in stage.words()
        stage.pane.main_button.click()
        await stage.until(lambda: stage.pane.main_button.text() == "Download 1.00\u00a0GB")

    staged(check, hub)


def test_a_row_says_all_of_itself_to_those_who_do_not_see_it(staged):
    async def check(stage) -> None:
        index = stage.view.list.model.index_of(GATED.repo)
        said = index.data(Qt.ItemDataRole.AccessibleTextRole)
        assert said == "Gated 2B, Gemma terms, 1.70\u00a0GB, 38\u00a0tok/s, Fits, needs an account, owner/gated-2b"

    staged(check)


def test_a_fit_that_is_not_known_is_not_called_one(staged):
    hub = FakeHub(replace(CODER, files=(replace(CODER.files[0], fit=None, tokens_per_s=None),)))

    async def check(stage) -> None:
        assert stage.view.list.model.rows[1].look.words == "Not known yet"
        assert stage.pane.sizes.cards[0].file.fit is None
        stage.pane.main_button.click()
        await stage.until(lambda: stage.hub.calls)  # unknown is no reason to ask

    staged(check, hub)


def test_a_row_says_all_of_itself_to_the_pointer_and_never_as_html(staged):
    hub = FakeHub(replace(QWEN, name="<b>Qwen</b>"))

    async def check(stage) -> None:
        index = stage.view.list.model.index_of(QWEN.repo)
        said = index.data(Qt.ItemDataRole.ToolTipRole)
        assert said.startswith("<p>&lt;b&gt;Qwen&lt;/b&gt; · 7.6\u00a0B · Apache 2.0<br>A strong assistant")

    staged(check, hub)


def test_a_hundred_finds_and_a_long_card_cost_no_frame(staged):
    hub = FakeHub()
    hub.found = tuple(replace(QWEN, repo=f"owner/model-{number}", is_catalogued=False) for number in range(100))
    hub.known |= {model.repo: model for model in hub.found}

    async def check(stage) -> None:
        stage.search("model")
        await stage.until(lambda: len(stage.controller.results) == 100)
        slots = {
            "list": stage.controller.changed.emit,
            "detail": stage.controller.detail_changed.emit,
            "choose": lambda: stage.view.list.choose(next(repos)),
            "paint": stage.view.list.view.viewport().repaint,
        }
        repos = iter([f"owner/model-{number}" for number in range(5, 25)])
        took: dict[str, float] = {}
        for name, slot in slots.items():
            for _ in range(8):
                begin = perf_counter()
                slot()
                took[name] = min(took.get(name, 1.0), perf_counter() - begin)
        assert max(took.values()) < 0.016, took

    staged(check, hub)


def test_the_smallest_window_shows_list_and_tray(staged):
    async def check(stage) -> None:
        jobs = JobsController(stage.hub, stage.tasks)
        stage.hub.board = {number: job(number) for number in range(1, 6)}
        tray = JobsTray(stage.appearance, jobs)
        stage.view.foot.addWidget(tray)
        jobs.look()
        jobs.close()
        stage.hub.set_offline(True)
        stage.controller.changed.emit()  # with a banner too
        stage.window.resize(952, 552)
        await stage.until(lambda: stage.view.height() == 552)
        assert tray.geometry().bottom() < 552
        assert stage.view.list.height() >= 100
        assert tray.rows[1].isVisible()

    staged(check)
