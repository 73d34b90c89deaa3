import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import InvalidRequestError
from engine.plugins.contract.values import Field, InputFile, Kind, Table
from engine.tasks.inputs import MAX_FILE_BYTES, check, complete, parse

TEXT = Field(name="text", title="Text")
COUNT = Field(name="count", title="Count", kind=Kind.INTEGER, default=3, least=1, most=10)
SHARE = Field(name="share", title="Share", kind=Kind.NUMBER, required=False)
LENGTH = Field(name="length", title="Length", kind=Kind.CHOICE, choices=("short", "long"), default="short")


def test_defaults_are_added_and_optional_ones_stay_out():
    assert complete((TEXT, COUNT, SHARE, LENGTH), {"text": "hi"}) == {"text": "hi", "count": 3, "length": "short"}


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, "Text is missing"),
        ({"text": ""}, "Text is missing"),
        ({"text": "a", "tetx": "b"}, "no field called tetx"),
        ({"text": 5}, "Text is not text"),
        ({"text": "a", "count": 11}, "Count is 11"),
        ({"text": "a", "count": True}, "Count is not a whole number"),
        ({"text": "a", "count": 2.5}, "Count is not a whole number"),
        ({"text": "a", "share": math.nan}, "Share is nan"),
        ({"text": "a", "length": "huge"}, "no choice"),
    ],
)
def test_what_is_wrong_is_named(values, said):
    with pytest.raises(InvalidRequestError, match=said):
        complete((TEXT, COUNT, SHARE, LENGTH), values)


def test_a_whole_number_is_a_number():
    assert check(SHARE, 2) == 2.0
    assert isinstance(check(SHARE, 2), float)


def test_large_files_are_refused():
    field = Field(name="f", title="File", kind=Kind.FILE)
    assert check(field, InputFile("a", b"x")) == InputFile("a", b"x")
    with pytest.raises(InvalidRequestError, match="larger than 64 MiB"):
        check(field, InputFile("a.bin", bytes(MAX_FILE_BYTES + 1)))


def test_models_and_tables():
    models = Field(name="m", title="Models", kind=Kind.MODELS)
    assert parse(models, "a, b,") == ("a", "b")
    with pytest.raises(InvalidRequestError, match="Models"):
        check(models, (1,))  # type: ignore[arg-type]
    table = Field(name="t", title="Table", kind=Kind.TABLE)
    assert check(table, Table(("a",), (("1",),))).columns == ("a",)  # type: ignore[union-attr]
    with pytest.raises(InvalidRequestError, match="no text"):
        parse(table, "x")


@pytest.mark.parametrize(("text", "value"), [("yes", True), ("OFF", False), ("1", True)])
def test_flags_are_read_from_words(text, value):
    assert parse(Field(name="f", title="Flag", kind=Kind.FLAG), text) is value


def test_a_flag_is_yes_or_no():
    with pytest.raises(InvalidRequestError, match="neither yes nor no"):
        parse(Field(name="f", title="Flag", kind=Kind.FLAG), "maybe")


@given(st.sampled_from([TEXT, COUNT, SHARE, LENGTH]), st.text())
def test_text_becomes_a_good_value_or_a_clear_error(field, text):
    outcome = _outcome(field, text)
    if isinstance(outcome, InvalidRequestError):
        assert field.title in outcome.cause
        assert outcome.remedy
    else:
        assert check(field, outcome) == outcome


def _outcome(field, text):
    try:
        return parse(field, text)
    except InvalidRequestError as error:
        return error


def test_text_files_are_decoded():
    assert InputFile("a", "é".encode()).text() == "é"
    assert InputFile("a", b"\xef\xbb\xbfx").text() == "x"
    assert InputFile("a", "é".encode("utf-16")).text() == "é"
    assert InputFile("a", b"\xff").text() == "\ufffd"
