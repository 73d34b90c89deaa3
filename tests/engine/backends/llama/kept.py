"""A tier that has a few states in memory."""

from collections.abc import Sequence

from engine.backends.base import Conversation
from engine.backends.llama.parking import common_prefix
from engine.backends.prefix_tier import PrefixMatch


class Kept:
    """Finds the state that shares most with a prompt, of those it was given.

    Attributes:
        states: all that it has.
        read_count: states that were asked for.
        saved: prompt tokens that were not read again, by prompt.
    """

    def __init__(self, states: Sequence[Conversation] = (), *, whole: bool = False) -> None:
        self.states = list(states)
        self.read_count = 0
        self.saved: list[int] = []
        self._whole = whole

    def find(self, tokens: Sequence[int]) -> PrefixMatch | None:
        best: PrefixMatch | None = None
        for state in self.states:
            shared = min(common_prefix(list(state.tokens), tuple(tokens)), len(tokens) - 1)
            if shared > (best.shared if best else 0) and (not self._whole or shared == len(state.tokens)):
                best = PrefixMatch(shared, state.state.nbytes, state)
        return best

    def read(self, match: PrefixMatch) -> Conversation | None:
        self.read_count += 1
        assert isinstance(match.entry, Conversation)
        return match.entry

    def store(self, conversation: Conversation) -> None:
        self.states.append(conversation)

    def note_saved(self, tokens: int) -> None:
        self.saved.append(tokens)
