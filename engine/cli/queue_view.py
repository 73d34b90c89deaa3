"""What is shown of a queue on a terminal and in JSON."""

import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from engine.cli.output import count_of, plain
from engine.cli.plugins_view import literal
from engine.cli.running import NONE_RUNS, View, duration_text
from engine.control.client import RunningEngine
from engine.queueing import EndedRequest, Outcome, QueuedRequest, QueueSnapshot, RequestState
from engine.requests import USUAL_LEVEL

if TYPE_CHECKING:
    from rich.table import Table

Answers = Sequence[tuple[RunningEngine, QueueSnapshot]]

_STATES = {
    RequestState.PREPARING: "prepares",
    RequestState.LOADING: "loads",
    RequestState.WAITING: "waits",
    RequestState.PAUSED: "stands aside",
    RequestState.RUNNING: "runs",
}
_OUTCOMES = {Outcome.DONE: "done", Outcome.CANCELLED: "cancelled", Outcome.FAILED: "failed"}


def queue_document(answers: Answers) -> dict[str, Any]:
    """All queues for JSON."""
    return {
        "engines": [
            {**engine_document(engine), "queue": {**_fields(queue), "requests": requests_document(queue.requests)}}
            for engine, queue in answers
        ]
    }


def engine_document(engine: RunningEngine) -> dict[str, Any]:
    """Which Hearth it is, for JSON."""
    return {"process": engine.process, "title": engine.title, "started_at": engine.started_at}


def requests_document(requests: Sequence[QueuedRequest]) -> list[dict[str, Any]]:
    """Requests for JSON: all that is known of each, the share done, and the points of each factor."""
    return [
        {
            **_fields(request),
            "progress": request.progress,
            "parts": [{**_fields(part), "points": part.points} for part in request.parts],
        }
        for request in requests
    ]


def queue_view(answers: Answers) -> View:
    """What runs, then what waits, next first; below it why."""
    if not answers:
        return View(lines=[NONE_RUNS])
    rows = [
        (_name(engine, request.id, answers), request, queue) for engine, queue in answers for request in queue.requests
    ]
    lines = [f"{name}: {request.reason}" for name, request, _ in rows if request.reason]
    if not rows:
        lines.append("Nothing runs, and nothing waits.")
    for engine, queue in answers:
        front = f"{engine}: " if len(answers) > 1 else ""
        lines += [f"{front}{sentence}" for sentence in _sentences(queue)]
    return View([_queue_table([row[:2] for row in rows])] if rows else (), lines)


def _queue_table(rows: Sequence[tuple[str, QueuedRequest]]) -> "Table":
    headings = ("id", "request", "model", "for", "urgency", "state", "lane", "score", "begins in", "done in")
    table = _table(headings, right=("score", "begins in", "done in"))
    for name, request in rows:
        level = "" if request.level == USUAL_LEVEL else f", level {request.level}"
        _add(
            table, name, request.title, request.model, request.client or "–", f"{request.urgency}{level}",
            state_text(request), request.lane or "–", f"{request.score:.2f}" if request.parts else "–",
            "–" if request.state is RequestState.RUNNING else duration_text(request.starts_in_s),
            duration_text(request.ends_in_s),
        )  # fmt: skip
    return table


def state_text(request: QueuedRequest) -> str:
    """`runs, 60%`: where a request stands, and how far it is."""
    words = _STATES[request.state]
    if request.state is RequestState.LOADING:
        return words if request.load_progress is None else f"{words}, {request.load_progress:.0%}"
    return f"{words}, {request.progress:.0%}" if request.progress else words


def _sentences(queue: QueueSnapshot) -> Iterator[str]:
    if queue.is_paused:
        yield "The queue is paused: nothing new begins until `hearth queue resume`."
    for lane in queue.lanes:
        for model in lane.frozen:
            yield f"{lane.name}: {model} takes nothing new, because a request before it needs its memory."
    for model, share in sorted(queue.loading.items()):
        yield f"{model} is being loaded, {share:.0%}."
    if unlisted := queue.waiting_count - len(queue.waiting):
        yield f"{unlisted:,} more {'waits' if unlisted == 1 else 'wait'}."
    promise = ""
    if queue.overtaken_at_most_s:
        promise = f"; who arrives {duration_text(queue.overtaken_at_most_s)} later never overtakes"
    elif queue.overtaken_at_most_s is not None:
        promise = "; who arrives later never overtakes"
    ended = count_of(queue.ended_today, "request")
    yield f"Ordered by {queue.order}{promise}. {ended} {'has' if queue.ended_today == 1 else 'have'} ended today."


def why_view(name: str, request: QueuedRequest) -> View:
    """The factors of a request's score, and why it stands where it stands."""
    lines = [f"{name} {state_text(request)}. {request.reason}".rstrip()]
    if not request.parts:
        return View(lines=[*lines, "Requests are not ordered by score now."])
    table = _table(("factor", "value", "weight", "points", "because"), right=("value", "weight", "points"))
    for part in request.parts:
        weight = f"{part.weight:.4f}" if 0 < part.weight < 0.01 else f"{part.weight:.2f}"
        _add(table, part.key, f"{part.value:.2f}", weight, f"{part.points:+.3f}", part.words)
    _add(table, "score", "", "", f"{request.score:.3f}", "")
    return View([table], lines)


def finished_document(answers: Answers, count: int) -> dict[str, Any]:
    """Requests that have ended, for JSON."""
    return {
        "engines": [
            {**engine_document(engine), "ended_today": queue.ended_today, "ended": plain(queue.ended[:count])}
            for engine, queue in answers
        ]
    }


def finished_view(answers: Answers, count: int) -> View:
    """Requests that have ended, newest first, and why some failed."""
    if not answers:
        return View(lines=[NONE_RUNS])
    rows = [
        (_name(engine, ended.id, answers), ended) for engine, queue in answers for ended in queue.ended[:count]
    ]  # fmt: skip
    rows.sort(key=lambda row: row[1].ended_at, reverse=True)
    rows = rows[:count]
    if not rows:
        return View(lines=["Nothing has ended yet."])
    headings = ("id", "ended", "request", "model", "for", "outcome", "waited", "first token", "took", "tokens")
    table = _table(headings, right=("waited", "first token", "took", "tokens"))
    for name, ended in rows:
        _add(
            table, name, time.strftime("%H:%M:%S", time.localtime(ended.ended_at)), ended.title, ended.model,
            ended.client or "–", _OUTCOMES[ended.outcome], _waited(ended), duration_text(ended.first_token_s),
            duration_text(ended.total_s), f"{ended.output_tokens:,}",
        )  # fmt: skip
    return View([table], [f"{name}: {ended.error}" for name, ended in rows if ended.error])


def _waited(ended: EndedRequest) -> str:
    loading = f", {duration_text(ended.load_s)} of it for its model" if ended.load_s >= 0.05 else ""
    return f"{duration_text(ended.waited_s)}{loading}"


def _name(engine: RunningEngine, request: str, answers: Answers) -> str:
    """An id says enough where only one Hearth runs."""
    return f"{engine.process}/{request}" if len(answers) > 1 else request


def _table(headings: Sequence[str], right: Sequence[str]) -> "Table":
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD)
    for heading in headings:
        table.add_column(heading, justify="right" if heading in right else "left", no_wrap=heading == "id")
    return table


def _add(table: "Table", *cells: str) -> None:
    table.add_row(*(literal(text) for text in cells))


def _fields(value: object) -> dict[str, Any]:
    fields = plain(value)
    assert isinstance(fields, dict)
    return fields
