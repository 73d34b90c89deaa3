"""`hearth run --tool` and thinking: a model of random weights whose family reads a call out of whatever it writes."""

from pathlib import Path

import pytest

pytestmark = pytest.mark.models

MANIFEST = """id = "caller"
name = "Caller"
version = "1.0.0"
api = "1.0"
summary = "Calls tools."
provides = ["family:caller", "tool:add", "tool:disk"]

[[permissions]]
kind = "read"
reason = "Looks at files."
folders = ["~"]
"""
CODE = '''"""A family that calls a tool until it has heard its answer, and tools to call."""

from engine.plugins.api import (
    Accepts, Composition, InvalidRequestError, Recognition, Span, Text, ToolCall, ToolSpec,
)


class Format:
    def compose(self, request):
        heard = [message.content for message in request.messages if message.role == "tool"]
        text = " ".join(message.content for message in request.messages)
        calls = (Span("tool", "<call>", ""),)
        if request.thinking:
            return Composition(parts=(Text(text),), spans=(Span("thinking", "<t>", ""),), begins_in="thinking")
        if request.tools and ("endless" in text or not heard):
            wanted = "tool"
            return Composition(parts=(Text(text),), spans=calls, begins_in=wanted)
        return Composition(parts=(Text(text),))

    def read_tool_calls(self, blocks):
        return (ToolCall(NAME, {"a": 2, "b": 3}),)

    def embedding_text(self, text, purpose):
        return text


class Family:
    id = "caller"

    def recognise(self, facts):
        if facts.file_name != "chatty.gguf":
            return None
        return Recognition(accepts=frozenset({Accepts.MESSAGES}), tasks=("chat",), confidence=0.99)

    def open(self, facts):
        return Format()


class Add:
    spec = ToolSpec("add", "Adds.", {"type": "object", "properties": {"a": {"type": "integer"}}})
    permission = ""

    def call(self, arguments):
        if FAILS:
            raise InvalidRequestError("The numbers are too odd.")
        return str(arguments["a"] + arguments["b"])


class Disk:
    spec = ToolSpec("disk", "Reads.", {"type": "object"})
    permission = "read"

    def call(self, arguments):
        return "secret"


def register(registrar):
    registrar.add_family(Family())
    registrar.add_tool(Add())
    registrar.add_tool(Disk())
'''


@pytest.fixture
def caller(hearth, tmp_path: Path):
    """Install the plugin."""

    def install(name: str = "add", *, fails: bool = False) -> None:
        folder = tmp_path / "caller"
        folder.mkdir()
        (folder / "plugin.toml").write_text(MANIFEST)
        (folder / "__init__.py").write_text(f"{CODE}\n\nNAME = {name!r}\nFAILS = {fails}\n")
        assert hearth("plugins", "install", folder, "--yes").code == 0

    return install


def run(hearth, *arguments: object):
    return hearth("run", "chatty", *arguments, "--max-tokens", 4, "--seed", 1)


def test_a_tool_is_called_and_its_answer_goes_back_to_the_model(hearth, caller) -> None:
    caller()
    ended = run(hearth, "2 + 3?", "--tool", "add", "--json")
    assert ended.code == 0, ended.err
    [used] = ended.document["tools_used"]
    assert used == {"call": {"name": "add", "arguments": {"a": 2, "b": 3}}, "said": "5"}
    assert ended.document["tool_calls"] == []
    assert ended.document["text"]
    assert ended.err == """['add' is called with {"a": 2, "b": 3}]\n"""


def test_a_failing_tool_is_something_that_the_model_hears(hearth, caller) -> None:
    caller(fails=True)
    [used] = run(hearth, "2 + 3?", "--tool", "add", "--json").document["tools_used"]
    assert used["said"] == "The numbers are too odd."


@pytest.mark.parametrize(("name", "said"), [("disk", "did not allow"), ("other", "no tool called other")])
def test_tools_that_were_not_allowed_are_not_called(hearth, caller, name: str, said: str) -> None:
    caller(name)
    [used] = run(hearth, "2 + 3?", "--tool", "add", "--tool", "disk", "--json").document["tools_used"]
    assert said in used["said"]


def test_a_model_that_only_calls_is_stopped(hearth, caller) -> None:
    caller()
    ended = run(hearth, "endless", "--tool", "add")
    assert ended.code == 1
    assert ended.err.count("is called with") == 8
    assert "8 times in a row" in ended.err


def test_an_unknown_tool_is_wrong_use(hearth, caller) -> None:
    caller()
    ended = run(hearth, "hi", "--tool", "hammer")
    assert (ended.code, ended.out) == (2, "")
    assert "add, disk" in ended.err


def test_thoughts_are_no_part_of_the_answer(hearth, caller) -> None:
    caller()
    document = run(hearth, "hi", "--think", "--json").document
    assert document["thinking"]
    assert document["text"] == ""
    assert run(hearth, "hi", "--no-think", "--json").document["thinking"] == ""
    assert run(hearth, "hi", "--think").out == "\n"


def test_the_model_list_knows_what_the_users_plugins_say(hearth, caller) -> None:
    caller()
    [model] = [model for model in hearth("models", "list", "--json").document["models"] if model["id"] == "chatty"]
    assert model["plugins"][0] == "caller"
    assert hearth("models", "inspect", "chatty", "--json").document["model"]["plugins"][0] == "caller"
