import statistics
from collections.abc import Callable
from dataclasses import replace
from time import perf_counter

import pytest
from PySide6.QtCore import QPoint, Qt, QUrl
from PySide6.QtGui import QTextDocument
from PySide6.QtWidgets import QApplication, QPushButton, QToolButton

from app.chat.conversation import AnswerFacts, Role, Turn, TurnState
from app.chat.transcript import TranscriptModel, TranscriptView
from app.chat.transcript.answer_line import AnswerLine, facts_text
from app.chat.transcript.user_bubble import UserBubble
from app.markdown.code_block import CodeBlock
from app.markdown.read_only_text import ReadOnlyText
from app.theme import Appearance, stylesheet_for

ANSWER = "Some **words**.\n\n```python\ndef f():\n    return 1\n```\n\nAnd [a link](https://x.org)."
FACTS = AnswerFacts(device="gpu:0", prompt_tokens=9, output_tokens=143, first_token_s=0.048, decode_s=1.0)


def turns_of(count: int, answer: str = ANSWER) -> list[Turn]:
    """A chat of so many turns, half of them answers."""
    return [
        Turn(id=number, role=Role.USER, text=f"Question {number}")
        if number % 2
        else Turn(id=number, role=Role.ANSWER, text=answer, model="starter", facts=FACTS)
        for number in range(1, count + 1)
    ]


@pytest.fixture
def model(qapp: QApplication) -> TranscriptModel:
    return TranscriptModel()


@pytest.fixture
def view(appearance: Appearance, qtbot) -> TranscriptView:
    made = TranscriptView(appearance)
    qtbot.addWidget(made)
    made.resize(900, 600)
    made.show()
    return made


@pytest.fixture
def settle(view: TranscriptView, qtbot) -> Callable[[], None]:
    return lambda: qtbot.waitUntil(lambda: view.is_settled)


def begin_answer(model: TranscriptModel) -> int:
    model.append(Turn(id=9001, role=Role.USER, text="Go"))
    return model.append(Turn(id=9002, role=Role.ANSWER, text="", state=TurnState.RUNNING, model="starter"))


def shown_text(view: TranscriptView) -> str:
    texts = sorted(view.findChildren(ReadOnlyText), key=lambda text: text.mapTo(view, QPoint(0, 0)).y())
    return "\n".join(text.toPlainText() for text in texts if text.isVisible())


def test_model_keeps_qts_rules(model: TranscriptModel, qtmodeltester) -> None:
    model.replace_all(turns_of(6))
    qtmodeltester.check(model)
    row = begin_answer(model)
    model.append_text(row, "text")
    assert model.data(model.index(row)) == "text"
    assert model.data(model.index(row), Qt.ItemDataRole.AccessibleTextRole) == "starter: text"
    assert [turn.id for turn in model.remove_from(6)] == [9001, 9002]
    assert model.rowCount() == 6
    qtmodeltester.check(model)


def test_an_answer_becomes_prose_code_and_a_line(view: TranscriptView, model: TranscriptModel, settle) -> None:
    model.replace_all(turns_of(2))
    view.set_model(model)
    settle()
    assert "**" not in shown_text(view)
    assert view.findChild(CodeBlock).text.toPlainText() == "def f():\n    return 1"
    formats = view.findChild(CodeBlock).text.document().begin().layout().formats()
    assert (formats[0].start, formats[0].length) == (0, 3)
    assert view.findChild(AnswerLine).words == facts_text(model.turns[1])


def test_facts_say_where_and_how_fast() -> None:
    words = facts_text(turns_of(2)[1]).replace("\u00a0", " ")
    assert words == "starter · GPU 0 · 142 tok/s · first token 48 ms · 143 tokens"
    cut = replace(FACTS, cut_by_length=True, dropped_messages=2, first_token_s=2.5)
    words = facts_text(replace(turns_of(2)[1], facts=cut)).replace("\u00a0", " ")
    assert words.endswith("first token 2.5 s · 143 tokens · cut at the length limit · without the oldest 2 messages")


def test_a_message_stands_at_the_right_as_wide_as_its_words(view: TranscriptView, model, settle) -> None:
    model.append(Turn(id=1, role=Role.USER, text="Short"))
    model.append(Turn(id=2, role=Role.USER, text="long words " * 40))
    view.set_model(model)
    settle()
    short, long = sorted(view.findChildren(UserBubble), key=lambda bubble: bubble.y())
    assert short.text.width() < 60
    assert long.text.width() == 520 - 28
    right = short.text.mapTo(view, QPoint(short.text.width(), 0)).x()
    assert right == long.text.mapTo(view, QPoint(long.text.width(), 0)).x()


def test_streamed_text_is_shown_as_it_is_until_the_end(view: TranscriptView, model, settle, qtbot) -> None:
    view.set_model(model)
    row = begin_answer(model)
    settle()
    for piece in ("**not ", "bold**\n", "# yet"):
        model.append_text(row, piece)
    qtbot.waitUntil(lambda: "# yet" in shown_text(view))
    assert "**not bold**" in shown_text(view)
    model.replace(row, replace(model.turns[row], state=TurnState.DONE))
    settle()
    assert "**" not in shown_text(view)
    assert "not bold" in shown_text(view)


def test_a_long_stream_loses_nothing_at_its_seams(view: TranscriptView, model, settle) -> None:
    view.set_model(model)
    row = begin_answer(model)
    settle()
    pieces = [f"word{number}{chr(10) if number % 30 == 0 else ' '}" for number in range(3000)]
    for number, piece in enumerate(pieces):
        model.append_text(row, piece)
        if number % 7 == 0:
            view._flush()
    view._flush()
    stream = [item.content for item in view._stage.column.items if item.turn == 9002 and item.content is not None]
    assert len(stream) > 5
    assert "\n".join(stream).split() == "".join(pieces).split()
    endless = "x" * 30_000
    for at in range(0, len(endless), 500):
        model.append_text(row, endless[at : at + 500])
        view._flush()
    stream = [item.content for item in view._stage.column.items if item.turn == 9002 and item.content is not None]
    assert "".join(stream).count("x") == 30_000
    assert max(map(len, stream)) < 8_000


def test_status_stands_under_the_answer_before_its_first_token(view: TranscriptView, model, settle) -> None:
    view.set_model(model)
    begin_answer(model)
    settle()
    view.show_progress("Loading starter 40 %", AnswerFacts())
    assert view.findChild(AnswerLine).words == "Loading starter 40 %"
    view.show_progress("", FACTS)
    assert "142\u00a0tok/s" in view.findChild(AnswerLine).words


def test_the_end_is_followed_only_from_the_end(view: TranscriptView, model, settle) -> None:
    model.replace_all(turns_of(20))
    view.set_model(model)
    row = begin_answer(model)
    settle()
    bar = view.verticalScrollBar()
    assert bar.value() == bar.maximum()
    bar.setValue(bar.maximum() - 400)
    settle()
    place, jump = bar.value(), view.findChild(QPushButton, options=Qt.FindChildOption.FindDirectChildrenOnly)
    for _ in range(40):
        model.append_text(row, "line\n")
        view._flush()
    settle()
    assert (bar.value(), view.follows_end, jump.isVisible()) == (place, False, True)
    jump.click()
    settle()
    assert (bar.value(), view.follows_end, jump.isVisible()) == (bar.maximum(), True, False)


def test_what_is_read_stays_in_place_while_blocks_above_get_their_height(view, model, settle) -> None:
    model.replace_all(turns_of(200))
    view.set_model(model)
    settle()
    bar = view.verticalScrollBar()
    for _ in range(12):
        bar.setValue(bar.value() - 300)
        anchor = view._anchor()
        settle()
        after = view._anchor()
        assert anchor is not None
        assert after is not None
        assert after[0].turn == anchor[0].turn
        assert after[0] is not anchor[0] or abs(after[1] - anchor[1]) <= 1


def test_only_what_is_near_the_screen_exists(view: TranscriptView, model, settle) -> None:
    model.replace_all(turns_of(400))
    view.set_model(model)
    settle()
    at_end = view.widget_count
    bar = view.verticalScrollBar()
    for part in (0.5, 0.0, 1.0):
        bar.setValue(round(bar.maximum() * part))
        settle()
        view._work()
    assert at_end < 40
    assert view.widget_count < 120


def test_streaming_into_400_turns_costs_what_it_costs_in_4(view, model, settle, qapp) -> None:
    def cost_ms(turns: int) -> float:
        model.replace_all(turns_of(turns))
        view.set_model(model)
        row = begin_answer(model)
        settle()
        samples = []
        for number in range(120):
            started = perf_counter()
            model.append_text(row, "some words " if number % 10 else "\n")
            view._flush()
            qapp.processEvents()
            samples.append((perf_counter() - started) * 1e3)
        return statistics.median(samples)

    cost_ms(4)
    short, long = cost_ms(4), cost_ms(400)
    assert long < 2 * short + 1


def test_a_selection_keeps_its_widget(view: TranscriptView, model, settle) -> None:
    model.replace_all(turns_of(100))
    view.set_model(model)
    settle()
    text = view.findChildren(ReadOnlyText)[-1]
    text.selectAll()
    selected = text.textCursor().selectedText()
    view.verticalScrollBar().setValue(0)
    settle()
    view._work()
    assert text.textCursor().selectedText() == selected


def test_another_width_and_theme_keep_the_words(view: TranscriptView, model, settle, appearance) -> None:
    model.replace_all(turns_of(4))
    view.set_model(model)
    settle()
    words = shown_text(view)
    view.resize(500, 600)
    settle()
    assert view.findChild(CodeBlock).width() == 500 - 48
    appearance.choose("light")
    settle()
    assert [line for line in shown_text(view).split("\n") if line in words] == shown_text(view).split("\n")


def test_removed_turns_disappear(view: TranscriptView, model, settle) -> None:
    model.replace_all(turns_of(4))
    view.set_model(model)
    settle()
    model.remove_from(3)
    settle()
    assert shown_text(view).count("Some words.") == 1


def test_very_long_messages_and_code_are_whole(view: TranscriptView, model, settle) -> None:
    message = "\n".join(f"line {number}" for number in range(2000))
    code = "\n".join(f"x{number} = {number}" for number in range(400))
    model.append(Turn(id=1, role=Role.USER, text=message))
    model.append(Turn(id=2, role=Role.ANSWER, text=f"```python\n{code}", model="m"))
    view.set_model(model)
    settle()
    pieces = [item.content for item in view._stage.column.items if item.turn == 1]
    assert "\n".join(pieces) == message
    assert view.findChild(CodeBlock).text.toPlainText() == code
    assert view.findChild(CodeBlock).height() > 400 * 18


def test_long_lines_of_code_scroll_and_begin_at_their_beginning(view: TranscriptView, model, settle) -> None:
    model.append(Turn(id=2, role=Role.ANSWER, text="```\nshort\n" + "long " * 100 + "\n```", model="m"))
    view.set_model(model)
    settle()
    bar = view.findChild(CodeBlock).text.horizontalScrollBar()
    assert (bar.value(), bar.maximum() > 1000, bar.isVisible()) == (0, True, True)


def test_nothing_is_loaded_and_only_safe_links_are_told(view, model, settle, qtbot, tmp_path) -> None:
    secret = tmp_path / "secret.png"
    secret.write_bytes(b"x")
    model.append(Turn(id=2, role=Role.ANSWER, text=f"![x]({secret.as_uri()}) [a](https://x.org)", model="m"))
    view.set_model(model)
    settle()
    text = view.findChildren(ReadOnlyText)[0]
    for kind in QTextDocument.ResourceType:
        assert text.loadResource(kind.value, QUrl.fromLocalFile(str(secret))) is None
    with qtbot.waitSignal(view.link_pressed) as pressed:
        text.anchorClicked.emit(QUrl("https://x.org"))
    assert pressed.args == ["https://x.org"]
    with qtbot.assertNotEmitted(view.link_pressed):
        text.anchorClicked.emit(QUrl("file:///etc/passwd"))
    assert not text.openExternalLinks()
    assert not text.openLinks()


def test_buttons_say_what_they_do(view: TranscriptView, model, settle, qtbot, appearance, tmp_path) -> None:
    view.setStyleSheet(stylesheet_for(appearance.theme, tmp_path))  # without it their height is up to the font
    model.replace_all(turns_of(4))
    view.set_model(model)
    settle()
    for button in view.findChildren(QToolButton) + view.findChildren(QPushButton):
        assert button.accessibleName() or button.text()
        assert min(button.width(), button.height()) >= 24
    with qtbot.waitSignal(view.copy_requested) as copied:
        view.findChild(CodeBlock)._copy.click()
    assert copied.args == ["def f():\n    return 1"]
    lines = sorted(view.findChildren(AnswerLine), key=lambda line: line.y())
    assert [line._again.isVisible() for line in lines] == [False, True]
    with qtbot.waitSignal(view.line_action) as asked:
        lines[1]._again.click()
    assert asked.args == [4, "again"]


@pytest.mark.parametrize(
    ("state", "words"),
    [(TurnState.STOPPED, "Stopped"), (TurnState.INTERRUPTED, "Interrupted"), (TurnState.FAILED, "Failed")],
)
def test_an_answer_that_did_not_end_well_says_so(view, model, settle, state: TurnState, words: str) -> None:
    model.append(Turn(id=2, role=Role.ANSWER, text="half", model="m", state=state))
    view.set_model(model)
    settle()
    chip = view.findChild(AnswerLine)._chip
    assert chip.isVisible()
    assert chip.text().startswith(words)


def test_tab_goes_from_top_to_bottom(view: TranscriptView, model, settle, qtbot) -> None:
    model.replace_all(turns_of(6))
    view.set_model(model)
    settle()
    view._work()
    seen: list[int] = []
    widget = view.nextInFocusChain()
    while widget is not view:
        if isinstance(widget, QToolButton | QPushButton) and view.isAncestorOf(widget) and widget.isVisible():
            seen.append(widget.mapTo(view, QPoint(0, 0)).y())
        widget = widget.nextInFocusChain()
    assert len(seen) > 6
    assert seen == sorted(seen)


def test_keys_scroll(view: TranscriptView, model, settle, qtbot) -> None:
    model.replace_all(turns_of(60))
    view.set_model(model)
    settle()
    bar = view.verticalScrollBar()
    for key, moved in (
        (Qt.Key.Key_Home, lambda before: bar.value() == 0),
        (Qt.Key.Key_PageDown, lambda before: bar.value() > before + 300),
        (Qt.Key.Key_Down, lambda before: bar.value() > before),
        (Qt.Key.Key_End, lambda before: bar.value() == bar.maximum()),
    ):
        before = bar.value()
        qtbot.keyClick(view, key)
        assert moved(before)
        settle()
