"""What the explanation of a request says."""

from app.queue.words import LEVEL_WORDS, URGENCY_WORDS, duration, ordinal, spelled_time, starts
from app.usage import NBSP, UNKNOWN, percent
from engine.queueing import QueuedRequest, QueueSnapshot, RequestState

Fact = tuple[str, str]


def title_of(request: QueuedRequest) -> str:
    """The question that is answered."""
    if request.state is RequestState.RUNNING or not request.position:
        return "Runs now"
    return f"Why {ordinal(request.position)}?"


def score_words(request: QueuedRequest) -> tuple[str, str]:
    """The sum, `0.37 + 0.31 for waiting =`, and what it comes to; both empty where there is no score."""
    if not request.parts or not request.position:
        return "", ""
    waiting = sum(part.points for part in request.parts if part.key == "wait")
    waiting, score = round(waiting, 2), round(request.score, 2)  # what is shown must add up as it is shown
    rest = score - waiting
    return f"{rest:.2f} + {waiting:.2f} for waiting =", f"{score:.2f}"


def bound_words(request: QueuedRequest, snapshot: QueueSnapshot) -> str:
    """What the order promises to one that waits; empty where it promises nothing."""
    if not request.position or snapshot.overtaken_at_most_s is None:
        return ""
    if snapshot.overtaken_at_most_s <= 0:
        return "Nothing that arrives after it can be chosen before it."
    limit = spelled_time(snapshot.overtaken_at_most_s)
    return f"Nothing that arrives more than {limit} after it can be chosen before it."


def facts_of(request: QueuedRequest, lane: str, *, is_paused: bool) -> tuple[Fact, ...]:
    """Names and values of what is known, where no factors are shown."""
    is_running = request.state is RequestState.RUNNING
    urgency = f"{URGENCY_WORDS[request.urgency][0]}, level {request.level} ({LEVEL_WORDS[request.level]})"
    when = starts(request, is_paused=is_paused)
    facts = [
        ("Client", request.client or UNKNOWN),
        ("Model", request.model),
        ("Lane", lane or UNKNOWN),
        ("Urgency", urgency),
    ]
    if is_running:
        since = (request.waited_s - request.started_s) if request.started_s is not None else request.waited_s
        facts += [
            ("Waited", duration(since)),
            ("Runs for", duration(request.started_s or 0.0)),
            ("Progress", percent(request.progress)),
            ("Ends", when),
        ]
    else:
        ends = f"in{NBSP}{duration(request.ends_in_s)}" if request.ends_in_s is not None else UNKNOWN
        facts += [("Waited", duration(request.waited_s)), ("Starts", when), ("Ends", ends)]
    if request.form == "text":
        facts.append(("Prompt", f"{request.prompt_tokens:,}{NBSP}tokens"))
        facts.append(("Written", f"{request.output_tokens:,} of about {request.output_expected:,}{NBSP}tokens"))
    return tuple(facts)
