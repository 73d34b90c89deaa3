"""Discover as it is seen and used: what it says, what it asks, and whom."""

from itertools import pairwise

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMessageBox

from app.models.discover_controller import Phase
from app.models.token_dialog import TokenDialog
from app.theme.widgets import ChoiceDialog
from engine import HubError, HubState
from tests.app.models.finds import GATED, GB, QWEN, FakeHub, hub_installed


def test_it_begins_with_what_suits_this_computer(on_discover):
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

    on_discover(check)


def test_the_slider_goes_from_light_to_powerful_and_says_what_each_size_costs(on_discover):
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

    on_discover(check)


def test_a_file_without_a_card_can_be_chosen_by_name(on_discover):
    async def check(stage) -> None:
        files = stage.pane.files
        assert files.count() == 5
        files.setCurrentIndex(1)
        files.activated.emit(1)
        assert stage.pane.sizes.file.quantization == "Q3_K_M"
        assert [card.file.quantization for card in stage.pane.sizes.cards] == ["Q3_K_M", "Q4_K_M", "Q6_K", "F16"]

    on_discover(check)


def test_what_does_not_fit_says_why_and_asks_first(on_discover):
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

    on_discover(check)


def test_a_disk_that_is_too_full_is_said_before_anything_begins(on_discover):
    hub = FakeHub()
    hub.set = HubState(is_offline=False, url="https://hub.example", free_bytes=2 * GB)

    async def check(stage) -> None:
        assert not stage.pane.main_button.isEnabled()
        assert "The disk lacks 3.18\u00a0GB" in stage.words()
        QTest.mouseClick(stage.pane.sizes.cards[0], Qt.MouseButton.LeftButton)
        assert "The disk lacks 1.51\u00a0GB" in stage.words()

    on_discover(check, hub)


def test_a_download_is_seen_on_its_button_and_a_model_that_is_here_is_opened(on_discover):
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
        await stage.until(lambda: stage.view.list.model.entry(1).is_here)
        stage.pane.main_button.click()
        assert opened == ["qwen-7b"]

    on_discover(check)


def test_typing_narrows_and_enter_asks_the_hub(on_discover):
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

    on_discover(check)


def test_a_filter_asks_the_hub_again_once_it_was_asked(on_discover):
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

    on_discover(check)


def test_nothing_found_says_what_to_try(on_discover):
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

    on_discover(check, hub)


def test_a_hub_that_does_not_answer_is_a_banner_with_a_way_to_try_again(on_discover):
    async def check(stage) -> None:
        stage.hub.error = HubError("hub.example does not answer.", "Look again in a minute.")
        stage.search("qwen")
        await stage.until(lambda: stage.view.banner.message)
        assert stage.view.banner.message == "hub.example does not answer. Look again in a minute."
        assert "Qwen 7B Instruct" in stage.titles  # what is recommended is still there
        stage.view.banner.pressed.emit()
        await stage.until(lambda: stage.controller.phase is Phase.FOUND)
        assert stage.view.banner.message == ""

    on_discover(check)


def test_offline_is_said_once_with_one_button_to_go_online(on_discover):
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

    on_discover(check, hub)


def test_a_gated_model_leads_to_a_token_that_is_kept_in_the_keyring(on_discover):
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

    on_discover(check)


def test_what_an_author_writes_loads_nothing_and_links_ask_first(on_discover):
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

    on_discover(check)
