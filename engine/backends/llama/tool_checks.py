"""Checks of what a request says about tools: specs, calls, and the messages that hold them."""

import json
import re
from collections.abc import Mapping

from engine.errors import InvalidRequestError
from engine.types import Message, ToolCall, ToolSpec

MAX_TOOLS = 128
MAX_CALLS = 128  # per message
MAX_DESCRIPTION_CHARS = 16 << 10
MAX_JSON_CHARS = 64 << 10

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


def check_tools(tools: tuple[ToolSpec, ...]) -> None:
    """Check the tools of a request.

    Raises:
        InvalidRequestError: names the tool and what is wrong with it.
    """
    if not isinstance(tools, tuple | list) or not all(isinstance(tool, ToolSpec) for tool in tools):
        raise InvalidRequestError("tools must be a sequence of ToolSpec.")
    if len(tools) > MAX_TOOLS:
        raise InvalidRequestError(f"There are {len(tools):,} tools, but at most {MAX_TOOLS} are allowed.")
    names = [tool.name for tool in tools]
    for tool in tools:
        _check_name(tool.name)
        if names.count(tool.name) > 1:
            raise InvalidRequestError(f"There are two tools called {tool.name}.", "Rename one of them.")
        if not isinstance(tool.description, str) or len(tool.description) > MAX_DESCRIPTION_CHARS:
            raise InvalidRequestError(
                f"The description of the tool {tool.name} must be text of at most {MAX_DESCRIPTION_CHARS:,} characters."
            )
        _check_object(f"The parameters of the tool {tool.name}", tool.parameters)
        if tool.parameters.get("type") != "object":
            raise InvalidRequestError(
                f"The parameters of the tool {tool.name} are no JSON schema of an object.",
                'Give a schema with "type": "object".',
            )


def check_message_tools(index: int, message: Message) -> None:
    """Check what one message says about tools.

    Args:
        index: of the message, for the error.
        message: with a known role.

    Raises:
        InvalidRequestError: names the message and what is wrong with it.
    """
    calls = message.tool_calls
    if not isinstance(calls, tuple | list) or not all(isinstance(call, ToolCall) for call in calls):
        raise InvalidRequestError(f"tool_calls of message {index} must be a sequence of ToolCall.")
    if calls and message.role != "assistant":
        raise InvalidRequestError(f"Message {index} is not an assistant's, but calls tools.")
    if len(calls) > MAX_CALLS:
        raise InvalidRequestError(f"Message {index} has {len(calls):,} calls, but at most {MAX_CALLS} are allowed.")
    for call in calls:
        _check_name(call.name)
        _check_object(f"The arguments of a call of {call.name} in message {index}", call.arguments)
    if not isinstance(message.tool_name, str) or (message.tool_name and message.role != "tool"):
        raise InvalidRequestError(f"tool_name of message {index} must be empty, because it is no answer of a tool.")
    if message.tool_name:
        _check_name(message.tool_name)


def _check_name(name: object) -> None:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InvalidRequestError(
            f"{str(name)[:80]!r} is no name of a tool.", "Use 1 to 64 letters, digits, hyphens and underscores."
        )


def _check_object(what: str, value: object) -> None:
    """A JSON object of bounded size."""
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise InvalidRequestError(f"{what} must be a JSON object.")
    try:
        size = len(json.dumps(dict(value), allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidRequestError(f"{what} must be something that JSON can hold: {error}.") from error
    if size > MAX_JSON_CHARS:
        raise InvalidRequestError(f"{what} take {size:,} characters, but at most {MAX_JSON_CHARS:,} are allowed.")
