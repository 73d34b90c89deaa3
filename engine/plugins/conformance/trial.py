"""Trial: guarded and timed calls of a stranger's functions, and what came of them."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final, TypeVar

from engine.errors import EngineError, PluginError, TaskCancelledError

T = TypeVar("T")

_THREADS: Final = 4
_ROUNDS: Final = 3  # a slow call is repeated: another program may have been in the way
_SENTENCE: Final = 3  # fewer words explain nothing


class BreachError(Exception):
    """The contract is broken; the text says how."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: what.
        problem: how the contract is broken; empty if it is not.
        note: what was not tried, or is worth knowing; may be empty.
        details: a traceback, for copying; may be empty.
        calls: how many were timed.
        p50_ms: half of them took no longer.
        p95_ms: 95 of 100 of them took no longer.
        limit_ms: that `p95_ms` has to keep; 0 if nothing is timed.
    """

    name: str
    problem: str = ""
    note: str = ""
    details: str = ""
    calls: int = 0
    p50_ms: float = 0.0
    p95_ms: float = 0.0
    limit_ms: float = 0.0

    @property
    def is_passed(self) -> bool:
        """Whether the contract holds."""
        return not self.problem


@dataclass(slots=True)
class Trial:
    """One check, while it is going on.

    Attributes:
        limit_ms: that 95 of 100 calls have to keep.
        note: goes into the check.
    """

    limit_ms: float = 0.0
    note: str = ""
    _times_ms: list[float] = field(default_factory=list)

    def call(self, function: Callable[..., T], *arguments: object) -> T | EngineError:
        """Call a function; an error that the contract allows is returned.

        Raises:
            BreachError: it raised something else, or an error that explains nothing.
        """
        began_s = time.perf_counter()
        try:
            return function(*arguments)
        except PluginError:  # what the plugin's process makes of a crash, a timeout, or a value of a wrong type
            raise
        except TaskCancelledError as error:
            return error
        except EngineError as error:
            require(len(error.cause.split()) >= _SENTENCE, f"{type(error).__name__} says no cause: {error.cause!r}")
            return error
        except Exception as error:
            raise BreachError(f"raised {type(error).__name__} ({error}), which is no EngineError") from error
        finally:
            self._times_ms.append((time.perf_counter() - began_s) * 1000)

    def succeed(self, function: Callable[..., T], *arguments: object) -> T:
        """Call a function that has no reason to fail.

        Raises:
            BreachError: it failed.
        """
        result = self.call(function, *arguments)
        if isinstance(result, EngineError):
            raise BreachError(f"failed with: {result}")
        return result

    def repeat(self, function: Callable[..., T], *arguments: object) -> T | EngineError:
        """Call a function again, and from several threads at once, and see that the result is the same.

        Raises:
            BreachError: it is not.
        """
        first = self.call(function, *arguments)
        require(_same(first, self.call(function, *arguments)), "gives another result when it is called again")
        with ThreadPoolExecutor(_THREADS) as threads:
            futures = [threads.submit(self.call, function, *arguments) for _ in range(2 * _THREADS)]
            results = [future.result() for future in futures]
        require(all(_same(first, result) for result in results), "gives another result when threads call it at once")
        return first

    def end(self, name: str, problem: str = "", details: str = "") -> Check:
        """What came of it."""
        times = sorted(self._times_ms)
        p50, p95 = _quantile(times, 0.5), _quantile(times, 0.95)
        if not problem and self.limit_ms and p95 > self.limit_ms:
            problem = f"takes {p95:.0f} ms, of which {self.limit_ms:.0f} ms are allowed"
        return Check(
            name=name, problem=problem, note=self.note, details=details, calls=len(times), p50_ms=p50, p95_ms=p95,
            limit_ms=self.limit_ms,
        )  # fmt: skip


def examine(name: str, work: Callable[[Trial], None], limit_ms: float = 0.0) -> Check:
    """Do one check. Too slow a one is done again; the fastest counts."""
    checks = []
    for _ in range(_ROUNDS):
        trial = Trial(limit_ms)
        problem = details = ""
        try:
            work(trial)
        except BreachError as error:
            problem = str(error)
        except PluginError as error:
            problem, details = error.cause, error.details
        except Exception as error:  # noqa: BLE001 - what a stranger returns can be of any type, whatever is asked of it
            problem = f"gives something that cannot be looked at ({type(error).__name__}: {error})"
        checks.append(trial.end(name, problem, details))
        if problem or not limit_ms or checks[-1].p95_ms <= limit_ms:
            return checks[-1]
    return min(checks, key=lambda check: check.p95_ms)


def require(holds: bool, otherwise: str) -> None:
    """See that something holds.

    Raises:
        BreachError: it does not.
    """
    if not holds:
        raise BreachError(otherwise)


def _same(one: object, other: object) -> bool:
    if isinstance(one, EngineError) and isinstance(other, EngineError):
        return (type(one), one.cause) == (type(other), other.cause)
    return bool(one == other)


def _quantile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0
