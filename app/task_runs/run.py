"""TaskRun: one run of a task, from its start to what came out."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from engine import InputFile, TaskInfo, Value, Values

_NBSP = "\u00a0"


class RunState(StrEnum):
    """How far a run has come; the value is what is said of it."""

    RUNNING = "Running"
    DONE = "Done"
    FAILED = "Failed"
    CANCELLED = "Cancelled"


@dataclass(slots=True, eq=False, kw_only=True)
class TaskRun:
    """A run. Only the controller changes it.

    Attributes:
        task: what runs.
        inputs: what it was given.
        state: how far it is.
        fraction: in [0, 1].
        note: what it is doing, in a few words.
        texts: outputs that have been growing, by name; complete once it is done.
        outputs: all outputs, once it is done.
        cause: why it failed, one sentence.
        remedy: what helps, one sentence; may be empty.
        details: a traceback or the end of its plugin's output, for copying; may be empty.
        started_s: seconds since the epoch.
        total_s: how long it took; 0 while it runs.
    """

    task: TaskInfo
    inputs: Values
    state: RunState = RunState.RUNNING
    fraction: float = 0.0
    note: str = ""
    texts: dict[str, str] = field(default_factory=dict)
    outputs: Mapping[str, Value] = field(default_factory=dict)
    cause: str = ""
    remedy: str = ""
    details: str = ""
    started_s: float = field(default_factory=time.time)
    total_s: float = 0.0

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self.state is RunState.RUNNING

    @property
    def subject(self) -> str:
        """What it is about: the name of a file, or the beginning of a text; empty if there is neither."""
        for value in self.inputs.values():
            if isinstance(value, InputFile):
                return value.name
        texts = [value for value in self.inputs.values() if isinstance(value, str)]
        return " ".join(max(texts, key=len, default="").split())[:80]

    @property
    def state_words(self) -> str:
        """State and time: "Done in 3.2 s"."""
        if self.state is RunState.RUNNING:
            return f"{self.fraction:.0%}".replace("%", f"{_NBSP}%")
        return f"{self.state} {'in' if self.state is RunState.DONE else 'after'} {duration_words(self.total_s)}"


def duration_words(seconds: float) -> str:
    """Say a time as people do: "180 ms", "3.2 s", "2 min 5 s"."""
    if seconds < 1:
        return f"{seconds * 1000:.0f}{_NBSP}ms"
    if seconds < 60:
        return f"{seconds:.1f}{_NBSP}s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}{_NBSP}min {rest}{_NBSP}s"
