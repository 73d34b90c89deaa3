"""ChatController: which chat is shown, what is in flight, and what the person asks for."""

import asyncio
import logging
from collections.abc import Coroutine
from dataclasses import replace

from PySide6.QtCore import QObject, Signal

from app.chat.answerer import Answerer, Wish
from app.chat.chats.shelf import ChatShelf
from app.chat.choices import ModelChoices
from app.chat.conversation import CallState, ChatSummary
from app.chat.database import ChatDatabase
from app.chat.failure import Failure, failure_of, no_model
from app.chat.progress import AnswerProgress
from app.chat.session import ChatSession
from app.chat.store import ChatStore, StoreError
from app.tasks import Tasks
from engine import Engine, ToolInfo
from engine.errors import EngineError

log = logging.getLogger(__name__)


class ChatController(QObject):
    """The chats and their answers in flight; at most one answer a chat.

    Attributes:
        shelf: the list of chats.
        choices: models and presets to choose from.
        session: the chat that is shown.

    Signals:
        session_changed: another chat is shown, or its title changed.
        state_changed: an answer in the shown chat began, advanced or ended.
        answered: an answer in the shown chat ended by itself: its text.
        failed: a `Failure` for the banner.
        asked: a call in the shown chat waits until it is allowed: its words.
        tools_changed: other tools may be called in the shown chat.

    Thread: UI only.
    """

    session_changed = Signal()
    state_changed = Signal()
    answered = Signal(str)
    failed = Signal(object)
    tools_changed = Signal()
    asked = Signal(str)

    def __init__(self, engine: Engine, tasks: Tasks, preferred_model: str = "", parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tasks = tasks
        self._store = ChatStore(engine.config.home / "chats.db")
        self._answerer = Answerer(engine, self._store, self)
        self._in_flight: list[ChatSession] = []
        self._was_opened = False
        self.shelf = ChatShelf(self._store, tasks, self)
        self.choices = ModelChoices(engine, self._store, preferred_model, self)
        self.session = ChatSession(None, self)
        self.shelf.renamed.connect(self._on_renamed)
        self.shelf.deleted.connect(self._on_deleted)
        self._answerer.begun.connect(self._on_begun)
        self._answerer.advanced.connect(self._on_advanced)
        self._answerer.answered.connect(self._on_answered)
        self._answerer.failed.connect(self._on_failed)
        self._answerer.asked.connect(self._on_asked)

    def open(self) -> None:
        """Read the list of chats, and look for models."""
        self._tasks.start(self._open(), on_error=self._on_error, name="open chats")

    async def close(self) -> None:
        """Stop every answer, save what there is, and close the chat file; call before or after `Tasks.close`."""
        tasks = [session.task for session in self._in_flight if session.task is not None]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        await self._store.close()

    # ------------------------------------------------------------------------------------------- what the person asks

    def send(self, text: str) -> bool:
        """Add a message to the shown chat and ask for an answer; refused while one is in flight, or without words."""
        wish = self._wish() if text.strip() and not self.session.is_busy else None
        if wish is None:
            return False
        self._start(self.session, self._answerer.send(self.session, text.strip(), wish), wish)
        return True

    def ask_again(self, *, drop_oldest: bool = False) -> None:
        """Answer the newest message of the shown chat again, in place of the answer it has.

        Args:
            drop_oldest: from now on the oldest turns of this chat may be left out to make it fit.
        """
        session = self.session
        wish = self._wish() if session.last is not None and not session.is_busy else None
        if wish is not None:
            session.drops_oldest = session.drops_oldest or drop_oldest
            self._start(session, self._answerer.again(session, wish), wish)

    def stop(self) -> None:
        """End the answer in the shown chat; what it said so far stays."""
        session = self.session
        if session.task is not None and not session.is_stopping:
            session.is_stopping = True
            if session.is_streaming:
                session.task.cancel()

    def decide(self, decision: str) -> None:
        """Answer the question whether a tool may be called: `refuse`, `once`, or `always` in this chat."""
        session = self.session
        waiting = [call for call in session.last.calls if call.state is CallState.ASKING] if session.last else []
        if decision == "always":
            session.allowed |= {call.name for call in waiting[:1]}
        session.decide(is_allowed=decision != "refuse")

    def choose_tools(self, names: frozenset[str]) -> None:
        """Say which tools the model of the shown chat may call from now on."""
        self.session.tools = names
        if self.session.summary is not None:
            self._store.post(ChatDatabase.set_tools, self.session.id, sorted(names))
        self.tools_changed.emit()

    @property
    def tools(self) -> tuple[ToolInfo, ...]:
        """All tools that models may be given."""
        return self._answerer.tools

    def look_for_models(self) -> None:
        """Read the models folders again; also after other plugins run than before."""
        self._tasks.start(self.choices.find(), on_error=self._on_error, name="find chat models")

    def new_chat(self) -> None:
        """Show an empty chat; it is saved with its first message."""
        if self.session.last is not None or self.session.is_busy:
            self._show(ChatSession(None, self))

    def open_chat(self, chat: int) -> None:
        """Show a chat."""
        busy = next((session for session in self._in_flight if session.id == chat), None)
        if busy is not None:
            self._show(busy)
        elif chat != self.session.id:
            self._tasks.start(self._read(chat), on_error=self._on_error, name="open chat")

    # --------------------------------------------------------------------------------------------------- what happens

    async def _open(self) -> None:
        if not self._was_opened:
            self._was_opened = True
            await self._store.open()
            if self._store.notice is not None:
                self.failed.emit(Failure("warn", *self._store.notice))
        self.shelf.refresh()
        await self.choices.find()

    async def _read(self, chat: int) -> None:
        summaries = {summary.id: summary for summary in await self._store.run(ChatDatabase.chats)}
        if chat in summaries:
            session = ChatSession(summaries[chat], self)
            session.transcript.replace_all(await self._store.run(ChatDatabase.turns, chat))
            self._show(session)

    def _wish(self) -> Wish | None:
        if self.choices.current is None:
            self.failed.emit(no_model(self.choices.folder))
            return None
        return Wish(self.choices.current, self.choices.preset.sampling, self.choices.thinking)

    def _start(self, session: ChatSession, work: Coroutine[object, object, None], wish: Wish) -> None:
        session.is_stopping = False
        session.progress = AnswerProgress(wish.model.id)
        self._in_flight.append(session)
        session.task = self._tasks.start(work, on_error=self._on_error, name="answer")
        session.task.add_done_callback(lambda _task: self._end(session))
        self.state_changed.emit()

    def _end(self, session: ChatSession) -> None:
        session.task = session.progress = None
        self._in_flight.remove(session)
        self._mark_answering()
        if session is self.session:
            self.state_changed.emit()
        else:
            session.deleteLater()

    def _show(self, session: ChatSession) -> None:
        previous, self.session = self.session, session
        if previous is not session and not previous.is_busy:
            previous.deleteLater()
        self.session_changed.emit()
        self.state_changed.emit()

    def _mark_answering(self) -> None:
        self.shelf.model.show_answering(frozenset(session.id for session in self._in_flight))

    def _on_begun(self, session: ChatSession) -> None:
        self.shelf.refresh()
        self._mark_answering()
        if session is self.session:
            self.session_changed.emit()

    def _on_advanced(self, session: ChatSession) -> None:
        if session is self.session:
            self.state_changed.emit()

    def _on_answered(self, session: ChatSession) -> None:
        if session is self.session and session.last is not None:
            self.answered.emit(session.last.text)

    def _on_asked(self, session: ChatSession, words: str) -> None:
        if session is self.session:
            self.asked.emit(words)

    def _on_failed(self, session: ChatSession, failure: Failure) -> None:
        if session is self.session:
            self.failed.emit(failure)

    def _on_renamed(self, chat: int, title: str) -> None:
        summary = self.session.summary
        if summary is not None and summary.id == chat:
            self.session.summary = replace(summary, title=title)
            self.session_changed.emit()

    def _on_deleted(self, summary: ChatSummary) -> None:
        if summary.id == self.session.id:
            self.stop()
            self._show(ChatSession(None, self))

    def _on_error(self, error: Exception) -> None:
        if isinstance(error, EngineError | StoreError):
            self.failed.emit(failure_of(error))
            return
        log.error("Chat failed", exc_info=error)
        self.failed.emit(
            Failure("bad", "Something in Hearth went wrong.", f"The log says more: {type(error).__name__}.")
        )
