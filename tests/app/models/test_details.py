"""The details of one model: verdict, report, defaults, labels, facts, files."""

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.models.about_cards import FactsCard, FilesCard, LabelsCard, TemplateCard, UsesCard
from app.models.defaults_card import DefaultsCard
from app.models.quality_points import Budget, budget_of, points_of
from engine import Fit, GateReport, ModelDefaults, Sampling, Trust

BIG = "qwen2.5-14b-instruct-q4_k_m"


def section(bench, kind):
    return next(part for part in bench.pane.sections if isinstance(part, kind))


def said(bench, kind) -> str:
    return bench.said(section(bench, kind)).replace("\u200b", "").replace("\u00a0", " ")


def test_the_verdict_stands_line_by_line_and_its_button_sets_the_context(shown):
    async def check(bench) -> None:
        words = bench.said(bench.pane.verdict).replace("\u00a0", " ")
        for part in ("1.11 GB over the budget", "Weights", "8.99 GB", "Context", "1.61 GB", "Needed", "11.11 GB"):
            assert part in words
        assert 0 < bench.pane.verdict.bar.limit < 1
        assert "Budget 10.0 GB" in bench.pane.verdict.bar.accessibleDescription().replace("\u00a0", " ")
        button = bench.pane.verdict.note.button
        assert button.text() == "Use context 2,048"
        assert bench.pane.footer.load.text() == "Load with paging"
        button.click()
        await bench.settled()
        await bench.until(lambda: bench.pane.footer.load.text() == "Load")
        assert bench.engine.known[BIG].defaults.context_tokens == 2048
        assert bench.pane.verdict.note.isHidden()
        assert section(bench, DefaultsCard).context.value() == 2048

    shown(check)


def test_what_does_not_fit_cannot_be_loaded_and_says_why(shown):
    async def check(bench) -> None:
        bench.choose("mistral-small-24b")
        await bench.settled()
        assert not bench.pane.footer.load.isEnabled()
        assert "needs 21.4 GB" in bench.pane.footer.load.toolTip()
        assert bench.pane.verdict.note.button.isHidden()

    shown(check)


def test_the_report_is_a_plot_and_a_table(shown):
    async def check(bench) -> None:
        quality = bench.pane.quality
        assert quality.isVisible()
        plot = quality.plot
        assert plot.height() == 166
        words = bench.said(quality).replace("\u00a0", " ")
        for part in ("Q4_K_M (this one)", "8.99 GB", "97.9 %", "Source", "29.5 GB", "fits", "paging", "8,192 tokens"):
            assert part in words
        assert any(label.startswith("Q4_K_M · 3") for label in plot.labels)
        assert "Q8_0: 15.7 GB, 99.9 %" in plot.accessibleDescription().replace("\u00a0", " ")
        bench.choose("starter")
        await bench.settled()
        assert quality.isHidden()

    shown(check)


def test_points_are_told_apart_by_shape_and_the_chosen_one_is_known_by_its_size(staged):
    points = points_of(staged.reports, Budget(7_900_000_000, Fit.PAGING), staged.big.info.size_bytes)
    fits = {point.name: point.fit for point in points}
    assert [name for name, fit in fits.items() if fit is Fit.FITS] == ["Q2_K", "Q3_K_M"]
    assert [point.name for point in points if point.is_chosen] == ["Q4_K_M"]
    assert points[-1].name == "Source"
    assert points_of((), None, 1) == []
    assert budget_of(None, 1) is None


def test_where_it_is_used(shown):
    async def check(bench) -> None:
        words = said(bench, UsesCard)
        assert "Chosen in Chat" in words
        assert "Answers in Chat" in words
        assert "Served by the plugin chat" in words

    shown(check)


def test_defaults_are_kept_one_by_one_and_taken_back(shown):
    async def check(bench) -> None:
        card = section(bench, DefaultsCard)
        assert card.context.text() == card.memory.text() == "Automatic"
        assert card.reset.isHidden()
        card.context.setValue(4096)
        await bench.settled()
        card.memory.setValue(6.5)
        await bench.settled()
        card.device.setCurrentIndex(card.device.findData("gpu:0"))
        card.device.activated.emit(card.device.currentIndex())
        await bench.settled()
        card.temperature.setValue(0.0)
        await bench.settled()
        expected = ModelDefaults(
            context_tokens=4096,
            memory_budget_bytes=6_500_000_000,
            device="gpu:0",
            sampling=Sampling(temperature=0.0),
        )
        assert bench.engine.known[BIG].defaults == expected
        assert bench.pane.head._device.text() == "GPU"
        assert not card.reset.isHidden()
        card.reset.click()
        await bench.settled()
        assert bench.engine.known[BIG].defaults == ModelDefaults()
        assert card.context.text() == "Automatic"

    shown(check)


def test_a_load_goes_to_the_device_that_is_set(shown):
    async def check(bench) -> None:
        bench.engine.change(BIG, defaults=ModelDefaults(device="gpu:0"))
        bench.controllers.installed.look()
        await bench.settled()
        bench.pane.footer.load.click()
        await bench.settled()
        assert ("load", BIG, "gpu:0") in bench.engine.calls

    shown(check)


def test_tags_and_favourite(shown):
    async def check(bench) -> None:
        card = section(bench, LabelsCard)
        card.tags.setText(" work,  very   fast , work,")
        card.tags.editingFinished.emit()
        await bench.settled()
        assert bench.engine.known[BIG].tags == ("work", "very fast")
        assert card.tags.text() == "work, very fast"
        card.favourite.click()
        await bench.settled()
        assert bench.engine.known[BIG].is_favourite
        assert bench.titles[0] == "Qwen2.5 14B Instruct"

    shown(check)


def test_a_name_is_changed_in_place_and_an_empty_one_takes_its_own_again(shown):
    async def check(bench) -> None:
        bench.pane.head.rename()
        edit = bench.pane.head._edit
        edit.setText("Mine")
        QTest.keyClick(edit, Qt.Key.Key_Escape)
        assert bench.pane.head.title == "Qwen2.5 14B Instruct"
        bench.pane.head.rename()
        edit.setText("Mine")
        QTest.keyClick(edit, Qt.Key.Key_Return)
        await bench.settled()
        assert bench.pane.head.title == "Mine"
        bench.pane.head.rename()
        edit.setText("")
        QTest.keyClick(edit, Qt.Key.Key_Return)
        await bench.settled()
        assert bench.pane.head.title == "Qwen2.5 14B Instruct"

    shown(check)


def test_facts_template_and_files(shown):
    async def check(bench) -> None:
        facts = said(bench, FactsCard)
        for part in ("qwen2", "GGUF Q4_K_M", "14.8 B", "up to 32,768 tokens", "Apache 2.0", "passed"):
            assert part in facts
        assert "3 other models have the same" in said(bench, TemplateCard)
        files = said(bench, FilesCard)
        assert "qwen2.5-14b-instruct-q4_k_m.gguf" in files
        assert "gone" in files  # there is no such file here
        bench.choose("reader")
        await bench.settled()
        assert section(bench, TemplateCard).isHidden()

    shown(check)


def test_a_refused_model_says_the_rule_and_can_be_tried_again(run, make_bench, staged):
    bench = make_bench(staged.starter, staged.refused)

    async def body() -> None:
        async with bench:
            bench.choose("sly")
            await bench.settled()
            note = bench.pane.refused
            words = bench.said(note).replace("\u200b", "")
            assert "tensor-offsets" in words
            assert "901,000,000" in words
            assert "Fetch it again" in words
            assert not bench.pane.footer.load.isEnabled()
            assert bench.pane.verdict.isHidden()
            note.again.click()
            await bench.settled()
            assert ("probe", "sly") in bench.engine.calls
            assert "901,000,000" in bench.board.installed.banner.message
            bench.engine.change("sly", gate=GateReport(trust=Trust.PASSED))
            bench.controllers.installed.look()
            await bench.settled()
            assert note.isHidden()
            assert bench.pane.footer.load.isEnabled()

    run(body())


def test_a_broken_file_is_shown_with_what_to_do(run, make_bench, staged):
    bench = make_bench(staged.starter)
    own = next(folder for folder in staged.folders if folder.origin == "own")
    bench.engine.folders = (replace(own, broken=(staged.broken,)),)

    async def body() -> None:
        async with bench:
            bench.choose(str(staged.broken[0]))
            await bench.settled()
            assert "The file ends in the middle of its header." in bench.said(bench.pane.refused)
            assert bench.pane.refused.again.isHidden()
            assert "1 file cannot be used" in bench.board.installed.where

    run(body())


@pytest.mark.parametrize("scheme", ["light", "dark", "high-contrast", "high-contrast-light"])
def test_every_scheme_is_painted(shown, scheme):
    async def check(bench) -> None:
        bench.appearance.choose(scheme)
        picture = bench.window.grab().toImage()
        assert picture.width() == bench.window.width()

    shown(check)
