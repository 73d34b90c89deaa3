"""Text that grows, then stands as what it means."""

import pytest
from PySide6.QtWidgets import QScrollArea

from app.markdown.code_block import CodeBlock
from app.markdown.growing_text import MOST_SHOWN, GrowingText
from app.markdown.read_only_text import ReadOnlyText
from app.theme import Appearance


@pytest.fixture
def area(qtbot):
    area = QScrollArea()
    qtbot.addWidget(area)
    area.resize(400, 300)
    return area


@pytest.fixture
def view(area):
    view = GrowingText(Appearance("light"), "Summary", area)
    area.setWidget(view)
    view.resize(360, 10)
    area.show()
    return view


def shown(view):
    blocks = sorted((block for block in view._blocks), key=lambda block: block.y())
    return [block.toPlainText() if isinstance(block, ReadOnlyText) else block.text.toPlainText() for block in blocks]


def test_text_is_plain_while_it_grows_and_markdown_at_the_end(qtbot, view):
    view.append("# Head")
    view.append("ing\n\nSome *text*.")
    assert shown(view) == ["# Heading\n\nSome *text*."]
    view.finish("# Heading\n\nSome *text*.\n\n```python\nx = 1\n```", is_markdown=True)
    qtbot.waitUntil(lambda: view.is_settled)
    assert [text.strip() for text in shown(view)] == ["Heading\nSome text.", "x = 1"]
    assert view.findChild(CodeBlock) is not None
    assert view.height() == max(block.geometry().bottom() for block in view._blocks) + 1


def test_a_long_text_is_many_small_blocks_without_a_letter_lost(qtbot, view):
    lines = [f"line {number} " + "word " * (number % 40) for number in range(400)]
    text = "\n".join(lines)
    for at in range(0, len(text), 777):
        view.append(text[at : at + 777])
    qtbot.waitUntil(lambda: view.is_settled)
    assert "\n".join(shown(view)) == text
    assert len(view._blocks) > 5
    view.finish(text, is_markdown=False)
    assert "\n".join(shown(view)) == text
    endless = "x" * 20_000
    view.finish(endless, is_markdown=False)
    qtbot.waitUntil(lambda: view.is_settled)
    assert "".join(shown(view)) == endless


def test_no_more_is_shown_than_a_window_can_bear(qtbot, view):
    view.append("a line of some length, as people write them\n" * (MOST_SHOWN // 22))
    qtbot.waitUntil(lambda: view.is_settled)
    assert view.is_cut
    assert sum(map(len, shown(view))) <= MOST_SHOWN
    assert len(view.text) > 1.9 * MOST_SHOWN


def test_a_narrower_window_makes_it_higher(qtbot, view):
    view.append("some words that need room " * 20)
    before = view.height()
    view.resize(200, view.height())
    qtbot.waitUntil(lambda: view.is_settled)
    assert view.height() > before


def sizes_of(view):
    if not view._blocks:
        return []
    block = view._blocks[0].document().begin()
    sizes = []
    while block.isValid():
        sizes.append(block.begin().fragment().charFormat().font().pixelSize())
        block = block.next()
    return sizes


def test_headings_are_a_little_larger_than_the_text(qtbot, view):
    view.finish("# One\n\n## Two\n\n### Three\n\n#### Four\n\nText", is_markdown=True)
    qtbot.waitUntil(lambda: sizes_of(view) == [18, 16, 14, 14, 14])
