"""The Hearths that run: asking them, finding a request among theirs, watching them."""

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final, NoReturn, TypeVar

import typer

from engine.cli.output import Output, note
from engine.cli.plugins_view import printable
from engine.cli.session import Session
from engine.control.client import RunningEngine, running_engines
from engine.errors import EngineClosedError, EngineError
from engine.queueing import QueuedRequest

if TYPE_CHECKING:
    from rich.console import RenderableType

T = TypeVar("T")

NONE_RUNS: Final = "No Hearth is running."
WATCH_EVERY_S: Final = 1.0

WatchOption = Annotated[bool, typer.Option("--watch", help="Show it anew every second, until Ctrl-C.")]


@dataclass(frozen=True, slots=True)
class View:
    """What a command shows: tables, and sentences below them."""

    tables: Sequence["RenderableType"] = ()
    lines: Sequence[str] = ()

    def show(self, output: Output) -> None:
        """Print it."""
        if self.tables:
            output.table(*self.tables)
        for line in self.lines:
            output.line(line)


def ask_all(session: Session, ask: Callable[[RunningEngine], T]) -> list[tuple[RunningEngine, T]]:
    """Ask every Hearth that runs with this data folder, newest first; of one that fails, say why on standard error.

    Raises:
        EngineError: all that run fail.
    """
    answers, faults = [], []
    for engine in running_engines(session.config().home):
        try:
            answers.append((engine, ask(engine)))
        except EngineClosedError:
            continue  # it has just ended, or was killed
        except EngineError as error:
            faults.append(error)
    if faults and not answers:
        raise faults[0]
    for fault in faults:
        note(str(fault))
    return answers


def tell_all(session: Session, tell: Callable[[RunningEngine], T]) -> list[tuple[RunningEngine, T]]:
    """Tell every Hearth that runs.

    Raises:
        EngineClosedError: none runs.
        EngineError: all that run fail.
    """
    if answers := ask_all(session, tell):
        return answers
    raise EngineClosedError(NONE_RUNS)


def find_request(session: Session, name: str) -> tuple[RunningEngine, QueuedRequest]:
    """Find a request by its id, or by `PROCESS/ID` where several Hearths have one of that id.

    Raises:
        EngineClosedError: no Hearth runs.
        EngineError: there is no such request, or there are several, or so many wait that this one is not listed.
    """
    _, found = _search(session, name)
    if not found:
        raise no_request(name)
    return found[0]


def find_engine(session: Session, name: str) -> tuple[RunningEngine, str]:
    """Find the Hearth that has a request, and the request's id there; it may turn out not to have it.

    Raises:
        EngineClosedError: no Hearth runs.
        EngineError: none has such a request, or several have one.
    """
    engines, found = _search(session, name)
    if found:
        return found[0][0], found[0][1].id
    if len(engines) != 1:
        raise no_request(name)
    return engines[0], name.rpartition("/")[2]  # of very many that wait, not all are listed


def _search(session: Session, name: str) -> tuple[list[RunningEngine], list[tuple[RunningEngine, QueuedRequest]]]:
    """The Hearths that a name may mean, and the one request that it does mean, if it is listed."""
    process, _, id_there = name.rpartition("/")
    answers = [
        (engine, queue)
        for engine, queue in tell_all(session, RunningEngine.queue)
        if process in ("", str(engine.process))
    ]
    found = [(engine, request) for engine, queue in answers for request in queue.requests if request.id == id_there]
    if len(found) > 1:
        names = " or ".join(f"{engine.process}/{id_there}" for engine, _ in found)
        raise EngineError(f"Several Hearths have a request {id_there}.", f"Say which: {names}.")
    return [engine for engine, _ in answers], found


def no_request(name: str) -> EngineError:
    """The error that says that a request is not there."""
    return EngineError(f"There is no request {name}, or it has ended.", "`hearth queue` lists those that there are.")


def show(
    output: Output,
    ask: Callable[[], T],
    view: Callable[[T], View],
    document: Callable[[T], object],
    *,
    is_watched: bool,
) -> None:
    """Print what is to be seen, once or every second until somebody has seen enough."""
    if is_watched and output.as_json:
        raise typer.BadParameter("it goes without --json, which prints one document", param_hint="--watch")
    if is_watched and sys.stdout.isatty():
        _draw_for_ever(lambda: view(ask()))
    while True:
        answer = ask()
        view(answer).show(output)
        if not is_watched:
            output.document(document(answer))
            return
        time.sleep(WATCH_EVERY_S)


def _draw_for_ever(look: Callable[[], View]) -> NoReturn:
    from rich.console import Group
    from rich.live import Live
    from rich.text import Text

    with Live(auto_refresh=False) as live:
        while True:
            seen = look()
            live.update(Group(*seen.tables, *(Text(printable(line)) for line in seen.lines)), refresh=True)
            time.sleep(WATCH_EVERY_S)


def duration_text(seconds: float | None) -> str:
    """`2.5 s`, `3 min 20 s` or `1 h 5 min`; a dash for what is unknown."""
    if seconds is None:
        return "–"
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s" if whole % 60 else f"{whole // 60} min"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
