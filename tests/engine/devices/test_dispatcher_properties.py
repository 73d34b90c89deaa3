"""What must hold for every machine, every model and every moment."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from engine.devices.dispatcher import KEPT_S, KEPT_SHARE, decide
from engine.devices.room import compute_bytes, host_bytes
from engine.devices.situation import Backlog, Demand, Situation, Variant
from tests.engine.devices.dispatching import (
    FACTORS,
    GB,
    TEXT,
    VARIANTS,
    demands,
    device,
    machines,
    model,
    noisy,
    situation,
)

common = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])


@st.composite
def questions(draw: st.DrawFn) -> tuple[Demand, tuple[Variant, ...], Situation]:
    variants = draw(VARIANTS)
    return draw(demands(variants)), variants, draw(machines())


@common
@given(questions())
def test_what_does_not_fit_is_never_chosen(question):
    demand, variants, moment = question
    shapes = {variant.id: variant.shape for variant in variants}
    states = {state.info.id: state for state in moment.devices}
    for option in decide(demand, variants, moment).options:
        it = option.candidate
        if it.refusal or it.is_loaded:
            continue
        shape, parts = shapes[it.model], [states[name] for name in it.device.split("+")]
        assert not any(state.failure for state in parts)
        own = [s for s in parts if not s.info.shares_memory and s.info.id != "cpu"]
        rooms = [s.free_bytes + s.idle_bytes for s in own if s.free_bytes is not None]
        if len(rooms) == len(parts):
            assert it.needed_bytes <= sum(rooms)
        if not own:
            assert it.needed_bytes <= moment.room_bytes
        if shape.layers and it.device != "cpu" and len(parts) == 1:
            rest = host_bytes(shape, it.layers, demand.cells)
            assert rest + (0 if own else it.needed_bytes) <= moment.room_bytes
        if shape.layers:  # no sum is below the weights and keys that it must hold
            share = it.layers / shape.layers
            assert (
                it.needed_bytes >= int(shape.layer_bytes * share) + shape.kv_bytes_per_token * demand.cells * share - 1
            )
            assert it.needed_bytes >= compute_bytes(shape, demand.cells)


@common
@given(questions(), st.randoms())
def test_the_order_of_devices_and_variants_makes_no_difference(question, random):
    demand, variants, moment = question
    shuffled = replace(
        moment,
        devices=tuple(random.sample(moment.devices, len(moment.devices))),
        rates=tuple(random.sample(moment.rates, len(moment.rates))),
    )
    assert decide(demand, random.sample(variants, len(variants)), shuffled) == decide(demand, variants, moment)


@common
@given(questions())
def test_the_order_is_total_and_the_next_is_what_would_be_chosen_without_the_best(question):
    demand, variants, moment = question
    decision = decide(demand, variants, moment)
    spots = [option.spot for option in decision.options if option.is_possible]
    assert len(set(spots)) == len(spots)
    possible = [option.is_possible for option in decision.options]
    assert possible == sorted(possible, reverse=True)
    assert decision.choice == (decision.options[0] if spots else None)
    assert bool(decision.refusal) == (decision.choice is None)
    for option in decision.options:
        it = option.candidate
        assert it.refusal.endswith(".") or it.reason.endswith(".")
        assert (it.first_token_s is None) == (option.cost_s is None)
        assert it.first_token_s is None or it.first_token_s >= it.load_s + it.wait_s
    if decision.choice is not None and len(variants) == 1:
        rest = replace(moment, refused={(it.candidate.model, it.target.device): "No." for it in decision.options[:1]})
        others = [spot for spot in spots if spot.device != spots[0].device]
        found = decide(demand, variants, rest).choice
        # What is on several devices becomes possible only then, or impossible, with one of them.
        if others and found is not None and "+" not in found.candidate.device + others[0].device:
            assert found.spot == others[0]


@common
@given(questions(), st.sampled_from(["cpu", "gpu:0", "gpu:1", "npu:0", "gpu:7", "gpu:0+gpu:1"]))
def test_what_a_person_has_chosen_is_respected(question, override):
    demand, variants, moment = question
    decision, free = decide(demand, variants, moment, override=override), decide(demand, variants, moment)
    assert decision.override == override
    if decision.choice is not None:
        assert decision.choice.target.device == override
    else:
        assert decision.refusal.endswith(".")
        assert not any(option.is_possible and option.target.device == override for option in free.options)
    assert {option.spot for option in decision.options} == {option.spot for option in free.options}
    costs = {option.spot: option.cost_s for option in free.options}
    assert all(option.cost_s == costs[option.spot] for option in decision.options)


@common
@given(questions(), st.data())
def test_a_choice_is_stable_under_noise(question, data):
    demand, variants, moment = question
    first = decide(demand, variants, moment).choice
    assume(first is not None and first.cost_s is not None)
    assume(all(option.cost_s is not None for option in decide(demand, variants, moment).options if option.is_possible))
    previous = first.spot
    for _ in range(3):
        again = noisy(moment, lambda: data.draw(st.floats(0.95, 1.05)))
        assert decide(demand, variants, again, previous=previous).choice.spot == previous


@common
@given(questions(), st.data())
def test_a_choice_is_left_only_for_one_that_is_clearly_better(question, data):
    demand, variants, moment = question
    variants = variants[:1]
    options = [o for o in decide(demand, variants, moment).options if o.is_possible and o.cost_s is not None]
    assume(options)
    kept = data.draw(st.sampled_from(options))
    choice = decide(demand, variants, moment, previous=kept.spot).choice
    is_clear = options[0].cost_s <= kept.cost_s * (1 - KEPT_SHARE) and kept.cost_s - options[0].cost_s >= KEPT_S
    assert choice.spot == (options[0].spot if is_clear else kept.spot)


@common
@given(FACTORS, FACTORS, st.sampled_from([0.1, 1.1, 7.0]))
def test_idle_the_faster_device_wins(first, second, billions):
    moment = situation(device("gpu:0", 90 * GB), device("gpu:1", 90 * GB), speeds={"gpu:0": first, "gpu:1": second})
    choice = decide(TEXT, [model(billions=billions)], moment).choice
    assert choice.candidate.device == ("gpu:0" if first >= second else "gpu:1")


@common
@given(st.floats(1.0, 50.0), st.floats(0.0, 100.0))
def test_a_busy_fast_device_loses_to_an_idle_slower_one_exactly_when_the_prediction_says_so(factor, waiting_s):
    work = (Backlog(model="m-q4", waiting_s=waiting_s),)
    busy = device("gpu:0", 90 * GB, backlogs=work)
    moment = situation(busy, device(), speeds={"gpu:0": factor, "cpu": 1.0})
    idle = situation(device("gpu:0", 90 * GB), device(), speeds={"gpu:0": factor, "cpu": 1.0})
    costs = {option.target.device: option.cost_s for option in decide(TEXT, [model()], idle).options}
    choice = decide(TEXT, [model()], moment).choice
    assert choice.cost_s == pytest.approx(min(costs["cpu"], costs["gpu:0"] + waiting_s))
    if abs(costs["cpu"] - costs["gpu:0"] - waiting_s) > 1e-6:
        assert choice.candidate.device == ("cpu" if costs["cpu"] < costs["gpu:0"] + waiting_s else "gpu:0")


@common
@given(questions(), st.floats(1.01, 5.0))
def test_faster_rates_never_make_a_place_slower(question, factor):
    demand, variants, moment = question
    names = {state.info.id for state in moment.devices if any(one.device == state.info.id for one in moment.rates)}
    assume(names)
    name = min(names)
    faster = replace(
        moment,
        rates=tuple(
            replace(
                one,
                decode_bytes_per_s={kind: rate * factor for kind, rate in one.decode_bytes_per_s.items()},
                prefill_flops={kind: rate * factor for kind, rate in one.prefill_flops.items()},
                graph_flops=one.graph_flops * factor,
            )
            if one.device == name
            else one
            for one in moment.rates
        ),
    )
    before = {o.spot: o.cost_s for o in decide(demand, variants, moment).options if o.cost_s is not None}
    for option in decide(demand, variants, faster).options:
        if option.spot in before:
            assert option.cost_s <= before[option.spot] * (1 + 1e-9)
