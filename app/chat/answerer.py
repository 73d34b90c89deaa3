"""Answerer: one message out, one answer in, both on disk."""

from collections.abc import Callable, Coroutine
from contextlib import aclosing
from dataclasses import dataclass, replace
from time import perf_counter
from typing import TypeVar

from PySide6.QtCore import QObject, Signal

from app.chat.conversation import Role, Turn, TurnState, messages_of, title_of
from app.chat.database import ChatDatabase
from app.chat.failure import failure_of
from app.chat.session import ChatSession
from app.chat.store import ChatStore, StoreError
from engine import Engine
from engine.errors import EngineError
from engine.types import Accepts, GenerateRequest, ModelInfo, OverflowPolicy, Sampling, TextDelta

MAX_ANSWER_TOKENS = 2048
T = TypeVar("T")

_SAVE_S = 1.0  # at most this much of a streamed answer is lost with the power
_STATUS_S = 0.25  # a number that changes faster cannot be read


@dataclass(frozen=True, slots=True)
class Wish:
    """Who shall answer, and how; no sampling means what the model recommends."""

    model: ModelInfo
    sampling: Sampling | None


class Answerer(QObject):
    """Runs the conversation of a session with the engine.

    Signals:
        begun: the session's chat is on disk and its answer has been asked for.
        advanced: what is to be said about the answer in flight has changed; a few times a second.
        answered: the answer ended by itself.
        failed: session, `Failure`.

    Thread: UI only.
    """

    begun = Signal(object)
    advanced = Signal(object)
    answered = Signal(object)
    failed = Signal(object, object)

    def __init__(self, engine: Engine, store: ChatStore, parent: QObject) -> None:
        super().__init__(parent)
        self._engine = engine
        self._store = store

    async def send(self, session: ChatSession, text: str, wish: Wish) -> None:
        """Save a message, then have it answered; the message is on disk before the first token."""
        if session.summary is None:
            adding = self._store.run(ChatDatabase.add_chat, title_of(text), wish.model.id)
            session.summary = await self._saved(session, adding, lambda: None)
        adding_turn = self._store.run(ChatDatabase.add_turn, session.id, Role.USER, text, TurnState.DONE)
        fallback = Turn(id=_next_id(session), role=Role.USER, text=text)
        session.transcript.append(await self._saved(session, adding_turn, lambda: fallback))
        await self._answer(session, wish)

    async def again(self, session: ChatSession, wish: Wish) -> None:
        """Answer the newest message; an answer it already has is replaced."""
        last = session.last
        if last is not None and last.role is Role.ANSWER:
            session.transcript.remove_from(len(session.transcript.turns) - 1)
            self._store.post(ChatDatabase.remove_turn, last.id)
        await self._answer(session, wish)

    async def _answer(self, session: ChatSession, wish: Wish) -> None:
        request = _request(session, wish)
        adding = self._store.run(ChatDatabase.add_turn, session.id, Role.ANSWER, "", TurnState.RUNNING, wish.model.id)
        fallback = Turn(id=_next_id(session), role=Role.ANSWER, text="", state=TurnState.RUNNING, model=wish.model.id)
        row = session.transcript.append(await self._saved(session, adding, lambda: fallback))
        self.begun.emit(session)
        state = TurnState.INTERRUPTED
        try:
            if not session.is_stopping:
                session.is_streaming = True
                await self._stream(session, row, request)
                state = TurnState.DONE
        except EngineError as error:
            state = TurnState.FAILED
            self.failed.emit(session, failure_of(error))
        finally:
            session.is_streaming = False
            # Cancelled by the person, or because the window closes: what came so far is kept either way.
            self._finish(session, row, TurnState.STOPPED if session.is_stopping else state)
        if state is TurnState.DONE:
            self.answered.emit(session)

    async def _stream(self, session: ChatSession, row: int, request: GenerateRequest) -> None:
        device, saved_s, said_s = "", perf_counter(), 0.0
        async with aclosing(self._engine.generate(request)) as events:
            async for event in events:
                if isinstance(event, TextDelta):
                    device = device or self._device_of(request.model)
                    session.transcript.append_text(row, event.text)
                now = perf_counter()
                is_first = isinstance(event, TextDelta) != (session.progress is not None and not session.progress.words)
                if session.progress is not None:
                    session.progress.take(event, device)
                if is_first or now - said_s > _STATUS_S:
                    said_s = now
                    self.advanced.emit(session)
                if now - saved_s > _SAVE_S:
                    saved_s = now
                    self._store.post(ChatDatabase.save_turn, session.transcript.turns[row])

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


def _next_id(session: ChatSession) -> int:
    return session.last.id + 1 if session.last is not None else 1


def _request(session: ChatSession, wish: Wish) -> GenerateRequest:
    overflow = OverflowPolicy.DROP_OLDEST if session.drops_oldest else OverflowPolicy.ERROR
    messages = messages_of(session.transcript.turns)
    if Accepts.MESSAGES in wish.model.accepts:
        return GenerateRequest(
            model=wish.model.id,
            messages=messages,
            sampling=wish.sampling,
            max_tokens=MAX_ANSWER_TOKENS,
            overflow=overflow,
        )
    prompt = messages[-1].content if messages else ""
    return GenerateRequest(model=wish.model.id, prompt=prompt, sampling=wish.sampling, max_tokens=MAX_ANSWER_TOKENS)
