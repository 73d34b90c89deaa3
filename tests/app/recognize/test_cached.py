"""Pictures whose result was kept: the line says so, and they can be looked at again."""

import time
from dataclasses import replace
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from engine import Cached, CacheTier, CacheUse
from engine.types import RecognizeRequest, RecognizeResult


def keep_results(bench: Any) -> list[CacheUse]:
    """Let the engine say of every result that it was kept, unless a fresh one is asked for; returns what was asked."""
    asked: list[CacheUse] = []
    recognize = bench.engine.recognize

    async def recognize_or_replay(request: RecognizeRequest) -> RecognizeResult:
        asked.append(request.cache)
        result = await recognize(replace(request, cache=CacheUse.OFF))
        if request.cache is CacheUse.FRESH:
            return result
        return replace(result, cached=Cached(tier=CacheTier.DISK, stored_at=time.time(), saved_s=0.4))

    bench.engine.recognize = recognize_or_replay
    return asked


def test_a_kept_result_says_so_and_the_picture_can_be_looked_at_again(run, make_bench, pictures) -> None:
    async def story() -> None:
        async with make_bench() as bench:
            asked = keep_results(bench)
            bench.controller.add_files(pictures[:2])
            await bench.all_ended(2)
            card = bench.page.results_card
            said = card._ran.text().replace("\u00a0", " ")
            assert said.startswith("reader · from the cache · first seen at ")
            assert (card._again.isVisible(), card._why.isVisible()) == (True, False)
            assert card._again.accessibleName().startswith("Look at the picture again")
            QTest.keyClick(card._again, Qt.Key.Key_Space)
            await bench.all_ended(2)
            assert asked == [CacheUse.AUTO, CacheUse.AUTO, CacheUse.FRESH]
            assert "from the cache" not in card._ran.text()
            assert not card._again.isVisible()

    run(story())


def test_only_a_picture_that_has_a_result_is_looked_at_again(run, make_bench, pictures) -> None:
    async def story() -> None:
        async with make_bench() as bench:
            asked = keep_results(bench)
            bench.controller.add_files(pictures[:1])
            await bench.all_ended(1)
            picture = next(iter(bench.controller.batch))
            bench.controller.look_again(picture)
            bench.controller.look_again(picture)
            await bench.all_ended(1)
            assert asked == [CacheUse.AUTO, CacheUse.FRESH]

    run(story())
