"""Things and areas: boxes with a threshold, an overlay with its legend, and the copy as JSON."""

import json

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QGuiApplication
from PySide6.QtWidgets import QLabel

from app.recognize.areas import areas_of, overlay_of
from app.recognize.results_model import findings_of, has_scores, title_of
from app.theme import load_theme
from engine.types import Detection, Label, VisionOutput

THINGS = VisionOutput(
    task="detection",
    image_size=(320, 64),
    detections=(
        Detection("cat", 0.9, (10, 10, 100, 50)),
        Detection("dog", 0.6, (120, 5, 200, 60)),
        Detection("cat", 0.3, (210, 5, 300, 60)),
    ),
)
MASK = np.zeros((8, 16), np.uint8)
MASK[:, 8:] = 1
MASK[0, 0] = 3
AREAS = VisionOutput(task="segmentation", image_size=(320, 64), mask=MASK, mask_names=("sky", "sea", "sand"))


def test_things_of_one_name_have_one_colour():
    findings = findings_of(THINGS, 0.5)
    assert [(f.text, f.is_shown, f.box is not None) for f in findings] == [
        ("cat", True, True),
        ("dog", True, True),
        ("cat", False, True),
    ]
    assert findings[0].role == findings[2].role != findings[1].role
    assert (title_of(THINGS), has_scores(THINGS)) == ("Things found", True)


def test_areas_are_named_with_their_share_the_largest_first():
    assert [(area.name, area.share) for area in areas_of(AREAS)] == [("sky", 0.5), ("sand", 1 / 128)]
    findings = findings_of(AREAS, 0.9)
    assert [(f.text, f.value, f.is_shown) for f in findings] == [
        ("sky", "50\u00a0%", True),
        ("sand", "<\u00a01\u00a0%", True),
    ]
    assert (title_of(AREAS), has_scores(AREAS)) == ("Areas", False)
    assert title_of(VisionOutput(task="x", image_size=(1, 1), labels=(Label("a", 1.0),))) == "Labels"


def test_the_overlay_has_the_colours_of_the_legend_and_nothing_elsewhere(qapp):
    theme = load_theme("light")
    image = overlay_of(AREAS, theme, -1)
    assert (image.width(), image.height()) == (16, 8)
    color = QColor.fromRgba(image.pixel(12, 4))
    assert color.name() == theme.color(areas_of(AREAS)[0].role).name()
    assert 0 < color.alpha() < 255
    assert image.pixel(3, 4) >> 24 == 0
    assert QColor.fromRgba(overlay_of(AREAS, theme, 1).pixel(12, 4)).alpha() < color.alpha()


def test_a_fine_mask_is_thinned_out_and_unknown_values_are_nothing(qapp):
    mask = np.full((3000, 2000), 200, np.uint8)
    output = VisionOutput(task="x", image_size=(2000, 3000), mask=mask, mask_names=("sky",))
    image = overlay_of(output, load_theme("dark"), -1)
    assert max(image.width(), image.height()) <= 1024
    assert image.pixel(5, 5) >> 24 == 0
    assert areas_of(output) == ()


def test_boxes_follow_the_threshold_and_are_copied_as_json(make_bench, run, pictures):
    async def story():
        async with make_bench(sees=THINGS) as bench:
            bench.controller.add_files(pictures[:1])
            await bench.all_ended(1)
            await bench.until(lambda: bench.page.results_card.results.findings)
            page = bench.page
            assert any(label.text() == "Things found" for label in page.results_card.findChildren(QLabel))
            assert bench.summaries == ["3 things"]
            await bench.until(lambda: len(page.picture_card.view._boxes) == 3)
            page.results_card._threshold.setValue(50)
            assert len(page.picture_card.view._boxes) == 2
            page.results_card._export.click()
            copied = json.loads(QGuiApplication.clipboard().text())
            assert copied["picture"] == pictures[0].name
            assert copied["found"][0] == {"name": "cat", "score": 0.9, "box": [10, 10, 100, 50]}
            assert len(copied["found"]) == 2

    run(story())


def test_areas_lie_over_the_picture_and_can_be_hidden(make_bench, run, pictures):
    async def story():
        async with make_bench(sees=AREAS) as bench:
            bench.controller.add_files(pictures[:1])
            await bench.all_ended(1)
            view = bench.page.picture_card.view
            await bench.until(lambda: view.has_areas and view._areas.transform().m11() == 20)
            assert not bench.page.results_card._threshold_row.isVisible()
            assert bench.page.picture_card._areas.isVisible()
            assert not bench.page.picture_card._boxes.isVisible()
            bench.page.picture_card._areas.setChecked(False)
            assert not view._areas.isVisible()
            assert bench.page.results_card.results.rowCount() == 2
            index = bench.page.results_card.results.index(0)
            assert index.data(Qt.ItemDataRole.AccessibleTextRole) == "sky, 50\u00a0%"
            bench.controller.clear()
            await bench.until(lambda: not view.has_areas)

    run(story())
