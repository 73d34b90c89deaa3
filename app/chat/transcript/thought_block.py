"""ThoughtBlock: what the model thought before it answered."""

from dataclasses import dataclass

from PySide6.QtWidgets import QWidget

from app.chat.transcript.fold import Fold
from app.theme import Appearance

_NBSP = "\u00a0"


@dataclass(slots=True, eq=False)
class Thought:
    """What is known of it while it has no widget.

    Attributes:
        text: all of it.
        seconds: how long it took; 0 if unknown.
        is_open: whether the text is shown.
        is_growing: whether more may come.
    """

    text: str
    seconds: float = 0.0
    is_open: bool = False
    is_growing: bool = False

    @property
    def words(self) -> str:
        """What the head says."""
        if self.is_growing:
            return "Thinking"
        if self.seconds >= 60:
            return f"Thought for {self.seconds / 60:.0f}{_NBSP}min"
        return f"Thought for {self.seconds:.0f}{_NBSP}s" if self.seconds >= 1 else "Thought for a moment"


class ThoughtBlock(Fold):
    """Open while it grows; closed when the answer begins, unless the person opens it again."""

    def __init__(self, appearance: Appearance, thought: Thought, parent: QWidget) -> None:
        super().__init__(appearance, "Thoughts of the model", parent)
        self._thought = thought
        self.toggled.connect(self._keep)
        self.set_text(thought.text)
        self.refresh()

    def refresh(self) -> None:
        """Show what the thought says of itself now."""
        self.set_open(is_open=self._thought.is_open)
        self.say(self._thought.words)

    def _keep(self) -> None:
        self._thought.is_open = self.is_open
