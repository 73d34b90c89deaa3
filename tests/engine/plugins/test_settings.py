"""What a value must be to go into a field."""

import math

import pytest

from engine.errors import InvalidRequestError
from engine.plugins.contract.values import Field, Kind
from engine.plugins.settings import check_value, check_values, usable_values

FIELDS = (
    Field(name="loud", title="Loud", kind=Kind.FLAG, default=True),
    Field(name="rounds", title="Rounds", kind=Kind.INTEGER, least=1, most=9, default=3),
    Field(name="note", title="Note", most=5, default=""),
)


@pytest.mark.parametrize(
    ("kind", "value", "kept"),
    [
        (Kind.TEXT, "a", "a"),
        (Kind.FLAG, False, False),
        (Kind.INTEGER, 5, 5),
        (Kind.NUMBER, 5, 5.0),
        (Kind.NUMBER, 0.5, 0.5),
        (Kind.MODEL, "starter", "starter"),
        (Kind.MODELS, ["a", "b"], ("a", "b")),
    ],
)
def test_values_of_the_right_type_are_kept(kind: Kind, value: object, kept: object):
    found = check_value(Field(name="it", title="It", kind=kind), value)
    assert found == kept
    assert type(found) is type(kept)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Kind.TEXT, 3),
        (Kind.TEXT, "two\nlines"),
        (Kind.TEXT, "x" * 10_001),
        (Kind.FLAG, 1),
        (Kind.FLAG, "true"),
        (Kind.INTEGER, True),
        (Kind.INTEGER, 1.5),
        (Kind.NUMBER, math.nan),
        (Kind.NUMBER, math.inf),
        (Kind.NUMBER, 10**400),
        (Kind.NUMBER, "1"),
        (Kind.MODELS, "starter"),
        (Kind.MODELS, [1]),
        (Kind.FILE, b""),
    ],
)
def test_values_of_other_types_are_refused(kind: Kind, value: object):
    with pytest.raises(InvalidRequestError, match="It "):
        check_value(Field(name="it", title="It", kind=kind), value)


def test_several_rows_and_choices():
    assert check_value(Field(name="it", title="It", multiline=True), "two\nlines") == "two\nlines"
    tone = Field(name="tone", title="Tone", kind=Kind.CHOICE, choices=("kind", "rude"))
    assert check_value(tone, "kind") == "kind"
    with pytest.raises(InvalidRequestError, match="one of kind, rude"):
        check_value(tone, "neutral")


def test_what_is_not_given_keeps_its_default():
    assert check_values(FIELDS, {"rounds": 4}) == {"loud": True, "rounds": 4, "note": ""}


def test_unknown_settings_are_named():
    with pytest.raises(InvalidRequestError, match=r"no setting volume.*loud, rounds, note"):
        check_values(FIELDS, {"volume": 3})


def test_stored_values_that_no_longer_fit_give_way_to_the_default():
    stored = {"loud": False, "rounds": 99, "note": "too long", "gone": 1}
    assert usable_values(FIELDS, stored) == {"loud": False, "rounds": 3, "note": ""}
