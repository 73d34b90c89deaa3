"""What a request says about tools has a form, and the message says which."""

from dataclasses import replace

import pytest

from engine.backends.llama.checks import check_request
from engine.errors import InvalidRequestError
from engine.types import GenerateRequest, Message, ToolCall, ToolSpec, assistant, user

ADD = ToolSpec("add", "Adds two numbers.", {"type": "object", "properties": {"a": {"type": "number"}}})
CALL = ToolCall("add", {"a": 1})


def check(**fields):
    check_request(GenerateRequest(model="x", **({"messages": (user("a"),)} | fields)), 100)


def nested(depth):
    value = {}
    for _ in range(depth):
        value = {"a": value}
    return value


@pytest.mark.parametrize("name", ["", "a b", "a" * 65, "ä", "a.b", 7, None])
def test_names_of_tools(name):
    with pytest.raises(InvalidRequestError, match="is no name of a tool"):
        check(tools=(replace(ADD, name=name),))
    with pytest.raises(InvalidRequestError, match="is no name of a tool"):
        check(messages=(replace(assistant(""), tool_calls=(ToolCall(name, {}),)),))


@pytest.mark.parametrize(
    ("tools", "message"),
    [
        ("add", "sequence of ToolSpec"),
        (("add",), "sequence of ToolSpec"),
        ((ADD, ADD), "two tools called add"),
        (tuple(replace(ADD, name=f"t{number}") for number in range(129)), "129 tools"),
        ((replace(ADD, description=None),), "description of the tool add"),
        ((replace(ADD, description="x" * 20_000),), "description of the tool add"),
        ((replace(ADD, parameters=[]),), "must be a JSON object"),
        ((replace(ADD, parameters={1: 2}),), "must be a JSON object"),
        ((replace(ADD, parameters={}),), "no JSON schema of an object"),
        ((replace(ADD, parameters={"type": "array"}),), "no JSON schema of an object"),
        ((replace(ADD, parameters={"type": "object", "x": {1, 2}}),), "JSON can hold"),
        ((replace(ADD, parameters={"type": "object", "x": float("nan")}),), "JSON can hold"),
        ((replace(ADD, parameters={"type": "object", "x": nested(100_000)}),), "JSON can hold"),
        ((replace(ADD, parameters={"type": "object", "x": "y" * 70_000}),), "at most 65,536"),
    ],
)
def test_tools_that_make_no_sense(tools, message):
    with pytest.raises(InvalidRequestError, match=message):
        check(tools=tools)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (replace(user("a"), tool_calls=(CALL,)), "not an assistant's"),
        (replace(assistant("a"), tool_calls=("add",)), "sequence of ToolCall"),
        (replace(assistant("a"), tool_calls=(CALL,) * 129), "129 calls"),
        (replace(assistant("a"), tool_calls=(ToolCall("add", "1"),)), "must be a JSON object"),
        (replace(assistant("a"), tool_calls=(ToolCall("add", {"a": b""}),)), "JSON can hold"),
        (replace(user("a"), tool_name="add"), "tool_name of message 0 must be empty"),
        (Message("tool", "3", tool_name=None), "tool_name of message 0"),
        (Message("tool", "3", tool_name="a b"), "is no name of a tool"),
        (Message("tool", 3), "must be text"),
    ],
)
def test_messages_that_make_no_sense(bad, message):
    with pytest.raises(InvalidRequestError, match=message):
        check(messages=(bad, user("b")))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"messages": (), "prompt": "a", "tools": (ADD,)}, "tools need a conversation"),
        ({"tools": (ADD,), "grammar": 'root ::= "a"'}, "tools exclude"),
        ({"tools": (ADD,), "json_schema": "{}"}, "tools exclude"),
        ({"thinking": True, "json_schema": "{}"}, "thinking excludes"),
        ({"thinking": 1}, "thinking must be"),
        ({"thinking": "yes"}, "thinking must be"),
    ],
)
def test_what_does_not_go_together(fields, message):
    with pytest.raises(InvalidRequestError, match=message):
        check(**fields)


def test_a_conversation_with_tools_passes():
    call = replace(assistant(""), tool_calls=(CALL, CALL))
    messages = (user("a"), call, Message("tool", "3", tool_name="add"), Message("tool", "4"))
    check(messages=messages, tools=(ADD, replace(ADD, name="sub-2_x")), thinking=True)
    check(messages=(call,))
    check(thinking=False, grammar='root ::= "a"')
