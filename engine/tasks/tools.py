"""ToolBox: the functions that models may call."""

import asyncio
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from engine.errors import EngineError, InvalidRequestError, PluginError
from engine.plugins.contract.offers import Tool
from engine.plugins.infos import ToolInfo
from engine.plugins.registry import Registry
from engine.types import ToolCall

MAX_RESULT_CHARS: Final = 256 << 10
"""Longer than any context wants to read."""
MAX_ARGUMENT_VALUES: Final = 5_000
"""Of one call, those inside others counted; some checks take time that grows with their square."""
MOST_AT_ONCE: Final = 4


class ToolBox:
    """Calls the tools of all plugins.

    Thread: the event loop's; the tools run on threads called `hearth-tool`.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._threads = ThreadPoolExecutor(MOST_AT_ONCE, thread_name_prefix="hearth-tool")

    def tools(self) -> tuple[ToolInfo, ...]:
        """All tools, by name."""
        found = (ToolInfo(tool.spec, plugin, tool.permission) for plugin, tool in self._registry.tools())
        return tuple(sorted(found, key=lambda info: info.spec.name))

    async def call(self, call: ToolCall) -> str:
        """Call a tool and return what it says.

        Raises:
            InvalidRequestError: there is no such tool, or the arguments do not satisfy its schema.
            EngineError: the tool failed; says why.
        """
        plugin, tool = self._find(call.name)
        return await asyncio.get_running_loop().run_in_executor(self._threads, _call, plugin, tool, call)

    def close(self) -> None:
        """Take no more calls; those that run are not waited for."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _find(self, name: str) -> tuple[str, Tool]:
        for plugin, tool in self._registry.tools():
            if tool.spec.name == name:
                return plugin, tool
        known = ", ".join(sorted(tool.spec.name for _, tool in self._registry.tools())) or "none"
        raise InvalidRequestError(f"There is no tool called {name}.", f"Known are: {known}.")


def check_arguments(call: ToolCall, tool: Tool) -> None:
    """Check arguments against the tool's JSON schema.

    Raises:
        InvalidRequestError: they do not satisfy it; says where.
    """
    # Importing these costs 80 ms, which only callers of tools pay.
    from jsonschema import Draft202012Validator, SchemaError, ValidationError
    from referencing import Registry as References
    from referencing.exceptions import Unresolvable

    if _values_in(call.arguments) > MAX_ARGUMENT_VALUES:
        raise InvalidRequestError(
            f"The call of {call.name} has more than {MAX_ARGUMENT_VALUES:,} values.", "Give less."
        )
    schema = dict(tool.spec.parameters)
    try:
        Draft202012Validator.check_schema(schema)
        # With a registry of its own a validator looks up nothing elsewhere; without, it fetches `$ref`s from the web.
        Draft202012Validator(schema, registry=References()).validate(dict(call.arguments))
    except ValidationError as error:
        place = "/".join(str(part) for part in error.absolute_path) or "the arguments"
        raise InvalidRequestError(f"The call of {call.name} is wrong at {place}: {error.message[:200]}.") from error
    except SchemaError as error:
        raise InvalidRequestError(f"The schema of {call.name} is wrong: {error.message[:200]}.") from error
    except Unresolvable as error:
        raise InvalidRequestError(f"The schema of {call.name} refers to what is not in it: {error.ref}.") from error
    except RecursionError as error:
        raise InvalidRequestError(f"The schema of {call.name} leads in a circle.") from error


def _values_in(value: object) -> int:
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    return 1 + sum(map(_values_in, inner))


def _call(plugin: str, tool: Tool, call: ToolCall) -> str:
    check_arguments(call, tool)
    try:
        # A copy, as JSON would make it: what the tool does to its arguments must not reach the conversation.
        result = tool.call(json.loads(json.dumps(dict(call.arguments))))
    except EngineError:
        raise
    except Exception as error:
        cause = f"The tool {call.name} failed inside: {type(error).__name__}: {error}."
        raise PluginError(plugin, cause, "Its author can say more.") from error
    if not isinstance(result, str):
        raise PluginError(plugin, f"The tool {call.name} returned no text.", "Its author has to correct it.")
    if len(result) > MAX_RESULT_CHARS:
        raise PluginError(plugin, f"The tool {call.name} returned {len(result):,} characters.", "Ask it for less.")
    return result
