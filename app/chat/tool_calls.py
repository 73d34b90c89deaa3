"""ToolCaller: calls the tools that an answer asks for, one after the other, if the person allows it."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from app.chat.conversation import Call, CallState
from app.chat.session import ChatSession
from engine import Engine, EngineError, ToolCall, ToolInfo, ToolSpec

_REASONS = {
    "models": "It may ask models.",
    "network": "It may reach the network.",
    "read": "It may read files on this computer.",
    "write": "It may change files on this computer.",
    "subprocess": "It may start other programs.",
}

Tell = Callable[[Sequence[Call]], None]
"""Called with all calls whenever one of them is further."""


class ToolCaller:
    """Asks, calls, and keeps what came back.

    Thread: UI only.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def tools(self) -> tuple[ToolInfo, ...]:
        """All tools that models may be given; none while the engine is closed."""
        try:
            return self._engine.tools()
        except EngineError:
            return ()

    def specs(self, session: ChatSession) -> tuple[ToolSpec, ...]:
        """The tools that the model of a chat may call."""
        return tuple(info.spec for info in self.tools() if info.spec.name in session.tools)

    async def call(self, session: ChatSession, wanted: Sequence[ToolCall], tell: Tell) -> None:
        """Make the calls in their order; one that fails or is refused does not keep the others from being made."""
        permissions = {info.spec.name: info.permission for info in self.tools()}
        calls = [self._begin(session, call, permissions.get(call.name, "")) for call in wanted]
        tell(calls)
        try:
            for at in range(len(calls)):
                if calls[at].state is CallState.ASKING:
                    is_allowed = calls[at].name in session.allowed or await session.ask()  # by an answer to one before
                    calls[at] = replace(calls[at], state=CallState.RUNNING if is_allowed else CallState.REFUSED)
                    tell(calls)
                if calls[at].state is CallState.RUNNING:
                    calls[at] = await self._made(calls[at])
                    tell(calls)
        finally:
            ended = [_left(call) for call in calls]
            if ended != calls:
                tell(ended)

    def _begin(self, session: ChatSession, call: ToolCall, permission: str) -> Call:
        asks = bool(permission) and call.name not in session.allowed
        return Call(
            name=call.name,
            arguments=dict(call.arguments),
            state=CallState.ASKING if asks else CallState.RUNNING,
            reason=_REASONS.get(permission, f"It needs the permission {permission}.") if permission else "",
        )

    async def _made(self, call: Call) -> Call:
        try:
            result = await self._engine.call_tool(ToolCall(call.name, call.arguments))
        except EngineError as error:
            return replace(call, state=CallState.FAILED, result=f"{error}")
        return replace(call, state=CallState.DONE, result=result)


def _left(call: Call) -> Call:
    return replace(call, state=CallState.LEFT) if call.state in (CallState.ASKING, CallState.RUNNING) else call
