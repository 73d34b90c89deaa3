from pathlib import Path

import pytest

from engine.cli.task_options import read_options
from engine.errors import InvalidRequestError
from engine.plugins.contract.values import Field, InputFile, Kind

FIELDS = (
    Field(name="text", title="Text"),
    Field(name="max_words", title="Most words", kind=Kind.INTEGER),
    Field(name="share", title="Share", kind=Kind.NUMBER, default=0.5),
    Field(name="loud", title="Loud", kind=Kind.FLAG, default=True),
    Field(name="no_marks", title="No marks", kind=Kind.FLAG, default=False),
    Field(name="tone", title="Tone", kind=Kind.CHOICE, choices=("dry", "warm")),
    Field(name="file", title="File", kind=Kind.FILE),
    Field(name="models", title="Models", kind=Kind.MODELS),
)


@pytest.mark.parametrize(
    ("arguments", "values"),
    [
        ((), {}),
        (("--text", "a b"), {"text": "a b"}),
        (("--text=a=b",), {"text": "a=b"}),
        (("--text", "--loud"), {"text": "--loud"}),
        (("--text", ""), {"text": ""}),
        (("--max-words", "7"), {"max_words": 7}),
        (("--max_words=-7",), {"max_words": -7}),
        (("--share", "1"), {"share": 1.0}),
        (("--loud",), {"loud": True}),
        (("--no-loud",), {"loud": False}),
        (("--loud=no",), {"loud": False}),
        (("--no-marks",), {"no_marks": True}),
        (("--no-no-marks",), {"no_marks": False}),
        (("--tone", "dry"), {"tone": "dry"}),
        (("--models", "a,b", "--models=c"), {"models": ("a", "b", "c")}),
    ],
)
def test_options_become_values(arguments: tuple[str, ...], values: dict[str, object]):
    assert read_options(FIELDS, arguments) == values


def test_a_file_is_read(tmp_path: Path):
    (tmp_path / "a.txt").write_bytes(b"\x00\xff")
    assert read_options(FIELDS, ("--file", str(tmp_path / "a.txt"))) == {"file": InputFile("a.txt", b"\x00\xff")}


def test_a_large_file_is_refused_unread(tmp_path: Path):
    with (tmp_path / "large").open("wb") as stream:
        stream.truncate(1 << 40)
    with pytest.raises(InvalidRequestError, match="larger than 64 MiB"):
        read_options(FIELDS, ("--file", str(tmp_path / "large")))


@pytest.mark.parametrize("arguments", [("--tone", "loud"), ("--share", "nan"), ("--max-words", "1.5"), ("--no-text",)])
def test_what_a_field_does_not_take_is_refused(arguments: tuple[str, ...]):
    with pytest.raises(InvalidRequestError):
        read_options(FIELDS, arguments)
