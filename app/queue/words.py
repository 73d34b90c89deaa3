"""What the page says: orders, factors, times, requests; nothing here knows of Qt."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from app.usage import NBSP, UNKNOWN, percent
from engine.queueing import FACTORS, LaneWork, Outcome, QueuedRequest, RequestState
from engine.requests import Urgency

_MINUTE, _HOUR = 60, 3600


@dataclass(frozen=True, slots=True)
class Order:
    """What an order of requests is called, and what it does, in one sentence."""

    name: str
    hint: str


ORDER_WORDS: Final[Mapping[str, Order]] = {
    "hearth": Order("Twelve factors", "Urgency, loaded models, shares, memory and waiting time decide together."),
    "fifo": Order("First come, first served", "One request at a time, in the order they came."),
    "fifo_batched": Order("First come, in batches", "In the order they came; what shares a model runs together."),
    "round_robin": Order("Models in turn", "Every model gets its turn, one after the other."),
    "collate": Order("One model at a time", "All requests of one model before those of the next."),
    "free_for_all": Order("All models at once", "Every model on all cores at the same time, like separate programs."),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Family:
    """Factors that belong together: their name, the role of their colour, and their keys from strong to weak."""

    name: str
    role: str
    keys: tuple[str, ...]


FAMILIES: Final = (
    Family("need", "chart-1", ("urgency", "work", "deadline")),
    Family("ready", "chart-2", ("residency", "batch", "prefix")),
    Family("fair", "chart-3", ("fairness", "response", "pace")),
    Family("machine", "chart-4", ("memory", "energy")),
    Family("waiting time", "chart-8", ("wait",)),
)
STRENGTHS: Final = (1.0, 0.68, 0.42)
"""How strong the colour of a family's first, second and third factor is."""

FACTOR_NAMES: Final[Mapping[str, str]] = {
    "urgency": "Urgency",
    "work": "Work ahead",
    "deadline": "Deadline",
    "residency": "Model is loaded",
    "batch": "Shares a batch",
    "prefix": "Prompt known",
    "fairness": "Fair share",
    "response": "Model in time",
    "pace": "Held up",
    "memory": "Memory room",
    "energy": "Heat and energy",
    "wait": "Waiting time",
}
assert set(FACTOR_NAMES) == set(FACTORS)  # a factor without a name would be a row without words

URGENCY_WORDS: Final[Mapping[Urgency, tuple[str, str]]] = {
    Urgency.INTERACTIVE: ("Interactive", "somebody is waiting and looking"),
    Urgency.NORMAL: ("Normal", "somebody is waiting, but does something else"),
    Urgency.BATCH: ("Batch", "nobody is waiting"),
}
LEVEL_WORDS: Final = ("last", "later", "usual", "sooner", "first")
OUTCOME_LOOK: Final[Mapping[Outcome, tuple[str, str, str]]] = {
    Outcome.DONE: ("Done", "success", "success"),
    Outcome.CANCELLED: ("Cancelled", "stop", "text-muted"),
    Outcome.FAILED: ("Failed", "error", "danger"),
}
"""Word, icon and role of its colour."""

_KINDS: Final = {"cpu": "CPU", "gpu": "GPU", "npu": "NPU"}
_PARTS: Final = {"graphs": "pictures"}
_ORDINALS: Final = (
    "", "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh",
    "twelfth",
)  # fmt: skip


# ------------------------------------------------------------------------------------------------------------- times


def duration(seconds: float) -> str:
    """A time that goes by, without decimals that nobody can read: `0.4 s`, `74 s`, `12 min`, `3 h`."""
    seconds = max(0.0, seconds)
    if seconds < 0.95:
        return f"{seconds:.1f}{NBSP}s"
    if seconds < 2 * _MINUTE:
        return f"{math.floor(seconds + 0.5)}{NBSP}s"
    if seconds < 2 * _HOUR:
        return f"{seconds / _MINUTE:.0f}{NBSP}min"
    return f"{seconds / _HOUR:.0f}{NBSP}h"


def measured(seconds: float | None) -> str:
    """A time that was measured: `48 ms`, `1.3 s`, `12 s`, `2 min 5 s`; a dash for one that is not known."""
    if seconds is None:
        return UNKNOWN
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f}{NBSP}ms"
    if seconds < 9.95:
        return f"{seconds:.1f}{NBSP}s"
    if seconds < _MINUTE:
        return f"{seconds:.0f}{NBSP}s"
    whole = round(seconds)
    if whole < _HOUR:
        return f"{whole // _MINUTE}{NBSP}min {whole % _MINUTE}{NBSP}s"
    return f"{whole // _HOUR}{NBSP}h {whole % _HOUR // _MINUTE}{NBSP}min"


def spelled_time(seconds: float) -> str:
    """A length of time in a sentence: `4 minutes`, `90 seconds`."""
    if seconds >= 2 * _MINUTE and seconds % _MINUTE < 1:
        return f"{seconds / _MINUTE:.0f}{NBSP}minutes"
    return f"{seconds:.0f}{NBSP}seconds"


def ordinal(number: int) -> str:
    """`third`, `13th`, `21st`."""
    if number < len(_ORDINALS):
        return _ORDINALS[number]
    teens = 10 <= number % 100 <= 20
    return f"{number:,}{'th' if teens else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"


def counted(count: int, one: str, many: str = "") -> str:
    """`1 request`, `1,204 requests`."""
    return f"{count:,}{NBSP}{one if count == 1 else many or f'{one}s'}"


# ---------------------------------------------------------------------------------------------------------- requests


def asked_by(client: str, urgency: Urgency, model: str) -> str:
    """Who asked, how soon it is needed, and of which model: `Recognize, batch · reader`."""
    added = {Urgency.INTERACTIVE: "", Urgency.NORMAL: "in background", Urgency.BATCH: "batch"}[urgency]
    who = ", ".join(filter(None, (client, added)))
    return " · ".join(filter(None, (who[:1].upper() + who[1:], model)))


def starts(request: QueuedRequest, *, is_paused: bool) -> str:
    """When it begins, in a word or two; of one that runs, when it ends."""
    if request.state is RequestState.RUNNING:
        return UNKNOWN if request.ends_in_s is None else _in(request.ends_in_s)
    if is_paused:
        return "paused"
    if request.starts_in_s is not None:
        return _in(request.starts_in_s)
    return "in gaps" if request.urgency is Urgency.BATCH else UNKNOWN


def starts_in_words(request: QueuedRequest, *, is_paused: bool) -> str:
    """The same as a clause, for those who hear it and for tooltips."""
    said = starts(request, is_paused=is_paused)
    verb = "ends" if request.state is RequestState.RUNNING else "starts"
    if said == UNKNOWN:
        return f"nobody can say yet when it {verb}"
    if said == "paused":
        return "new work is paused"
    return f"{verb} {said}"


def reason_of(request: QueuedRequest) -> str:
    """Why it stands where it stands; of one that runs, how far it is."""
    if request.state is RequestState.RUNNING:
        return progress_of(request)
    if request.state is RequestState.LOADING and request.load_progress is not None:
        loading = f"{request.model} is being loaded, {percent(request.load_progress)}."
        return loading if not request.reason else f"{request.reason} {loading}"
    if request.reason:
        return request.reason
    if request.state is RequestState.PREPARING:
        return "Its model is being found and its prompt made ready."
    return "It waits for its turn."


def progress_of(request: QueuedRequest) -> str:
    """How far a request is that runs."""
    if request.form == "image":
        return f"Looking at the picture{_of(request)}"
    if request.form == "texts":
        return f"Making vectors of texts{_of(request)}"
    if request.prefilled_s is None:
        read = f", {request.prompt_done:,} of {request.prompt_tokens:,}{NBSP}tokens" if request.prompt_tokens else ""
        return f"Reading the prompt{read}"
    about = request.output_expected
    whole = f" of about {about:,}" if about > request.output_tokens else ""
    speed = request.output_tokens / request.prefilled_s if request.prefilled_s > 1 else 0.0
    pace = f", {speed:,.0f}{NBSP}tok/s" if speed >= 1 else ""
    return f"Answering, {request.output_tokens:,}{whole}{NBSP}tokens{pace}"


def _of(request: QueuedRequest) -> str:
    many = max(request.output_expected, request.output_tokens)
    return f", {request.output_tokens:,} of {many:,}" if many > 1 else ""


def has_output(request: QueuedRequest) -> bool:
    """Whether something would be lost with it."""
    return request.output_tokens > 0


def _in(seconds: float) -> str:
    return f"in{NBSP}{duration(seconds)}" if seconds >= 0.05 else "now"


# -------------------------------------------------------------------------------------------------------------- lanes


def lane_titles(lanes: Sequence[LaneWork]) -> dict[str, str]:
    """What each lane is called, by name: `CPU`, `CPU pictures`, `GPU`, or `GPU 1` where there are several."""
    devices = {lane.device or lane.name for lane in lanes}
    kinds = [_kind(device) for device in devices]
    titles = {}
    for lane in lanes:
        device = lane.device or lane.name
        kind = _kind(device)
        title = _KINDS.get(kind, device)
        if kind in _KINDS and kinds.count(kind) > 1:
            title = f"{title}{NBSP}{device.partition(':')[2] or '0'}"
        rest = lane.name.removeprefix(device).strip("-:/ ")
        titles[lane.name] = f"{title} {_PARTS.get(rest, rest)}".strip()
    return titles


def spoken_lane(name: str, titles: Mapping[str, str]) -> str:
    """Title of a lane that may have gone since: `GPU`."""
    if name in titles or not name:
        return titles.get(name, "")
    return lane_titles((LaneWork(name=name, device=re.split(r"-", name)[0]),))[name]


def _kind(device: str) -> str:
    return device.partition(":")[0]


def running_summary(running: Sequence[QueuedRequest]) -> str:
    """`4 answers and 16 pictures on 3 devices`."""
    if not running:
        return "nothing runs"
    forms = [request.form for request in running]
    kinds = (("text", "answer"), ("image", "picture"), ("texts", "set of texts"))
    many = {"texts": "sets of texts"}
    parts = [counted(forms.count(form), one, many.get(form, "")) for form, one in kinds if form in forms]
    lanes = len({_kind_of_lane(request.lane) for request in running if request.lane})
    where = f" on {counted(lanes, 'device')}" if lanes > 1 else ""
    return f"{', '.join(parts[:-1])}{' and ' if len(parts) > 1 else ''}{parts[-1]}{where}"


def _kind_of_lane(lane: str) -> str:
    return lane.partition("-")[0]
