"""Tools for `hearth run`: what a model calls before it answers."""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from engine.cli.output import note
from engine.errors import EngineError, InvalidRequestError
from engine.types import GenerateResult, Message, ToolCall, ToolSpec

if TYPE_CHECKING:
    from engine.engine import Engine

MOST_ROUNDS: Final = 8
_NOT_ALLOWED: Final = "The user did not allow this call."


@dataclass(frozen=True, slots=True)
class ToolUse:
    """A call of a tool, and what the model was told."""

    call: ToolCall
    said: str


class ToolBelt:
    """The tools that one model may call.

    Args:
        engine: an open one.
        names: of the tools.

    Attributes:
        specs: what the model is told.
        used: all calls so far.

    Raises:
        InvalidRequestError: there is no such tool.
    """

    def __init__(self, engine: "Engine", names: Sequence[str]) -> None:
        known = {info.spec.name: info for info in engine.tools()} if names else {}
        if missing := [name for name in names if name not in known]:
            raise InvalidRequestError(
                f"There is no tool called {missing[0]}.", f"Known are: {', '.join(sorted(known)) or 'none'}."
            )
        self._engine = engine
        self._infos = {name: known[name] for name in names}
        self.specs: tuple[ToolSpec, ...] = tuple(info.spec for info in self._infos.values())
        self.used: list[ToolUse] = []

    async def turn(self, result: GenerateResult) -> list[Message]:
        """Do what a model asks for, and return the turns that follow: its own, and one per tool."""
        messages = [Message("assistant", result.text, tool_calls=result.tool_calls)]
        for call in result.tool_calls:
            said = await self._call(call)
            self.used.append(ToolUse(call, said))
            messages.append(Message("tool", said, tool_name=call.name))
        return messages

    async def _call(self, call: ToolCall) -> str:
        """Call a tool; whatever goes wrong is something for the model to hear."""
        arguments = json.dumps(dict(call.arguments), ensure_ascii=True)  # and so nothing that moves a cursor
        note(f"[{call.name!a} is called with {arguments}]")
        if call.name not in self._infos:
            return f"There is no tool called {call.name}."
        if (permission := self._infos[call.name].permission) and not _is_allowed(call.name, permission):
            return _NOT_ALLOWED
        try:
            return await self._engine.call_tool(call)
        except EngineError as error:
            return error.cause


def _is_allowed(name: str, permission: str) -> bool:
    """Ask the person, if there is one."""
    if not sys.stdin.isatty():
        note(f"[{name} uses the permission `{permission}`, and nobody is here to allow it]")
        return False
    sys.stderr.write(f"{name} uses the permission `{permission}`. Allow this call? [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in {"y", "yes"}
