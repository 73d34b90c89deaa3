"""What a plugin says it offers is checked before anything is shown of it."""

import msgspec
import pytest

from engine.plugins.contract.values import Field, Kind
from engine.plugins.offers import Offers
from engine.plugins.process.descriptions import Description, SourceForm, TaskForm, ToolForm, describe, read_description
from engine.plugins.process.shapes import ShapeError
from engine.types import ToolSpec

FIELD = Field(name="text", title="Text", help="What to write.")
TASK = TaskForm("write", "Write", "Writes.", (FIELD,), (Field(name="out", title="Out"),))
TOOL = ToolForm(ToolSpec("add", "Adds.", {"type": "object"}), "")
SOURCE = SourceForm("room", "Room", 1.0)
EMPTY = Description((), (), (), (), ())


def changed(value, **how):
    return (
        msgspec.structs.replace(value, **how)
        if isinstance(value, msgspec.Struct)
        else type(value)(**({name: getattr(value, name) for name in value.__dataclass_fields__} | how))
    )


def test_a_description_comes_back():
    description = Description(("a",), ("b",), (TASK,), (TOOL,), (SOURCE,))
    assert read_description(msgspec.to_builtins(description)) == description
    assert describe(Offers()) == EMPTY


def test_a_schema_may_have_an_argument_called_pattern():
    schema = {
        "properties": {"pattern": {"$ref": "#/$defs/pattern"}, "a": {"enum": [{"pattern": 1}]}},
        "$defs": {"pattern": {"type": "string"}},
    }
    tool = changed(TOOL, spec=ToolSpec("grep", "", schema))
    description = changed(EMPTY, tools=(tool,))
    assert read_description(msgspec.to_builtins(description)) == description


@pytest.mark.parametrize(
    "wrong",
    [
        {"families": ("a",) * 201},
        {"families": (1,)},
        {"tasks": (changed(TASK, title="two\nlines"),)},
        {"tasks": (changed(TASK, title=""),)},
        {"tasks": (changed(TASK, summary="a" * 500),)},
        {"tasks": (changed(TASK, inputs=(FIELD,) * 2),)},
        {"tasks": (changed(TASK, inputs=(changed(FIELD, name="No name"),)),)},
        {"tasks": (changed(TASK, inputs=(changed(FIELD, title="\x1b[2J"),)),)},
        {"tasks": (changed(TASK, inputs=(changed(FIELD, help="a" * 500),)),)},
        {"tasks": (changed(TASK, outputs=(changed(FIELD, kind=Kind.CHOICE),)),)},
        {"tasks": (changed(TASK, inputs=(changed(FIELD, kind=Kind.CHOICE, choices=("",)),)),)},
        {"tasks": (changed(TASK, inputs=(changed(FIELD, kind=Kind.NUMBER, least=float("nan")),)),)},
        {"tools": (changed(TOOL, spec=ToolSpec("add", "a" * 5000, {})),)},
        {"tools": (changed(TOOL, spec=ToolSpec("add", "", {"pattern": "(a+)+$"})),)},
        {"tools": (changed(TOOL, spec=ToolSpec("add", "", {"properties": {"a": {"patternProperties": {}}}})),)},
        {"tools": (changed(TOOL, spec=ToolSpec("add", "", {"anyOf": [{"$ref": "http://a/b"}]})),)},
        {"telemetry": (changed(SOURCE, period_s=0.0),)},
        {"telemetry": (changed(SOURCE, period_s=float("inf")),)},
        {"telemetry": (changed(SOURCE, title=" "),)},
    ],
)
def test_what_cannot_be_shown_is_refused(wrong):
    table = msgspec.msgpack.decode(msgspec.msgpack.encode(changed(EMPTY, **wrong)))
    with pytest.raises(ShapeError, match="a description of its offers that is wrong"):
        read_description(table)
