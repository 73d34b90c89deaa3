"""Answerer: one message out, one answer in, both on disk."""

from collections.abc import Callable, Coroutine, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from time import perf_counter
from typing import TypeVar

from PySide6.QtCore import QObject, Signal

from app.chat.conversation import Call, CallState, Role, Turn, TurnState, messages_of, title_of
from app.chat.database import ChatDatabase
from app.chat.failure import failure_of
from app.chat.progress import AnswerProgress
from app.chat.session import ChatSession
from app.chat.store import ChatStore, StoreError
from app.chat.tool_calls import ToolCaller
from engine import CacheUse, Engine, ToolInfo
from engine.errors import EngineError, RequestCancelledError
from engine.types import (
    Accepts,
    Event,
    Finished,
    GenerateRequest,
    Message,
    ModelInfo,
    OverflowPolicy,
    Sampling,
    TextDelta,
    ThinkingDelta,
    ToolCall,
    ToolSpec,
)

MAX_ANSWER_TOKENS = 2048
CLIENT = "Chat window"
"""Who asks, as the queue lists it."""
MAX_ROUNDS = 8
"""Times that tools are called before the model has to answer without them."""
T = TypeVar("T")

_SAVE_S = 1.0  # at most this much of a streamed answer is lost with the power
_STATUS_S = 0.25  # a number that changes faster cannot be read


@dataclass(frozen=True, slots=True)
class Wish:
    """Who shall answer, and how.

    Attributes:
        model: who.
        sampling: how tokens are drawn; None for what the model recommends.
        thinking: whether to think first; None leaves it to the model.
        cache: whether an earlier answer to the same will do.
    """

    model: ModelInfo
    sampling: Sampling | None
    thinking: bool | None = None
    cache: CacheUse = CacheUse.AUTO


class Answerer(QObject):
    """Runs the conversation of a session with the engine.

    Signals:
        begun: the session's chat is on disk and its answer has been asked for.
        advanced: what is to be said about the answer in flight has changed; a few times a second.
        answered: the answer ended by itself.
        failed: session, `Failure`.
        asked: session, and the call that waits until the person has allowed it, in words.

    Thread: UI only.
    """

    begun = Signal(object)
    advanced = Signal(object)
    answered = Signal(object)
    failed = Signal(object, object)
    asked = Signal(object, str)

    def __init__(self, engine: Engine, store: ChatStore, parent: QObject) -> None:
        super().__init__(parent)
        self._engine = engine
        self._store = store
        self._caller = ToolCaller(engine)

    @property
    def tools(self) -> tuple[ToolInfo, ...]:
        """All tools that models may be given."""
        return self._caller.tools()

    async def send(self, session: ChatSession, text: str, wish: Wish) -> None:
        """Save a message, then have it answered; the message is on disk before the first token."""
        if session.summary is None:
            adding = self._store.run(ChatDatabase.add_chat, title_of(text), wish.model.id, sorted(session.tools))
            session.summary = await self._saved(session, adding, lambda: None)
        adding_turn = self._store.run(ChatDatabase.add_turn, session.id, Role.USER, text, TurnState.DONE)
        fallback = Turn(id=_next_id(session), role=Role.USER, text=text)
        session.transcript.append(await self._saved(session, adding_turn, lambda: fallback))
        await self._answer(session, wish)

    async def again(self, session: ChatSession, wish: Wish) -> None:
        """Answer the newest message anew; an answer it already has, with all calls on the way to it, is replaced.

        What was kept of an earlier answer is not taken: it would be the very one that is to be replaced.
        """
        turns = session.transcript.turns
        first = len(turns)
        while first > 0 and turns[first - 1].role is Role.ANSWER:
            first -= 1
        for turn in session.transcript.remove_from(first):
            self._store.post(ChatDatabase.remove_turn, turn.id)
        await self._answer(session, replace(wish, cache=CacheUse.FRESH))

    async def _answer(self, session: ChatSession, wish: Wish) -> None:
        """Let the model answer, call what it asks for, and let it go on, until it asks for nothing more."""
        for number in range(MAX_ROUNDS + 1):
            tools = self._caller.specs(session) if number < MAX_ROUNDS else ()
            if number:
                session.progress = AnswerProgress(wish.model.id)
            request = _request(session, wish, tools)
            row = await self._begin(session, wish.model.id)
            if not await self._round(session, row, request):
                return

    async def _begin(self, session: ChatSession, model: str) -> int:
        """Save an empty answer, and return its row."""
        adding = self._store.run(ChatDatabase.add_turn, session.id, Role.ANSWER, "", TurnState.RUNNING, model)
        fallback = Turn(id=_next_id(session), role=Role.ANSWER, text="", state=TurnState.RUNNING, model=model)
        row = session.transcript.append(await self._saved(session, adding, lambda: fallback))
        self.begun.emit(session)
        return row

    async def _round(self, session: ChatSession, row: int, request: GenerateRequest) -> bool:
        """Let the model write one answer, and call the tools that it asks for; return whether it is to go on."""
        state = TurnState.INTERRUPTED
        calls: tuple[ToolCall, ...] = ()
        try:
            if not session.is_stopping:
                session.is_streaming = True
                calls = await self._stream(session, row, request)
                await self._call(session, row, calls)
                state = TurnState.DONE
        except RequestCancelledError:  # in the queue: the person's wish, like the button here
            state = TurnState.STOPPED
        except EngineError as error:
            state = TurnState.FAILED
            self.failed.emit(session, failure_of(error))
        finally:
            session.is_streaming = False
            # Cancelled by the person, or because the window closes: what came so far is kept either way.
            self._finish(session, row, TurnState.STOPPED if session.is_stopping else state)
        goes_on = bool(calls) and state is TurnState.DONE
        if state is TurnState.DONE and not goes_on:
            self.answered.emit(session)
        return goes_on

    async def _call(self, session: ChatSession, row: int, calls: Sequence[ToolCall]) -> None:
        def tell(made: Sequence[Call]) -> None:
            turn = replace(session.transcript.turns[row], calls=tuple(made))
            session.transcript.replace(row, turn)
            self._store.post(ChatDatabase.save_turn, turn)
            at_work = next((call for call in made if call.state in (CallState.ASKING, CallState.RUNNING)), None)
            if at_work is not None and at_work.state is CallState.ASKING:
                self.asked.emit(session, at_work.words)

        if calls:
            await self._caller.call(session, calls, tell)

    async def _stream(self, session: ChatSession, row: int, request: GenerateRequest) -> tuple[ToolCall, ...]:
        pace = _Pace()
        calls: tuple[ToolCall, ...] = ()
        if session.progress is not None:
            session.progress.begin()
        async with aclosing(self._engine.generate(request)) as events:
            async for event in events:
                is_first = self._take(session, row, event, request.model)
                if isinstance(event, Finished) and request.tools:
                    calls = event.result.tool_calls
                if pace.says(is_first):
                    self.advanced.emit(session)
                if pace.saves():
                    self._store.post(ChatDatabase.save_turn, session.transcript.turns[row])
        return calls

    def _take(self, session: ChatSession, row: int, event: Event, model: str) -> bool:
        """Add an event to the answer; return whether it is the first with words."""
        progress = session.progress
        has_words = progress is not None and not progress.words
        comes = isinstance(event, TextDelta | ThinkingDelta)
        if isinstance(event, TextDelta):
            session.transcript.append_text(row, event.text)
        elif isinstance(event, ThinkingDelta):
            session.transcript.append_thinking(row, event.text)
        if progress is not None:
            known = progress.facts.device if has_words else ""
            progress.take(event, known or (self._device_of(model) if comes else ""))
        return comes and not has_words

    def _finish(self, session: ChatSession, row: int, state: TurnState) -> None:
        turn = session.transcript.turns[row]
        facts = session.progress.facts if session.progress is not None else turn.facts
        session.transcript.replace(row, replace(turn, state=state, facts=facts))
        self._store.post(ChatDatabase.save_turn, session.transcript.turns[row])

    def _device_of(self, model: str) -> str:
        loaded = self._engine.snapshot().loaded
        return next((entry.device for entry in loaded if entry.info.id == model), "")

    async def _saved(self, session: ChatSession, saving: Coroutine[object, object, T], fallback: Callable[[], T]) -> T:
        """Wait for the disk; where it refuses, say so and let the chat go on in memory."""
        try:
            return await saving
        except StoreError as error:
            self.failed.emit(session, failure_of(error))
            return fallback()


class _Pace:
    """When to say and to save how far an answer is."""

    def __init__(self) -> None:
        self._said_s = 0.0
        self._saved_s = perf_counter()

    def says(self, is_first: bool) -> bool:
        now = perf_counter()
        if is_first or now - self._said_s > _STATUS_S:
            self._said_s = now
            return True
        return False

    def saves(self) -> bool:
        now = perf_counter()
        if now - self._saved_s > _SAVE_S:
            self._saved_s = now
            return True
        return False


def _next_id(session: ChatSession) -> int:
    return session.last.id + 1 if session.last is not None else 1


def _request(session: ChatSession, wish: Wish, tools: tuple[ToolSpec, ...]) -> GenerateRequest:
    overflow = OverflowPolicy.DROP_OLDEST if session.drops_oldest else OverflowPolicy.ERROR
    messages = messages_of(session.transcript.turns)
    if Accepts.MESSAGES in wish.model.accepts:
        return GenerateRequest(
            model=wish.model.id,
            messages=messages,
            sampling=wish.sampling,
            max_tokens=MAX_ANSWER_TOKENS,
            overflow=overflow,
            tools=tools,
            thinking=wish.thinking,
            client=CLIENT,
            title=_title(messages),
            cache=wish.cache,
        )
    return GenerateRequest(
        model=wish.model.id,
        prompt=messages[-1].content if messages else "",
        sampling=wish.sampling,
        max_tokens=MAX_ANSWER_TOKENS,
        client=CLIENT,
        title=_title(messages),
        cache=wish.cache,
    )


def _title(messages: Sequence[Message]) -> str:
    """First words of the newest question, as the queue lists it."""
    asked = next((message.content for message in reversed(messages) if message.role == "user"), "")
    return title_of(asked) if asked.strip() else ""
