import pytest

from engine.errors import InvalidRequestError, PluginError
from engine.plugins.offers import Offers
from engine.plugins.registry import Registry
from engine.tasks.tools import ToolBox
from engine.types import ToolCall, ToolSpec

NUMBERS = {
    "type": "object",
    "properties": {"a": {"type": "number"}, "b": {"type": "number"}},
    "required": ["a", "b"],
    "additionalProperties": False,
}


class Add:
    spec = ToolSpec("add", "Adds two numbers.", NUMBERS)
    permission = ""

    def call(self, arguments):
        if arguments["b"] == 13:
            raise RuntimeError("unlucky")
        return str(arguments["a"] + arguments["b"]) if arguments["b"] else 5


@pytest.fixture
def box():
    registry = Registry()
    registry.put("sums", Offers(tools=[Add()]))
    box = ToolBox(registry)
    yield box
    box.close()


async def test_a_tool_is_called(box):
    assert await box.call(ToolCall("add", {"a": 1, "b": 2})) == "3"
    assert [(info.spec.name, info.plugin, info.permission) for info in box.tools()] == [("add", "sums", "")]


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("add", {"a": 1}, "wrong at the arguments: 'b' is a required property"),
        ("add", {"a": 1, "b": "2"}, "wrong at b: '2' is not of type 'number'"),
        ("add", {"a": 1, "b": 2, "c": 3}, "Additional properties"),
        ("add", {"a": [[0] * 3_000, [0] * 3_000]}, "more than 5,000 values"),
        ("sub", {}, "no tool called sub"),
    ],
)
async def test_wrong_calls_are_refused(box, name, arguments, said):
    with pytest.raises(InvalidRequestError, match=said):
        await box.call(ToolCall(name, arguments))


@pytest.mark.parametrize(("b", "said"), [(13, "failed inside: RuntimeError: unlucky"), (0, "returned no text")])
async def test_a_broken_tool_is_named(box, b, said):
    with pytest.raises(PluginError, match=said) as caught:
        await box.call(ToolCall("add", {"a": 1, "b": b}))
    assert caught.value.plugin == "sums"


async def test_a_schema_that_leads_in_a_circle_is_refused():
    tool = Add()
    tool.spec = ToolSpec("add", "Adds.", {"$defs": {"a": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"})
    registry = Registry()
    registry.put("sums", Offers(tools=[tool]))
    box = ToolBox(registry)
    with pytest.raises(InvalidRequestError, match="leads in a circle"):
        await box.call(ToolCall("add", {"a": 1, "b": 2}))
    box.close()


@pytest.mark.parametrize("place", ["file:///etc/passwd", "http://localhost:1/schema.json"])
async def test_a_schema_reaches_no_other_place(place):
    tool = Add()
    tool.spec = ToolSpec("add", "Adds.", {"$ref": place})
    registry = Registry()
    registry.put("sums", Offers(tools=[tool]))
    box = ToolBox(registry)
    with pytest.raises(InvalidRequestError, match=f"refers to what is not in it: {place}"):
        await box.call(ToolCall("add", {"a": 1, "b": 2}))
    box.close()
