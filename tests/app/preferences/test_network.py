"""The network is switched at once, addresses count from the next start on, and all of it is kept."""

import tomllib

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from engine import EngineConfig


def kept(bench) -> dict[str, object]:
    return tomllib.loads(bench.settings_file.read_text(encoding="utf-8")) if bench.settings_file.exists() else {}


async def settled(bench) -> None:
    await bench.until(lambda: bench.tasks.count == 0)


def test_offline_is_a_switch_that_acts_at_once_and_is_kept(shown) -> None:
    async def check(bench) -> None:
        card = bench.board.network
        assert card.online.isChecked()
        card.online.click()
        assert bench.source.hub.is_offline
        await settled(bench)
        assert kept(bench) == {"offline": True}
        card.online.click()
        await settled(bench)
        assert not bench.source.hub.is_offline
        assert kept(bench) == {}

    shown(check)


def test_a_limit_of_downloads_is_applied_and_kept(shown) -> None:
    async def check(bench) -> None:
        bench.board.network.speed.setValue(2.5)
        await settled(bench)
        assert bench.source.hub.bytes_per_s == 2_500_000
        assert kept(bench) == {"download_bytes_per_s": 2_500_000}

    shown(check)


def test_what_was_switched_elsewhere_is_shown(shown) -> None:
    def check(bench) -> None:
        bench.source.set_offline(True)
        bench.source.set_download_limit(1_000_000)
        bench.controller.refresh()
        card = bench.board.network
        assert (card.online.isChecked(), card.speed.value()) == (False, 1.0)

    shown(check)


def test_an_address_counts_from_the_next_start_on(shown) -> None:
    async def check(bench) -> None:
        card = bench.board.network
        assert "next start" not in bench.said(card)
        card.hub.setFocus()
        card.hub.selectAll()
        QTest.keyClicks(card.hub, "https://mirror.example/")
        QTest.keyClick(card.hub, Qt.Key.Key_Return)
        await settled(bench)
        assert kept(bench) == {"hub_url": "https://mirror.example"}
        assert EngineConfig.load(bench.settings_file).hub_url == "https://mirror.example"
        assert "next start" in bench.said(card)

    shown(check)


def test_what_is_no_address_is_refused_and_the_old_one_stays(shown) -> None:
    async def check(bench) -> None:
        card = bench.board.network
        card.proxy.setFocus()
        QTest.keyClicks(card.proxy, "localhost")
        QTest.keyClick(card.proxy, Qt.Key.Key_Return)
        await settled(bench)
        assert kept(bench) == {}
        [(kind, cause, remedy)] = bench.failures
        assert (kind, "'localhost'" in cause, "http://" in remedy) == ("bad", True, True)

    shown(check)


def test_models_of_a_program_can_be_left_out(shown) -> None:
    async def check(bench) -> None:
        box = bench.board.places.boxes["ollama"]
        assert box.isChecked()
        box.click()
        await settled(bench)
        assert kept(bench) == {"used_in_place": ["lm-studio", "jan", "hugging-face"]}
        box.click()
        await settled(bench)
        assert kept(bench) == {}

    shown(check)
