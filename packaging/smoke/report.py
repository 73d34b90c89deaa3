"""What was found: checks, which are passed or not, and times, which are only told."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Literal

Outcome = Literal["ok", "failed", "skipped"]


@dataclass(frozen=True, slots=True)
class Check:
    """One check.

    Attributes:
        name: what is checked.
        outcome: how it went.
        detail: one sentence or less.
    """

    name: str
    outcome: Outcome
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Time:
    """One figure, measured several times.

    Attributes:
        name: what took the time.
        seconds: each measurement.
        target_s: what it should be at most; None for a figure without a target.
    """

    name: str
    seconds: tuple[float, ...]
    target_s: float | None = None

    @property
    def typical_s(self) -> float:
        """The median."""
        return median(self.seconds)


@dataclass(slots=True)
class Report:
    """Everything.

    Attributes:
        program: what was tried.
        checks: in the order they were made.
        times: in the order they were measured.
        notes: how it was measured.
    """

    program: Path
    checks: list[Check] = field(default_factory=list)
    times: list[Time] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        """Whether no check failed; a time beyond its target is no failure."""
        return all(check.outcome != "failed" for check in self.checks)

    def table(self) -> str:
        """For people."""
        width = max(len(name) for name in [*(c.name for c in self.checks), *(t.name for t in self.times)])
        lines = [f"Hearth at {self.program}"]
        lines += [f"  {check.name:{width}}  {check.outcome:7}  {check.detail}".rstrip() for check in self.checks]
        for time in self.times:
            target = "" if time.target_s is None else f"  target <= {time.target_s:.1f} s"
            mark = "" if time.target_s is None else ("  met" if time.typical_s <= time.target_s else "  missed")
            lines.append(f"  {time.name:{width}}  {time.typical_s:5.2f} s{target}{mark}")
        return "\n".join([*lines, *(f"  {note}" for note in self.notes)])

    def document(self) -> str:
        """For programs: JSON."""
        said = {
            "program": str(self.program),
            "is_good": self.is_good,
            "checks": [{"name": c.name, "outcome": c.outcome, "detail": c.detail} for c in self.checks],
            "times": [
                {"name": t.name, "median_s": t.typical_s, "seconds": list(t.seconds), "target_s": t.target_s}
                for t in self.times
            ],
            "notes": self.notes,
        }
        return json.dumps(said, indent=2)
