"""Chooses where a request runs: the place where it is predicted to be done first. Pure: no clock, no threads, no files.

For every variant of the model and every place where it fits (`layouts.py`), the cost is the predicted time to the end:

    cost = first_token_s + token_s · expected tokens,   first_token_s = load_s + wait_s + prompt_s

- An answer joins those that the same model is writing there already, so that it does not wait for them; its tokens take
  longer by the arithmetic of theirs (`Speed.beside`). It waits for requests of that model that have not begun.
- Other models of the device take turns with it, step by step: each of them delays it by what that model has to do, but
  not by more than the request itself takes.
- Pictures and texts to embed wait for all that their own model has to do.

Of several variants the finest that is comfortable wins, else the fastest. A variant is comfortable if there is a place
where an answer, once the model is loaded, would be written at 10 tokens/s or faster, waiting included; a picture or
texts to embed have half a second. Loading does not count, or a finer variant would never be loaded.

A choice is kept until another is better by a tenth and by 50 ms, and a tenth is also what another variant must be
beyond comfortable: rates are measured, and loads change, so two places that are about equal would otherwise take turns,
and every change loads a model.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from engine.backends.base import DeviceTarget
from engine.devices.layouts import Layout, layouts_of
from engine.devices.prediction import Speed, predict_graph, predict_shares
from engine.devices.reasons import note_of, reason_of, refusal_of
from engine.devices.situation import Backlog, Demand, DemandKind, Seen, Situation, Spot, Variant
from engine.hardware import Candidate, PlacementReport

COMFORTABLE_TOKENS_PER_S: Final = 10.0
"""A little faster than people read."""
COMFORTABLE_S: Final = 0.5
"""For a picture, or for texts to embed."""
KEPT_SHARE: Final = 0.1
KEPT_S: Final = 0.05
"""Another place must be better by this share and by this time, or the choice is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """A place for the request, and what is predicted for it.

    Attributes:
        candidate: as people see it.
        target: where a backend is to load it.
        needed_bytes: of the memory of the device, or of all together; 0 on the processor, or where it is loaded.
        cost_s: predicted time to the end; None if it cannot run there, or nothing was measured.
        bits: per weight of the variant.
    """

    candidate: Candidate
    target: DeviceTarget
    needed_bytes: int = 0
    cost_s: float | None = None
    bits: float = 0.0

    @property
    def spot(self) -> Spot:
        """What it is known by."""
        it = self.candidate
        return Spot(model=it.model, device=it.device, interface=it.interface, layers=it.layers)

    @property
    def is_possible(self) -> bool:
        """Whether it can run there."""
        return not self.candidate.refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What was decided.

    Attributes:
        choice: where it runs; None if nowhere.
        options: all of them, best first, the impossible ones last. Without the choice, the next one would be it.
        override: device that a person has chosen; empty for none.
        refusal: why it runs nowhere, in one sentence; empty if it runs.
    """

    choice: Option | None
    options: tuple[Option, ...]
    override: str = ""
    refusal: str = ""

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """Best first, the impossible ones last."""
        return tuple(option.candidate for option in self.options)

    def report(self, model: str) -> PlacementReport:
        """For people.

        Args:
            model: what was asked for.
        """
        choice = None if self.choice is None else self.choice.candidate
        return PlacementReport(model=model, choice=choice, candidates=self.candidates, override=self.override)


def decide(
    demand: Demand,
    variants: Sequence[Variant],
    situation: Situation,
    *,
    previous: Spot | None = None,
    override: str = "",
) -> Decision:
    """Decide where a request runs.

    Args:
        demand: the request.
        variants: files that may serve it, in any order.
        situation: the machine at this moment.
        previous: what was chosen for the last such request.
        override: device that a person has chosen; nothing else is taken then, but the rest says what it would cost.
    """
    found = [option for variant in variants for option in _options_of(variant, demand, situation, previous)]
    allowed = [option for option in found if option.is_possible and override in {"", option.target.device}]
    barred = [option for option in found if option.is_possible and override not in {"", option.target.device}]
    impossible = sorted((option for option in found if not option.is_possible), key=_order)
    ranked = _ranked(allowed, demand, previous)
    best = ranked[0] if ranked else None
    ordered = [*ranked, *_ranked(barred, demand, None), *impossible]
    explained = [_explained(option, ordered, override) for option in ordered]
    return Decision(
        choice=explained[0] if best is not None else None,
        options=tuple(explained),
        override=override,
        refusal="" if best is not None else refusal_of([option.candidate for option in impossible], override),
    )


def _explained(option: Option, ordered: Sequence[Option], override: str) -> Option:
    """Say why it is where it is."""
    if not option.is_possible:
        return option
    others = [other.candidate for other in ordered if other is not option and other.is_possible]
    costs = {it.candidate: it.cost_s for it in ordered}
    reason = reason_of(option.candidate, ordered[0].candidate, others, costs, override)
    return replace(option, candidate=replace(option.candidate, reason=reason))


def _options_of(variant: Variant, demand: Demand, situation: Situation, previous: Spot | None) -> list[Option]:
    """What is worth considering: of several numbers of layers on one device, the most, the fastest, the last choice."""
    groups: dict[tuple[str, str], list[Option]] = {}
    for layout in layouts_of(variant, demand, situation):
        option = _option(variant, demand, situation, layout)
        groups.setdefault((layout.target.device, layout.target.interface), []).append(option)
    chosen: list[Option] = []
    for options in groups.values():
        fastest = min(options, key=_order)  # the first of equal ones has the most layers
        chosen += [option for option in options if option in (options[0], fastest) or option.spot == previous]
    return chosen


def _option(variant: Variant, demand: Demand, situation: Situation, layout: Layout) -> Option:
    """Predict a layout."""
    candidate = Candidate(
        model=variant.id,
        device=layout.target.device,
        interface=layout.target.interface,
        layers=layout.layers,
        total_layers=variant.shape.layers,
        needed_bytes=layout.whole_bytes if layout.refusal else layout.needed_bytes,
        is_loaded=layout.is_loaded,
        refusal=layout.refusal,
        reason=note_of(layout, variant.shape.layers),  # what is said of its order is put before it
    )
    own_memory = 0 if layout.target.device == "cpu" or layout.refusal else layout.needed_bytes
    option = Option(
        candidate=candidate, target=layout.target, needed_bytes=own_memory, bits=variant.shape.bits_per_weight
    )
    speed = _speed(variant, demand, situation, layout)
    if layout.refusal or speed is None:
        return option
    return _timed(option, demand, speed, _backlogs(situation, layout.parts))


def _speed(variant: Variant, demand: Demand, situation: Situation, layout: Layout) -> Speed | None:
    """Predicted, and corrected by what was seen; None if nothing is known."""
    seen = situation.seen.get((variant.id, layout.target.device), Seen())
    if not layout.is_loaded and layout.layers < variant.shape.layers:
        seen = Seen()  # that was with another number of layers, perhaps
    if not layout.shares:
        if seen.token_s is None:
            return None
        return Speed(token_s=seen.token_s, more_s=seen.more_s or 0.0)
    if not variant.shape.layers:
        return seen.corrected(predict_graph(variant.shape, layout.shares[0].rates))
    past_tokens = demand.prompt_tokens + demand.output_tokens / 2
    return seen.corrected(predict_shares(variant.shape, layout.shares, past_tokens=past_tokens))


def _timed(option: Option, demand: Demand, speed: Speed, backlogs: Sequence[Sequence[Backlog]]) -> Option:
    """Work out when the first token and the end are there."""
    candidate = option.candidate
    load_s = 0.0 if candidate.is_loaded else speed.load_s
    own = [backlog for device in backlogs for backlog in device if backlog.model == candidate.model]
    is_text = demand.kind is DemandKind.TEXT
    reads = is_text or (demand.kind is DemandKind.TEXTS and candidate.total_layers > 0)
    work_s = speed.prompt_s(demand.prompt_tokens) if reads else speed.token_s
    token_s = speed.beside(sum(backlog.running for backlog in own)) if is_text else None
    ahead_s = sum(backlog.waiting_s + (0.0 if is_text else backlog.left_s) for backlog in own)
    all_s = work_s + (token_s or 0.0) * demand.output_tokens
    # Of the devices that share the work, the one with most to do holds it up.
    turns_s = max(
        sum(min(it.left_s + it.waiting_s, all_s) for it in device if it.model != candidate.model) for device in backlogs
    )
    wait_s = ahead_s + turns_s
    first_s = load_s + wait_s + work_s
    timed = replace(candidate, first_token_s=first_s, token_s=token_s, load_s=load_s, wait_s=wait_s)
    return replace(option, candidate=timed, cost_s=first_s + (token_s or 0.0) * demand.output_tokens)


def _backlogs(situation: Situation, parts: Sequence[str]) -> list[tuple[Backlog, ...]]:
    by_id = {state.info.id: state.backlogs for state in situation.devices}
    return [by_id.get(part, ()) for part in parts] or [()]


def _order(option: Option) -> tuple[bool, float, bool, float, str, str, str, int]:
    """By cost, those of unknown cost last; a total order, so that the order of what was given makes no difference."""
    it, cost_s = option.candidate, option.cost_s
    is_risky = cost_s is None and it.device != "cpu"  # where nothing was measured, the processor is the safest guess
    return (cost_s is None, cost_s or 0.0, is_risky, -option.bits, it.device, it.model, it.interface, -it.layers)


def _ranked(options: Sequence[Option], demand: Demand, previous: Spot | None) -> list[Option]:
    """Best first; each of the others is what would be chosen if those before it were impossible."""
    left, ranked = sorted(options, key=_order), list[Option]()
    while left:
        best = _best(left, demand, previous)
        ranked.append(best)
        left.remove(best)
        previous = None  # only the choice itself is kept
    return ranked


def _best(options: Sequence[Option], demand: Demand, previous: Spot | None) -> Option:
    """Of options in order of cost: the first of the finest comfortable variant, or the first, or the last choice."""
    finest = _finest_comfortable(options, demand, previous)
    best = next(option for option in options if finest in {None, option.candidate.model})
    kept = next((option for option in options if option.spot == previous), None)
    if kept is None or (finest is not None and kept.candidate.model != finest):
        return best
    if kept.cost_s is None or best.cost_s is None:
        return best
    is_much_better = best.cost_s <= kept.cost_s * (1 - KEPT_SHARE) and kept.cost_s - best.cost_s >= KEPT_S
    return best if is_much_better else kept


def _finest_comfortable(options: Sequence[Option], demand: Demand, previous: Spot | None) -> str | None:
    """Id of the finest variant that is comfortable; None if none is."""
    comfortable = []
    for option in options:
        it, margin = option.candidate, 1.0
        if previous is not None:
            margin = 1 - KEPT_SHARE if it.model == previous.model else 1 + KEPT_SHARE
        if (felt_s := _felt_s(option, demand)) is not None and felt_s * margin <= 1:
            comfortable.append((option.bits, it.model))
    return max(comfortable)[1] if comfortable else None


def _felt_s(option: Option, demand: Demand) -> float | None:
    """How long it would take once it is loaded, as a share of what is comfortable; None if unknown."""
    it = option.candidate
    if option.cost_s is None or it.first_token_s is None:
        return None
    if demand.kind is not DemandKind.TEXT or it.token_s is None:
        return (it.first_token_s - it.load_s) / COMFORTABLE_S
    return (it.wait_s / max(1, demand.output_tokens) + it.token_s) * COMFORTABLE_TOKENS_PER_S
