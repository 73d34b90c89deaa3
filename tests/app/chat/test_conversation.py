from datetime import date, datetime

import pytest

from app.chat.conversation import AnswerFacts, Role, Turn, TurnState, group_of, messages_of, title_of
from engine.types import FinishReason, GenerateResult, Placement, Timings, Usage, assistant, user


def turn(role: Role, text: str, state: TurnState = TurnState.DONE) -> Turn:
    return Turn(id=1, role=role, text=text, state=state)


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("Hello.", "Hello"),
        ("...", "..."),
        ("\n\n  Second line says it \nmore", "Second line says it"),
        ("   ", "New chat"),
        ("word " * 40, "word " * 11 + "word…"),
        ("x" * 100, "x" * 60 + "…"),
    ],
)
def test_title(text: str, title: str) -> None:
    assert title_of(text) == title


@pytest.mark.parametrize(
    ("day", "group"),
    [((2026, 3, 1), "Today"), ((2026, 2, 28), "Yesterday"), ((2026, 2, 27), "Earlier"), ((2026, 3, 2), "Today")],
)
def test_groups_follow_the_calendar(day: tuple[int, int, int], group: str) -> None:
    assert group_of(datetime(*day, 23, 59).timestamp(), date(2026, 3, 1)) == group


def test_messages_alternate() -> None:
    turns = [
        turn(Role.USER, "one"),
        turn(Role.ANSWER, "", TurnState.FAILED),
        turn(Role.USER, "two"),
        turn(Role.ANSWER, "half", TurnState.INTERRUPTED),
        turn(Role.USER, "three"),
    ]
    assert messages_of(turns) == (user("one\n\ntwo"), assistant("half"), user("three"))


def test_facts_of_a_result() -> None:
    result = GenerateResult(
        text="x",
        finish_reason=FinishReason.LENGTH,
        usage=Usage(prompt_tokens=7, output_tokens=11),
        timings=Timings(queued_s=0, load_s=0, prefill_s=0, first_token_s=0.048, decode_s=0.5, total_s=1),
        placement=Placement(device="cpu", backend="fake", threads=2, reason=""),
        seed=1,
        dropped_messages=(0, 1),
    )
    facts = AnswerFacts.of(result)
    assert facts.tokens_per_s == 20
    assert (facts.cut_by_length, facts.dropped_messages, facts.prompt_tokens) == (True, 2, 7)


@pytest.mark.parametrize("facts", [AnswerFacts(), AnswerFacts(output_tokens=1, decode_s=1.0)])
def test_no_speed_without_two_tokens(facts: AnswerFacts) -> None:
    assert facts.tokens_per_s == 0
