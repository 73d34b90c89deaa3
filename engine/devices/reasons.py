"""The sentences of the dispatcher: why a place was chosen, why not, and what it would cost."""

from collections.abc import Mapping, Sequence

from engine.devices.layouts import Layout
from engine.devices.room import gigabytes
from engine.hardware import Candidate

_WORTH_SAYING_S = 0.05


def note_of(layout: Layout, total_layers: int) -> str:
    """What is to be said of a model that is only partly on a device; empty if all of it is."""
    if layout.refusal or layout.layers == total_layers:
        return ""
    count = f"{layout.layers} of {total_layers} layers"
    if layout.is_loaded or layout.room_bytes is None or layout.whole_bytes <= layout.room_bytes:
        return f"{count} are there"
    free = gigabytes(layout.room_bytes)
    return f"{layout.target.device} needs {gigabytes(layout.whole_bytes)}, but {free} are free: {count} fit"


def reason_of(
    candidate: Candidate,
    choice: Candidate,
    others: Sequence[Candidate],
    costs: Mapping[Candidate, float | None],
    override: str,
) -> str:
    """Why a possible candidate is where it is in the order, in one sentence.

    Args:
        candidate: which; its `reason` is what `note_of` has said.
        choice: the first of all.
        others: the other possible ones, best first.
        costs: predicted times to the end.
        override: device that a person has chosen; empty for none.
    """
    if candidate == choice and override in {"", candidate.device}:
        words = _why_chosen(candidate, others, costs, override)
    else:
        words = _why_not(candidate, choice, costs, override)
    return f"{words}{'; ' if candidate.reason else ''}{candidate.reason}."


def refusal_of(impossible: Sequence[Candidate], override: str) -> str:
    """Why nothing can run, in one sentence.

    Args:
        impossible: all candidates that are refused.
        override: device that a person has chosen; empty for none.
    """
    if override:
        own = [it.refusal for it in impossible if it.device == override]
        return own[0] if own else f"{override} cannot run it."
    refusals = {it.device: it.refusal for it in reversed(impossible)}
    if not refusals:
        return "There is no device that could run it."
    return refusals.get("cpu", next(iter(refusals.values())))


def seconds(duration_s: float) -> str:
    """For people: `45 ms`, `0.4 s`, `12 s`, `3 min`."""
    if duration_s < 0.0995:
        return f"{duration_s * 1e3:.0f} ms"
    if duration_s < 9.95:
        return f"{duration_s:.1f} s"
    return f"{duration_s:.0f} s" if duration_s < 120 else f"{duration_s / 60:.0f} min"


def _rate(tokens_per_s: float) -> str:
    return f"{tokens_per_s:,.0f}" if tokens_per_s >= 99.5 else f"{tokens_per_s:.3g}"


def _why_chosen(
    candidate: Candidate, others: Sequence[Candidate], costs: Mapping[Candidate, float | None], override: str
) -> str:
    cost_s, prediction = costs[candidate], _prediction(candidate)
    if override:
        return f"Chosen by hand: {prediction}"
    if not others:
        return f"The only place where it can run: {prediction}"
    known = [(other_s, it) for it in others if (other_s := costs[it]) is not None]
    if cost_s is None or not known:
        return f"Nothing else is known to be better: {prediction}"
    sooner_s, fastest = min(known, key=lambda pair: pair[0])
    if sooner_s >= cost_s:
        return f"Done first: {prediction}"
    if candidate.model != fastest.model:
        return f"The finest variant that is fast enough: {prediction}"
    return f"Kept, because {fastest.device} would be done only {seconds(cost_s - sooner_s)} sooner: {prediction}"


def _why_not(candidate: Candidate, choice: Candidate, costs: Mapping[Candidate, float | None], override: str) -> str:
    cost_s, best_s = costs[candidate], costs[choice]
    prediction = _prediction(candidate)
    if override:
        return f"{override} was chosen by hand; here {prediction}"
    if cost_s is None or best_s is None:
        return prediction
    where = choice.device if choice.device != candidate.device else choice.model
    if choice == candidate or (where == candidate.model and choice.device == candidate.device):
        where = "with the other number of layers"
    later_s = cost_s - best_s
    compared = f"done {seconds(abs(later_s))} {'later' if later_s >= 0 else 'sooner'} than {where}"
    return f"{prediction}; {compared}"


def _prediction(candidate: Candidate) -> str:
    if candidate.first_token_s is None:
        return "its speed has not been measured"
    words = f"result after {seconds(candidate.first_token_s)}"
    if candidate.tokens_per_s is not None:
        words = f"{_rate(candidate.tokens_per_s)} tokens/s, first token after {seconds(candidate.first_token_s)}"
    parts = [(candidate.load_s, "loading"), (candidate.wait_s, "waiting")]
    said = [f"{seconds(part_s)} {name}" for part_s, name in parts if part_s >= _WORTH_SAYING_S]
    return f"{words} ({', '.join(said)})" if said else words
