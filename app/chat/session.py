"""ChatSession: one open chat with its transcript and the answer in flight."""

import asyncio

from PySide6.QtCore import QObject

from app.chat.conversation import ChatSummary, Role, Turn
from app.chat.progress import AnswerProgress
from app.chat.transcript import TranscriptModel


class ChatSession(QObject):
    """What belongs to one chat while it is open or being answered.

    Attributes:
        summary: its line in the list; None until its first message is on disk.
        transcript: its turns.
        task: the coroutine that answers; None when nothing is in flight.
        progress: of the answer in flight.
        is_stopping: the person has asked for the answer to end.
        is_streaming: the engine works on it; before that a stop waits until message and answer have their place.
        drops_oldest: the person has agreed that the oldest turns may be left out.
        tools: names of the tools that the model may call.
        allowed: names of those that may be called without asking again.

    Thread: UI only.
    """

    def __init__(self, summary: ChatSummary | None, parent: QObject) -> None:
        super().__init__(parent)
        self.summary = summary
        self.transcript = TranscriptModel(self)
        self.task: asyncio.Task[None] | None = None
        self.progress: AnswerProgress | None = None
        self.is_stopping = False
        self.is_streaming = False
        self.drops_oldest = False
        self.tools: frozenset[str] = frozenset(summary.tools if summary else ())
        self.allowed: set[str] = set()
        self._decision: asyncio.Future[bool] | None = None

    @property
    def id(self) -> int:
        """Id of the chat; 0 for one that has no message yet."""
        return self.summary.id if self.summary else 0

    @property
    def title(self) -> str:
        """Its title."""
        return self.summary.title if self.summary else "New chat"

    @property
    def is_busy(self) -> bool:
        """Whether an answer is in flight."""
        return self.task is not None  # until everything about its end has been done

    @property
    def used_tokens(self) -> int:
        """Tokens of the context in use after the latest answer."""
        if self.progress is not None:
            return self.progress.used_tokens
        answers = (turn for turn in reversed(self.transcript.turns) if turn.role is Role.ANSWER)
        latest = next((turn.facts for turn in answers if turn.facts.prompt_tokens), None)
        return latest.prompt_tokens + latest.output_tokens if latest else 0

    async def ask(self) -> bool:
        """Wait until the person has allowed or refused the call that waits for it."""
        self._decision = asyncio.get_running_loop().create_future()
        try:
            return await self._decision
        finally:
            self._decision = None

    def decide(self, *, is_allowed: bool) -> None:
        """Allow or refuse the call that waits for it, if one does."""
        if self._decision is not None and not self._decision.done():
            self._decision.set_result(is_allowed)

    @property
    def last(self) -> Turn | None:
        """The newest turn."""
        return self.transcript.turns[-1] if self.transcript.turns else None
