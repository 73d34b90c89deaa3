"""How the window ended the last time: values and their words, without Qt."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class EndKind(StrEnum):
    """What ended it."""

    NATIVE = "native"  # a crash in code that is not Python
    MEMORY = "memory"  # the system, for want of memory
    ERROR = "error"  # an error that nobody handled
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """An end that nobody asked for.

    Attributes:
        kind: what ended it.
        detail: name of the fault or of the error; empty where there is none.
        version: of the Hearth that ended.
        started_at: when it had been started, in seconds since 1970.
    """

    kind: EndKind
    detail: str = ""
    version: str = ""
    started_at: float = 0.0

    @property
    def sentence(self) -> str:
        """What happened."""
        named = f" ({self.detail})" if self.detail else ""
        return _SENTENCES[self.kind].format(named)


_SENTENCES: Final = {
    EndKind.NATIVE: "Hearth crashed the last time, in native code{}.",
    EndKind.MEMORY: "The system ended Hearth the last time, very likely because memory had run out.",
    EndKind.ERROR: "An unexpected error{} ended Hearth the last time.",
    EndKind.UNKNOWN: "Hearth ended unexpectedly the last time.",
}
